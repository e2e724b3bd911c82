//! What a container platform or a load balancer asks before it sends requests here, or takes another instance away.
//! Both questions read memory only, and the answers name nothing that a stranger should not know.

use axum::extract::State;
use axum::response::Response;
use http::StatusCode;
use serde::Serialize;

use super::{Api, respond};
use crate::keys::NotReady;

#[derive(Serialize)]
struct Report {
    status: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
}

/// `GET /startupz`: whether the start of this process has succeeded.
pub(super) async fn get_startupz(State(api): State<Api>) -> Response {
    report("started", "not started", api.keys.has_started())
}

/// `GET /readyz`: whether this instance can verify tokens and publish the key set now.
pub(super) async fn get_readyz(State(api): State<Api>) -> Response {
    report("ready", "not ready", api.keys.publishes())
}

fn report(good: &'static str, bad: &'static str, found: Result<(), NotReady>) -> Response {
    let (code, status) = match found {
        Ok(()) => (StatusCode::OK, good),
        Err(_) => (StatusCode::SERVICE_UNAVAILABLE, bad),
    };
    let reason = found.err().map(|why| why.to_string());
    respond::no_store(respond::json(code, &Report { status, reason }))
}
