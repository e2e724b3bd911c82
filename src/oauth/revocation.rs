//! Revocation (RFC 7009).

use super::{AuthenticatedClient, OAuth, Params, TokenError};
use crate::domain::{Actor, Caller, Denied, EventKind, EventSubject, Initiator, Timestamp};

impl OAuth {
    /// Refuses a token of this client from now on. It is durable before this returns. A token that is not valid any more,
    /// or never was, counts as revoked (RFC 7009 §2.2).
    ///
    /// # Errors
    /// [`TokenError`]; [`TokenError::UnauthorizedClient`] if the token was issued to another client.
    pub async fn revoke(
        &self,
        caller: &Caller,
        authenticated: &AuthenticatedClient,
        params: &Params,
    ) -> Result<(), TokenError> {
        let client = &authenticated.client;
        let token = params.get("token").ok_or(TokenError::invalid_request("token is missing"))?;
        let token = match self.check_access_token(token).await {
            Err(TokenError::InvalidToken(_)) => {
                return self.revoke_refresh_token(caller, authenticated, token).await;
            }
            token => token?,
        };
        if token.claims.client_id != client.id {
            return Err(TokenError::UnauthorizedClient("the token was issued to another client"));
        }
        let registered = token.checked.registered();
        let Some(jti) = registered.jti.clone() else {
            return Err(TokenError::invalid_request(
                "the token has no jti, so that it cannot be revoked alone",
            ));
        };
        let at = self.clock.now();
        let initiator = Initiator::in_request(Actor::Client(client.id.clone()), caller);
        let subject = EventSubject::Token(jti.clone());
        let event =
            self.entropy.event(at, EventKind::TokenRevoked, initiator, subject)?.of_client(&client.id);
        let expires_at = Timestamp::from_secs(registered.exp);
        self.deny(Denied::Token(jti), expires_at, Some(&event)).await?;
        tracing::debug!(request_id = %caller.request_id, client_id = %client.id, "a client revokes a token");
        Ok(())
    }
}
