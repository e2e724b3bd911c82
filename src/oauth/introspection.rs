//! Introspection (RFC 7662, RFC 9701): tells a client about a token. It answers about access tokens from memory, also while
//! the database does not answer.
//!
//! Each client that can authenticate may ask about each access token: a resource server need not be the client that the token
//! was issued to, and often has no client's name for its audience. Log-in tokens, demo tokens and id tokens are no access
//! tokens: they are not active here.

use serde::Serialize;
use serde_json::{Map, Value};

use super::refresh_token::RefreshTokenInfo;
use super::{AuthenticatedClient, ClientAuthError, OAuth, Params, TokenError};
use crate::domain::{Caller, Client, Secret};
use crate::token::{AccessToken, AnswerKind};

/// The answer.
#[derive(Debug)]
pub enum Introspection {
    /// As JSON (RFC 7662 §2.2).
    Json(Map<String, Value>),
    /// The same, signed (RFC 9701 §5).
    Signed(Secret<String>),
}

/// The claims of a signed answer. What is said of the token is nested, so that no verifier takes it for the token.
#[derive(Serialize)]
struct SignedAnswer<'a> {
    iss: &'a str,
    aud: &'a str,
    iat: u64,
    token_introspection: &'a Map<String, Value>,
}

impl OAuth {
    /// What this token is, for this client. `wants_signed` says that the request accepts only a signed answer.
    ///
    /// # Errors
    /// [`TokenError`]; never because of the token itself.
    pub async fn introspect(
        &self,
        caller: &Caller,
        client: &AuthenticatedClient,
        params: &Params,
        wants_signed: bool,
    ) -> Result<Introspection, TokenError> {
        let client = &client.client;
        if client.is_public() {
            return Err(ClientAuthError::Failed("a public client may not ask about tokens").into());
        }
        let token = params.get("token").ok_or(TokenError::invalid_request("token is missing"))?;
        let answer = self.describe(client, token).await?;
        let is_active = answer.len() > 1;
        tracing::debug!(request_id = %caller.request_id, client_id = %client.id, is_active, "a client asks about a token");
        self.in_form_of(client, answer, wants_signed).await
    }

    /// The answer about an access token, or about a refresh token of this client; only `active: false` if it is not valid.
    async fn describe(&self, client: &Client, token: &str) -> Result<Map<String, Value>, TokenError> {
        match self.check_access_token(token).await {
            Ok(token) => Ok(active(&token)),
            Err(TokenError::InvalidToken(_)) => {
                let found = self.inspect_refresh_token(client, token).await?;
                Ok(found.map_or_else(inactive, |token| active_refresh_token(&token)))
            }
            Err(error) => Err(error),
        }
    }

    async fn in_form_of(
        &self,
        client: &Client,
        answer: Map<String, Value>,
        wants_signed: bool,
    ) -> Result<Introspection, TokenError> {
        let algorithm = client.metadata.introspection_signed_response_alg.as_deref();
        let Some(issuer) = self.issuer.as_ref().filter(|_| wants_signed || algorithm.is_some()) else {
            return Ok(Introspection::Json(answer));
        };
        let claims = SignedAnswer {
            iss: issuer.as_str(),
            aud: client.id.as_str(),
            iat: self.clock.now().as_secs(),
            token_introspection: &answer,
        };
        let signed =
            self.tokens.sign_answer(AnswerKind::Introspection, &claims, Self::algorithm(algorithm)).await?;
        Ok(Introspection::Signed(signed))
    }
}

fn inactive() -> Map<String, Value> {
    Map::from_iter([("active".to_owned(), Value::from(false))])
}

/// What RFC 7662 §2.2 says of a refresh token. It has no `token_type`: it is no token for a resource server.
fn active_refresh_token(token: &RefreshTokenInfo) -> Map<String, Value> {
    Map::from_iter([
        ("active".to_owned(), true.into()),
        ("client_id".to_owned(), token.client.as_str().into()),
        ("sub".to_owned(), token.user.to_string().into()),
        ("scope".to_owned(), token.scopes.to_string().into()),
        ("iat".to_owned(), token.issued_at.as_secs().into()),
        ("exp".to_owned(), token.expires_at.as_secs().into()),
    ])
}

/// The claims of the token, and the members that say what they belong to. `gid` and `rid` are only for this service.
fn active(token: &AccessToken) -> Map<String, Value> {
    let mut answer: Map<String, Value> = serde_json::from_str(token.checked.claims()).unwrap_or_default();
    answer.remove("gid");
    answer.remove("rid");
    answer.insert("active".to_owned(), true.into());
    answer.insert("token_type".to_owned(), "Bearer".into());
    answer
}
