//! The proxies in front of the service, by their addresses, and the client for which they forward a request.

use std::net::{IpAddr, Ipv6Addr};

use ipnet::{IpNet, Ipv4Net, Ipv6Net};

use super::ProxyHeader;

/// Networks of the operator's own proxies. By default no proxy is trusted.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TrustedProxies(Vec<IpNet>);

/// The largest private network of IPv4 is `10.0.0.0/8`.
const SMALLEST_IPV4_PREFIX: u8 = 8;
/// The largest private network of IPv6 (RFC 4193).
const UNIQUE_LOCAL: Ipv6Net = Ipv6Net::new_assert(Ipv6Addr::new(0xfc00, 0, 0, 0, 0, 0, 0, 0), 7);
/// No operator has a larger public network of IPv6.
const SMALLEST_IPV6_PREFIX: u8 = 16;

/// The text is not a list of networks.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("must be addresses or networks separated by commas, such as 10.0.0.0/8,2001:db8::/32")]
pub struct TrustedProxiesError;

impl TrustedProxies {
    /// Reads networks in CIDR notation (RFC 4632 §3.1, RFC 4291 §2.3) and single addresses, separated by commas.
    ///
    /// # Errors
    /// [`TrustedProxiesError`]
    pub fn parse(text: &str) -> Result<Self, TrustedProxiesError> {
        let network = |text: &str| match text.parse::<IpAddr>() {
            Ok(address) => Ok(address.to_canonical().into()),
            Err(_) => canonical(text.parse().map_err(|_| TrustedProxiesError)?),
        };
        text.split(',').map(|part| network(part.trim())).collect::<Result<_, _>>().map(Self)
    }

    /// Whether the list is empty.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// A network in the list that contains addresses of strangers, because it is larger than any that one operator has.
    pub fn too_large(&self) -> Option<String> {
        let large = |network: &&IpNet| match network {
            IpNet::V4(v4) => v4.prefix_len() < SMALLEST_IPV4_PREFIX,
            IpNet::V6(v6) => v6.prefix_len() < SMALLEST_IPV6_PREFIX && !UNIQUE_LOCAL.contains(v6),
        };
        self.0.iter().find(large).map(ToString::to_string)
    }

    /// Whether limits for one address do not apply to this one: the connections of a proxy belong to many
    /// clients. If the operator names no proxies, one on this machine or in a private network may be a proxy.
    pub fn exempt(&self, address: IpAddr) -> bool {
        let address = address.to_canonical();
        if self.is_empty() { is_near(address) } else { self.contain(address) }
    }

    /// The address of the client. It is the peer's address. But if the peer is one of these proxies, it is
    /// the address that the proxy names in `header`, and so on until the first address that is not a trusted
    /// proxy's. The search ends before anything that a client may have written itself. If an element is not
    /// an address, the client is the proxy that wrote the element. `values` are the lines of the header,
    /// beginning with the last one.
    pub fn client<'a>(
        &self,
        peer: IpAddr,
        header: ProxyHeader,
        values: impl Iterator<Item = &'a [u8]>,
    ) -> IpAddr {
        let mut nearest = peer.to_canonical();
        let mut named = header.addresses(values);
        while self.contain(nearest) {
            match named.next().flatten() {
                Some(address) => nearest = address,
                None => break,
            }
        }
        nearest
    }

    /// Whether this is the address of a proxy in the list. IPv4 within IPv6 (`::ffff:10.0.0.1`) counts as
    /// IPv4.
    pub fn contain(&self, address: IpAddr) -> bool {
        let address = address.to_canonical();
        self.0.iter().any(|network| network.contains(&address))
    }
}

/// The bits before the address in IPv4 within IPv6 (RFC 4291 §2.5.5.2).
const MAPPED_PREFIX: u8 = 96;

