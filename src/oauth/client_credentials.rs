//! The grant `client_credentials` (RFC 6749 §4.4): a client acts for itself. It reads and writes only memory.

use super::grant_request::{audience, scopes_without_user};
use super::{OAuth, Params, TokenError, TokenSet};
use crate::domain::{Caller, Client};
use crate::token::Issued;

impl OAuth {
    /// An access token for the client itself.
    ///
    /// # Errors
    /// [`TokenError`].
    pub(super) async fn client_credentials(
        &self,
        caller: &Caller,
        client: &Client,
        params: &Params,
    ) -> Result<TokenSet, TokenError> {
        if client.is_public() {
            return Err(TokenError::UnauthorizedClient(
                "a client without a secret or a key cannot act for itself",
            ));
        }
        let scope = scopes_without_user(&client.metadata, params)?;
        let audience = audience(&client.metadata, params)?;
        let Issued { token, expires_in } = self.issue_access_token(client, None, &audience, &scope).await?;
        tracing::debug!(request_id = %caller.request_id, client_id = %client.id, "a client gets a token for itself");
        Ok(TokenSet { access_token: token, expires_in, refresh_token: None, id_token: None, scope })
    }
}
