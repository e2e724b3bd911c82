//! The body of a request on a connection, and what its operation has left of it.

use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::Bytes;
use http::HeaderMap;
use http::header::EXPECT;
use http_body_util::{BodyExt, Limited};
use hyper::body::{Body, Frame, Incoming, SizeHint};

/// The most bytes that are read and thrown away.
const DISCARDED: usize = 1024 * 1024;
/// The longest time for this.
const DISCARD_DEADLINE: Duration = Duration::from_secs(2);

/// A body. If it is dropped before its end, the rest stays with the [`Leftover`] of its connection.
#[derive(Debug)]
pub struct ArrivingBody {
    incoming: Option<Incoming>,
    /// The client sends nothing before it is told to continue, which the first read does (RFC 9110 §10.1.1).
    waits_for_continue: bool,
    leftover: Leftover,
}

/// The rest of the current request's body, if its operation has ended without reading it. One for each connection, on which
/// requests come one after another.
#[derive(Clone, Debug, Default)]
pub(super) struct Leftover(Arc<Mutex<Option<Rest>>>);

#[derive(Debug)]
enum Rest {
    /// The client was not told to send it.
    NotWanted,
    Unread(Box<Incoming>),
}

impl Leftover {
    /// The body of the next request, which has these headers.
    pub(super) fn watch(&self, headers: &HeaderMap, incoming: Incoming) -> ArrivingBody {
        let waits_for_continue = headers.contains_key(EXPECT);
        ArrivingBody { incoming: Some(incoming), waits_for_continue, leftover: self.clone() }
    }

    /// Reads on for a while if there is a rest. Some clients send everything before they read anything: if the connection closed at
    /// once, they would never see the response (RFC 9112 §9.6). True if the connection can be used for another request.
    pub(super) async fn discard(&self) -> bool {
        let rest = self.0.lock().unwrap_or_else(PoisonError::into_inner).take();
        match rest {
            None => true,
            Some(Rest::NotWanted) => false,
            // A connection reserves no memory for this while it is idle.
            Some(Rest::Unread(incoming)) => Box::pin(read_on(*incoming)).await,
        }
    }
}

/// A client that sends more than [`DISCARDED`], or sends slowly, may miss the response.
async fn read_on(incoming: Incoming) -> bool {
    let mut rest = Limited::new(incoming, DISCARDED);
    let to_the_end = async {
        loop {
            match rest.frame().await {
                Some(Ok(_)) => {}
                Some(Err(_)) => return false,
                None => return true,
            }
        }
    };
    tokio::time::timeout(DISCARD_DEADLINE, to_the_end).await.unwrap_or(false)
}

impl Body for ArrivingBody {
    type Data = Bytes;
    type Error = hyper::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, hyper::Error>>> {
        self.waits_for_continue = false;
        let Some(incoming) = &mut self.incoming else { return Poll::Ready(None) };
        let frame = ready!(Pin::new(incoming).poll_frame(context));
        if !matches!(frame, Some(Ok(_))) {
            self.incoming = None;
        }
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        self.incoming.as_ref().is_none_or(Incoming::is_end_stream)
    }

    fn size_hint(&self) -> SizeHint {
        self.incoming.as_ref().map_or_else(|| SizeHint::with_exact(0), Incoming::size_hint)
    }
}

impl Drop for ArrivingBody {
    fn drop(&mut self) {
        let unread = self.incoming.take().filter(|incoming| !incoming.is_end_stream());
        if let Some(incoming) = unread {
            let rest =
                if self.waits_for_continue { Rest::NotWanted } else { Rest::Unread(Box::new(incoming)) };
            *self.leftover.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(rest);
        }
    }
}
