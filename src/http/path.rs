//! Paths as Express treats them: upper case and slashes at the end make no difference. The value of a
//! parameter keeps its case.

use std::borrow::Cow;

/// The spelling under which the router knows the path.
pub(super) fn canonical(path: &str) -> Cow<'_, str> {
    let trimmed = if path.len() > 1 { path.trim_end_matches('/') } else { path };
    let trimmed = if trimmed.is_empty() && !path.is_empty() { "/" } else { trimmed };
    if trimmed.bytes().any(|b| b.is_ascii_uppercase()) {
        Cow::Owned(trimmed.to_ascii_lowercase())
    } else {
        Cow::Borrowed(trimmed)
    }
}

/// The first segment, by which groups of paths are distinguished. `None` if a path has no slash.
pub(super) fn group(path: &str) -> Option<&str> {
    path.strip_prefix('/').and_then(|rest| rest.split('/').next())
}

/// Whether a path has parameters.
pub(super) fn is_template(path: &str) -> bool {
    path.contains('{')
}

/// Whether a path in the router's spelling is one of the template's.
pub(super) fn fits(template: &str, path: &str) -> bool {
    let (mut wanted, mut found) = (template.split('/'), path.split('/'));
    loop {
        match (wanted.next(), found.next()) {
            (None, None) => return true,
            (Some(wanted), Some(found)) if wanted == found || (is_template(wanted) && !found.is_empty()) => {}
            _ => return false,
        }
    }
}

/// The segment of a path, in any spelling, at the place of `{name}` in the template.
pub(super) fn parameter<'a>(template: &str, name: &str, path: &'a str) -> Option<&'a str> {
    let is_it =
        |segment: &str| segment.strip_prefix('{').and_then(|rest| rest.strip_suffix('}')) == Some(name);
    let at = template.split('/').position(is_it)?;
    path.split('/').nth(at)
}

#[cfg(test)]
mod tests {
    use super::{canonical, fits, parameter};

    #[test]
    fn paths_are_taken_as_express_takes_them() {
        for (asked, known) in [
            ("/api/jwks", "/api/jwks"),
            ("/", "/"),
            ("//", "/"),
            ("/api/docs/", "/api/docs"),
            ("/API/Jwks//", "/api/jwks"),
            ("*", "*"),
            ("", ""),
        ] {
            assert_eq!(canonical(asked), known, "{asked}");
        }
    }

    #[test]
    fn a_parameter_is_one_segment_that_is_not_empty() {
        let template = "/clients/{id}/keys";
        for (path, does) in [
            ("/clients/a/keys", true),
            ("/clients/{id}/keys", true),
            ("/clients/a", false),
            ("/clients/a/keys/b", false),
            ("/clients//keys", false),
            ("/clients/a/b/keys", false),
            ("/client/a/keys", false),
        ] {
            assert_eq!(fits(template, path), does, "{path}");
        }
    }

    #[test]
    fn a_parameter_keeps_its_case() {
        let id = |path| parameter("/clients/{id}/keys", "id", path);
        assert_eq!(id("/Clients/AbC/KEYS//"), Some("AbC"));
        assert_eq!(parameter("/clients/{id}/keys", "kid", "/clients/a/keys"), None);
    }
}
