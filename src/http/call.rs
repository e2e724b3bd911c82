//! What a handler receives.

use http::Request;

use super::Body;
use super::operation::Operation;
use crate::domain::Caller;

/// One request on its way to the handler of its operation.
pub(super) struct Call {
    /// The client, and the name of the request.
    pub(super) caller: Caller,
    /// The operation.
    pub(super) operation: &'static Operation,
    /// The request as it was received, with the path as the client wrote it.
    pub(super) request: Request<Body>,
}

impl Call {
    /// The part of the path that stands for this parameter of the operation's path, as the client wrote it.
    pub(super) fn parameter(&self, name: &str) -> Option<&str> {
        self.operation.parameter(name, self.request.uri().path())
    }
}
