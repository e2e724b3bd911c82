//! The metadata of a client as an operator writes it, and what is wrong with it.

use std::fmt;

use serde_json::{Map, Value};

use crate::domain::ClientMetadata;

/// A member that breaks a rule.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClientFault {
    /// The member, as RFC 7591 names it.
    pub member: String,
    /// What it must be.
    pub problem: String,
}

/// All faults of one client.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClientFaults(pub Vec<ClientFault>);

impl fmt::Display for ClientFaults {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (position, ClientFault { member, problem }) in self.0.iter().enumerate() {
            let end = if position == 0 { "" } else { "\n" };
            write!(f, "{end}{member}: {problem}")?;
        }
        Ok(())
    }
}

impl std::error::Error for ClientFaults {}

/// Collects faults.
#[derive(Default)]
pub(super) struct Check(Vec<ClientFault>);

impl Check {
    pub(super) fn refuse_if(&mut self, breaks: bool, member: &str, problem: impl Into<String>) {
        if breaks {
            self.0.push(ClientFault { member: member.to_owned(), problem: problem.into() });
        }
    }

    pub(super) fn done(self) -> Result<(), ClientFaults> {
        if self.0.is_empty() { Ok(()) } else { Err(ClientFaults(self.0)) }
    }
}

/// Reads metadata that an operator wrote: an object with the names of RFC 7591.
///
/// # Errors
/// [`ClientFaults`], one for each member that cannot be read.
pub fn read_metadata(mut members: Map<String, Value>) -> Result<ClientMetadata, ClientFaults> {
    let mut check = Check::default();
    // Registration documents have it; this service knows no other value.
    if let Some(types) = members.remove("response_types") {
        let known = [serde_json::json!(["code"]), serde_json::json!([])];
        check.refuse_if(!known.contains(&types), "response_types", "must be [\"code\"]");
    }
    let mut readable = Map::new();
    for (name, value) in members {
        let alone = Map::from_iter([(name.clone(), value.clone())]);
        match serde_json::from_value::<ClientMetadata>(Value::Object(alone)) {
            Ok(metadata) if !metadata.other.is_empty() => check.refuse_if(true, &name, unknown(&name)),
            Ok(_) => {
                readable.insert(name, value);
            }
            Err(error) => check.refuse_if(true, &name, unreadable(&name, &error)),
        }
    }
    check.done()?;
    let read = serde_json::from_value(Value::Object(readable));
    read.map_err(|error| {
        ClientFaults(vec![ClientFault { member: "metadata".to_owned(), problem: error.to_string() }])
    })
}

/// All members, for a name that is nearly one of them.
const MEMBERS: [&str; 27] = [
    "access_token_lifetime",
    "access_token_typ",
    "claims",
    "client_name",
    "client_uri",
    "default_max_age",
    "first_party",
    "generate",
    "grant_types",
    "id_token_signed_response_alg",
    "introspection_signed_response_alg",
    "jwks",
    "jwks_uri",
    "post_logout_redirect_uris",
    "redirect_uris",
    "refresh_token_idle_lifetime",
    "refresh_token_lifetime",
    "require_pkce",
    "resources",
    "response_types",
    "rotate_refresh_tokens",
    "scope",
    "token_endpoint_auth_method",
    "token_endpoint_auth_signing_alg",
    "userinfo_signed_response_alg",
    "client_secret_file",
    "client_secret_sha256",
];
/// The most letters by which a name may differ from the one that was meant; a short name, by a third of its letters.
const MAX_TYPOS: usize = 3;

/// Why a member is not accepted that no version is known to have.
fn unknown(name: &str) -> String {
    let nearest = MEMBERS.iter().map(|member| (distance(name, member), *member)).min();
    match nearest.filter(|(distance, _)| *distance <= MAX_TYPOS.min(name.len() / 3)) {
        Some((_, member)) => format!("is not a member of a client; did you mean {member}?"),
        None => "is not a member of a client (docs/clients.md lists them)".to_owned(),
    }
}

