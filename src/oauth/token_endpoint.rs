//! The token endpoint (RFC 6749 §3.2) as a pipeline, so that no grant forgets a check: the client authenticates, it may use
//! the grant, and then the grant decides.

use super::{AuthenticatedClient, OAuth, Params, PresentedCredentials, TokenError, TokenSet};
use crate::domain::{Caller, EventKind, GrantType};

/// The grants that the service supports.
pub(super) const GRANTS: &[GrantType] =
    &[GrantType::AuthorizationCode, GrantType::RefreshToken, GrantType::ClientCredentials];

impl OAuth {
    /// The client of a request, by the credentials in its header `Authorization` or in its form.
    ///
    /// # Errors
    /// [`TokenError::InvalidClient`], also if the request names no client.
    pub async fn authenticate_client(
        &self,
        authorization: Option<&str>,
        params: &Params,
    ) -> Result<AuthenticatedClient, TokenError> {
        let presented = PresentedCredentials {
            authorization,
            client_id: params.get("client_id"),
            client_secret: params.get("client_secret"),
            client_assertion_type: params.get("client_assertion_type"),
            client_assertion: params.get("client_assertion"),
        };
        Ok(self.authentication.authenticate(presented).await?)
    }

    /// The tokens that a request of this client asks for.
    ///
    /// # Errors
    /// [`TokenError`].
    pub async fn issue_tokens(
        &self,
        caller: &Caller,
        client: &AuthenticatedClient,
        params: &Params,
    ) -> Result<TokenSet, TokenError> {
        let name = params.get("grant_type").ok_or(TokenError::invalid_request("grant_type is missing"))?;
        let grant = GRANTS.iter().find(|grant| grant.name() == name);
        let grant = grant.ok_or(TokenError::UnsupportedGrantType)?;
        if !client.client.may_use(*grant) {
            return Err(TokenError::UnauthorizedClient("the client may not use this grant_type"));
        }
        let (issued, counted) = match grant {
            GrantType::ClientCredentials => (
                self.client_credentials(caller, &client.client, params).await?,
                Some(EventKind::ClientTokensIssued),
            ),
            GrantType::AuthorizationCode => (self.redeem_code(caller, client, params).await?, None),
            GrantType::RefreshToken => {
                (self.refresh(caller, client, params).await?, Some(EventKind::TokensRefreshed))
            }
        };
        if let Some(kind) = counted {
            self.tokens.event_counter().count(kind, Some(&client.client.id));
        }
        Ok(issued)
    }
}
