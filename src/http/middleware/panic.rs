//! A panic in a handler costs its own request a 500, and no other.

use std::any::Any;
use std::panic::AssertUnwindSafe;

use futures_util::FutureExt;

use crate::http::Answer;
use crate::http::operation::Pending;
use crate::http::refusal::Refusal;

/// Where a handler panicked.
#[derive(Debug, thiserror::Error)]
#[error("panicked: {0}")]
struct Panic(String);

impl Panic {
    fn of(payload: &(dyn Any + Send)) -> Self {
        let text = payload.downcast_ref::<&str>().map(|text| (*text).to_owned());
        Self(text.or_else(|| payload.downcast_ref::<String>().cloned()).unwrap_or_default())
    }
}

/// What `answer` comes to.
pub(in crate::http) fn caught(answer: Pending) -> impl Future<Output = Answer> {
    // What a handler was in the middle of is dropped with it; what requests share is changed whole.
    let answered = AssertUnwindSafe(answer).catch_unwind();
    answered
        .map(|answered| answered.unwrap_or_else(|panic| Err(Refusal::internal(Panic::of(panic.as_ref())))))
}
