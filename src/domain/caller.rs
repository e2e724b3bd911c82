//! The request for which a use case works.

use std::net::IpAddr;

use super::{Peer, RequestId, TraceContext};

/// Made once for each request, before any other work on it. Use cases take it, so that limits, records and
/// log lines can name the client, the request and the operation.
#[derive(Clone, Debug)]
pub struct Caller {
    /// The client, as far as trusted proxies name it ([`super::TrustedProxies::client`]); `0.0.0.0` if its
    /// address is unknown.
    pub address: IpAddr,
    /// The peer for which limits count the request; `None` if its address may be that of many clients.
    pub peer: Option<Peer>,
    /// The request.
    pub request_id: RequestId,
    /// The `operationId` of the requested operation; `-` if there is no such operation.
    pub operation: &'static str,
    /// The place of the request in a trace, if its client named one or this service records it.
    pub trace: Option<TraceContext>,
}
