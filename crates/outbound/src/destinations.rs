//! Which addresses a client may connect to, if others choose the addresses of its calls.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::sync::Arc;

use ipnet::{IpNet, Ipv4Net, Ipv6Net};

/// The addresses to which a client may connect.
#[derive(Clone, Debug)]
pub struct Destinations {
    scope: Scope,
    /// Networks of the operator's own, which also count.
    networks: Arc<[IpNet]>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Scope {
    /// Every address except those of [`is_of_platform`].
    ExceptPlatform,
    /// Only addresses that the whole internet reaches.
    Public,
}

/// An address to which the client does not connect.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0} is not an address to which this program connects")]
pub struct RefusedAddress(pub IpAddr);

/// Addresses of IPv4 that are not public (IANA IPv4 Special-Purpose Address Registry, RFC 6890; and multicast, RFC 5771).
const SPECIAL_IPV4: [Ipv4Net; 15] = [
    v4([0, 0, 0, 0], 8),
    v4([10, 0, 0, 0], 8),
    v4([100, 64, 0, 0], 10),
    v4([127, 0, 0, 0], 8),
    v4([169, 254, 0, 0], 16),
    v4([172, 16, 0, 0], 12),
    v4([192, 0, 0, 0], 24),
    v4([192, 0, 2, 0], 24),
    v4([192, 88, 99, 0], 24),
    v4([192, 168, 0, 0], 16),
    v4([198, 18, 0, 0], 15),
    v4([198, 51, 100, 0], 24),
    v4([203, 0, 113, 0], 24),
    v4([224, 0, 0, 0], 4),
    v4([240, 0, 0, 0], 4),
];
/// The only addresses of IPv6 that are assigned for the public internet (RFC 4291 §2.4).
const GLOBAL_UNICAST: Ipv6Net = v6([0x2000, 0], 3);
/// Parts of it that are not public, or that contain another address (IANA IPv6 Special-Purpose Address Registry): protocol
/// assignments with Teredo (RFC 2928, RFC 4380), documentation (RFC 3849, RFC 9637) and 6to4 (RFC 3056, RFC 7526).
const SPECIAL_IPV6: [Ipv6Net; 4] =
    [v6([0x2001, 0], 23), v6([0x2001, 0x0db8], 32), SIX_TO_FOUR, v6([0x3fff, 0], 20)];
/// IPv4 behind a translator (NAT64, RFC 6052 §2.1): the last 32 bits are the address.
const NAT64: Ipv6Net = v6([0x0064, 0xff9b], 96);
/// The same for translators within one network (RFC 8215).
const LOCAL_NAT64: Ipv6Net = Ipv6Net::new_assert(Ipv6Addr::new(0x0064, 0xff9b, 1, 0, 0, 0, 0, 0), 48);
/// IPv4-compatible addresses (RFC 4291 §2.5.5.1).
const COMPATIBLE: Ipv6Net = v6([0, 0], 96);
/// 6to4 (RFC 3056 §2): bits 16 to 47 are the address.
const SIX_TO_FOUR: Ipv6Net = v6([0x2002, 0], 16);
/// Link-local addresses of IPv6, the network in which AWS answers on IPv6, and the address at which Google does.
const PLATFORM_IPV6: [Ipv6Net; 3] = [
    v6([0xfe80, 0], 10),
    v6([0xfd00, 0x0ec2], 32),
    Ipv6Net::new_assert(Ipv6Addr::new(0xfd20, 0x00ce, 0, 0, 0, 0, 0, 0x0254), 128),
];
/// Link-local addresses of IPv4, at which most clouds answer; then Azure, Oracle and Alibaba.
const PLATFORM_IPV4: [Ipv4Net; 4] = [
    v4([169, 254, 0, 0], 16),
    v4([168, 63, 129, 16], 32),
    v4([192, 0, 0, 192], 32),
    v4([100, 100, 100, 200], 32),
];

const fn v4(address: [u8; 4], prefix: u8) -> Ipv4Net {
    let [a, b, c, d] = address;
    Ipv4Net::new_assert(Ipv4Addr::new(a, b, c, d), prefix)
}

const fn v6(begin: [u16; 2], prefix: u8) -> Ipv6Net {
    Ipv6Net::new_assert(Ipv6Addr::new(begin[0], begin[1], 0, 0, 0, 0, 0, 0), prefix)
}

impl Destinations {
    /// Every address except those at which a cloud provider gives credentials to each program on a machine.
    pub fn except_platform() -> Self {
        Self { scope: Scope::ExceptPlatform, networks: Arc::default() }
    }

    /// Only public addresses, and those of `networks`. Also there, the addresses of a cloud provider's own services are refused.
    pub fn public_and(networks: Vec<IpNet>) -> Self {
        Self { scope: Scope::Public, networks: networks.into() }
    }

    /// Whether the client may connect to `address`. An address of IPv4 within one of IPv6 counts as IPv4.
    pub fn permit(&self, address: IpAddr) -> bool {
        let address = inner(address);
        if is_of_platform(address) {
            return false;
        }
        match self.scope {
            Scope::ExceptPlatform => true,
            Scope::Public => {
                is_public(address) || self.networks.iter().any(|network| network.contains(&address))
            }
        }
    }
}

/// The address of IPv4 that an address of IPv6 stands for, or the address itself.
fn inner(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(ip) if NAT64.contains(&ip) => {
            let [.., a, b, c, d] = ip.octets();
            Ipv4Addr::new(a, b, c, d).into()
        }
        other => other,
    }
}

