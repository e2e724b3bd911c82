//! The addresses from which keys may be read: https, or http to this machine itself.

use std::net::{Ipv4Addr, Ipv6Addr};

use http::Uri;

/// A checked address. The authorizer fetches only from such addresses.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Address(String);

impl Address {
    /// Reads an address.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn parse(text: &str) -> Result<Self, &'static str> {
        let uri: Uri = text.parse().map_err(|_| "it is not an address")?;
        let authority = uri.authority().ok_or("it does not begin with https://")?;
        if authority.as_str().contains('@') || authority.host().is_empty() || text.contains('#') {
            return Err("it holds a user, a fragment or no host");
        }
        match uri.scheme_str() {
            Some("https") => Ok(Self(text.to_owned())),
            Some("http") if is_loopback(authority.host()) => Ok(Self(text.to_owned())),
            _ => Err("it must begin with https://, because keys that came over plain HTTP prove nothing"),
        }
    }

    /// The address, for the request.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether the address is on this machine.
    pub fn is_local(&self) -> bool {
        self.0.starts_with("http://")
    }

    /// The addresses of the documents that describe this issuer: OpenID Connect Discovery §4, then RFC 8414 §3.1.
    ///
    /// # Errors
    /// The address has a query, which an issuer must not have.
    pub fn discoveries(&self) -> Result<[Self; 2], &'static str> {
        if self.0.contains('?') {
            return Err("an issuer has no query; give its key set's address as issuer=address");
        }
        let issuer = self.0.strip_suffix('/').unwrap_or(&self.0);
        let path_at = issuer.find("://").and_then(|at| issuer[at + 3..].find('/').map(|path| at + 3 + path));
        let (origin, path) = issuer.split_at(path_at.unwrap_or(issuer.len()));
        Ok([
            Self(format!("{issuer}/.well-known/openid-configuration")),
            Self(format!("{origin}/.well-known/oauth-authorization-server{path}")),
        ])
    }
}

fn is_loopback(host: &str) -> bool {
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    host == "localhost"
        || bare.parse::<Ipv4Addr>().is_ok_and(|address| address.is_loopback())
        || bare.parse::<Ipv6Addr>().is_ok_and(|address| address.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_come_by_https_or_from_this_machine() {
        for good in [
            "https://id.example.com",
            "https://id.example.com:8443/realms/a?b=c",
            "http://127.0.0.1:8080/jwks",
            "http://localhost/jwks",
            "http://[::1]:8080/jwks",
        ] {
            assert!(Address::parse(good).is_ok(), "{good}");
        }
        for bad in [
            "",
            "id.example.com",
            "/jwks",
            "http://id.example.com/jwks",
            "http://127.0.0.1.example.com/jwks",
            "http://localhost.example.com/jwks",
            "http://10.0.0.1/jwks",
            "http://169.254.169.254/latest",
            "ftp://id.example.com",
            "file:///etc/passwd",
            "https://user@id.example.com",
            "https://id.example.com/#a",
            "https://",
            "https://a b",
        ] {
            assert!(Address::parse(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn an_issuer_is_described_at_two_addresses() {
        let described =
            |issuer: &str| Address::parse(issuer).unwrap().discoveries().unwrap().map(|found| found.0);
        assert_eq!(
            described("https://id.example.com/"),
            [
                "https://id.example.com/.well-known/openid-configuration",
                "https://id.example.com/.well-known/oauth-authorization-server"
            ]
        );
        assert_eq!(
            described("https://id.example.com/realms/a"),
            [
                "https://id.example.com/realms/a/.well-known/openid-configuration",
                "https://id.example.com/.well-known/oauth-authorization-server/realms/a"
            ]
        );
        assert!(Address::parse("https://id.example.com?a=b").unwrap().discoveries().is_err());
    }
}
