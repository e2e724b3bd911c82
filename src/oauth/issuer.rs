//! The issuer of OAuth tokens, and the addresses of the endpoints below it.

/// The issuer: an address, which verifiers compare byte by byte.
#[derive(Clone, Debug)]
pub struct Issuer {
    url: String,
    internal: Option<String>,
}

impl Issuer {
    /// The issuer `url`. Other servers reach the service at `internal`, or else at the issuer too.
    pub fn new(url: String, internal: Option<String>) -> Self {
        Self { url, internal }
    }

    /// The claim `iss`, as the operator wrote it.
    pub fn as_str(&self) -> &str {
        &self.url
    }

    /// The address of a path that browsers open.
    pub fn url(&self, path: &str) -> String {
        format!("{}{path}", self.base())
    }

    /// The address of a path that other servers open.
    pub fn internal_url(&self, path: &str) -> String {
        format!("{}{path}", self.internal.as_deref().unwrap_or(self.base()))
    }

    /// The path before those of the service, such as `/auth`; empty if the issuer has no path.
    pub fn path(&self) -> &str {
        let rest = self.base().split_once("://").map_or("", |(_, rest)| rest);
        rest.find('/').map_or("", |at| &rest[at..])
    }

    fn base(&self) -> &str {
        self.url.trim_end_matches('/')
    }
}

#[cfg(test)]
mod tests {
    use super::Issuer;

    #[test]
    fn a_slash_at_the_end_belongs_to_the_issuer_and_not_to_the_addresses_below_it() {
        for (url, path) in [
            ("https://auth.example.com", ""),
            ("https://auth.example.com/", ""),
            ("https://example.com/auth", "/auth"),
            ("https://example.com/a/b/", "/a/b"),
        ] {
            let issuer = Issuer::new(url.to_owned(), None);
            assert_eq!((issuer.as_str(), issuer.path()), (url, path));
            let base = url.trim_end_matches('/');
            assert_eq!(issuer.url("/oauth/token"), format!("{base}/oauth/token"));
            assert_eq!(issuer.internal_url("/oauth/token"), issuer.url("/oauth/token"));
        }
    }

    #[test]
    fn other_servers_may_reach_the_service_at_another_address() {
        let internal = Some("http://jwt-generator:3000".to_owned());
        let issuer = Issuer::new("https://auth.example.com".to_owned(), internal);
        assert_eq!(issuer.internal_url("/oauth/token"), "http://jwt-generator:3000/oauth/token");
        assert_eq!(issuer.url("/oauth/authorize"), "https://auth.example.com/oauth/authorize");
    }
}
