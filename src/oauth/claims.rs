//! The standard claims about a user, by scope (OpenID Connect Core §5.1 and §5.4). The service knows neither a postal address
//! nor a telephone number, so that `address` and `phone` give nothing.

use serde_json::{Map, Value};

use crate::domain::{Scopes, User};

/// The scope that gives a claim about a user; `None` for claims that the service does not know.
pub(super) fn scope_of(name: &str) -> Option<&'static str> {
    match name {
        "preferred_username" | "updated_at" => Some("profile"),
        "email" | "email_verified" => Some("email"),
        _ => None,
    }
}

/// Those of these names that a client with the scopes `allowed` may ask for: a single claim needs the scope that gives it, so
/// that no client gets by name what it may not have by scope.
pub(super) fn permitted(names: &[String], allowed: &Scopes) -> Vec<String> {
    let may_have = |name: &&String| scope_of(name).is_some_and(|scope| allowed.contains(scope));
    names.iter().filter(may_have).cloned().collect()
}

/// The claims about `user` that `scopes` give, and those of `names`, which a request asked for one by one (§5.5).
pub(super) fn of_user(user: &User, scopes: &Scopes, names: &[String]) -> Map<String, Value> {
    let mut claims = Map::new();
    for (name, value) in [
        ("preferred_username", Value::from(user.username.as_str())),
        ("updated_at", Value::from(user.updated_at.as_secs())),
        ("email", Value::from(user.email.as_str())),
        // The service does not verify addresses yet.
        ("email_verified", Value::from(false)),
    ] {
        let is_in_scope = scope_of(name).is_some_and(|scope| scopes.contains(scope));
        if is_in_scope || names.iter().any(|wanted| wanted == name) {
            claims.insert(name.to_owned(), value);
        }
    }
    claims
}

#[cfg(test)]
mod tests {
    use super::{of_user, permitted};
    use crate::domain::{Email, PasswordHash, Scopes, Sessions, Timestamp, User, UserId, Username};

    #[test]
    fn a_scope_gives_its_claims_and_a_request_may_ask_for_single_ones() {
        let at = Timestamp::from_secs(7);
        let user = User {
            id: UserId::from_bytes([1; 12]),
            username: Username::parse("alice").unwrap(),
            email: Email::parse("alice@example.com").unwrap(),
            password_hash: PasswordHash::from_text("x".to_owned()),
            created_at: at,
            updated_at: at,
            sessions: Sessions::ALL,
        };
        let claims = |scopes: &str, names: &[&str]| {
            let names: Vec<_> = names.iter().map(|name| (*name).to_owned()).collect();
            serde_json::Value::from(of_user(&user, &Scopes::parse(scopes).unwrap(), &names)).to_string()
        };
        assert_eq!(claims("openid address phone", &[]), "{}");
        assert_eq!(claims("openid profile", &[]), r#"{"preferred_username":"alice","updated_at":7}"#);
        assert_eq!(claims("email", &["name"]), r#"{"email":"alice@example.com","email_verified":false}"#);
        assert_eq!(claims("openid", &["email", "sub"]), r#"{"email":"alice@example.com"}"#);
    }

    #[test]
    fn a_client_may_ask_for_single_claims_of_its_own_scopes_only() {
        let names = ["email", "email_verified", "preferred_username", "updated_at", "sub", "name", ""];
        let names = names.map(str::to_owned);
        let permitted = |allowed: &str| permitted(&names, &Scopes::parse(allowed).unwrap()).join(" ");
        assert_eq!(permitted("openid"), "");
        assert_eq!(permitted("openid email"), "email email_verified");
        assert_eq!(permitted("profile"), "preferred_username updated_at");
    }
}
