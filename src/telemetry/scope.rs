//! The request that the running code works for, as a value of the thread. So a log line, a span and a call to another service
//! learn which request and which trace they belong to, and no function passes that on. It is set for the time of each poll.

use std::cell::RefCell;
use std::mem;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use pin_project_lite::pin_project;

use super::traces::Recording;
use crate::domain::{Client, ClientId, RequestId, TraceContext, UserId};

thread_local! {
    static CURRENT: RefCell<Option<RequestScope>> = const { RefCell::new(None) };
}

/// What is known of a request that is being answered.
#[derive(Clone, Debug)]
pub struct RequestScope {
    /// The request.
    pub request_id: RequestId,
    /// The place of the running code in the trace of the request.
    pub trace: Option<TraceContext>,
    /// The client's `tracestate`, for the services that are called within the request.
    pub trace_state: Option<Arc<str>>,
    /// What records spans, if the request is recorded.
    pub recording: Option<Recording>,
    /// The user for whom the request is, as soon as it is known.
    pub user: Option<UserId>,
    /// The OAuth client from which the request says to come, as soon as it is known.
    pub client: Option<ClientId>,
}

/// The headers that tell another service of the trace (W3C Trace Context §3).
#[derive(Clone, Debug)]
pub struct Propagation {
    /// `traceparent`.
    pub traceparent: String,
    /// `tracestate`.
    pub tracestate: Option<Arc<str>>,
    /// `X-Amzn-Trace-Id`, which AWS understands.
    pub xray: String,
}

pin_project! {
    /// A future that runs within a request.
    #[derive(Debug)]
    pub struct InRequest<F> {
        scope: Option<RequestScope>,
        #[pin]
        inner: F,
    }
}

/// Runs `inner` within the request of `scope`.
pub fn in_request<F: Future>(scope: RequestScope, inner: F) -> InRequest<F> {
    let scope = Some(scope);
    InRequest { scope, inner }
}

impl<F: Future> Future for InRequest<F> {
    type Output = F::Output;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<F::Output> {
        let this = self.project();
        let _entered = Entered::with(this.scope);
        this.inner.poll(context)
    }
}

/// Holds a scope in the place of the thread's until it is dropped, also by a panic.
struct Entered<'s>(&'s mut Option<RequestScope>);

impl<'s> Entered<'s> {
    fn with(scope: &'s mut Option<RequestScope>) -> Self {
        swap(scope);
        Self(scope)
    }
}

impl Drop for Entered<'_> {
    fn drop(&mut self) {
        swap(self.0);
    }
}

fn swap(scope: &mut Option<RequestScope>) {
    CURRENT.with(|current| mem::swap(&mut *current.borrow_mut(), scope));
}

/// Reads the scope of the running code. Nothing outside a request.
pub(super) fn current<T>(read: impl FnOnce(&RequestScope) -> T) -> Option<T> {
    CURRENT.try_with(|current| current.borrow().as_ref().map(read)).ok().flatten()
}

/// Puts `trace` in the place of what the scope says, and gives what it said.
pub(super) fn replace_trace(trace: Option<TraceContext>) -> Option<TraceContext> {
    CURRENT.with(|current| match current.borrow_mut().as_mut() {
        Some(scope) => mem::replace(&mut scope.trace, trace),
        None => None,
    })
}

/// Notes for which user the request is.
pub fn note_user(user: UserId) {
    CURRENT.with(|current| {
        if let Some(scope) = current.borrow_mut().as_mut() {
            scope.user = Some(user);
        }
    });
}

/// Notes from which stored client the request says to come. An id that no client has is not noted: it could be a secret that
/// was sent in the wrong place.
pub fn note_client(client: &Client) {
    CURRENT.with(|current| {
        if let Some(scope) = current.borrow_mut().as_mut() {
            scope.client = Some(client.id.clone());
        }
    });
}

/// The client from which the request says to come, as far as it is known by now.
pub fn client() -> Option<ClientId> {
    current(|scope| scope.client.clone()).flatten()
}

/// The user for whom the request is, as far as it is known by now.
pub fn user() -> Option<UserId> {
    current(|scope| scope.user).flatten()
}

/// What another service is told of the trace. Nothing outside a trace.
pub fn propagation() -> Option<Propagation> {
    current(|scope| {
        let trace = scope.trace?;
        let (traceparent, xray) = (trace.traceparent()?, trace.xray());
        Some(Propagation { traceparent, tracestate: scope.trace_state.clone(), xray })
    })
    .flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scope(number: u32) -> RequestScope {
        let request_id = RequestId::numbered(0, number);
        RequestScope { request_id, trace: None, trace_state: None, recording: None, user: None, client: None }
    }

    fn id() -> Option<String> {
        current(|scope| scope.request_id.to_string())
    }

    #[tokio::test]
    async fn requests_that_take_turns_on_a_thread_see_their_own_scope() {
        let answer = |number| {
            in_request(scope(number), async move {
                let before = id();
                tokio::task::yield_now().await;
                note_user(UserId::from_bytes([number as u8; 12]));
                tokio::task::yield_now().await;
                (before, id(), user())
            })
        };
        let (one, two) = tokio::join!(answer(1), answer(2));
        for (number, seen) in [(1, one), (2, two)] {
            let expected = Some(format!("00000000-0000000{number}"));
            let user = Some(UserId::from_bytes([number as u8; 12]));
            assert_eq!(seen, (expected.clone(), expected, user));
        }
        assert_eq!(id(), None);
    }

    #[tokio::test]
    async fn a_panic_leaves_no_scope_behind() {
        use futures_util::FutureExt;
        let lost =
            std::panic::AssertUnwindSafe(in_request(scope(1), async { panic!("as the test wants it") }));
        assert!(lost.catch_unwind().await.is_err());
        assert_eq!(id(), None);
    }
}
