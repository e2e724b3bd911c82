//! `POST /api/auth/login`: by name or address.

use axum::extract::State;
use axum::response::Response;
use http::StatusCode;

use super::shapes::LoggedInBody;
use crate::domain::{LoginName, Password};
use crate::http::error::ApiError;
use crate::http::extract::Fields;
use crate::http::{Api, respond};

pub(in crate::http) async fn login_user(
    State(api): State<Api>,
    fields: Fields,
) -> Result<Response, ApiError> {
    let (Some(username), Some(password)) = (fields.filled("username")?, fields.secret("password")?) else {
        return Err(ApiError::missing("Username and password are required"));
    };
    let name = LoginName::from_text(&username);
    let body = LoggedInBody::from(api.accounts.log_in(&name, Password::attempt(password.expose())).await?);
    Ok(respond::no_store(respond::success(StatusCode::OK, body, "Login successful")))
}
