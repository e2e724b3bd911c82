//! The accept loop: one request a connection, few connections at once, and a short time for each.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt, Full, Limited};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;

use super::Admin;
use super::answers::{Request, Response};
use super::guard::Reach;
use crate::telemetry::LogFilter;

/// Connections at once. A scraper has one; what is above is closed unheard.
const MAX_CONNECTIONS: usize = 32;
/// How long a connection may last, from its first byte to the last one of the answer.
const CONNECTION_TIMEOUT: Duration = Duration::from_secs(10);
/// The most bytes of a request's head.
const MAX_HEAD_BYTES: usize = 16 * 1024;
/// The most bytes of a request's body, which is a filter at the most.
const MAX_BODY_BYTES: usize = 4 * 1024;
/// How long to wait if the system has no file descriptor to spare.
const PAUSE_WITHOUT_DESCRIPTOR: Duration = Duration::from_millis(50);

/// The listener, ready to serve.
pub struct AdminListener {
    listener: TcpListener,
    admin: Admin,
}

impl AdminListener {
    /// Answers nothing before [`AdminListener::serve`].
    pub fn new(listener: TcpListener, admin: Admin) -> Self {
        Self { listener, admin }
    }

    /// The same, with the filter of the process's log.
    #[must_use]
    pub fn with_log_filter(self, log: LogFilter) -> Self {
        Self { admin: Admin { log, ..self.admin }, ..self }
    }

    /// The address on which it listens.
    ///
    /// # Errors
    /// If the system does not tell.
    pub fn address(&self) -> io::Result<SocketAddr> {
        self.listener.local_addr()
    }

    /// Answers for as long as it is polled.
    pub async fn serve(self) {
        let (admin, places) = (Arc::new(self.admin), Arc::new(Semaphore::new(MAX_CONNECTIONS)));
        loop {
            let (stream, peer) = match self.listener.accept().await {
                Ok(accepted) => accepted,
                Err(error) => {
                    tracing::debug!(%error, "cannot accept a connection of the admin listener");
                    tokio::time::sleep(PAUSE_WITHOUT_DESCRIPTOR).await;
                    continue;
                }
            };
            let Ok(place) = Arc::clone(&places).try_acquire_owned() else { continue };
            let admin = Arc::clone(&admin);
            tokio::spawn(async move {
                let ended = tokio::time::timeout(CONNECTION_TIMEOUT, converse(&admin, stream, peer)).await;
                if !matches!(ended, Ok(Ok(()))) {
                    tracing::debug!("a connection of the admin listener ended early");
                }
                drop(place);
            });
        }
    }
}

async fn converse(admin: &Admin, stream: TcpStream, peer: SocketAddr) -> hyper::Result<()> {
    // A socket that does not tell its address counts as one that other machines reach.
    let local = stream.local_addr().ok();
    let reach = Reach { listener: local.map(|local| local.ip()), peer: peer.ip() };
    let service = service_fn(move |request: http::Request<Incoming>| async move {
        Ok::<_, std::convert::Infallible>(answer(admin, reach, request).await.map(Full::new))
    });
    let mut server = http1::Builder::new();
    server
        .keep_alive(false)
        .max_buf_size(MAX_HEAD_BYTES)
        .serve_connection(TokioIo::new(stream), service)
        .await
}

async fn answer(admin: &Admin, reach: Reach, request: http::Request<Incoming>) -> Response {
    let (head, body) = request.into_parts();
    let body = Limited::new(body, MAX_BODY_BYTES).collect().await;
    let body = body.map_or_else(|_| Bytes::new(), http_body_util::Collected::to_bytes);
    admin.answer(reach, &Request::from_parts(head, body))
}
