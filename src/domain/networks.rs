//! Networks that a setting names.

use std::net::IpAddr;

use ipnet::IpNet;

/// Networks of the operator's own. By default there are none.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Networks(Vec<IpNet>);

/// The text is not a list of networks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("must be addresses or networks separated by commas, such as 10.1.0.0/16,127.0.0.1")]
pub struct NetworksError;

impl Networks {
    /// Reads networks in CIDR notation (RFC 4632 §3.1, RFC 4291 §2.3) and single addresses, separated by commas. An address of
    /// IPv4 within IPv6 counts as IPv4.
    ///
    /// # Errors
    /// [`NetworksError`].
    pub fn parse(text: &str) -> Result<Self, NetworksError> {
        let network = |text: &str| match text.parse::<IpAddr>() {
            Ok(address) => Ok(IpNet::from(address.to_canonical())),
            Err(_) => text.parse::<IpNet>().map(|network| network.trunc()).map_err(|_| NetworksError),
        };
        text.split(',').map(|part| network(part.trim())).collect::<Result<_, _>>().map(Self)
    }

    /// The networks.
    pub fn as_slice(&self) -> &[IpNet] {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::{Networks, NetworksError};

    #[test]
    fn networks_and_addresses_are_read() {
        let read = Networks::parse("10.1.2.3/16, 127.0.0.1,fd00::/8,::ffff:192.168.0.1").unwrap();
        let listed: Vec<_> = read.as_slice().iter().map(ToString::to_string).collect();
        assert_eq!(listed, ["10.1.0.0/16", "127.0.0.1/32", "fd00::/8", "192.168.0.1/32"]);
        for text in ["", "10.0.0.0/33", "example.com", "10.0.0.1,"] {
            assert_eq!(Networks::parse(text), Err(NetworksError), "{text}");
        }
    }
}
