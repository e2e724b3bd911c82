//! What the active key is.

use axum::extract::State;
use axum::response::Response;
use http::StatusCode;
use serde::Serialize;

use crate::http::{Api, respond};

#[derive(Serialize)]
struct KeyInfo {
    kid: String,
    kty: &'static str,
    alg: &'static str,
    #[serde(rename = "use")]
    usage: &'static str,
    key_ops: [&'static str; 1],
    created_at: String,
    status: &'static str,
}

pub(in crate::http) async fn get_key_info(State(api): State<Api>) -> Response {
    let ring = api.keys.ring();
    let active = ring.active();
    let algorithm = active.signing().algorithm();
    let info = KeyInfo {
        kid: active.kid().to_string(),
        kty: algorithm.kty(),
        alg: algorithm.name(),
        usage: "sig",
        key_ops: ["verify"],
        created_at: active.created_at().to_string(),
        status: "active",
    };
    respond::success(StatusCode::OK, info, "Key information retrieved successfully")
}
