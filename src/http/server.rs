//! The accept loop: a limited number of connections, deadlines for each, and a stop that loses no response.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt;
use http::header::{CONNECTION, HeaderValue};
use http_body_util::{Either, Full};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use hyper_util::server::graceful::{GracefulShutdown, Watcher};
use tokio::net::{TcpListener, TcpStream};

use super::HttpService;
use super::arriving_body::Leftover;
use super::connections::{Connections, Limits, Place};
use super::deadlines::Paced;

/// The most bytes of a request's head.
const HEAD_LIMIT: usize = 32 * 1024;
/// If a head has more bytes than this, the connection is closed after its response: otherwise hyper would
/// keep the buffer that it has grown for the head.
const LARGE_HEAD: usize = 8 * 1024;
/// How long running requests may take to end after the server was asked to stop.
const DRAIN: Duration = Duration::from_secs(9);
/// How long the server takes to read data that has arrived before it closes idle connections at the end.
const UNREAD: Duration = Duration::from_millis(150);
/// How long to wait if the system has no free file descriptor.
const NO_DESCRIPTOR: Duration = Duration::from_millis(50);

/// Answers connections from `listener` until `stop`, then lets running requests end.
pub async fn serve(
    listener: TcpListener,
    service: Arc<HttpService>,
    limits: Limits,
    stop: impl Future<Output = ()>,
) {
    let graceful = GracefulShutdown::new();
    let connections = Connections::new(limits, service.connection_metrics());
    // If there is no place, the socket closes with the value.
    let greet = |(stream, peer): (TcpStream, SocketAddr)| {
        if let Some(place) = connections.admit(peer.ip()) {
            tokio::spawn(converse(stream, peer.ip(), Arc::clone(&service), graceful.watcher(), place));
        }
    };
    let mut stop = std::pin::pin!(stop);
    loop {
        let accepted = tokio::select! {
            biased;
            () = &mut stop => break,
            accepted = listener.accept() => accepted,
        };
        match accepted {
            Ok(accepted) => greet(accepted),
            Err(error) if is_of_one_connection(&error) => {}
            Err(error) => {
                tracing::warn!(%error, "cannot accept connections for now");
                tokio::time::sleep(NO_DESCRIPTOR).await;
            }
        }
    }
    // A client that has connected by now gets a response: closing the listener would reset its connection.
    while let Some(Ok(accepted)) = listener.accept().now_or_never() {
        greet(accepted);
    }
    drop(listener);
    service.close();
    // A request that has arrived but was not read yet is running as well; its connection must not count as
    // idle.
    tokio::time::sleep(UNREAD).await;
    tracing::info!("stopping: no new connections; running requests are being answered");
    if tokio::time::timeout(DRAIN, graceful.shutdown()).await.is_err() {
        tracing::warn!("some requests did not end in time and are cut off");
    }
}

/// One connection, all its requests in turn.
async fn converse(
    stream: TcpStream,
    peer: IpAddr,
    service: Arc<HttpService>,
    watcher: Watcher,
    place: Place,
) {
    if let Err(error) = stream.set_nodelay(true) {
        tracing::debug!(%error, "cannot turn off Nagle's algorithm");
    }
    let (progress, leftover) = (place.progress(), Leftover::default());
    let stream = TokioIo::new(Paced::new(stream, progress.clone()));
    let service = service_fn(|request: http::Request<hyper::body::Incoming>| {
        progress.begin();
        let large = progress.head_exceeds(LARGE_HEAD);
        let (head, body) = request.into_parts();
        let body = Either::Left(leftover.watch(&head.headers, body));
        let answer = service.answer(http::Request::from_parts(head, body), peer);
        let leftover = &leftover;
        async move {
            let mut response = answer.await;
            let is_read = leftover.discard().await;
            if large || !is_read {
                response.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
            }
            progress.end();
            Ok::<_, std::convert::Infallible>(response.map(Full::new))
        }
    });
    let mut connection = http1::Builder::new().max_buf_size(HEAD_LIMIT).serve_connection(stream, service);
    // When asked to stop, hyper closes a connection from which it has read nothing: so this reads once first.
    let ended = match (&mut connection).now_or_never() {
        Some(ended) => ended,
        None => tokio::select! {
            biased;
            () = progress.told_to_close() => return,
            ended = watcher.watch(connection) => ended,
        },
    };
    if let Err(error) = ended {
        tracing::debug!(%error, "a connection ended early");
    }
}

/// Whether only the connection that was being accepted is lost.
fn is_of_one_connection(error: &io::Error) -> bool {
    use io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset};
    matches!(error.kind(), ConnectionAborted | ConnectionRefused | ConnectionReset)
}
