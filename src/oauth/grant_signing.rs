//! The signed tokens of a grant: an access token, and an id token if the scopes contain `openid`.

use super::{OAuth, Params, TokenError, TokenSet, claims, grant_limits};
use crate::domain::{Client, Grant, GrantLifetimes, Scopes, Secret, User};
use crate::token::{Issued, LogIn, UserOfGrant};

/// The tokens, which are given out once.
pub(super) struct SignedTokens {
    access_token: Secret<String>,
    expires_in: u64,
    id_token: Option<Secret<String>>,
    scope: Scopes,
}

impl SignedTokens {
    /// The answer with these tokens and this refresh token.
    pub(super) fn take_set(&mut self, refresh_token: Option<Secret<String>>) -> TokenSet {
        TokenSet {
            access_token: std::mem::replace(&mut self.access_token, Secret::new(String::new())),
            expires_in: self.expires_in,
            refresh_token,
            id_token: self.id_token.take(),
            scope: std::mem::take(&mut self.scope),
        }
    }
}

impl OAuth {
    /// Signs the tokens of a grant for what a request asks for within the grant.
    ///
    /// # Errors
    /// [`TokenError::InvalidGrant`] if the user is gone or has ended the sessions since, or if an operator has taken from the
    /// client all that the grant is about; [`TokenError::InvalidScope`] and [`TokenError::InvalidTarget`] if the request asks
    /// for more than was permitted; those of signing.
    pub(super) async fn sign_for(
        &self,
        client: &Client,
        (grant, user): (&Grant, Option<User>),
        params: &Params,
        nonce: Option<&str>,
    ) -> Result<SignedTokens, TokenError> {
        let scope = grant_limits::scopes(client, grant, params)?;
        let audience = grant_limits::audience(client, grant, params)?;
        let user = user_of(grant, user)?;
        let terms = &grant.terms;
        let log_in = LogIn {
            auth_time: terms.auth_time,
            acr: terms.acr.as_deref(),
            amr: &terms.amr,
            session: terms.session,
        };
        let ends_with_session = !terms.outlive_session();
        let of_grant = UserOfGrant { id: user.id, log_in, grant: grant.id, ends_with_session };
        let Issued { token, expires_in } =
            self.issue_access_token(client, Some(of_grant), &audience, &scope).await?;
        let id_token = if scope.contains("openid") {
            let names = claims::permitted(&terms.id_token_claims, &client.metadata.scope);
            let claims = self.claims_about(&user, &Scopes::default(), &names).await?;
            Some(self.issue_id_token(client, user.id, log_in, nonce, &token, &claims).await?)
        } else {
            None
        };
        Ok(SignedTokens { access_token: token, expires_in, id_token, scope })
    }

    /// How long the grants of a client last.
    pub(super) fn lifetimes_of(&self, client: &Client) -> GrantLifetimes {
        let (usual, settings) = (self.grant_lifetimes, self.tokens.settings());
        let longest = settings.lifetime.max(settings.max_lifetime).as_secs();
        let access_token = client.metadata.access_token_lifetime.unwrap_or(settings.lifetime.as_secs());
        GrantLifetimes {
            refresh: client.metadata.refresh_token_lifetime.unwrap_or(usual.refresh),
            idle: client.metadata.refresh_token_idle_lifetime.unwrap_or(usual.idle),
            access_token: access_token.min(longest),
        }
    }
}

/// The stored `user` of a grant, if the log-in of the grant still counts.
///
/// # Errors
/// [`TokenError::InvalidGrant`] if not.
pub(super) fn user_of(grant: &Grant, user: Option<User>) -> Result<User, TokenError> {
    let user = user.filter(|user| user.sessions.accept(grant.terms.auth_time));
    user.ok_or(TokenError::InvalidGrant("the log-in of the user has ended"))
}
