//! Which request a use case works for.

use std::net::IpAddr;

use super::{Peer, RequestId};

/// Made once for each request, before anything else is done for it. Use cases take it, so that what they limit, record or
/// log can be told apart by client, request and operation.
#[derive(Clone, Debug)]
pub struct Caller {
    /// The client, as far as trusted proxies name it ([`super::TrustedProxies::client`]); `0.0.0.0` where nothing tells.
    pub address: IpAddr,
    /// For which peer limits count the request; `None` if its address may be that of many clients.
    pub peer: Option<Peer>,
    /// The request.
    pub request_id: RequestId,
    /// The `operationId` of what is asked for; `-` where there is no such operation.
    pub operation: &'static str,
}
