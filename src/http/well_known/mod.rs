//! Public keys, for verifiers. Key set and PEM are for all origins, whatever `ALLOWED_ORIGINS` says.

mod get_jwks;
mod get_key_info;
mod get_post_quantum_jwks;
mod get_public_key;

use axum::response::Response;
use http::HeaderMap;

use super::cors::Cors;
use super::error::ApiError;
use super::{Api, conditional, respond};
use crate::keys::{Published, Ring, View};

pub(super) use get_jwks::get_jwks;
pub(super) use get_key_info::get_key_info;
pub(super) use get_post_quantum_jwks::get_post_quantum_jwks;
pub(super) use get_public_key::get_public_key;

/// Whether what is at this path is for all origins.
pub(super) fn is_public(path: &str) -> bool {
    ["/jwks", "/jwks.json", "/jwks/post-quantum", "/public-key", "/public-key.pem"]
        .iter()
        .any(|end| path.ends_with(end))
}

/// The answer with one of the ring's key sets.
fn key_set(api: &Api, headers: &HeaderMap, document: fn(&Ring) -> &Published) -> Result<Response, ApiError> {
    let ring = api.keys.ring();
    let ring = ring.as_ref().ok_or_else(ApiError::no_keys)?;
    let jwks = document(ring);
    let answer = respond::json_bytes(jwks.body.clone());
    let mut response = conditional::cached(headers, &jwks.etag, &cache_control(ring, api)?, answer);
    Cors::public(response.headers_mut());
    Ok(response)
}

/// How long a verifier may keep what it fetched; a refusal where what is known here may be too old.
fn cache_control(ring: &View, api: &Api) -> Result<String, ApiError> {
    let max_age = ring.max_age(api.clock.uptime()).ok_or_else(ApiError::no_keys)?;
    Ok(format!("public, max-age={max_age}"))
}
