//! Id tokens (OpenID Connect Core §2).

use serde_json::{Map, Value};

use super::{OAuth, TokenError};
use crate::domain::{Client, Secret, UserId};
use crate::token::{IdTokenRequest, LogIn, Subject, at_hash};

impl OAuth {
    /// An id token for `client`, beside this access token. `claims` are those about the user.
    ///
    /// # Errors
    /// [`TokenError`] if no key may sign it.
    pub async fn issue_id_token(
        &self,
        client: &Client,
        user: UserId,
        log_in: LogIn<'_>,
        nonce: Option<&str>,
        access_token: &Secret<String>,
        claims: &Map<String, Value>,
    ) -> Result<Secret<String>, TokenError> {
        let wanted = Self::algorithm(client.metadata.id_token_signed_response_alg.as_deref());
        let algorithm = wanted.or_else(|| self.tokens.default_algorithm()).ok_or(TokenError::NoKeys)?;
        let request = IdTokenRequest {
            client_id: client.id.as_str(),
            user,
            log_in,
            nonce,
            at_hash: at_hash(access_token.expose(), algorithm),
            claims,
        };
        Ok(self.tokens.issue(Subject::IdToken(&request), Some(algorithm)).await?.token)
    }
}
