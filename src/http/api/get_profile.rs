//! `GET /api/auth/profile`: the user whose token this is.

use http::StatusCode;

use super::shapes::UserBody;
use crate::http::extract::Bearer;
use crate::http::{Answer, Api, Call, respond};

pub(in crate::http) async fn get_profile(api: Api, call: Call) -> Answer {
    let (bearer, caller) = (Bearer::of(&call, &api)?, call.caller);
    let body = UserBody::from(api.accounts.profile(&caller, bearer.required()?.expose()).await?);
    respond::success(StatusCode::OK, body, "Profile retrieved successfully")
}
