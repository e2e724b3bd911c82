//! What is known of a request when it is answered.

use std::time::Duration;

use http::{Method, StatusCode};

use super::operation::Operation;
use super::refusal::Cause;
use crate::domain::{Caller, ClientId, UserId};

/// One answered request. All fields except its client, its name and its cause have few possible values, so
/// that statistics can count by them.
#[derive(Debug)]
pub(super) struct Answered<'a> {
    /// Its client, its name and its operation.
    pub(super) caller: &'a Caller,
    /// Its operation, if there is one.
    pub(super) operation: Option<&'static Operation>,
    /// Its method.
    pub(super) method: MethodName,
    /// The path of its operation. It never comes from the request.
    pub(super) path: &'static str,
    /// The status of the answer.
    pub(super) status: StatusCode,
    /// The code of the refusal, if the request was refused.
    pub(super) refusal: Option<&'static str>,
    /// The cause of the refusal, for the log.
    pub(super) cause: Option<&'a Cause>,
    /// From the end of its head until the answer was ready to be sent, its body included.
    pub(super) duration: Duration,
    /// The bytes of the answer's body that are sent.
    pub(super) bytes: usize,
    /// The user for whom it was, if a use case has found one.
    pub(super) user: Option<UserId>,
    /// The OAuth client from which it says to come, if there is such a client.
    pub(super) client: Option<ClientId>,
}

/// The name of an HTTP method (RFC 9110 §9.3, RFC 5789), or one name for all others, because a request may
/// bring any text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct MethodName(usize);

impl MethodName {
    /// All names. The last one is that of any other method, as OpenTelemetry has it.
    pub(super) const NAMES: [&'static str; 10] =
        ["GET", "POST", "HEAD", "OPTIONS", "PUT", "PATCH", "DELETE", "CONNECT", "TRACE", "_OTHER"];
    /// `HEAD`.
    pub(super) const HEAD: Self = Self(2);

    pub(super) fn of(method: &Method) -> Self {
        Self(match *method {
            Method::GET => 0,
            Method::POST => 1,
            Method::HEAD => 2,
            Method::OPTIONS => 3,
            Method::PUT => 4,
            Method::PATCH => 5,
            Method::DELETE => 6,
            Method::CONNECT => 7,
            Method::TRACE => 8,
            _ => 9,
        })
    }

    pub(super) fn as_str(self) -> &'static str {
        Self::NAMES[self.0]
    }

    /// Its place in [`Self::NAMES`].
    pub(super) fn number(self) -> usize {
        self.0
    }
}

#[cfg(test)]
mod tests {
    use super::{Method, MethodName};

    #[test]
    fn a_method_that_http_does_not_have_keeps_no_name_of_its_own() {
        let names = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "CONNECT", "TRACE"];
        let named = |text: &str| MethodName::of(&Method::from_bytes(text.as_bytes()).unwrap()).as_str();
        assert_eq!(names.map(named), names);
        assert_eq!(["get", "PROPFIND", "A-SECRET-OF-THE-CALLER"].map(named), ["_OTHER"; 3]);
    }
}
