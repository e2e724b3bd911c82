//! `POST /api/auth/register`.

use axum::extract::State;
use axum::response::Response;
use http::StatusCode;

use super::shapes::LoggedInBody;
use crate::accounts::Registration;
use crate::http::error::ApiError;
use crate::http::extract::Fields;
use crate::http::{Api, respond};

pub(in crate::http) async fn register_user(
    State(api): State<Api>,
    fields: Fields,
) -> Result<Response, ApiError> {
    let given = (fields.filled("username")?, fields.filled("email")?, fields.secret("password")?);
    let (Some(username), Some(email), Some(password)) = given else {
        return Err(ApiError::missing("Username, email, and password are required"));
    };
    let registration = Registration::parse(&username, &email, password.expose())?;
    let body = LoggedInBody::from(api.accounts.register(registration).await?);
    Ok(respond::no_store(respond::success(StatusCode::CREATED, body, "User registered successfully")))
}
