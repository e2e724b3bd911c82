//! The grant `authorization_code` (RFC 6749 §4.1): a code is given out, and used once.

use super::grant_limits::{has_redirect_uri, may_refresh};
use super::grant_tokens::GrantTokens;
use super::grant_use::{Credential, GrantUse, UseError};
use super::pkce::s256;
use super::{AuthenticatedClient, OAuth, Params, TokenError, TokenSet};
use crate::domain::{
    Caller, ClientId, Grant, GrantId, GrantTerms, PresentedCode, RedeemError, Refreshed, Secret, SessionKey,
    UserId,
};
use crate::store::GrantCreated;

/// A user keeps so many grants to a client: those that were used last.
const KEPT_GRANTS: usize = 100;
/// When there are so many more, they end together.
const SPARE_GRANTS: usize = 20;

/// What a user has just permitted a client.
#[derive(Clone, Debug)]
pub struct NewGrant {
    /// The client.
    pub client: ClientId,
    /// The user.
    pub user: UserId,
    /// What was permitted, at `created_at`.
    pub terms: GrantTerms,
    /// The redirect URI, if the request named one: then the request for tokens must name the same.
    pub redirect_uri: Option<String>,
    /// The S256 challenge.
    pub code_challenge: Option<String>,
    /// The session of the browser in which the user permitted it. A log-out ends the grants that it finds, so a session that has
    /// ended gets no new ones.
    pub session: SessionKey,
}

impl OAuth {
    /// The code of a new grant. It is good for [`Grant::CODE_LIFETIME_SECS`]. If the user has too many grants to the client,
    /// those that were not used for the longest time end; a code that is still good never does. `None` if the session has ended.
    ///
    /// # Errors
    /// [`TokenError::TooManyCodes`], [`TokenError::NotReady`] while there is no server secret, and those of the store.
    pub async fn grant_code(&self, new: NewGrant) -> Result<Option<Secret<String>>, TokenError> {
        let tokens = GrantTokens::new(&self.server_secret)?;
        let random = self.entropy.bytes().map_err(|error| TokenError::Failed(error.to_string().into()))?;
        let NewGrant { client, user, terms, redirect_uri, code_challenge, session } = new;
        let id = GrantId::new(terms.created_at, random);
        let code = tokens.code(id, &client);
        let grant = Grant::with_code(id, client, user, terms, redirect_uri, code_challenge);
        match self.grants.create_grant(&grant, Some(session)).await? {
            GrantCreated::TooManyCodes => return Err(TokenError::TooManyCodes),
            GrantCreated::SessionEnded => return Ok(None),
            GrantCreated::Added { lasting } if lasting >= KEPT_GRANTS + SPARE_GRANTS => {
                // Otherwise a browser that asks again and again would fill the table. The access tokens of these grants stay good
                // until they expire: a denial for each would fill the memory of all instances instead.
                let owner = (grant.user, &grant.client);
                self.grants.end_unused_grants(owner, grant.forget_at, KEPT_GRANTS).await?;
            }
            GrantCreated::Added { .. } => {}
        }
        Ok(Some(code))
    }

    /// The tokens for a code. A second use ends the grant.
    ///
    /// # Errors
    /// [`TokenError`].
    pub(super) async fn redeem_code(
        &self,
        caller: &Caller,
        authenticated: &AuthenticatedClient,
        params: &Params,
    ) -> Result<TokenSet, TokenError> {
        let client = &*authenticated.client;
        let code = params.get("code").ok_or(TokenError::invalid_request("code is missing"))?;
        let challenge = match params.get("code_verifier").map(s256) {
            Some(None) => {
                return Err(TokenError::InvalidGrant("code_verifier is not a verifier of RFC 7636"));
            }
            challenge => challenge.flatten(),
        };
        let (tokens, credential) = (GrantTokens::new(&self.server_secret)?, Credential::Code);
        let grant = tokens.read_code(code, &client.id).ok_or_else(|| credential.unknown())?;
        let lifetimes = self.lifetimes_of(client);
        self.count_everywhere(authenticated).await?;
        let used = GrantUse { caller, authenticated, params, tokens: &tokens, credential, grant };
        self.use_grant(used, |grant| {
            let presented = PresentedCode {
                redirect_uri: params.get("redirect_uri"),
                challenge: challenge.as_deref(),
                refreshes: may_refresh(client, grant),
            };
            let used = grant.redeem(presented, lifetimes, self.clock.now()).map_err(refusal)?;
            if has_redirect_uri(client, presented.redirect_uri) {
                Ok(Refreshed::Changed(Box::new(used)))
            } else {
                Err(UseError::refused("redirect_uri is no longer one of the client"))
            }
        })
        .await
    }
}

fn refusal(error: RedeemError) -> UseError {
    match error {
        RedeemError::Reused => UseError::Reused,
        RedeemError::Expired => UseError::refused("the code has expired"),
        RedeemError::RedirectUri => {
            UseError::refused("redirect_uri is not the one of the authorization request")
        }
        RedeemError::Verifier => {
            UseError::refused("code_verifier does not match the code_challenge of the authorization request")
        }
        RedeemError::Ended => UseError::refused("the grant has ended"),
    }
}
