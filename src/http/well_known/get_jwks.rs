//! The JSON Web Key Set (RFC 7517 §5), on all the paths of the original and at the root.

use axum::extract::{Request, State};
use axum::response::Response;

use crate::http::cors::Cors;
use crate::http::error::ApiError;
use crate::http::{Api, conditional, respond};

pub(in crate::http) async fn get_jwks(
    State(api): State<Api>,
    request: Request,
) -> Result<Response, ApiError> {
    let ring = api.keys.ring();
    let ring = ring.as_ref().ok_or_else(ApiError::no_keys)?;
    let jwks = ring.jwks();
    let answer = respond::json_bytes(jwks.body.clone());
    let mut response =
        conditional::cached(request.headers(), &jwks.etag, &super::cache_control(ring, &api)?, answer);
    Cors::public(response.headers_mut());
    Ok(response)
}
