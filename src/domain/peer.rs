//! For which peer a connection, its bodies and its password hashes count.

use std::net::{IpAddr, Ipv6Addr};

use super::TrustedProxies;

/// An IPv4 address, or the first 64 bits of an IPv6 address, which one subscriber has at the least (RFC 6177).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Peer(IpAddr);

impl Peer {
    /// The peer of this address; nothing if limits for one address do not hold for it, or if no address is known.
    pub fn counted(address: IpAddr, proxies: &TrustedProxies) -> Option<Self> {
        let is_one_client = !address.is_unspecified() && !proxies.exempt(address);
        is_one_client.then(|| Self::of(address))
    }

    /// The peer of this address.
    pub fn of(address: IpAddr) -> Self {
        match address.to_canonical() {
            v4 @ IpAddr::V4(_) => Self(v4),
            IpAddr::V6(v6) => Self(Ipv6Addr::from_bits(v6.to_bits() >> 64 << 64).into()),
        }
    }
}
