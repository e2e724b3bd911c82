//! What an event is: a request, of which client and to be answered in which form, or a schedule.

use std::net::IpAddr;

use bytes::Bytes;

use super::event::{Context, Event, EventError};
use super::reply::Form;
use super::request::{self, Malformed};
use super::source;

/// What an event asks for.
#[derive(Debug)]
pub enum Invocation {
    /// An answer to a request.
    Request {
        /// The request, or the part of it that cannot be that of a request.
        request: Box<Result<http::Request<Bytes>, &'static str>>,
        /// The address that connected to the sender, as AWS says; `0.0.0.0` where it says none.
        source: IpAddr,
        /// How the sender wants its answer.
        form: Form,
    },
    /// All that is due: a schedule of EventBridge.
    Upkeep,
}

impl Invocation {
    /// Reads an event. Where the service is published under a path (`base`, as `/auth`), that is no part of ours.
    ///
    /// # Errors
    /// [`EventError`].
    pub fn of(event: Event, base: &str) -> Result<Self, EventError> {
        let form = match (&event.request_context, &event.http_method) {
            (Context { http: Some(_), .. }, _) => Form::Two,
            (Context { elb: Some(_), .. }, Some(_)) if event.multi_value_headers.is_some() => {
                Form::BalancerWithMany
            }
            (Context { elb: Some(_), .. }, Some(_)) => Form::Balancer,
            (_, Some(_)) => Form::One,
            _ if matches!(event.source.as_deref(), Some("aws.events" | "aws.scheduler")) => {
                return Ok(Self::Upkeep);
            }
            _ => return Err(EventError::Foreign),
        };
        let source = source::of(&event, form);
        let request = request::of(event, form, base).map_err(|Malformed(part)| part);
        Ok(Self::Request { request: Box::new(request), source, form })
    }
}
