//! Userinfo (OpenID Connect Core §5.3): the claims about the user for whom an access token was issued.

use serde_json::{Map, Value};

use super::{OAuth, TokenError, claims};
use crate::domain::{Caller, Client, GrantStage, Secret, UserId};
use crate::telemetry::note_user;
use crate::token::{AnswerKind, Rejection};

/// The answer.
#[derive(Debug)]
pub enum Userinfo {
    /// Claims as JSON.
    Json(Map<String, Value>),
    /// The same, signed for a client that asks for it in its metadata.
    Signed(Secret<String>),
}

impl OAuth {
    /// The claims that this access token gives.
    ///
    /// # Errors
    /// [`TokenError::InvalidToken`]; [`TokenError::InsufficientScope`] if the token is not one of a user, or has not the scope
    /// `openid`.
    pub async fn userinfo(&self, caller: &Caller, token: &str) -> Result<Userinfo, TokenError> {
        let token = self.check_access_token(token).await?;
        let registered = token.checked.registered();
        // Only the service itself sets `gid`: a client that may choose the subject of generated tokens cannot choose it.
        let Some(grant) = token.claims.gid.filter(|_| token.claims.scope.contains("openid")) else {
            return Err(TokenError::InsufficientScope);
        };
        let gone = || TokenError::InvalidToken(Rejection::InvalidClaim("sub").into());
        let id = registered.sub.as_deref().and_then(UserId::parse).ok_or_else(gone)?;
        note_user(id);
        let (user, grant) = tokio::try_join!(self.users.find_user_by_id(id), self.grants.find_grant(grant))?;
        let user = user.ok_or_else(gone)?;
        if grant.as_ref().is_some_and(|grant| matches!(grant.stage, GrantStage::Ended { .. })) {
            return Err(gone());
        }
        let client = self.clients.find(token.claims.client_id.as_str()).map_err(|_| TokenError::NotReady)?;
        let client = client.ok_or(TokenError::InvalidToken(Rejection::InvalidClaim("client_id").into()))?;
        // The request may have asked for single claims (OpenID Connect Core §5.5). An operator may have taken them since.
        let names = grant.map(|grant| grant.terms.userinfo_claims).unwrap_or_default();
        let names = claims::permitted(&names, &client.metadata.scope);
        if !user.sessions.accept(token.claims.auth_time.unwrap_or(0)) {
            return Err(gone());
        }
        let mut claims = self.claims_about(&user, &token.claims.scope, &names).await?;
        claims.insert("sub".to_owned(), id.to_string().into());
        tracing::debug!(user.id = %id, request_id = %caller.request_id, "a client gets the claims about a user");
        self.as_client_wants(&client, claims).await
    }

    async fn as_client_wants(
        &self,
        client: &Client,
        mut claims: Map<String, Value>,
    ) -> Result<Userinfo, TokenError> {
        let algorithm = client.metadata.userinfo_signed_response_alg.as_deref();
        let (Some(issuer), Some(algorithm)) = (&self.issuer, algorithm) else {
            return Ok(Userinfo::Json(claims));
        };
        claims.insert("iss".to_owned(), issuer.as_str().into());
        claims.insert("aud".to_owned(), client.id.as_str().into());
        let algorithm = Self::algorithm(Some(algorithm));
        Ok(Userinfo::Signed(self.tokens.sign_answer(AnswerKind::Userinfo, &claims, algorithm).await?))
    }
}
