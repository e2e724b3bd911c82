//! The upper limit for any server with this HTTP library: hyper alone, which sends recorded answers.

use std::collections::HashMap;
use std::convert::Infallible;
use std::fs;
use std::net::Ipv4Addr;
use std::path::PathBuf;
use std::sync::Arc;

use anyhow::{Context, Result};
use bytes::Bytes;
use clap::Args;
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::header::{CONNECTION, CONTENT_LENGTH, DATE, HeaderMap, HeaderName, HeaderValue};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use tokio::net::{TcpListener, TcpStream};

use crate::answer::Answer;

/// What to serve.
#[derive(Args)]
pub struct Options {
    #[arg(long)]
    port: u16,
    /// A path, and a file with the answer as `record` prints it
    #[arg(long = "answer", value_name = "PATH=FILE", value_parser = path_and_file)]
    answers: Vec<(String, PathBuf)>,
}

/// Answers by their paths.
type Recorded = HashMap<String, Response<Full<Bytes>>>;

/// Serves until killed.
pub fn run(options: &Options) -> Result<()> {
    let recorded = options.answers.iter().map(|(path, file)| Ok((path.clone(), response(file)?)));
    let recorded = Arc::new(recorded.collect::<Result<Recorded>>()?);
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(async {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, options.port)).await?;
        loop {
            let (stream, _) = listener.accept().await?;
            tokio::spawn(converse(stream, Arc::clone(&recorded)));
        }
    })
}

async fn converse(stream: TcpStream, recorded: Arc<Recorded>) {
    let service = service_fn(|request| answer(request, &recorded));
    let nodelay = stream.set_nodelay(true);
    let served = http1::Builder::new().serve_connection(TokioIo::new(stream), service).await;
    if let (Err(error), _) | (_, Err(error)) =
        (nodelay.map_err(anyhow::Error::from), served.map_err(Into::into))
    {
        eprintln!("a connection ended early: {error}");
    }
}

/// The body is read, as ours has to; then it is forgotten.
async fn answer(
    request: Request<Incoming>,
    recorded: &Recorded,
) -> Result<Response<Full<Bytes>>, Infallible> {
    let response = recorded.get(request.uri().path()).cloned();
    let complete = request.into_body().collect().await.is_ok();
    Ok(response.filter(|_| complete).unwrap_or_else(|| {
        let mut refusal = Response::default();
        *refusal.status_mut() = StatusCode::NOT_FOUND;
        refusal
    }))
}

fn path_and_file(argument: &str) -> Result<(String, PathBuf), String> {
    let (path, file) = argument.split_once('=').ok_or("must be PATH=FILE")?;
    Ok((path.to_owned(), file.into()))
}

/// A recorded answer; its strings live as long as the process, so that a copy of it costs next to nothing.
fn response(file: &PathBuf) -> Result<Response<Full<Bytes>>> {
    let recorded: &'static [u8] = fs::read(file)?.leak();
    let answer = Answer::parse(recorded)?.context("the recorded answer is cut off")?;
    let (head, body) = recorded.split_at(answer.head);
    let mut response = Response::new(Full::new(Bytes::from_static(body)));
    *response.headers_mut() = headers(std::str::from_utf8(head)?)?;
    Ok(response)
}

/// The headers of a head, without those that hyper writes itself.
fn headers(head: &'static str) -> Result<HeaderMap> {
    let mut headers = HeaderMap::new();
    for (name, value) in head.lines().filter_map(|line| line.split_once(": ")) {
        headers.append(HeaderName::try_from(name)?, HeaderValue::from_static(value));
    }
    for written_by_hyper in [CONNECTION, CONTENT_LENGTH, DATE] {
        headers.remove(written_by_hyper);
    }
    Ok(headers)
}
