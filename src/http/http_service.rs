//! What every answer has, whatever the endpoint: security headers, a request id, CORS, and a JSON 500 for a panic.

use std::any::Any;
use std::panic::AssertUnwindSafe;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};

use axum::Router;
use axum::body::Body;
use axum::response::IntoResponse;
use bytes::Bytes;
use futures_util::FutureExt;
use http::header::{
    ALLOW, CONNECTION, CONTENT_LENGTH, CONTENT_TYPE, HOST, HeaderMap, HeaderName, HeaderValue,
};
use http::{Method, Request, Response, StatusCode, Version};
use http_body_util::BodyExt;
use tower::Service;

use super::cors::Cors;
use super::error::{ApiError, Cause};
use super::path;
use super::well_known;

/// helmet's headers, which the original sends, with a stricter policy for what is no page. Pages bring their own.
const SECURITY: [(HeaderName, HeaderValue); 12] = [
    fixed("content-security-policy", "default-src 'none'; frame-ancestors 'none'"),
    fixed("cross-origin-opener-policy", "same-origin"),
    fixed("cross-origin-resource-policy", "same-origin"),
    fixed("origin-agent-cluster", "?1"),
    fixed("referrer-policy", "no-referrer"),
    fixed("strict-transport-security", "max-age=31536000; includeSubDomains"),
    fixed("x-content-type-options", "nosniff"),
    fixed("x-dns-prefetch-control", "off"),
    fixed("x-download-options", "noopen"),
    fixed("x-frame-options", "SAMEORIGIN"),
    fixed("x-permitted-cross-domain-policies", "none"),
    fixed("x-xss-protection", "0"),
];

const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

const fn fixed(name: &'static str, value: &'static str) -> (HeaderName, HeaderValue) {
    (HeaderName::from_static(name), HeaderValue::from_static(value))
}

/// The router behind the house's manners. The server and the tests hand their requests to it.
#[derive(Debug)]
pub struct HttpService {
    router: Router,
    cors: Cors,
    /// Marks this process in the ids that it makes.
    mark: u32,
    requests: AtomicU32,
    closing: AtomicBool,
}

impl HttpService {
    /// The service of `router`. `mark` tells one process's request ids from another's.
    pub fn new(router: Router, allowed_origins: Option<Vec<String>>, mark: u32) -> Self {
        let (requests, closing) = (AtomicU32::new(0), AtomicBool::new(false));
        Self { router, cors: Cors::new(allowed_origins), mark, requests, closing }
    }

    /// From now on each answer is the last one on its connection.
    pub fn close(&self) {
        self.closing.store(true, Ordering::Relaxed);
    }

    /// Answers one request.
    pub async fn answer(&self, mut request: Request<Body>) -> Response<Body> {
        if let Some(uri) = path::rewritten(request.uri()) {
            let as_asked = AsAsked(request.uri().to_string());
            request.extensions_mut().insert(as_asked);
            *request.uri_mut() = uri;
        }
        let id = self.request_id(request.headers());
        let origin = self.cors.listed(request.headers());
        let asked = Asked { method: request.method().clone(), path: request.uri().path().to_owned() };
        let preflight = (asked.method == Method::OPTIONS).then(|| request.headers().clone());
        let mut router = self.router.clone();
        let one_host =
            request.version() != Version::HTTP_11 || request.headers().get_all(HOST).iter().count() == 1;
        let answer = async move {
            if one_host { router.call(request).await } else { Ok(ApiError::host().into_response()) }
        };
        let answered = AssertUnwindSafe(answer).catch_unwind().await;
        let mut response = match answered {
            Ok(Ok(response)) => response,
            Err(panic) => ApiError::internal(Panic::of(panic.as_ref())).into_response(),
        };
        if let Some(headers) = preflight {
            response = options(&headers, response);
            if well_known::is_public(&asked.path) {
                Cors::public(response.headers_mut());
            }
        }
        asked.log(&response, &id);
        self.finish(&mut response, id, origin);
        response
    }

    /// What every answer wears.
    fn finish(&self, response: &mut Response<Body>, id: HeaderValue, origin: Option<HeaderValue>) {
        let not_modified = response.status() == StatusCode::NOT_MODIFIED;
        let headers = response.headers_mut();
        for (name, value) in SECURITY {
            headers.entry(name).or_insert(value);
        }
        if not_modified {
            // Axum would tell the length of the empty body, which is not the document's (RFC 9110 §8.6).
            headers.remove(CONTENT_LENGTH);
        }
        if self.closing.load(Ordering::Relaxed) {
            headers.insert(CONNECTION, HeaderValue::from_static("close"));
        }
        headers.insert(REQUEST_ID, id);
        self.cors.apply(origin, headers);
    }

