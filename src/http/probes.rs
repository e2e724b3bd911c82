//! What a container platform or a load balancer asks before it sends requests here, takes another instance away, or starts
//! this one anew. The questions read memory only, and the answers name nothing that a stranger should not know.

use http::StatusCode;

use super::{Answer, Api, Call, respond};
use crate::health::{Probe, Report, is_verbose};

/// `GET /livez`: whether the process answers.
pub(super) async fn get_livez(api: Api, _: Call) -> Answer {
    answer(&Report::of(&api.health, Probe::Live, false))
}

/// `GET /startupz`: says whether this process has started successfully.
pub(super) async fn get_startupz(api: Api, _: Call) -> Answer {
    answer(&Report::of(&api.health, Probe::Started, false))
}

/// `GET /readyz`: whether this instance can verify tokens and publish the key set now. With `?verbose`, also what else it can
/// do.
pub(super) async fn get_readyz(api: Api, call: Call) -> Answer {
    answer(&Report::of(&api.health, Probe::Ready, is_verbose(call.request.uri().query())))
}

fn answer(report: &Report) -> Answer {
    let status = if report.is_good() { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    respond::json(status, report)
}
