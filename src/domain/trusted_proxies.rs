//! The proxies in front of the service, by their addresses.

use std::net::IpAddr;

use ipnet::IpNet;

/// Networks whose members are proxies of the operator's. Nothing is trusted by default.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TrustedProxies(Vec<IpNet>);

/// The bits that are fixed in the largest network of an operator's own.
const SMALLEST_PREFIX: u8 = 7;

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
            Err(_) => text.parse().map_err(|_| TrustedProxiesError),
        };
        text.split(',').map(|part| network(part.trim())).collect::<Result<_, _>>().map(Self)
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// One that holds many public addresses: it is larger than the largest private network (`fc00::/7`).
    pub fn too_large(&self) -> Option<String> {
        let large = |network: &&IpNet| network.prefix_len() < SMALLEST_PREFIX;
        self.0.iter().find(large).map(ToString::to_string)
    }

    /// Whether this is the address of one of them. IPv4 within IPv6 (`::ffff:10.0.0.1`) counts as IPv4.
    pub fn contain(&self, address: IpAddr) -> bool {
        let address = address.to_canonical();
        self.0.iter().any(|network| network.contains(&address))
    }
}

#[cfg(test)]
mod tests {
    use super::{TrustedProxies, TrustedProxiesError};

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
    fn a_network_of_the_public_is_too_large_to_be_trusted() {
        let too_large = |text: &str| TrustedProxies::parse(text).unwrap().too_large();
        for one in ["0.0.0.0/0", "::/0", "128.0.0.0/1", "2000::/3"] {
            assert_eq!(too_large(&format!("192.0.2.7,{one}")).as_deref(), Some(one));
        }
        assert_eq!(too_large("10.0.0.0/8,fc00::/7,2001:db8::/32,192.0.2.7"), None);
    }

    #[test]
    fn what_is_no_network_is_refused() {
        for text in ["localhost", "10.0.0.0/33", "10.0.0.0/8;::1", "10.0.0.0/8,", "10.0.0", "*"] {
            assert_eq!(TrustedProxies::parse(text), Err(TrustedProxiesError), "{text}");
        }
    }
}