/// What a member must be that has a value of another type.
fn unreadable(name: &str, error: &serde_json::Error) -> String {
    let must_be = match name {
        "grant_types" => "must be a list of authorization_code, refresh_token and client_credentials",
        "token_endpoint_auth_method" => {
            "must be client_secret_basic, client_secret_post, private_key_jwt or none"
        }
        "access_token_lifetime"
        | "refresh_token_lifetime"
        | "refresh_token_idle_lifetime"
        | "default_max_age" => "must be a whole number of seconds",
        "first_party" | "require_pkce" | "rotate_refresh_tokens" => "must be true or false",
        "access_token_typ" => "must be at+jwt or JWT",
        // The one number of the policy.
        "generate" if error.to_string().contains("expected u64") => {
            "max_lifetime must be a whole number of seconds"
        }
        _ => return error.to_string(),
    };
    must_be.to_owned()
}

/// How many letters must be added, left out or replaced to make one name of the other (Levenshtein).
fn distance(one: &str, other: &str) -> usize {
    let mut row: Vec<usize> = (0..=other.len()).collect();
    for (position, letter) in one.bytes().enumerate() {
        let mut diagonal = row[0];
        row[0] = position + 1;
        for (column, wanted) in other.bytes().enumerate() {
            let replaced = diagonal + usize::from(letter != wanted);
            diagonal = row[column + 1];
            row[column + 1] = replaced.min(row[column] + 1).min(diagonal + 1);
        }
    }
    row[other.len()]
}

#[cfg(test)]
mod tests {
    use serde_json::{Map, Value, json};

    use super::{MEMBERS, distance, read_metadata};

    /// The problem of a client with this one member.
    fn problem(name: &str, value: Value) -> String {
        read_metadata(Map::from_iter([(name.to_owned(), value)])).unwrap_err().to_string()
    }

    #[test]
    fn a_name_that_is_nearly_a_member_is_answered_with_the_member() {
        for (name, meant) in [
            ("redirect_uri", "redirect_uris"),
            ("scopes", "scope"),
            ("grant_type", "grant_types"),
            ("clientName", "client_name"),
            ("jwk_uri", "jwks_uri"),
        ] {
            let expected = format!("{name}: is not a member of a client; did you mean {meant}?");
            assert_eq!(problem(name, json!("x")), expected);
        }
        let expected = "tos_uri: is not a member of a client (docs/clients.md lists them)";
        assert_eq!(problem("tos_uri", json!("x")), expected);
    }

    #[test]
    fn a_value_of_a_wrong_type_is_answered_with_what_it_must_be() {
        let grants =
            "grant_types: must be a list of authorization_code, refresh_token and client_credentials";
        assert_eq!(problem("grant_types", json!(["password"])), grants);
        assert_eq!(problem("grant_types", json!("client_credentials")), grants);
        let seconds = "access_token_lifetime: must be a whole number of seconds";
        assert_eq!(problem("access_token_lifetime", json!("10m")), seconds);
        assert_eq!(problem("first_party", json!("yes")), "first_party: must be true or false");
        let policy = problem("generate", json!({ "max_lifetime": "15m" }));
        assert_eq!(policy, "generate: max_lifetime must be a whole number of seconds");
    }

    #[test]
    fn every_member_that_may_be_proposed_is_known() {
        let of_the_file = ["client_secret_file", "client_secret_sha256"];
        for name in MEMBERS.iter().filter(|name| !of_the_file.contains(name)) {
            let read = read_metadata(Map::from_iter([((*name).to_owned(), json!(1.5))]));
            let told = read.err().map(|faults| faults.to_string()).unwrap_or_default();
            assert!(!told.contains("is not a member"), "{told}");
        }
        assert_eq!((distance("", "abc"), distance("abc", "abc"), distance("kitten", "sitting")), (3, 0, 3));
    }
}
