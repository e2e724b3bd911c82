//! What an event is: a request, and who wants the answer in which dialect, or a schedule.

use bytes::Bytes;

use super::event::{Context, Event, EventError};
use super::reply::Dialect;
use super::request::{self, Malformed};

/// What an event asks for.
#[derive(Debug)]
pub enum Invocation {
    /// An answer to this request, told in this way; or to one of which a part cannot be that of a request.
    Request(Box<Result<http::Request<Bytes>, &'static str>>, Dialect),
    /// Whatever is due: a schedule of EventBridge.
    Upkeep,
}

impl Invocation {
    /// Reads an event. Where the service is published under a path (`base`, as `/auth`), that is no part of ours.
    ///
    /// # Errors
    /// [`EventError`].
    pub fn of(event: Event, base: &str) -> Result<Self, EventError> {
        let dialect = match (&event.request_context, &event.http_method) {
            (Context { http: Some(_), .. }, _) => Dialect::Two,
            (Context { elb: Some(_), .. }, Some(_)) if event.multi_value_headers.is_some() => {
                Dialect::BalancerWithMany
            }
            (Context { elb: Some(_), .. }, Some(_)) => Dialect::Balancer,
            (_, Some(_)) => Dialect::One,
            _ if matches!(event.source.as_deref(), Some("aws.events" | "aws.scheduler")) => {
                return Ok(Self::Upkeep);
            }
            _ => return Err(EventError::Foreign),
        };
        let request = request::of(event, dialect, base).map_err(|Malformed(part)| part);
        Ok(Self::Request(Box::new(request), dialect))
    }
}
