//! `POST /api/auth/refresh`: a new token for a valid one.

use http::StatusCode;

use super::shapes::TokenBody;
use crate::http::extract::Bearer;
use crate::http::{Answer, Api, Call, respond};
use crate::telemetry::traces::{Span, SpanKind};

pub(in crate::http) async fn refresh_token(api: Api, call: Call) -> Answer {
    let (bearer, caller) = (Bearer::of(&call, &api)?, call.caller);
    let token = bearer.required()?;
    let refreshed =
        Span::begin("refresh", SpanKind::Internal).run(api.accounts.refresh(&caller, token.expose()));
    let body = TokenBody::from(refreshed.await?);
    respond::success(StatusCode::OK, body, "Token refreshed successfully")
}