/// The network in the form in which addresses are compared: IPv4 within IPv6 counts as IPv4. A network that
/// is only partly within it would match no IPv4 address.
fn canonical(network: IpNet) -> Result<IpNet, TrustedProxiesError> {
    let IpNet::V6(v6) = network else { return Ok(network) };
    let Some(v4) = v6.addr().to_ipv4_mapped() else { return Ok(network) };
    let prefix = v6.prefix_len().checked_sub(MAPPED_PREFIX).ok_or(TrustedProxiesError)?;
    Ipv4Net::new(v4, prefix).map(IpNet::V4).map_err(|_| TrustedProxiesError)
}

/// Whether the address is of this machine or of a private network (RFC 1918, RFC 3927, RFC 4193, RFC 4291 §2.5.6, RFC 6598).
fn is_near(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(v4) => {
            let shared = v4.octets()[0] == 100 && v4.octets()[1] & 0b1100_0000 == 64;
            v4.is_loopback() || v4.is_private() || v4.is_link_local() || shared
        }
        IpAddr::V6(v6) => v6.is_loopback() || v6.is_unique_local() || v6.is_unicast_link_local(),
    }
}

#[cfg(test)]
mod tests {
    use super::{ProxyHeader, TrustedProxies, TrustedProxiesError};

    /// Values that a client may send to look like another client, or to have no address.
    const MADE_UP: [&str; 14] = [
        "",
        ",",
        "203.0.113.9",
        "203.0.113.9, 10.0.0.9",
        "10.0.0.9",
        "10.0.0.9, 10.0.0.9, 10.0.0.9",
        "unknown",
        "\"",
        "for=203.0.113.9",
        "for=\"203.0.113.9",
        "for=10.0.0.9, for=\"",
        "127.0.0.1",
        "::1",
        "\\",
    ];

    fn client(proxies: &str, peer: &str, header: ProxyHeader, lines: &[&str]) -> String {
        let proxies = match proxies {
            "" => TrustedProxies::default(),
            text => TrustedProxies::parse(text).unwrap(),
        };
        let values = lines.iter().rev().map(|line| line.as_bytes());
        proxies.client(peer.parse().unwrap(), header, values).to_string()
    }

    #[test]
    fn nothing_is_trusted_until_the_proxies_are_named() {
        for made_up in MADE_UP {
            for header in ProxyHeader::ALL {
                for peer in ["127.0.0.1", "10.0.0.1", "198.51.100.7", "::1", "fd00::1"] {
                    assert_eq!(client("", peer, header, &[made_up]), peer, "{header:?} {made_up}");
                }
                let untrusted = client("10.0.0.0/8", "198.51.100.7", header, &[made_up]);
                assert_eq!(untrusted, "198.51.100.7", "{header:?} {made_up}");
            }
        }
    }

    /// Whatever a client writes before the values that proxies append, the client is the one that the first
    /// trusted proxy saw.
    #[test]
    fn the_client_is_the_nearest_address_that_is_no_trusted_proxys() {
        let appended = |header: ProxyHeader, address: &str| match header {
            ProxyHeader::Forwarded => format!("for={address};proto=https"),
            _ => address.to_owned(),
        };
        for made_up in MADE_UP {
            for header in [ProxyHeader::XForwardedFor, ProxyHeader::Forwarded] {
                let [of_client, of_proxy] = ["198.51.100.7", "10.0.0.2"].map(|one| appended(header, one));
                for lines in [
                    vec![format!("{made_up}, {of_client}")],
                    vec![made_up.to_owned(), of_client.clone()],
                    vec![format!("{made_up}, {of_client}, {of_proxy}")],
                    vec![format!("{made_up},{of_client}"), of_proxy.clone()],
                    vec![made_up.to_owned(), of_client.clone(), of_proxy.clone(), of_proxy.clone()],
                ] {
                    let lines: Vec<_> = lines.iter().map(String::as_str).collect();
                    assert_eq!(client("10.0.0.0/8", "10.0.0.1", header, &lines), "198.51.100.7", "{lines:?}");
                }
            }
            let replaced = client("10.0.0.0/8", "10.0.0.1", ProxyHeader::XRealIp, &[made_up, "198.51.100.7"]);
            assert_eq!(replaced, "198.51.100.7", "{made_up}");
        }
    }

