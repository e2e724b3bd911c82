//! The grant `refresh_token` (RFC 6749 §6), and what else can be done with a refresh token.

use super::authorization_code::MAX_TRIES;
use super::grant_limits::{may_refresh, scopes_now};
use super::grant_tokens::{GrantTokens, RefreshToken};
use super::{AuthenticatedClient, OAuth, Params, TokenError, TokenSet};
use crate::domain::{
    Caller, Client, ClientId, EventKind, GrantStage, RefreshError, Refreshed, Scopes, Timestamp, UserId,
};

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
    /// The next tokens for a refresh token. They are signed before the use is written, and the next refresh token depends only
    /// on the number that is written: a client whose answer is lost gets the same one again.
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
        let tokens = GrantTokens::new(&self.server_secret)?;
        let unknown = || TokenError::InvalidGrant("the refresh token is not valid for this client");
        let RefreshToken { grant: id, counter } = tokens.read_refresh_token(text).ok_or_else(unknown)?;
        let (lifetimes, rotates) = (self.lifetimes_of(client), client.rotates_refresh_tokens());
        let mut signed = None;
        for tries in 0..MAX_TRIES {
            let grant = self.find_grant_of(client, id, tries).await?.ok_or_else(unknown)?;
            if !may_refresh(client, &grant) {
                return Err(TokenError::InvalidGrant("the client may no longer have refresh tokens"));
            }
            let next = match grant.refresh(counter, rotates, lifetimes, self.clock.now()) {
                Ok(next) => next,
                Err(RefreshError::Reused) => {
                    return Err(self.end_after_reuse(caller, &grant, EventKind::RefreshTokenReused).await);
                }
                Err(RefreshError::Expired) => {
                    return Err(TokenError::InvalidGrant("the refresh token has expired"));
                }
                Err(RefreshError::Ended) => return Err(TokenError::InvalidGrant("the grant has ended")),
            };
            let signed = match &mut signed {
                Some(signed) => signed,
                none => none.insert(self.sign_for(client, &grant, params, None).await?),
            };
            let counter = match next {
                Refreshed::Unchanged(counter) => counter,
                Refreshed::Changed(next) => {
                    if tries == 0 {
                        self.count_everywhere(authenticated).await?;
                    }
                    if !self.grants.replace_grant_if(grant.revision, &next, None).await? {
                        continue;
                    }
                    counter_of(&next.stage)
                }
            };
            tracing::debug!(
                request_id = %caller.request_id, client_id = %client.id, user.id = %grant.user, "a client uses a refresh token"
            );
            return Ok(signed.take_set(Some(tokens.refresh_token(RefreshToken { grant: id, counter }))));
        }
        Err(TokenError::Busy)
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
        let grant = self.grants.find_grant(token.grant).await?.filter(|grant| grant.is_of(client));
        let Some(grant) = grant else { return Ok(None) };
        let lifetimes = self.lifetimes_of(client);
        let next = grant.refresh(token.counter, client.rotates_refresh_tokens(), lifetimes, self.clock.now());
        let is_good = next.is_ok() && may_refresh(client, &grant);
        let Some(expires_at) = grant.refresh_until(lifetimes).filter(|_| is_good) else { return Ok(None) };
        match self.user_of(&grant).await {
            Ok(_) => Ok(Some(RefreshTokenInfo {
                scopes: scopes_now(client, &grant),
                client: grant.client,
                user: grant.user,
                issued_at: grant.terms.created_at,
                expires_at,
            })),
            Err(TokenError::InvalidGrant(_)) => Ok(None),
            Err(error) => Err(error),
        }
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

fn counter_of(stage: &GrantStage) -> u64 {
    match stage {
        GrantStage::Active { counter, .. } => *counter,
        GrantStage::Code { .. } | GrantStage::Ended { .. } => 0,
    }
}
