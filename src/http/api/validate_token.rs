//! `POST /api/token/validate`: whether a token passes our own checks, and what it says.

use axum::extract::State;
use axum::response::Response;

use crate::http::error::ApiError;
use crate::http::extract::{Bearer, Fields};
use crate::http::{Api, respond};
use crate::token::Checked;

pub(in crate::http) async fn validate_token(
    State(api): State<Api>,
    bearer: Bearer,
    fields: Fields,
) -> Result<Response, ApiError> {
    let audience = fields.filled("audience")?;
    let token =
        fields.secret("token")?.or(bearer.optional()).ok_or(ApiError::missing("Token is required"))?;
    let checked = api.tokens.check(token.expose(), audience.as_deref())?;
    Ok(respond::no_store(respond::json_bytes(body(&checked).into())))
}

/// Header and claims go out as they were signed: they are JSON already, and have been checked to be.
fn body(checked: &Checked) -> String {
    let (header, claims) = (checked.header(), checked.claims());
    [
        r#"{"success":true,"data":{"valid":true,"payload":"#,
        claims,
        r#","decoded":{"header":"#,
        header,
        r#","payload":"#,
        claims,
        r#"}},"message":"Token is valid"}"#,
    ]
    .concat()
}
