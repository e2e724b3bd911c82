//! `POST /api/auth/refresh`: a new token for a valid one.

use axum::extract::State;
use axum::response::Response;
use http::StatusCode;

use super::shapes::TokenBody;
use crate::http::error::ApiError;
use crate::http::extract::Bearer;
use crate::http::{Api, respond};

pub(in crate::http) async fn refresh_token(
    State(api): State<Api>,
    bearer: Bearer,
) -> Result<Response, ApiError> {
    let body = TokenBody::from(api.accounts.refresh(bearer.required()?.expose()).await?);
    Ok(respond::no_store(respond::success(StatusCode::OK, body, "Token refreshed successfully")))
}
