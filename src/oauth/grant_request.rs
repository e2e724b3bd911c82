//! What a request asks for, within what its client may have.

use super::{Params, TokenError};
use crate::domain::{ClientMetadata, Scopes};

/// The scopes that a client can only have for a user.
const FOR_USERS: [&str; 2] = ["openid", "offline_access"];

/// The scopes that a request asks for; `None` if it names none.
///
/// # Errors
/// [`TokenError::InvalidScope`] if the text is no list of scopes, or if the client may not have one of them.
pub(super) fn requested_scopes(
    client: &ClientMetadata,
    params: &Params,
) -> Result<Option<Scopes>, TokenError> {
    let Some(text) = params.get("scope") else { return Ok(None) };
    let malformed = TokenError::InvalidScope("scope must be names with one space between them");
    let scopes = Scopes::parse(text).map_err(|_| malformed)?;
    if scopes.are_within(&client.scope) {
        Ok(Some(scopes))
    } else {
        Err(TokenError::InvalidScope("the client may not have one of these scopes"))
    }
}

/// The scopes of a client that acts for itself: those that it asks for, or else all that it may have without a user.
///
/// # Errors
/// As [`requested_scopes`], also for a scope that needs a user.
pub(super) fn scopes_without_user(client: &ClientMetadata, params: &Params) -> Result<Scopes, TokenError> {
    match requested_scopes(client, params)? {
        None => Ok(client.scope.filtered(|scope| !FOR_USERS.contains(&scope))),
        Some(scopes) if FOR_USERS.iter().any(|scope| scopes.contains(scope)) => {
            Err(TokenError::InvalidScope("openid and offline_access need a user, and this grant has none"))
        }
        Some(scopes) => Ok(scopes),
    }
}

/// The audiences of the tokens: the resources that a request names (RFC 8707 §2), or else the client's first one. Empty if
/// the client has no resources: then the tokens have the usual audience.
///
/// # Errors
/// [`TokenError::InvalidTarget`] if the client may not have tokens for one of them.
pub(super) fn audience(client: &ClientMetadata, params: &Params) -> Result<Vec<String>, TokenError> {
    let requested = params.resources();
    if requested.is_empty() {
        return Ok(client.resources.first().cloned().into_iter().collect());
    }
    let may_have = |resource: &&str| client.resources.iter().any(|known| known == resource);
    if requested.iter().all(may_have) {
        Ok(requested.into_iter().map(str::to_owned).collect())
    } else {
        Err(TokenError::InvalidTarget)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::Secret;

    fn client() -> ClientMetadata {
        ClientMetadata {
            scope: Scopes::parse("openid orders.read orders.write offline_access").unwrap(),
            resources: vec!["https://orders".to_owned(), "https://stock".to_owned()],
            ..ClientMetadata::default()
        }
    }

    fn params(pairs: &[(&str, &str)]) -> Params {
        let owned = pairs.iter().map(|(name, value)| ((*name).to_owned(), Secret::new((*value).to_owned())));
        Params::new(owned.collect()).unwrap()
    }

    #[test]
    fn without_a_user_a_client_has_its_scopes_except_those_that_need_one() {
        let scopes = |pairs: &[(&str, &str)]| {
            scopes_without_user(&client(), &params(pairs)).map(|scopes| scopes.to_string()).ok()
        };
        assert_eq!(scopes(&[]).as_deref(), Some("orders.read orders.write"));
        assert_eq!(scopes(&[("scope", "orders.read")]).as_deref(), Some("orders.read"));
        for refused in ["admin", "orders.read admin", "openid", "orders.read offline_access", "a  b", "ä"] {
            assert_eq!(scopes(&[("scope", refused)]), None, "{refused}");
        }
    }

    #[test]
    fn the_audience_is_what_the_request_names_else_the_clients_first_resource() {
        let named = |names: &[&str]| {
            let pairs: Vec<_> = names.iter().map(|name| ("resource", *name)).collect();
            audience(&client(), &params(&pairs)).ok()
        };
        assert_eq!(named(&[]).unwrap(), ["https://orders"]);
        assert_eq!(named(&["https://stock"]).unwrap(), ["https://stock"]);
        let both = named(&["https://stock", "https://orders", "https://stock"]);
        assert_eq!(both.unwrap(), ["https://stock", "https://orders"]);
        for refused in [&["https://other"][..], &["https://stock", "https://stock/"]] {
            assert_eq!(named(refused), None, "{refused:?}");
        }
        let bare = ClientMetadata { resources: Vec::new(), ..client() };
        assert_eq!(audience(&bare, &params(&[])).unwrap(), Vec::<String>::new());
        assert!(audience(&bare, &params(&[("resource", "https://orders")])).is_err());
    }
}
