//! The address of the deployment to inspect.

use http::Uri;
use http::uri::Scheme;

/// An address in its parts.
#[derive(Clone, Debug)]
pub struct Target {
    /// The address without a slash at its end; it may contain a path, such as a stage of API Gateway.
    pub(crate) base: String,
    pub(crate) host: String,
    pub(crate) port: u16,
    pub(crate) tls: bool,
    /// Whether the address names the port.
    pub(crate) names_port: bool,
    /// The path before all others, without a slash at its end.
    pub(crate) prefix: String,
}

/// The address cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum AddressError {
    /// The address, and what is wrong with it.
    #[error("{0:?} {1}: give an address such as https://tokens.example.com")]
    Invalid(String, &'static str),
    /// The address contains credentials; the message must not repeat them.
    #[error("the address contains a user name or a password: leave them out")]
    Credentials,
}

impl Target {
    /// Reads an address.
    ///
    /// # Errors
    /// [`AddressError`] if it is not an HTTP or HTTPS address, or has a query or credentials.
    pub fn parse(address: &str) -> Result<Self, AddressError> {
        let invalid = |fault| AddressError::Invalid(address.to_owned(), fault);
        let uri: Uri = address.parse().map_err(|_| invalid("is not an address"))?;
        let tls = match uri.scheme() {
            Some(scheme) if *scheme == Scheme::HTTPS => true,
            Some(scheme) if *scheme == Scheme::HTTP => false,
            _ => return Err(invalid("begins with neither http:// nor https://")),
        };
        let authority = uri.authority().map(http::uri::Authority::as_str).unwrap_or_default();
        if authority.contains('@') {
            return Err(AddressError::Credentials);
        }
        if uri.query().is_some() {
            return Err(invalid("has a query"));
        }
        let host = uri.host().unwrap_or_default().trim_matches(['[', ']']).to_owned();
        if host.is_empty() {
            return Err(invalid("names no host"));
        }
        let port = uri.port_u16().unwrap_or(if tls { 443 } else { 80 });
        let base = address.trim_end_matches('/').to_owned();
        let prefix = uri.path().trim_end_matches('/').to_owned();
        Ok(Self { base, host, port, tls, names_port: uri.port().is_some(), prefix })
    }

    /// The port to check for plain HTTP if the caller names none: 80 beside HTTPS at its usual port.
    pub fn usual_http_port(&self) -> Option<u16> {
        (self.tls && !self.names_port).then_some(80)
    }

    /// Whether it is an address of this machine.
    pub(crate) fn is_this_machine(&self) -> bool {
        self.host == "localhost"
            || self.host.parse::<std::net::IpAddr>().is_ok_and(|address| address.is_loopback())
    }

    /// The address of a path.
    pub(crate) fn at(&self, path: &str) -> String {
        format!("{}{path}", self.base)
    }

    /// The value of the header `Host`.
    pub(crate) fn authority(&self) -> String {
        let host = if self.host.contains(':') { format!("[{}]", self.host) } else { self.host.clone() };
        if self.names_port { format!("{host}:{}", self.port) } else { host }
    }
}

#[cfg(test)]
mod tests {
    use super::Target;

    #[test]
    fn an_address_is_split_into_its_parts() {
        let stage = Target::parse("https://x.example.com/prod/").unwrap();
        assert_eq!((stage.host.as_str(), stage.port, stage.tls), ("x.example.com", 443, true));
        assert_eq!(stage.at("/api/jwks"), "https://x.example.com/prod/api/jwks");
        assert_eq!((stage.prefix.as_str(), stage.authority().as_str()), ("/prod", "x.example.com"));
        let here = Target::parse("http://[::1]:3000").unwrap();
        assert!(here.is_this_machine() && here.names_port && !here.tls);
        assert_eq!((here.host.as_str(), here.authority().as_str()), ("::1", "[::1]:3000"));
        assert!(!Target::parse("http://tokens.example.com").unwrap().is_this_machine());
    }

    #[test]
    fn a_wrong_address_gets_an_example_of_a_right_one() {
        for wrong in ["", "tokens.example.com", "ftp://x", "/api", "https://x/?a=b", "http://"] {
            assert!(
                Target::parse(wrong).unwrap_err().to_string().contains("https://tokens.example.com"),
                "{wrong}"
            );
        }
        assert!(!Target::parse("https://user:secret@x").unwrap_err().to_string().contains("secret"));
    }
}
