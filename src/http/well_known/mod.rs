//! Public keys, for verifiers. Key set and PEM are for all origins, whatever `ALLOWED_ORIGINS` says.

mod get_jwks;
mod get_key_info;
mod get_public_key;

use super::Api;
use super::error::ApiError;
use crate::keys::View;

pub(super) use get_jwks::get_jwks;
pub(super) use get_key_info::get_key_info;
pub(super) use get_public_key::get_public_key;

/// Whether what is at this path is for all origins.
pub(super) fn is_public(path: &str) -> bool {
    ["/jwks", "/jwks.json", "/public-key", "/public-key.pem"].iter().any(|end| path.ends_with(end))
}

/// How long a verifier may keep what it fetched; a refusal where what is known here may be too old.
fn cache_control(ring: &View, api: &Api) -> Result<String, ApiError> {
    let max_age = ring.max_age(api.clock.uptime()).ok_or_else(ApiError::no_keys)?;
    Ok(format!("public, max-age={max_age}"))
}
