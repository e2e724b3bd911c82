//! The grant `refresh_token` (RFC 6749 §6), and what else can be done with a refresh token.

use super::grant_limits::{may_refresh, scopes_now};
use super::grant_signing::user_of;
use super::grant_tokens::{GrantTokens, RefreshToken};
use super::grant_use::{Credential, GrantUse, UseError};
use super::{AuthenticatedClient, OAuth, Params, TokenError, TokenSet};
use crate::domain::{Caller, Client, ClientId, EventKind, RefreshError, Scopes, Timestamp, UserId};

/// A refresh token that is valid now (RFC 7662 §2.2).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RefreshTokenInfo {
    /// Its client.
    pub client: ClientId,
    /// Its user.
    pub user: UserId,
    /// What the user has permitted, as far as the client may still have it.
    pub scopes: Scopes,
    /// When the grant was given.
    pub issued_at: Timestamp,
    /// When it expires if it is not used before.
    pub expires_at: Timestamp,
}

impl OAuth {
    /// The next tokens for a refresh token. The next refresh token depends only on the number that is written: a client whose
    /// answer is lost gets the same one again.
    ///
    /// # Errors
    /// [`TokenError`].
    pub(super) async fn refresh(
        &self,
        caller: &Caller,
        authenticated: &AuthenticatedClient,
        params: &Params,
    ) -> Result<TokenSet, TokenError> {
        let client = &*authenticated.client;
        let text =
            params.get("refresh_token").ok_or(TokenError::invalid_request("refresh_token is missing"))?;
        let (tokens, credential) = (GrantTokens::new(&self.server_secret)?, Credential::RefreshToken);
        let RefreshToken { grant, counter } =
            tokens.read_refresh_token(text).ok_or_else(|| credential.unknown())?;
        let (lifetimes, rotates) = (self.lifetimes_of(client), client.rotates_refresh_tokens());
        let used = GrantUse { caller, authenticated, params, tokens: &tokens, credential, grant };
        self.use_grant(used, |grant| {
            if !may_refresh(client, grant) {
                return Err(UseError::refused("the client may no longer have refresh tokens"));
            }
            grant.refresh(counter, rotates, lifetimes, self.clock.now()).map_err(|error| match error {
                RefreshError::Reused => UseError::Reused,
                RefreshError::Expired => UseError::refused("the refresh token has expired"),
                RefreshError::Ended => UseError::refused("the grant has ended"),
            })
        })
        .await
    }

    /// What is known of a refresh token of this client; `None` if the text is not a
    /// refresh token, or one that gives no tokens any more.
    ///
    /// # Errors
    /// [`TokenError::NotReady`] while there is no server secret, and those of the store.
    pub(super) async fn inspect_refresh_token(
        &self,
        client: &Client,
        token: &str,
    ) -> Result<Option<RefreshTokenInfo>, TokenError> {
        let Some(token) = self.read_refresh_token(token)? else { return Ok(None) };
        let found = self.grants.find_grant_and_user(token.grant).await?;
        let Some((grant, user)) = found.filter(|(grant, _)| grant.is_of(client)) else { return Ok(None) };
        let lifetimes = self.lifetimes_of(client);
        let next = grant.refresh(token.counter, client.rotates_refresh_tokens(), lifetimes, self.clock.now());
        let is_good = next.is_ok() && may_refresh(client, &grant);
        let Some(expires_at) = grant.refresh_until(lifetimes).filter(|_| is_good) else { return Ok(None) };
        Ok(user_of(&grant, user).is_ok().then(|| RefreshTokenInfo {
            scopes: scopes_now(client, &grant),
            client: grant.client,
            user: grant.user,
            issued_at: grant.terms.created_at,
            expires_at,
        }))
    }

    /// Ends the grant of a refresh token of this client, whichever of its refresh tokens it is, and refuses its access tokens
    /// (RFC 7009 §2.1). A text that is no refresh token counts as revoked.
    ///
    /// # Errors
    /// [`TokenError::UnauthorizedClient`] if it belongs to another client; [`TokenError`] if the end may not be durable.
    pub(super) async fn revoke_refresh_token(
        &self,
        caller: &Caller,
        authenticated: &AuthenticatedClient,
        token: &str,
    ) -> Result<(), TokenError> {
        let Some(token) = self.read_refresh_token(token)? else { return Ok(()) };
        match self.grants.find_grant(token.grant).await? {
            Some(grant) if grant.client != authenticated.client.id => {
                Err(TokenError::UnauthorizedClient("the token was issued to another client"))
            }
            Some(grant) => {
                self.count_everywhere(authenticated).await?;
                self.end_grant(caller, &grant, EventKind::GrantRevoked).await
            }
            None => Ok(()),
        }
    }

    /// A text that cannot be a refresh token needs no server secret.
    fn read_refresh_token(&self, text: &str) -> Result<Option<RefreshToken>, TokenError> {
        if !RefreshToken::may_be(text) {
            return Ok(None);
        }
        Ok(GrantTokens::new(&self.server_secret)?.read_refresh_token(text))
    }
}
