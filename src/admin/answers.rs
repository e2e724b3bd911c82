//! What the listener answers, path by path.

use bytes::Bytes;
use http::header::{ACCEPT, ALLOW, CACHE_CONTROL, CONTENT_TYPE, HeaderValue, X_CONTENT_TYPE_OPTIONS};
use http::{Method, StatusCode};
use serde::Serialize;

use super::Admin;
use super::guard::Reach;
use crate::health::{Probe, Report, is_verbose};
use crate::telemetry::metrics::TextFormat;

pub(super) type Request = http::Request<Bytes>;
pub(super) type Response = http::Response<Bytes>;

/// A refusal, in the form of the API.
#[derive(Serialize)]
struct Refusal<'a> {
    success: bool,
    error: &'a str,
    code: &'static str,
}

impl Admin {
    /// The answer to a request over such a connection.
    pub(super) fn answer(&self, reach: Reach, request: &Request) -> Response {
        if let Err(distrust) = reach.check(request.uri(), request.headers()) {
            return refusal(StatusCode::FORBIDDEN, "forbidden", &distrust.to_string());
        }
        let path = request.uri().path();
        let is_read = request.method() == Method::GET || request.method() == Method::HEAD;
        match path {
            "/debug/log" if request.method() == Method::PUT => self.replace_log_filter(reach, request),
            "/debug/log" if !is_read => not_allowed("GET,HEAD,PUT"),
            "/metrics" | "/livez" | "/readyz" | "/startupz" if !is_read => not_allowed("GET,HEAD"),
            "/metrics" => self.metrics(request),
            "/livez" => self.report(Probe::Live, request),
            "/readyz" => self.report(Probe::Ready, request),
            "/startupz" => self.report(Probe::Started, request),
            "/debug/log" => self.log_filter(),
            _ => refusal(
                StatusCode::NOT_FOUND,
                "not_found",
                "There are /metrics, /livez, /readyz, /startupz and /debug/log here",
            ),
        }
    }

    fn metrics(&self, request: &Request) -> Response {
        let accept = request.headers().get_all(ACCEPT).iter().filter_map(|value| value.to_str().ok());
        let format = TextFormat::of_accept(&accept.collect::<Vec<_>>().join(","));
        answer(StatusCode::OK, format.content_type(), format.write(&self.metrics.snapshot()))
    }

    fn report(&self, probe: Probe, request: &Request) -> Response {
        let report = Report::of(&self.health, probe, is_verbose(request.uri().query()));
        let status = if report.is_good() { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
        json(status, &report)
    }
}

fn not_allowed(allowed: &'static str) -> Response {
    let sentence = format!("This path takes the methods {allowed}");
    let mut response = refusal(StatusCode::METHOD_NOT_ALLOWED, "method_not_allowed", &sentence);
    response.headers_mut().insert(ALLOW, HeaderValue::from_static(allowed));
    response
}

pub(super) fn refusal(status: StatusCode, code: &'static str, error: &str) -> Response {
    json(status, &Refusal { success: false, error, code })
}

pub(super) fn json(status: StatusCode, body: &impl Serialize) -> Response {
    // Our own structs are always JSON.
    answer(status, "application/json; charset=utf-8", serde_json::to_string(body).unwrap_or_default())
}

fn answer(status: StatusCode, content_type: &'static str, body: String) -> Response {
    let mut response = Response::new(body.into());
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    response
}
