//! The deployment that is looked at, as its address names it.

use http::Uri;
use http::uri::Scheme;

/// An address, taken apart.
#[derive(Clone, Debug)]
pub(super) struct Target {
    /// Without a slash at its end; a path may be in it, such as a stage of API Gateway.
    pub base: String,
    pub host: String,
    pub port: u16,
    pub tls: bool,
    /// Whether the address names the port.
    pub names_port: bool,
    /// The path before all others, without a slash at its end.
    pub prefix: String,
}

impl Target {
    /// Reads an address.
    ///
    /// # Errors
    /// What is wrong with it, and what would do.
    pub(super) fn parse(address: &str) -> Result<Self, String> {
        let wrong =
            |what: &str| format!("{address:?} {what}: give an address such as https://tokens.example.com");
        let uri: Uri = address.parse().map_err(|_| wrong("is no address"))?;
        let tls = match uri.scheme() {
            Some(scheme) if *scheme == Scheme::HTTPS => true,
            Some(scheme) if *scheme == Scheme::HTTP => false,
            _ => return Err(wrong("is neither http:// nor https://")),
        };
        let authority = uri.authority().map(http::uri::Authority::as_str).unwrap_or_default();
        if authority.contains('@') {
            return Err("the address holds a name or a password: leave them out".to_owned());
        }
        if uri.query().is_some() {
            return Err(wrong("has a query"));
        }
        let host = uri.host().unwrap_or_default().trim_matches(['[', ']']).to_owned();
        if host.is_empty() {
            return Err(wrong("names no host"));
        }
        let port = uri.port_u16().unwrap_or(if tls { 443 } else { 80 });
        let base = address.trim_end_matches('/').to_owned();
        let prefix = uri.path().trim_end_matches('/').to_owned();
        Ok(Self { base, host, port, tls, names_port: uri.port().is_some(), prefix })
    }

    /// Whether it is this machine.
    pub(super) fn is_here(&self) -> bool {
        self.host == "localhost"
            || self.host.parse::<std::net::IpAddr>().is_ok_and(|address| address.is_loopback())
    }

    /// The address of a path.
    pub(super) fn at(&self, path: &str) -> String {
        format!("{}{path}", self.base)
    }

    /// As it stands in `Host`.
    pub(super) fn authority(&self) -> String {
        let host = if self.host.contains(':') { format!("[{}]", self.host) } else { self.host.clone() };
        if self.names_port { format!("{host}:{}", self.port) } else { host }
    }
}

#[cfg(test)]
mod tests {
    use super::Target;

    #[test]
    fn an_address_is_taken_apart() {
        let stage = Target::parse("https://x.example.com/prod/").unwrap();
        assert_eq!((stage.host.as_str(), stage.port, stage.tls), ("x.example.com", 443, true));
        assert_eq!(stage.at("/api/jwks"), "https://x.example.com/prod/api/jwks");
        assert_eq!((stage.prefix.as_str(), stage.authority().as_str()), ("/prod", "x.example.com"));
        let here = Target::parse("http://[::1]:3000").unwrap();
        assert!(here.is_here() && here.names_port && !here.tls);
        assert_eq!((here.host.as_str(), here.authority().as_str()), ("::1", "[::1]:3000"));
        assert!(!Target::parse("http://tokens.example.com").unwrap().is_here());
    }

    #[test]
    fn what_is_no_address_is_told() {
        for wrong in ["", "tokens.example.com", "ftp://x", "/api", "https://x/?a=b", "http://"] {
            assert!(Target::parse(wrong).unwrap_err().contains("https://tokens.example.com"), "{wrong}");
        }
        assert!(!Target::parse("https://user:secret@x").unwrap_err().contains("secret"));
    }
}
