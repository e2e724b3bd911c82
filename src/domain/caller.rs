//! The request for which a use case works.

use std::net::IpAddr;

use super::{RequestId, TraceContext};

/// Made once for each request, before any other work on it. Use cases take it, so that limits, records and
/// log lines can name the client, the request and the operation.
#[derive(Clone, Debug)]
pub struct Caller {
    /// The client, as far as trusted proxies name it ([`super::TrustedProxies::client`]); `0.0.0.0` if its
    /// address is unknown.
    pub address: IpAddr,
    /// The request.
    pub request_id: RequestId,
    /// The `operationId` of the requested operation; `-` if there is no such operation.
    pub operation: &'static str,
    /// Where the request stands in a trace, if its client named one or this service records it.
    pub trace: Option<TraceContext>,
}
