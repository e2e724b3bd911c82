//! The key set of the post-quantum keys (RFC 7517 §5, RFC 9964), apart from the other one: some verifiers refuse a whole set
//! for a `kty` that they do not know.

use axum::extract::{Request, State};
use axum::response::Response;

use super::key_set;
use crate::http::Api;
use crate::http::error::ApiError;
use crate::keys::Ring;

pub(in crate::http) async fn get_post_quantum_jwks(
    State(api): State<Api>,
    request: Request,
) -> Result<Response, ApiError> {
    key_set(&api, request.headers(), Ring::post_quantum_jwks)
}
