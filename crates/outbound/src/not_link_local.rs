//! A resolver of names that leaves out link-local addresses.

use std::net::{IpAddr, SocketAddr};

use http::Uri;
use ureq::config::Config;
use ureq::unversioned::resolver::{DefaultResolver, ResolvedSocketAddrs, Resolver};
use ureq::unversioned::transport::NextTimeout;

/// Resolves names as usual. An address at which only this machine's own link answers does not count.
#[derive(Debug, Default)]
pub(crate) struct NotLinkLocal(DefaultResolver);

impl Resolver for NotLinkLocal {
    fn resolve(
        &self,
        uri: &Uri,
        config: &Config,
        timeout: NextTimeout,
    ) -> Result<ResolvedSocketAddrs, ureq::Error> {
        let found = self.0.resolve(uri, config, timeout)?;
        let mut kept = self.empty();
        for address in found.iter().filter(|address| !is_link_local(address)) {
            kept.push(*address);
        }
        if kept.is_empty() { Err(ureq::Error::HostNotFound) } else { Ok(kept) }
    }
}

/// Also the IPv6 address at which AWS answers, and IPv4 addresses in their IPv6 form.
fn is_link_local(address: &SocketAddr) -> bool {
    match address.ip().to_canonical() {
        IpAddr::V4(ip) => ip.is_link_local(),
        IpAddr::V6(ip) => ip.is_unicast_link_local() || ip.segments()[..2] == [0xfd00, 0x0ec2],
    }
}

#[cfg(test)]
mod tests {
    use super::is_link_local;

    #[test]
    fn addresses_that_answer_on_the_link_alone_are_left_out() {
        for (address, left_out) in [
            ("169.254.169.254:80", true),
            ("[::ffff:169.254.169.254]:80", true),
            ("[fe80::1]:80", true),
            ("[fd00:ec2::254]:80", true),
            ("127.0.0.1:80", false),
            ("10.0.0.1:80", false),
            ("[fd00::1]:80", false),
            ("192.0.2.1:80", false),
        ] {
            assert_eq!(is_link_local(&address.parse().unwrap()), left_out, "{address}");
        }
    }
}
