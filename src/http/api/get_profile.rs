//! `GET /api/auth/profile`: the user whose token this is.

use http::StatusCode;

use super::shapes::UserBody;
use crate::http::extract::Bearer;
use crate::http::{Answer, Api, Call, respond};
use crate::telemetry::traces::{Span, SpanKind};

pub(in crate::http) async fn get_profile(api: Api, call: Call) -> Answer {
    let (bearer, caller) = (Bearer::of(&call, &api)?, call.caller);
    let token = bearer.required()?;
    let found = Span::begin("profile", SpanKind::Internal).run(api.accounts.profile(&caller, token.expose()));
    let body = UserBody::from(found.await?);
    respond::success(StatusCode::OK, body, "Profile retrieved successfully")
}
