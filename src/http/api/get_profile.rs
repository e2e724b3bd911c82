//! `GET /api/auth/profile`: the user whose token this is.

use axum::extract::State;
use axum::response::Response;
use http::StatusCode;

use super::shapes::UserBody;
use crate::http::error::ApiError;
use crate::http::extract::Bearer;
use crate::http::{Api, respond};

pub(in crate::http) async fn get_profile(
    State(api): State<Api>,
    bearer: Bearer,
) -> Result<Response, ApiError> {
    let body = UserBody::from(api.accounts.profile(bearer.required()?.expose()).await?);
    Ok(respond::no_store(respond::success(StatusCode::OK, body, "Profile retrieved successfully")))
}
