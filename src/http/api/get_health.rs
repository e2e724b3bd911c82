//! `GET /health`: says that the process lives (the status is always 200), whether the database answers, and
//! whether tokens can be signed.

use http::StatusCode;
use serde::Serialize;

use crate::http::{Answer, Api, Call, VERSION, respond};

#[derive(Serialize)]
struct HealthBody {
    success: bool,
    message: &'static str,
    timestamp: String,
    version: &'static str,
    database_connected: bool,
    signing: bool,
}

pub(in crate::http) async fn get_health(api: Api, _: Call) -> Answer {
    let body = HealthBody {
        success: true,
        message: "JWT Generator API is healthy",
        timestamp: api.clock.now().to_string(),
        version: VERSION,
        database_connected: api.health.is_database_connected(),
        signing: api.keys.signs() && api.keys.is_refreshed(),
    };
    respond::json(StatusCode::OK, &body)
}