fn is_of_platform(address: IpAddr) -> bool {
    let is_listed = |ip: Ipv4Addr| PLATFORM_IPV4.iter().any(|network| network.contains(&ip));
    match address {
        IpAddr::V4(ip) => is_listed(ip),
        IpAddr::V6(ip) => {
            PLATFORM_IPV6.iter().any(|network| network.contains(&ip)) || translated(ip).is_some_and(is_listed)
        }
    }
}

/// The address of IPv4 to which a network may translate this one.
fn translated(address: Ipv6Addr) -> Option<Ipv4Addr> {
    let [_, _, e, f, g, h, .., a, b, c, d] = address.octets();
    if LOCAL_NAT64.contains(&address) || COMPATIBLE.contains(&address) {
        Some(Ipv4Addr::new(a, b, c, d))
    } else {
        SIX_TO_FOUR.contains(&address).then(|| Ipv4Addr::new(e, f, g, h))
    }
}

fn is_public(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(ip) => !SPECIAL_IPV4.iter().any(|network| network.contains(&ip)),
        IpAddr::V6(ip) => {
            GLOBAL_UNICAST.contains(&ip) && !SPECIAL_IPV6.iter().any(|network| network.contains(&ip))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Destinations;

    fn permits(destinations: &Destinations, address: &str) -> bool {
        destinations.permit(address.parse().unwrap())
    }

    #[test]
    fn only_public_addresses_are_permitted() {
        let public = Destinations::public_and(Vec::new());
        for address in [
            "1.1.1.1",
            "9.255.255.255",
            "11.0.0.0",
            "100.63.255.255",
            "100.128.0.0",
            "128.0.0.0",
            "172.15.255.255",
            "172.32.0.0",
            "192.0.1.0",
            "198.17.255.255",
            "198.20.0.0",
            "223.255.255.255",
            "2606:4700::1111",
            "2001:200::1",
            "3ffe::1",
            "::ffff:1.1.1.1",
            "64:ff9b::1.1.1.1",
        ] {
            assert!(permits(&public, address), "{address}");
        }
    }

    #[test]
    fn other_addresses_are_refused_in_every_form() {
        let public = Destinations::public_and(Vec::new());
        for inner in [
            "0.0.0.0",
            "0.1.2.3",
            "10.0.0.1",
            "100.64.0.1",
            "100.127.255.255",
            "127.0.0.1",
            "127.255.255.255",
            "168.63.129.16",
            "169.254.169.254",
            "172.16.0.1",
            "172.31.255.255",
            "192.0.0.192",
            "192.0.2.1",
            "192.88.99.1",
            "192.168.1.1",
            "198.18.0.1",
            "198.19.255.255",
            "198.51.100.1",
            "203.0.113.1",
            "224.0.0.1",
            "239.255.255.255",
            "240.0.0.1",
            "255.255.255.255",
        ] {
            for form in ["", "::ffff:", "64:ff9b::", "::"] {
                let address = format!("{form}{inner}");
                assert!(!permits(&public, &address), "{address}");
            }
        }
        for address in [
            "::",
            "::1",
            "64:ff9b:1::1.1.1.1",
            "100::1",
            "2001::1",
            "2001:1ff::1",
            "2001:db8::1",
            "2002:7f00:1::1",
            "2002:a9fe:a9fe::1",
            "3fff::1",
            "4000::1",
            "fc00::1",
            "fd00:ec2::254",
            "fe80::1",
            "fec0::1",
            "ff02::1",
        ] {
            assert!(!permits(&public, address), "{address}");
        }
    }

    #[test]
    fn networks_of_the_operator_are_permitted_but_never_the_addresses_of_the_platform() {
        let networks = ["10.1.0.0/16", "127.0.0.1/32", "169.254.0.0/16", "fd00::/8", "::/0"];
        let some = Destinations::public_and(networks[..4].iter().map(|text| text.parse().unwrap()).collect());
        for (address, permitted) in [
            ("10.1.2.3", true),
            ("::ffff:10.1.2.3", true),
            ("64:ff9b::10.1.2.3", true),
            ("10.2.0.1", false),
            ("127.0.0.1", true),
            ("127.0.0.2", false),
            ("169.254.169.254", false),
            ("fd12::1", true),
            ("fd00:ec2::254", false),
            ("1.1.1.1", true),
        ] {
            assert_eq!(permits(&some, address), permitted, "{address}");
        }
        let of_ipv6 = Destinations::public_and(vec![networks[4].parse().unwrap()]);
        for (address, permitted) in [("::1", true), ("::ffff:127.0.0.1", false), ("fe80::1", false)] {
            assert_eq!(permits(&of_ipv6, address), permitted, "{address}");
        }
    }

    #[test]
    fn without_the_addresses_of_the_platform_all_others_are_permitted() {
        let most = Destinations::except_platform();
        for (address, permitted) in [
            ("169.254.169.254", false),
            ("::ffff:169.254.169.254", false),
            ("64:ff9b::169.254.169.254", false),
            ("168.63.129.16", false),
            ("fe80::1", false),
            ("fd00:ec2::254", false),
            ("fd20:ce::254", false),
            ("64:ff9b:1::169.254.169.254", false),
            ("::169.254.169.254", false),
            ("2002:a9fe:a9fe::1", false),
            ("2002:7f00:1::1", true),
            ("::1", true),
            ("127.0.0.1", true),
            ("10.0.0.1", true),
            ("fd00::1", true),
            ("192.0.2.1", true),
        ] {
            assert_eq!(permits(&most, address), permitted, "{address}");
        }
    }
}
