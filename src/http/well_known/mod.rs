//! Public keys, for verifiers.

mod get_jwks;
mod get_key_info;
mod get_post_quantum_jwks;
mod get_public_key;

use http::header::{CACHE_CONTROL, HeaderValue};

use super::refusal::Refusal;
use super::{Answer, Api, Call, Response, conditional, respond};
use crate::keys::{Published, Ring, View};

pub(super) use get_jwks::get_jwks;
pub(super) use get_key_info::get_key_info;
pub(super) use get_post_quantum_jwks::get_post_quantum_jwks;
pub(super) use get_public_key::get_public_key;

/// The response with one of the ring's key sets.
fn key_set(api: &Api, call: &Call, document: fn(&Ring) -> &Published) -> Answer {
    let ring = api.keys.ring();
    let ring = ring.as_ref().ok_or_else(Refusal::no_keys)?;
    let jwks = document(ring);
    let answer = kept(ring, api, respond::json_bytes(jwks.body.clone()))?;
    Ok(conditional::tagged(call.request.headers(), &jwks.etag, answer))
}

/// `answer`, with the header that says how long a verifier may keep it.
///
/// # Errors
/// If the ring that this instance knows may be too old.
fn kept(ring: &View, api: &Api, mut answer: Response) -> Answer {
    let max_age = ring.max_age(api.clock.uptime()).ok_or_else(Refusal::no_keys)?;
    if let Ok(value) = HeaderValue::from_str(&format!("public, max-age={max_age}")) {
        answer.headers_mut().insert(CACHE_CONTROL, value);
    }
    Ok(answer)
}
