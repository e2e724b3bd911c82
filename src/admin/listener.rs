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
use tokio::sync::watch;
use tokio::time::timeout;

use super::Admin;
use super::answers::{Request, Response};
use super::guard::Reach;
use super::places::{Place, Places, Stage};
use crate::telemetry::LogFilter;

/// How long a connection may take to send its request.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(2);
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
        let (admin, places) = (Arc::new(self.admin), Places::default());
        loop {
            let (stream, peer) = match self.listener.accept().await {
                Ok(accepted) => accepted,
                Err(error) => {
                    tracing::debug!(%error, "cannot accept a connection of the admin listener");
                    tokio::time::sleep(PAUSE_WITHOUT_DESCRIPTOR).await;
                    continue;
                }
            };
            let Some((place, stage)) = places.take(peer.ip()) else { continue };
            let admin = Arc::clone(&admin);
            tokio::spawn(async move {
                if !within_deadlines(stage, converse(&admin, &place, stream, peer)).await {
                    tracing::debug!("a connection of the admin listener ended early");
                }
            });
        }
    }
}

/// Whether a conversation ended well before its deadlines, and before it had to give way.
async fn within_deadlines(
    mut stage: watch::Receiver<Stage>,
    conversation: impl Future<Output = hyper::Result<()>>,
) -> bool {
    let must_end = async {
        let is_complete = {
            let request = timeout(REQUEST_TIMEOUT, stage.wait_for(|stage| *stage != Stage::Silent)).await;
            request.is_ok_and(|stage| stage.is_ok_and(|stage| *stage == Stage::Complete))
        };
        if is_complete {
            // An error says that the connection has no place any more.
            let _ = stage.wait_for(|stage| *stage == Stage::GivesWay).await;
        }
    };
    tokio::select! {
        ended = timeout(CONNECTION_TIMEOUT, conversation) => matches!(ended, Ok(Ok(()))),
        () = must_end => false,
    }
}

async fn converse(admin: &Admin, place: &Place, stream: TcpStream, peer: SocketAddr) -> hyper::Result<()> {
    // A socket that does not tell its address counts as one that other machines reach.
    let local = stream.local_addr().ok();
    let reach = Reach { listener: local.map(|local| local.ip()), peer: peer.ip() };
    let service = service_fn(move |request: http::Request<Incoming>| async move {
        Ok::<_, std::convert::Infallible>(answer(admin, place, reach, request).await.map(Full::new))
    });
    let mut server = http1::Builder::new();
    server
        .keep_alive(false)
        .max_buf_size(MAX_HEAD_BYTES)
        .serve_connection(TokioIo::new(stream), service)
        .await
}

async fn answer(admin: &Admin, place: &Place, reach: Reach, request: http::Request<Incoming>) -> Response {
    let (head, body) = request.into_parts();
    let body = Limited::new(body, MAX_BODY_BYTES).collect().await;
    let body = body.map_or_else(|_| Bytes::new(), http_body_util::Collected::to_bytes);
    place.complete();
    admin.answer(reach, &Request::from_parts(head, body))
}

#[cfg(test)]
mod tests {
    use std::future::pending;

    use tokio::time::Instant;

    use super::*;

    /// The seconds after which a connection ends whose request is complete after so many seconds, and whose client reads no answer.
    async fn ends_after(request: u64) -> u64 {
        let address = std::net::Ipv4Addr::LOCALHOST.into();
        let (began, (place, stage)) = (Instant::now(), Places::default().take(address).unwrap());
        let conversation = async {
            tokio::time::sleep(Duration::from_secs(request)).await;
            place.complete();
            pending().await
        };
        assert!(!within_deadlines(stage, conversation).await);
        began.elapsed().as_secs()
    }

    #[tokio::test(start_paused = true)]
    async fn a_request_has_two_seconds_and_its_answer_ten() {
        assert_eq!([ends_after(60).await, ends_after(1).await], [2, 10]);
    }
}
