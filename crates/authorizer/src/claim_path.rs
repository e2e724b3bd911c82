//! The path of a claim: `sub`, or `realm_access.roles` inside another claim.

use jose::json::Json;

/// The names that lead to a claim, from the outside inwards.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClaimPath(Vec<String>);

impl ClaimPath {
    /// Reads names with dots between them. A dot that belongs to a name has a backslash before it.
    pub fn parse(text: &str) -> Option<Self> {
        let names: Vec<String> =
            split_unescaped(text, '.').into_iter().map(|name| unescaped(&name)).collect();
        names.iter().all(|name| !name.is_empty()).then_some(Self(names))
    }

    /// The claim, if the token has it.
    pub fn find<'j, 'a>(&self, claims: &'j Json<'a>) -> Option<&'j Json<'a>> {
        self.0.iter().try_fold(claims, |value, name| value.get(name))
    }

    /// The gateway's name of the claim: the names, with `_` for every character that is not a letter, a digit
    /// or `_`.
    pub fn context_key(&self) -> String {
        self.0.join("_").chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '_' }).collect()
    }
}

/// The parts of a text between separators that have no backslash before them. Backslashes stay, for [`unescaped`].
pub fn split_unescaped(text: &str, separator: char) -> Vec<String> {
    let (mut parts, mut part, mut escaped) = (Vec::new(), String::new(), false);
    for c in text.chars() {
        if c == separator && !escaped {
            parts.push(std::mem::take(&mut part));
            continue;
        }
        escaped = c == '\\' && !escaped;
        part.push(c);
    }
    parts.push(part);
    parts
}

/// The text without the backslashes that protect the next character.
pub fn unescaped(text: &str) -> String {
    let (mut plain, mut characters) = (String::new(), text.chars());
    while let Some(c) = characters.next() {
        plain.push(if c == '\\' { characters.next().unwrap_or(c) } else { c });
    }
    plain
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_dot_leads_inwards_and_a_protected_dot_belongs_to_the_name() {
        let claims =
            Json::parse(br#"{"a":{"b":1},"a.b":2,"https://example.com/role":3,"c\\":{"d":4}}"#).unwrap();
        let found = |path: &str| ClaimPath::parse(path).unwrap().find(&claims).map(ToString::to_string);
        assert_eq!(found("a.b").as_deref(), Some("1"));
        assert_eq!(found(r"a\.b").as_deref(), Some("2"));
        assert_eq!(found(r"https://example\.com/role").as_deref(), Some("3"));
        assert_eq!(found(r"c\\.d").as_deref(), Some("4"));
        assert_eq!(found("a.b.c"), None);
        assert_eq!(found("A.b"), None, "names are compared exactly");
        for nowhere in ["", ".", "a.", ".a", "a..b"] {
            assert_eq!(ClaimPath::parse(nowhere), None, "{nowhere:?}");
        }
    }

    #[test]
    fn the_gateways_name_of_a_claim_is_plain() {
        let key = |path: &str| ClaimPath::parse(path).unwrap().context_key();
        assert_eq!(key("realm_access.roles"), "realm_access_roles");
        assert_eq!(key(r"https://example\.com/role"), "https___example_com_role");
    }
}
