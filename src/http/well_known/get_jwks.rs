//! The JSON Web Key Set (RFC 7517 §5), on all the paths of the original and at the root.

use axum::extract::{Request, State};
use axum::response::Response;

use super::key_set;
use crate::http::Api;
use crate::http::error::ApiError;
use crate::keys::Ring;

pub(in crate::http) async fn get_jwks(
    State(api): State<Api>,
    request: Request,
) -> Result<Response, ApiError> {
    key_set(&api, request.headers(), Ring::jwks)
}
