//! What a grant gives now: what the user has permitted, as far as the client may still have it. An operator who takes a scope, a
//! resource or a redirect URI from a client takes it from its grants, too, at their next use.

use super::{Params, TokenError};
use crate::domain::{Client, Grant, GrantType, Scopes};

/// The permitted scopes that the client may still have.
pub(super) fn scopes_now(client: &Client, grant: &Grant) -> Scopes {
    grant.terms.scopes.filtered(|scope| client.metadata.scope.contains(scope))
}

/// The scopes of the next tokens: those that the request names, or else all.
///
/// # Errors
/// [`TokenError::InvalidScope`] if the request names others; [`TokenError::InvalidGrant`] if none is left.
pub(super) fn scopes(client: &Client, grant: &Grant, params: &Params) -> Result<Scopes, TokenError> {
    let requested = Scopes::parse(params.get("scope").unwrap_or_default());
    let requested =
        requested.map_err(|_| TokenError::InvalidScope("scope must be names with one space between them"))?;
    let permitted = grant
        .narrowed(&requested)
        .ok_or(TokenError::InvalidScope("the user has not permitted one of these scopes"))?;
    let now = permitted.filtered(|scope| client.metadata.scope.contains(scope));
    if now == permitted || (requested.is_empty() && !now.is_empty()) {
        Ok(now)
    } else if requested.is_empty() {
        Err(TokenError::InvalidGrant("the client may no longer have the permitted scopes"))
    } else {
        Err(TokenError::InvalidScope("the client may no longer have one of these scopes"))
    }
}

/// The audience of the next tokens: the resources that the request names (RFC 8707 §2.2), or else all of the grant. A grant without
/// resources is for the default audience of the client.
///
/// # Errors
/// [`TokenError::InvalidTarget`] if the request names others; [`TokenError::InvalidGrant`] if none is left.
pub(super) fn audience(client: &Client, grant: &Grant, params: &Params) -> Result<Vec<String>, TokenError> {
    let (permitted, allowed) = (&grant.terms.resources, &client.metadata.resources);
    let requested: Vec<_> = params.resources().into_iter().map(str::to_owned).collect();
    if !requested.is_empty() {
        let may_have = |one: &String| permitted.contains(one) && allowed.contains(one);
        return if requested.iter().all(may_have) { Ok(requested) } else { Err(TokenError::InvalidTarget) };
    }
    if permitted.is_empty() {
        return Ok(allowed.first().cloned().into_iter().collect());
    }
    let now: Vec<_> = permitted.iter().filter(|one| allowed.contains(one)).cloned().collect();
    if now.is_empty() {
        Err(TokenError::InvalidGrant("the client may no longer have tokens for the permitted resources"))
    } else {
        Ok(now)
    }
}

/// Whether the client gets refresh tokens: with OpenID Connect only if the user has permitted offline access (OpenID Connect
/// Core §11), otherwise always if it may use them.
pub(super) fn may_refresh(client: &Client, grant: &Grant) -> bool {
    let is_permitted =
        scopes_now(client, grant).contains("offline_access") || !grant.terms.scopes.contains("openid");
    is_permitted && client.may_use(GrantType::RefreshToken)
}

/// Whether the client still has the address to which a code went.
pub(super) fn has_redirect_uri(client: &Client, redirect_uri: Option<&str>) -> bool {
    redirect_uri.is_none_or(|uri| client.metadata.redirect_uris.iter().any(|known| known.admits(uri)))
}
