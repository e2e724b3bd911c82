//! The discovery documents: OpenID Connect Discovery §4 and RFC 8414 §3 have the same content.

use crate::http::refusal::OAuthFault;
use crate::http::{Answer, Api, Call, conditional, respond};

pub(in crate::http) async fn get_discovery(api: Api, call: Call) -> Answer {
    let document = api.oauth.discovery().ok_or(OAuthFault::Off)?;
    let answer = respond::json_bytes(document.body.clone());
    Ok(conditional::tagged(call.request.headers(), &document.etag, answer))
}
