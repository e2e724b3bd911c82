//! The path of the issuer. If the issuer is `https://example.com/auth`, a request may come as `/auth/oauth/token` or, behind a
//! proxy that removes the path, as `/oauth/token`. RFC 8414 §3.1 puts the path of the issuer behind the well-known one.

use http::Uri;
use http::uri::PathAndQuery;

const WELL_KNOWN: [&str; 2] =
    ["/.well-known/openid-configuration", "/.well-known/oauth-authorization-server"];

/// The path of the issuer, such as `/auth`; empty if it has none.
#[derive(Debug)]
pub(super) struct BasePath(String);

impl BasePath {
    pub(super) fn new(path: &str) -> Self {
        Self(path.to_owned())
    }

    /// Removes the path of the issuer, if the requested path has it in front of a path of the service, or behind that of a
    /// discovery document.
    pub(super) fn remove_from(&self, uri: &mut Uri) {
        if self.0.is_empty() {
            return;
        }
        let Some(path) = self.without(uri.path()) else { return };
        let target = match uri.query() {
            Some(query) => format!("{path}?{query}"),
            None => path.to_owned(),
        };
        let mut parts = uri.clone().into_parts();
        parts.path_and_query = PathAndQuery::try_from(target).ok();
        if let Ok(shorter) = Uri::from_parts(parts) {
            *uri = shorter;
        }
    }

    fn without<'p>(&self, path: &'p str) -> Option<&'p str> {
        let base = self.0.as_str();
        let inserted = || {
            let before = path.trim_end_matches('/').strip_suffix(base)?;
            WELL_KNOWN.contains(&before).then_some(before)
        };
        path.strip_prefix(base).filter(|rest| rest.starts_with('/')).or_else(inserted)
    }
}

#[cfg(test)]
mod tests {
    use super::{BasePath, Uri};

    #[test]
    fn the_path_of_the_issuer_makes_no_difference() {
        let removed = |base: &str, uri: &str| {
            let mut uri: Uri = uri.parse().unwrap();
            BasePath::new(base).remove_from(&mut uri);
            uri.to_string()
        };
        for (asked, known) in [
            ("/auth/oauth/token?x=1", "/oauth/token?x=1"),
            ("/oauth/token", "/oauth/token"),
            ("/auth/", "/"),
            ("/auth", "/auth"),
            ("/authority/x", "/authority/x"),
            ("/auth/.well-known/openid-configuration", "/.well-known/openid-configuration"),
            ("/.well-known/oauth-authorization-server/auth", "/.well-known/oauth-authorization-server"),
            ("/.well-known/openid-configuration/auth/", "/.well-known/openid-configuration"),
            ("/.well-known/jwks.json/auth", "/.well-known/jwks.json/auth"),
            ("/.well-known/openid-configuration/other", "/.well-known/openid-configuration/other"),
        ] {
            assert_eq!(removed("/auth", asked), known);
            assert_eq!(removed("", asked), asked);
        }
    }
}
