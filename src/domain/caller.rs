//! Which request a use case works for.

use std::net::IpAddr;

use super::{RequestId, TraceContext};

/// Made once for each request, before anything else is done for it. Use cases take it, so that what they limit, record or
/// log can be told apart by client, request and operation.
#[derive(Clone, Debug)]
pub struct Caller {
    /// The client, as far as trusted proxies name it ([`super::TrustedProxies::client`]); `0.0.0.0` where nothing tells.
    pub address: IpAddr,
    /// The request.
    pub request_id: RequestId,
    /// The `operationId` of what is asked for; `-` where there is no such operation.
    pub operation: &'static str,
    /// Where the request stands in a trace, if its client named one or this service records it.
    pub trace: Option<TraceContext>,
}
