//! The peer for which the server counts a connection, its bodies and its password hashes.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use super::TrustedProxies;

/// The first 96 bits of the IPv6 addresses that stand for IPv4 addresses behind NAT64 (RFC 6052 §2.1).
const NAT64: u128 = 0x0064_ff9b << 64;

/// An IPv4 address, or the first 64 bits of an IPv6 address: one subscriber has at least these (RFC 6177).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Peer(IpAddr);

impl Peer {
    /// The peer of this address; `None` if the limits for one address do not apply to it, or if no address is known.
    pub fn counted(address: IpAddr, proxies: &TrustedProxies) -> Option<Self> {
        let is_one_client = !address.is_unspecified() && !proxies.exempt(address);
        is_one_client.then(|| Self::of(address))
    }

    /// The network to which the peer belongs: an IPv4 address itself, or the first 48 bits of an IPv6 address. Providers give a
    /// subscriber at most these (RFC 6177), so one subscriber can have 65,536 peers.
    #[must_use]
    pub fn network(self) -> Self {
        match self.0 {
            IpAddr::V4(_) => self,
            IpAddr::V6(v6) => Self(Ipv6Addr::from_bits(v6.to_bits() >> 80 << 80).into()),
        }
    }

    /// The peer of this address. An IPv4 address behind NAT64 (`64:ff9b::/96`, RFC 6052) stands for itself, too.
    pub fn of(address: IpAddr) -> Self {
        match address.to_canonical() {
            v4 @ IpAddr::V4(_) => Self(v4),
            IpAddr::V6(v6) if v6.to_bits() >> 32 == NAT64 => {
                Self(Ipv4Addr::from_bits(v6.to_bits() as u32).into())
            }
            IpAddr::V6(v6) => Self(Ipv6Addr::from_bits(v6.to_bits() >> 64 << 64).into()),
        }
    }
}

/// The network's first address.
impl fmt::Display for Peer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::Peer;

    #[test]
    fn an_ipv4_address_stands_for_itself_and_an_ipv6_address_for_its_64() {
        let peer = |text: &str| Peer::of(text.parse().unwrap()).to_string();
        assert_eq!(peer("192.0.2.7"), "192.0.2.7");
        assert_eq!(peer("::ffff:192.0.2.7"), "192.0.2.7");
        assert_eq!(peer("64:ff9b::192.0.2.7"), "192.0.2.7");
        assert_eq!(peer("64:ff9b::1:192.0.2.7"), "64:ff9b::");
        assert_eq!(peer("2001:db8:1:2:3:4:5:6"), "2001:db8:1:2::");
        assert_ne!(peer("2001:db8:1:3::1"), peer("2001:db8:1:2::1"));
    }

    #[test]
    fn the_network_of_an_ipv6_address_is_its_48() {
        let network = |text: &str| Peer::of(text.parse().unwrap()).network().to_string();
        assert_eq!(network("192.0.2.7"), "192.0.2.7");
        assert_eq!(network("2001:db8:1:2:3:4:5:6"), "2001:db8:1::");
        assert_eq!(network("2001:db8:1:ffff::1"), "2001:db8:1::");
        assert_eq!(network("2001:db8:2::1"), "2001:db8:2::");
    }
}
