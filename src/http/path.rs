//! Paths as Express takes them: upper case and a slash at the end make no difference.

use std::borrow::Cow;

use http::Uri;
use http::uri::PathAndQuery;

/// The spelling under which the router knows the path.
pub(super) fn canonical(path: &str) -> Cow<'_, str> {
    let trimmed = if path.len() > 1 { path.trim_end_matches('/') } else { path };
    let trimmed = if trimmed.is_empty() { "/" } else { trimmed };
    if trimmed.bytes().any(|b| b.is_ascii_uppercase()) {
        Cow::Owned(trimmed.to_ascii_lowercase())
    } else {
        Cow::Borrowed(trimmed)
    }
}

/// The URI with its path in that spelling, where it has another.
pub(super) fn rewritten(uri: &Uri) -> Option<Uri> {
    let path = canonical(uri.path());
    if path == uri.path() {
        return None;
    }
    let query = uri.query().map(|query| format!("?{query}")).unwrap_or_default();
    let mut parts = uri.clone().into_parts();
    parts.path_and_query = Some(PathAndQuery::try_from(format!("{path}{query}")).ok()?);
    Uri::from_parts(parts).ok()
}

#[cfg(test)]
mod tests {
    use super::rewritten;

    #[test]
    fn paths_are_taken_as_express_takes_them() {
        let path = |text: &str| rewritten(&text.parse().unwrap()).map(|uri| uri.to_string());
        assert_eq!(path("/api/jwks"), None);
        assert_eq!(path("/"), None);
        assert_eq!(path("/api/docs/").as_deref(), Some("/api/docs"));
        assert_eq!(path("/API/Jwks/?A=B").as_deref(), Some("/api/jwks?A=B"));
        assert_eq!(path("//").as_deref(), Some("/"));
    }
}
