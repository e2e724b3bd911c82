//! Which tokens a client may have signed at `POST /api/token/generate`.

use serde::{Deserialize, Serialize};

/// The rule of one client. A pattern is a text in which each `*` stands for any characters.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GeneratePolicy {
    /// Patterns of audiences. Empty: only the usual audience.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub audiences: Vec<String>,
    /// Patterns of subjects. Empty: only the client itself.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub subjects: Vec<String>,
    /// Names of claims, or `*` for all that the service does not set itself. Empty: no claims.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub claims: Vec<String>,
    /// The longest life in seconds; `None`: that of all tokens (`MAX_TOKEN_LIFETIME`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_lifetime: Option<u64>,
}

impl GeneratePolicy {
    /// Whether a token may have this audience; `usual` is `JWT_AUDIENCE`.
    pub fn admits_audience(&self, audience: &str, usual: &str) -> bool {
        if self.audiences.is_empty() { audience == usual } else { matches_any(&self.audiences, audience) }
    }

    /// Whether a token may have this subject; `own` is the id of the client.
    pub fn admits_subject(&self, subject: &str, own: &str) -> bool {
        if self.subjects.is_empty() { subject == own } else { matches_any(&self.subjects, subject) }
    }

    /// Whether a token may have a claim of this name.
    pub fn admits_claim(&self, name: &str) -> bool {
        self.claims.iter().any(|known| known == "*" || known == name)
    }
}

fn matches_any(patterns: &[String], text: &str) -> bool {
    patterns.iter().any(|pattern| matches(pattern, text))
}

/// Whether the pieces between the stars occur in this order, the first at the beginning and the last at the end.
fn matches(pattern: &str, text: &str) -> bool {
    let Some((first, rest)) = pattern.split_once('*') else { return pattern == text };
    let Some(mut left) = text.strip_prefix(first) else { return false };
    let mut pieces: Vec<&str> = rest.split('*').collect();
    let last = pieces.pop().unwrap_or_default();
    for piece in pieces {
        match left.find(piece) {
            Some(at) => left = &left[at + piece.len()..],
            None => return false,
        }
    }
    left.ends_with(last)
}

#[cfg(test)]
mod tests {
    use super::{GeneratePolicy, matches};

    #[test]
    fn a_star_stands_for_any_characters() {
        for (pattern, text, expected) in [
            ("a", "a", true),
            ("a", "ab", false),
            ("*", "", true),
            ("service:*", "service:mail", true),
            ("service:*", "services", false),
            ("https://*.example/v1", "https://a.b.example/v1", true),
            ("https://*.example/v1", "https://a.example/v1/", false),
            ("a*a", "a", false),
            ("a*b*c", "a-b-b-c", true),
            ("a*b*c", "a-c-b", false),
            ("é*", "école", true),
        ] {
            assert_eq!(matches(pattern, text), expected, "{pattern} {text}");
        }
    }

    #[test]
    fn an_empty_policy_admits_only_the_client_itself_and_the_usual_audience() {
        let policy = GeneratePolicy::default();
        assert!(policy.admits_audience("api", "api") && !policy.admits_audience("other", "api"));
        assert!(policy.admits_subject("c1", "c1") && !policy.admits_subject("c2", "c1"));
        assert!(!policy.admits_claim("role"));
    }
}
