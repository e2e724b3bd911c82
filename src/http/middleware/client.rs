//! Finds the address from which a request comes.

use std::net::IpAddr;

use http::HeaderName;
use http::header::HeaderMap;

use crate::domain::{Peer, ProxyHeader, TrustedProxies};

/// Finds the address of a request's client.
#[derive(Debug)]
pub(in crate::http) struct ClientAddress {
    proxies: TrustedProxies,
    header: ProxyHeader,
    name: HeaderName,
}

impl ClientAddress {
    pub(in crate::http) fn new(proxies: TrustedProxies, header: ProxyHeader) -> Self {
        let name = match header {
            ProxyHeader::XForwardedFor => HeaderName::from_static("x-forwarded-for"),
            ProxyHeader::Forwarded => http::header::FORWARDED,
            ProxyHeader::XRealIp => HeaderName::from_static("x-real-ip"),
        };
        Self { proxies, header, name }
    }

    /// The address of the client for which this peer sends a request: the peer's own address if it is not a
    /// trusted proxy.
    pub(in crate::http) fn of(&self, peer: IpAddr, headers: &HeaderMap) -> IpAddr {
        if !self.proxies.contain(peer) {
            return peer.to_canonical();
        }
        let values = headers.get_all(&self.name).into_iter().rev().map(http::HeaderValue::as_bytes);
        self.proxies.client(peer, self.header, values)
    }

    /// The peer for which limits count a client's address; `None` if they do not count it.
    pub(in crate::http) fn counted(&self, client: IpAddr) -> Option<Peer> {
        Peer::counted(client, &self.proxies)
    }
}
