//! `POST /api/auth/refresh`: a new token for a valid one.

use http::StatusCode;

use super::shapes::TokenBody;
use crate::http::extract::Bearer;
use crate::http::{Answer, Api, Call, respond};

pub(in crate::http) async fn refresh_token(api: Api, call: Call) -> Answer {
    let (bearer, caller) = (Bearer::of(&call, &api)?, call.caller);
    let body = TokenBody::from(api.accounts.refresh(&caller, bearer.required()?.expose()).await?);
    respond::success(StatusCode::OK, body, "Token refreshed successfully")
}
