//! What a handler gets.

use http::Request;

use super::Body;
use super::operation::Operation;
use crate::domain::Caller;

/// One request on its way to the handler of its operation.
pub(super) struct Call {
    /// Which client asks, and under which name.
    pub(super) caller: Caller,
    /// What is asked for.
    pub(super) operation: &'static Operation,
    /// The request as it came: its path is as it was asked.
    pub(super) request: Request<Body>,
}

impl Call {
    /// The part of the path that stands for this parameter of the operation's path, as it was asked.
    pub(super) fn parameter(&self, name: &str) -> Option<&str> {
        self.operation.parameter(name, self.request.uri().path())
    }
}
