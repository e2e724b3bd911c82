//! `POST /oauth/token` (RFC 6749 §3.2).

use http::StatusCode;
use serde::Serialize;

use super::{Answer, Api, Call, ClientCall, limits, respond};
use crate::oauth::TokenSet;
use crate::telemetry::traces::{Span, SpanKind};

/// The answer (RFC 6749 §5.1).
#[derive(Serialize)]
struct TokenBody<'a> {
    access_token: &'a str,
    token_type: &'static str,
    expires_in: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    refresh_token: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    id_token: Option<&'a str>,
    #[serde(skip_serializing_if = "str::is_empty")]
    scope: &'a str,
}

pub(in crate::http) async fn issue_tokens(api: Api, call: Call) -> Answer {
    let ClientCall { caller, client, form, budget } = ClientCall::begin(&api, call).await?;
    let issued = api.oauth.issue_tokens(&caller, &client, &form.params);
    let issued = Span::begin("issue_oauth_tokens", SpanKind::Internal).run(issued).await;
    let answer = issued.map_err(Into::into).and_then(|tokens| body(&tokens));
    limits::with_account(answer, budget)
}

fn body(tokens: &TokenSet) -> Answer {
    let scope = tokens.scope.to_string();
    let body = TokenBody {
        access_token: tokens.access_token.expose(),
        token_type: "Bearer",
        expires_in: tokens.expires_in,
        refresh_token: tokens.refresh_token.as_ref().map(|token| token.expose().as_str()),
        id_token: tokens.id_token.as_ref().map(|token| token.expose().as_str()),
        scope: &scope,
    };
    respond::json(StatusCode::OK, &body)
}
