//! The standard claims about a user, by scope (OpenID Connect Core §5.1 and §5.4): those that the service knows itself, and those
//! that an operator gave the user.

use serde_json::{Map, Value};

use super::{OAuth, TokenError};
use crate::domain::{Scopes, StandardClaim, User, UserClaims};

/// The claims that the service knows of each user, with their scopes.
const OWN: [(&str, &str); 4] = [
    ("preferred_username", "profile"),
    ("updated_at", "profile"),
    ("email", "email"),
    ("email_verified", "email"),
];

/// The names of all claims about a user.
pub(super) fn names() -> impl Iterator<Item = &'static str> {
    OWN.iter().map(|(name, _)| *name).chain(StandardClaim::ALL.iter().map(|claim| claim.name))
}

/// The scope that gives a claim about a user; `None` for claims that the service does not know.
pub(super) fn scope_of(name: &str) -> Option<&'static str> {
    let own = OWN.iter().find(|(own, _)| *own == name).map(|(_, scope)| *scope);
    own.or_else(|| StandardClaim::named(name).map(|claim| claim.scope))
}

/// Those of these names that a client with the scopes `allowed` may ask for: a single claim needs the scope that gives it, so
/// that no client gets by name what it may not have by scope.
pub(super) fn permitted(names: &[String], allowed: &Scopes) -> Vec<String> {
    let may_have = |name: &&String| scope_of(name).is_some_and(|scope| allowed.contains(scope));
    names.iter().filter(may_have).cloned().collect()
}

impl OAuth {
    /// The claims about `user` that `scopes` give, and those of `names`, which a request asked for one by one (§5.5). It reads
    /// what an operator gave the user only if one of these claims can be among it.
    ///
    /// # Errors
    /// Those of the store.
    pub(super) async fn claims_about(
        &self,
        user: &User,
        scopes: &Scopes,
        names: &[String],
    ) -> Result<Map<String, Value>, TokenError> {
        let needs_given = need_given(scopes, names);
        let given = if needs_given { self.users.find_user_claims(user.id).await? } else { None };
        Ok(of_user(user, given.as_ref(), scopes, names))
    }
}

/// Whether a claim that an operator gave the user can be among these; `updated_at` tells of them.
fn need_given(scopes: &Scopes, names: &[String]) -> bool {
    let is_given = |name: &str| name == "updated_at" || StandardClaim::named(name).is_some();
    ["profile", "address", "phone"].iter().any(|scope| scopes.contains(scope))
        || names.iter().any(|name| is_given(name))
}

fn of_user(
    user: &User,
    given: Option<&UserClaims>,
    scopes: &Scopes,
    wanted: &[String],
) -> Map<String, Value> {
    let updated_at = given.map_or(user.updated_at, |given| given.updated_at.max(user.updated_at));
    let value_of = |name: &str| match name {
        "preferred_username" => Some(Value::from(user.username.as_str())),
        "updated_at" => Some(Value::from(updated_at.as_secs())),
        "email" => Some(Value::from(user.email.as_str())),
        // The service does not verify addresses yet.
        "email_verified" => Some(Value::from(false)),
        name => given?.get(name),
    };
    let is_told = |name: &&str| {
        scope_of(name).is_some_and(|scope| scopes.contains(scope))
            || wanted.iter().any(|wanted| wanted == name)
    };
    names().filter(is_told).filter_map(|name| Some((name.to_owned(), value_of(name)?))).collect()
}

#[cfg(test)]
mod tests {
    use super::{need_given, of_user, permitted};
    use crate::domain::{
        Email, PasswordHash, Scopes, Sessions, Timestamp, User, UserClaims, UserId, Username,
    };

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
        let given = UserClaims::none(Timestamp::from_secs(8))
            .changed_by(r#"{"name":"Alice","locale":"fr","phone_number":"+33123"}"#)
            .unwrap();
        let claims = |given: Option<&UserClaims>, scopes: &str, names: &[&str]| {
            let names: Vec<_> = names.iter().map(|name| (*name).to_owned()).collect();
            let scopes = Scopes::parse(scopes).unwrap();
            assert!(
                need_given(&scopes, &names)
                    || of_user(&user, given, &scopes, &names) == of_user(&user, None, &scopes, &names)
            );
            serde_json::Value::from(of_user(&user, given, &scopes, &names)).to_string()
        };
        let told = |scopes: &str, names: &[&str]| claims(None, scopes, names);
        assert_eq!(told("openid address phone", &[]), "{}");
        assert_eq!(told("openid profile", &[]), r#"{"preferred_username":"alice","updated_at":7}"#);
        assert_eq!(told("email", &["name"]), r#"{"email":"alice@example.com","email_verified":false}"#);
        assert_eq!(told("openid", &["email", "sub"]), r#"{"email":"alice@example.com"}"#);
        let told = |scopes: &str, names: &[&str]| claims(Some(&given), scopes, names);
        assert_eq!(told("openid address", &[]), "{}");
        assert_eq!(told("phone", &[]), r#"{"phone_number":"+33123","phone_number_verified":false}"#);
        let profile = r#"{"locale":"fr","name":"Alice","preferred_username":"alice","updated_at":8}"#;
        assert_eq!(told("profile", &[]), profile);
        assert_eq!(told("openid", &["name", "nickname"]), r#"{"name":"Alice"}"#);
        assert_eq!(told("openid", &["updated_at"]), r#"{"updated_at":8}"#);
        assert_eq!(told("email", &[]), r#"{"email":"alice@example.com","email_verified":false}"#);
    }

    #[test]
    fn a_client_may_ask_for_single_claims_of_its_own_scopes_only() {
        let names =
            ["email", "email_verified", "preferred_username", "updated_at", "sub", "name", "address", ""];
        let names = names.map(str::to_owned);
        let permitted = |allowed: &str| permitted(&names, &Scopes::parse(allowed).unwrap()).join(" ");
        assert_eq!(permitted("openid"), "");
        assert_eq!(permitted("openid email"), "email email_verified");
        assert_eq!(permitted("profile"), "preferred_username updated_at name");
        assert_eq!(permitted("address phone"), "address");
    }
}
