//! Public keys, for verifiers. Key set and PEM are for all origins, whatever `ALLOWED_ORIGINS` says.

mod get_jwks;
mod get_key_info;
mod get_public_key;

use http::header::HeaderValue;

pub(super) use get_jwks::get_jwks;
pub(super) use get_key_info::get_key_info;
pub(super) use get_public_key::get_public_key;

/// Whether what is at this path is for all origins.
pub(super) fn is_public(path: &str) -> bool {
    ["/jwks", "/jwks.json", "/public-key", "/public-key.pem"].iter().any(|end| path.ends_with(end))
}

/// How long a verifier may keep what it fetched: a day, as the original says.
const KEYS_MAX_AGE: HeaderValue = HeaderValue::from_static("public, max-age=86400");