    #[test]
    fn the_walk_ends_at_the_proxy_that_names_no_address() {
        let of =
            |lines: &[&str]| client("10.0.0.0/8,fd00::/8", "10.0.0.1", ProxyHeader::XForwardedFor, lines);
        assert_eq!(of(&[]), "10.0.0.1");
        assert_eq!(of(&["unknown"]), "10.0.0.1");
        assert_eq!(of(&["198.51.100.7, unknown, 10.0.0.2"]), "10.0.0.2");
        assert_eq!(of(&["198.51.100.7, , [fd00::2]:80"]), "fd00::2");
        assert_eq!(of(&["10.0.0.3, 10.0.0.2"]), "10.0.0.3", "a client in a network that is trusted");
        assert_eq!(
            of(&["198.51.100.7, 203.0.113.1, 10.0.0.2"]),
            "203.0.113.1",
            "a proxy that is not trusted"
        );
        assert_eq!(of(&["::ffff:10.0.0.2"]), "10.0.0.2");
        let one = |peer| client("10.0.0.1", peer, ProxyHeader::XRealIp, &["203.0.113.9", "10.0.0.1"]);
        assert_eq!((one("10.0.0.1"), one("::ffff:10.0.0.1")), ("10.0.0.1".to_owned(), "10.0.0.1".to_owned()));
    }

    #[test]
    fn only_the_one_header_is_read() {
        assert_eq!(client("10.0.0.0/8", "10.0.0.1", ProxyHeader::Forwarded, &["198.51.100.7"]), "10.0.0.1");
        assert_eq!(
            client("10.0.0.0/8", "10.0.0.1", ProxyHeader::XForwardedFor, &["for=198.51.100.7"]),
            "10.0.0.1"
        );
    }

    fn contain(proxies: &str, address: &str) -> bool {
        TrustedProxies::parse(proxies).unwrap().contain(address.parse().unwrap())
    }

    #[test]
    fn networks_and_single_addresses_contain_what_lies_in_them() {
        let proxies = "10.0.0.0/8, 192.0.2.7,2001:db8::/32";
        for address in ["10.255.0.1", "::ffff:10.1.2.3", "192.0.2.7", "2001:db8:1::1"] {
            assert!(contain(proxies, address), "{address}");
        }
        for address in ["11.0.0.1", "192.0.2.8", "2001:db9::1", "::1", "127.0.0.1"] {
            assert!(!contain(proxies, address), "{address}");
        }
        assert!(!TrustedProxies::default().contain("127.0.0.1".parse().unwrap()));
    }

    #[test]
    fn a_network_of_ipv4_within_ipv6_counts_as_ipv4() {
        for address in ["127.0.0.1", "127.9.9.9", "::ffff:127.0.0.1"] {
            assert!(contain("::ffff:127.0.0.0/104", address), "{address}");
            assert!(!contain("::ffff:10.0.0.0/104", address), "{address}");
        }
        let all = TrustedProxies::parse("::ffff:0:0/96").unwrap();
        assert_eq!(all.too_large().as_deref(), Some("0.0.0.0/0"));
    }

    #[test]
    fn a_network_of_the_public_is_too_large_to_be_trusted() {
        let too_large = |text: &str| TrustedProxies::parse(text).unwrap().too_large();
        for one in ["0.0.0.0/0", "::/0", "128.0.0.0/1", "2000::/3", "2000::/7", "10.0.0.0/7", "fc00::/6"] {
            assert_eq!(too_large(&format!("192.0.2.7,{one}")).as_deref(), Some(one));
        }
        assert_eq!(too_large("10.0.0.0/8,fc00::/7,2001:db8::/32,192.0.2.7"), None);
    }

    #[test]
    fn what_is_no_network_is_refused() {
        for text in
            ["localhost", "10.0.0.0/33", "10.0.0.0/8;::1", "10.0.0.0/8,", "10.0.0", "*", "::ffff:10.0.0.0/95"]
        {
            assert_eq!(TrustedProxies::parse(text), Err(TrustedProxiesError), "{text}");
        }
    }
}
