//! The probes that a container platform or a load balancer calls before it sends requests to this instance,
//! or to take it out of service. Both read only memory, and their responses contain nothing secret.

use http::StatusCode;
use serde::Serialize;

use super::{Answer, Api, Call, respond};
use crate::keys::NotReady;

#[derive(Serialize)]
struct Report<'a> {
    status: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
    /// Background tasks whose latest turn failed. The service tries them again, and continues with what it
    /// knows.
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    failing: &'a [&'static str],
}

/// `GET /startupz`: says whether this process has started successfully.
pub(super) async fn get_startupz(api: Api, _: Call) -> Answer {
    report("started", "not started", api.keys.has_started(), &[])
}

/// `GET /readyz`: says whether this instance can verify tokens and publish the key set now.
pub(super) async fn get_readyz(api: Api, _: Call) -> Answer {
    report("ready", "not ready", api.keys.publishes(), &api.failing.names())
}

fn report(
    good: &'static str,
    bad: &'static str,
    found: Result<(), NotReady>,
    failing: &[&'static str],
) -> Answer {
    let (code, status) = match found {
        Ok(()) => (StatusCode::OK, good),
        Err(_) => (StatusCode::SERVICE_UNAVAILABLE, bad),
    };
    let reason = found.err().map(|why| why.to_string());
    respond::json(code, &Report { status, reason, failing })
}
