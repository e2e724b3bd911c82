//! If a handler panics, its own request gets a 500, and no other request is affected.

use std::any::Any;
use std::panic::AssertUnwindSafe;

use futures_util::FutureExt;

use crate::http::Answer;
use crate::http::operation::Pending;
use crate::http::refusal::Refusal;

/// A handler panicked here.
#[derive(Debug, thiserror::Error)]
#[error("panicked: {0}")]
struct Panic(String);

impl Panic {
    fn of(payload: &(dyn Any + Send)) -> Self {
        let text = payload.downcast_ref::<&str>().map(|text| (*text).to_owned());
        Self(text.or_else(|| payload.downcast_ref::<String>().cloned()).unwrap_or_default())
    }
}

/// The result of `answer`.
pub(in crate::http) fn caught(answer: Pending) -> impl Future<Output = Answer> {
    // The work of the handler is dropped with it; data that requests share is only changed as a whole.
    let answered = AssertUnwindSafe(answer).catch_unwind();
    answered
        .map(|answered| answered.unwrap_or_else(|panic| Err(Refusal::internal(Panic::of(panic.as_ref())))))
}
