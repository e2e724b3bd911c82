//! The meaning of an event: a request with its client and the form of its response, or a schedule.

use std::net::IpAddr;

use bytes::Bytes;

use super::event::{Context, Event, EventError};
use super::reply::Form;
use super::request::{self, Malformed};
use super::source;

/// The work that an event asks for.
#[derive(Debug)]
pub enum Invocation {
    /// An answer to a request.
    Request {
        /// The request, or the part of it that cannot belong to a request.
        request: Box<Result<http::Request<Bytes>, &'static str>>,
        /// The address that connected to the sender, as AWS reports it; `0.0.0.0` if AWS reports none.
        source: IpAddr,
        /// The form in which the sender wants its response.
        form: Form,
    },
    /// All work that is due: a schedule of EventBridge.
    Upkeep,
}

impl Invocation {
    /// Reads an event. If the service is published under a path (`base`, such as `/auth`), that path is
    /// removed.
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
