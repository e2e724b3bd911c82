//! The active key's public half as PEM (RFC 7468 §13).

use axum::extract::State;
use axum::response::Response;
use http::StatusCode;
use http::header::{HeaderMap, HeaderValue};

use crate::http::cors::Cors;
use crate::http::error::ApiError;
use crate::http::{Api, conditional, respond};

const PEM: HeaderValue = HeaderValue::from_static("application/x-pem-file; charset=utf-8");

pub(in crate::http) async fn get_public_key(
    State(api): State<Api>,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    let ring = api.keys.ring();
    let ring = ring.as_ref().ok_or_else(ApiError::no_keys)?;
    let pem = ring.public_pem();
    let answer = respond::with_type(StatusCode::OK, PEM, pem.body.clone());
    let mut response = conditional::cached(&headers, &pem.etag, &super::cache_control(ring, &api)?, answer);
    Cors::public(response.headers_mut());
    Ok(response)
}