    /// Answers a request that comes whole, and whose answer is wanted whole; where it could not be read, with the part of
    /// it that is malformed.
    pub async fn answer_whole(&self, request: Result<Request<Bytes>, &'static str>) -> Response<Bytes> {
        let response = match request {
            Ok(request) => self.answer(request.map(Body::from)).await,
            Err(part) => {
                let mut refusal = ApiError::request(part).into_response();
                self.finish(&mut refusal, self.request_id(&HeaderMap::new()), None);
                refusal
            }
        };
        let (head, body) = response.into_parts();
        match body.collect().await {
            Ok(body) => Response::from_parts(head, body.to_bytes()),
            // None of ours is read from elsewhere, so that none can break off.
            Err(error) => {
                tracing::error!(%error, "an answer broke off");
                let mut failed = Response::new(Bytes::new());
                *failed.status_mut() = StatusCode::INTERNAL_SERVER_ERROR;
                failed
            }
        }
    }

    /// The caller's own id where it is harmless, else a new one.
    fn request_id(&self, headers: &HeaderMap) -> HeaderValue {
        let harmless = |id: &&HeaderValue| {
            (1..=64).contains(&id.len())
                && id.as_bytes().iter().all(|b| b.is_ascii_alphanumeric() || b"-_.".contains(b))
        };
        headers.get(REQUEST_ID).filter(harmless).map(copied).unwrap_or_else(|| {
            let number = self.requests.fetch_add(1, Ordering::Relaxed);
            let id = [&hex(self.mark)[..], b"-", &hex(number)].concat();
            HeaderValue::from_maybe_shared(Bytes::from(id)).unwrap_or(HeaderValue::from_static("none"))
        })
    }
}

/// The same value in memory of its own: as it came, it holds the buffer that the whole head was read into.
fn copied(value: &HeaderValue) -> HeaderValue {
    HeaderValue::from_bytes(value.as_bytes()).unwrap_or_else(|_| value.clone())
}

/// Eight hex digits. `format!` would take a tenth of all the instructions that a cheap answer costs.
fn hex(number: u32) -> [u8; 8] {
    std::array::from_fn(|digit| b"0123456789abcdef"[(number >> (28 - 4 * digit)) as usize & 15])
}

/// The URI before the router's spelling of it, for the words of a 404.
#[derive(Clone)]
pub(super) struct AsAsked(pub(super) String);

/// What the log says of a request: never its query, headers or body.
struct Asked {
    method: Method,
    path: String,
}

impl Asked {
    fn log(&self, response: &Response<Body>, id: &HeaderValue) {
        // A path that nobody serves may hold anything, a token even.
        let path = if response.status() == StatusCode::NOT_FOUND { "-" } else { &self.path };
        let (method, status) = (&self.method, response.status().as_u16());
        let request_id = id.to_str().unwrap_or_default();
        if let Some(Cause(cause)) = response.extensions().get::<Cause>() {
            let cause = chain(cause.as_ref());
            if response.status() == StatusCode::INTERNAL_SERVER_ERROR {
                tracing::error!(%method, path, status, request_id, cause, "request failed");
            } else if response.status().is_server_error() {
                tracing::warn!(%method, path, status, request_id, cause, "request refused");
            } else {
                tracing::debug!(%method, path, status, request_id, cause, "request refused");
            }
        } else {
            tracing::debug!(%method, path, status, request_id, "request answered");
        }
    }
}

/// An error and all that lies beneath it.
fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut beneath = error.source();
    while let Some(error) = beneath {
        text.push_str(": ");
        text.push_str(&error.to_string());
        beneath = error.source();
    }
    text
}

/// OPTIONS works wherever another method does: the router's 405 knows which (RFC 9110 §9.3.7).
fn options(request: &HeaderMap, mut response: Response<Body>) -> Response<Body> {
    if response.status() == StatusCode::METHOD_NOT_ALLOWED {
        *response.status_mut() = StatusCode::NO_CONTENT;
        *response.body_mut() = Body::empty();
        let headers = response.headers_mut();
        headers.remove(CONTENT_TYPE);
        headers.remove(CONTENT_LENGTH);
        if let Some(allowed) = headers.get(ALLOW).and_then(|value| value.to_str().ok()) {
            let allowed = format!("{allowed},OPTIONS");
            headers.insert(
                ALLOW,
                HeaderValue::from_str(&allowed).unwrap_or(HeaderValue::from_static("OPTIONS")),
            );
        }
        if Cors::is_preflight(request) {
            Cors::preflight(request, headers);
        }
    }
    response
}

/// A panic in a handler: it costs its own request a 500, and no other.
#[derive(Debug, thiserror::Error)]
#[error("panicked: {0}")]
struct Panic(String);

impl Panic {
    fn of(payload: &(dyn Any + Send)) -> Self {
        let text = payload.downcast_ref::<&str>().map(|text| (*text).to_owned());
        Self(text.or_else(|| payload.downcast_ref::<String>().cloned()).unwrap_or_default())
    }
}
