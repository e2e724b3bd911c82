//! The standard claims about a user, by scope (OpenID Connect Core §5.1 and §5.4). The service knows neither a postal address
//! nor a telephone number, so that `address` and `phone` give nothing.

use serde_json::{Map, Value};

use crate::domain::{Scopes, User};

/// The claims about `user` that `scopes` give, and those of `names`, which a request asked for one by one (§5.5).
pub(super) fn of_user(user: &User, scopes: &Scopes, names: &[String]) -> Map<String, Value> {
    let mut claims = Map::new();
    for (scope, name, value) in [
        ("profile", "preferred_username", Value::from(user.username.as_str())),
        ("profile", "updated_at", Value::from(user.updated_at.as_secs())),
        ("email", "email", Value::from(user.email.as_str())),
        // The service does not verify addresses yet.
        ("email", "email_verified", Value::from(false)),
    ] {
        if scopes.contains(scope) || names.iter().any(|wanted| wanted == name) {
            claims.insert(name.to_owned(), value);
        }
    }
    claims
}

#[cfg(test)]
mod tests {
    use super::of_user;
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
}
