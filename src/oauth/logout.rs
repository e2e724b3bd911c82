//! Logging out at the request of a client (OpenID Connect RP-Initiated Logout).

use std::borrow::Cow;
use std::sync::Arc;

use super::{OAuth, Params, TokenError};
use crate::domain::{Client, SessionId};

/// A request to log out, as far as it can be believed.
#[derive(Clone, Debug, Default)]
pub struct LogoutRequest {
    /// The client that asks.
    pub client: Option<Arc<Client>>,
    /// The address to which the browser returns, with `state`.
    pub return_to: Option<String>,
    /// The user and the session that a valid `id_token_hint` names.
    pub hinted: Option<HintedSession>,
}

/// The session for which an id token was issued.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HintedSession {
    /// The user.
    pub subject: String,
    /// The session.
    pub session: Option<SessionId>,
}

/// Why the request is not followed.
#[derive(Debug)]
pub enum LogoutError {
    /// The request is faulty; the user reads it.
    Untrusted(Cow<'static, str>),
    /// The service cannot answer now.
    Service(TokenError),
}

impl OAuth {
    /// Reads a request to log out. A hint that cannot be checked, for example because its key is gone, counts as absent: then
    /// the user is asked.
    ///
    /// # Errors
    /// [`LogoutError`] if the client or the address to return to is wrong (§3).
    pub fn read_logout(&self, params: &Params) -> Result<LogoutRequest, LogoutError> {
        let untrusted = |sentence: &'static str| LogoutError::Untrusted(sentence.into());
        let hint = params.get("id_token_hint").and_then(|hint| self.tokens.check_id_token(hint).ok());
        let audience = hint.as_ref().and_then(|hint| client_of(hint.claims()));
        let named = params.get("client_id");
        if let (Some(named), Some(audience)) = (named, &audience)
            && named != audience
        {
            return Err(untrusted("client_id is not the client of the id_token_hint"));
        }
        let client = match named.or(audience.as_deref()) {
            None => None,
            Some(id) => self.clients.find(id).map_err(|_| LogoutError::Service(TokenError::NotReady))?,
        };
        if named.is_some() && client.is_none() {
            return Err(untrusted("client_id is not the id of a client"));
        }
        let return_to = match (params.get("post_logout_redirect_uri"), &client) {
            (None, _) => None,
            (Some(_), None) => {
                return Err(untrusted("post_logout_redirect_uri needs client_id or a valid id_token_hint"));
            }
            (Some(uri), Some(client)) => {
                let known = &client.metadata.post_logout_redirect_uris;
                if !known.iter().any(|known| known.as_str() == uri) {
                    let sentence =
                        "post_logout_redirect_uri is not one of the addresses that the client registered";
                    return Err(untrusted(sentence));
                }
                Some(with_state(uri, params.get("state")))
            }
        };
        let hinted = hint.and_then(|hint| {
            let subject = hint.registered().sub.clone()?;
            Some(HintedSession { subject, session: session_of(hint.claims()) })
        });
        Ok(LogoutRequest { client, return_to, hinted })
    }
}

#[derive(serde::Deserialize)]
struct HintClaims {
    aud: Option<String>,
    sid: Option<SessionId>,
}

/// The client that an id token was issued to.
fn client_of(claims: &str) -> Option<String> {
    serde_json::from_str::<HintClaims>(claims).ok()?.aud
}

fn session_of(claims: &str) -> Option<SessionId> {
    serde_json::from_str::<HintClaims>(claims).ok()?.sid
}

/// The address with `state` in its query.
fn with_state(uri: &str, state: Option<&str>) -> String {
    let Some(state) = state else { return uri.to_owned() };
    let query = form_urlencoded::Serializer::new(String::new()).append_pair("state", state).finish();
    format!("{uri}{}{query}", if uri.contains('?') { '&' } else { '?' })
}

#[cfg(test)]
mod tests {
    use super::with_state;

    #[test]
    fn the_state_joins_the_query_of_the_address() {
        assert_eq!(with_state("https://app.example/out", None), "https://app.example/out");
        assert_eq!(
            with_state("https://app.example/out", Some("a b&c")),
            "https://app.example/out?state=a+b%26c"
        );
        assert_eq!(
            with_state("https://app.example/out?x=1", Some("s")),
            "https://app.example/out?x=1&state=s"
        );
    }
}
