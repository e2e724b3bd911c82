//! The JSON Web Key Set (RFC 7517 §5), on all the paths of the original and at the root.

use axum::extract::{Request, State};
use axum::response::Response;

use super::KEYS_MAX_AGE;
use crate::http::cors::Cors;
use crate::http::{Api, conditional, respond};

pub(in crate::http) async fn get_jwks(State(api): State<Api>, request: Request) -> Response {
    let ring = api.keys.ring();
    let jwks = ring.jwks();
    let answer = respond::json_bytes(jwks.body.clone());
    let mut response = conditional::cached(request.headers(), &jwks.etag, KEYS_MAX_AGE, answer);
    Cors::public(response.headers_mut());
    response
}
