//! Which trace a request belongs to, as its client says, and the span that the request itself is.

use std::sync::Arc;

use http::HeaderName;
use http::header::{HeaderMap, HeaderValue};

use crate::domain::{TraceContext, is_tracestate};
use crate::http::answered::Answered;
use crate::telemetry::traces::Span;

const TRACEPARENT: HeaderName = HeaderName::from_static("traceparent");
const TRACESTATE: HeaderName = HeaderName::from_static("tracestate");
const XRAY: HeaderName = HeaderName::from_static("x-amzn-trace-id");

/// What a client says of its trace.
#[derive(Debug, Default)]
pub(in crate::http) struct Incoming {
    /// The place of the client in the trace.
    pub(in crate::http) parent: Option<TraceContext>,
    /// Its `tracestate`, for those who are asked next.
    pub(in crate::http) state: Option<Arc<str>>,
}

/// The values of a header that must be there once.
#[derive(Clone, Copy)]
enum Single<'h> {
    Missing,
    Once(&'h [u8]),
    Twice,
}

impl<'h> Single<'h> {
    fn add(&mut self, value: &'h HeaderValue) {
        *self = match self {
            Self::Missing => Self::Once(value.as_bytes()),
            Self::Once(_) | Self::Twice => Self::Twice,
        };
    }

    fn value(self) -> Option<&'h [u8]> {
        match self {
            Self::Once(value) => Some(value),
            Self::Missing | Self::Twice => None,
        }
    }
}

/// Reads `traceparent` and `tracestate`, or else the header of AWS X-Ray. What is malformed, or there twice, counts as
/// missing (W3C Trace Context §4.2). Most requests have few headers and no trace: one pass over the headers costs less than
/// two look-ups.
pub(in crate::http) fn incoming(headers: &HeaderMap) -> Incoming {
    let (mut parent, mut xray) = (Single::Missing, Single::Missing);
    for (name, value) in headers {
        if *name == TRACEPARENT {
            parent.add(value);
        } else if *name == XRAY {
            xray.add(value);
        }
    }
    match parent.value().and_then(TraceContext::from_traceparent) {
        Some(parent) => Incoming { parent: Some(parent), state: state(headers) },
        None => Incoming { parent: xray.value().and_then(TraceContext::from_xray), state: None },
    }
}

/// Several lines are one list (W3C Trace Context §3.3.1).
fn state(headers: &HeaderMap) -> Option<Arc<str>> {
    let mut lines = headers.get_all(TRACESTATE).into_iter().map(|line| line.to_str());
    let mut joined = lines.next()?.ok()?.to_owned();
    for line in lines {
        joined.push(',');
        joined.push_str(line.ok()?);
    }
    is_tracestate(&joined).then(|| joined.into())
}

/// Ends the span of a request, named as OpenTelemetry's semantic conventions for HTTP say. The path is that of the operation:
/// the one that was asked for may hold anything.
pub(in crate::http) fn end(mut span: Span, request: &Answered<'_>, scheme: &'static str) {
    let (method, status) = (request.method.as_str(), request.status);
    span.set("http.request.method", method);
    let word = if method == "_OTHER" { "HTTP" } else { method };
    if request.path == "-" {
        span.name(word, "");
    } else {
        span.name(word, request.path);
        span.set("http.route", request.path);
    }
    span.set("url.scheme", scheme);
    span.set("http.response.status_code", status.as_u16());
    span.set("http.response.body.size", request.bytes);
    span.set("jwt_generator.operation", request.caller.operation);
    if !request.caller.address.is_unspecified() {
        span.set("client.address", request.caller.address);
    }
    if let Some(user) = request.user {
        span.set("user.id", user);
    }
    if let Some(refusal) = request.refusal {
        span.set("error.type", refusal);
    }
    if status.is_server_error() {
        span.mark_failed();
    }
}

#[cfg(test)]
mod tests {
    use http::header::HeaderMap;

    use super::incoming;

    const PARENT: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
    const ROOT: &str = "Root=1-5759e988-bd862e3fe1be46a994272793";

    fn read(lines: &[(&'static str, &str)]) -> (Option<String>, Option<String>) {
        let mut headers = HeaderMap::new();
        for (name, value) in lines {
            headers.append(*name, value.parse().unwrap());
        }
        let found = incoming(&headers);
        (found.parent.map(|parent| parent.trace_id.to_string()), found.state.map(|state| state.to_string()))
    }

    #[test]
    fn w3c_goes_before_xray_and_what_is_there_twice_is_missing() {
        let w3c = Some("4bf92f3577b34da6a3ce929d0e0e4736".to_owned());
        let xray = Some("5759e988bd862e3fe1be46a994272793".to_owned());
        let (parent, root) = (("traceparent", PARENT), ("x-amzn-trace-id", ROOT));
        assert_eq!(read(&[parent, root]), (w3c.clone(), None));
        assert_eq!(read(&[root]), (xray.clone(), None));
        assert_eq!(read(&[("traceparent", "00-nonsense"), root]), (xray.clone(), None));
        assert_eq!(read(&[parent, parent]), (None, None));
        assert_eq!(read(&[root, root]), (None, None));
        assert_eq!(
            read(&[parent, ("tracestate", "a=1"), ("tracestate", "b=2")]).1.as_deref(),
            Some("a=1,b=2")
        );
        assert_eq!(read(&[parent, ("tracestate", "A=1")]), (w3c, None));
        assert_eq!(read(&[root, ("tracestate", "a=1")]), (xray, None), "it belongs to a traceparent");
    }
}
