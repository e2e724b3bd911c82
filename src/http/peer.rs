//! The peer for which the server counts a connection and its bodies.

use std::net::{IpAddr, Ipv6Addr};

use crate::domain::TrustedProxies;

/// An IPv4 address, or the first 64 bits of an IPv6 address: one subscriber has at least these (RFC 6177).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Peer(IpAddr);

impl Peer {
    /// The peer of this address; `None` if the limits for one address do not apply to it.
    pub(super) fn counted(address: IpAddr, proxies: &TrustedProxies) -> Option<Self> {
        (!proxies.exempt(address)).then(|| Self::of(address))
    }

    pub(super) fn of(address: IpAddr) -> Self {
        match address.to_canonical() {
            v4 @ IpAddr::V4(_) => Self(v4),
            IpAddr::V6(v6) => Self(Ipv6Addr::from_bits(v6.to_bits() >> 64 << 64).into()),
        }
    }
}
