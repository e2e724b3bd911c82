//! The way of every request: from the socket or the event through the middleware to its operation, and back.

use std::future::ready;
use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use bytes::Bytes;
use http::header::{CONNECTION, CONTENT_LENGTH, HOST, HeaderMap, HeaderValue};
use http::{Method, Request, StatusCode, Version};
use http_body_util::{Either, Full};
use tokio::time::Instant;

use super::answered::{Answered, MethodName};
use super::base_path::BasePath;
use super::dialect::Dialect;
use super::docs::accepts_html;
use super::metrics::{ActiveRequest, ConnectionMetrics, HttpMetrics};
use super::middleware::access_log::AccessLogger;
use super::middleware::client::ClientAddress;
use super::middleware::cors::Cors;
use super::middleware::request_id::RequestIds;
use super::middleware::{limits, options, panic, request_id, security_headers, trace};
use super::operation::Pending;
use super::pages::{Language, refusal_page};
use super::refusal::{Cause, Kind, Refusal, ToldRefusal};
use super::router::{Route, Router, allowed};
use super::{Answer, Api, Body, Call, Response, operations, path};
use crate::domain::{Caller, RequestId};
use crate::limits::Verdict;
use crate::oauth::Issuer;
use crate::telemetry::metrics::Source;
use crate::telemetry::traces::{BegunTrace, Span, Tracer};
use crate::telemetry::{RequestScope, client, in_request, user};

/// The router, and the work that is the same for every request and every response. The server and the
/// function hand their requests to it.
#[derive(Debug)]
pub struct HttpService {
    api: Api,
    router: Router,
    cors: Cors,
    client: ClientAddress,
    request_ids: RequestIds,
    limit_fields: limits::Fields,
    tracer: Tracer,
    access_log: AccessLogger,
    /// `url.scheme` of every span: of what clients ask, as far as the operator says it.
    scheme: &'static str,
    /// The path of the issuer, which proxies may or may not remove.
    below_issuer: BasePath,
    closing: AtomicBool,
    metrics: Arc<HttpMetrics>,
}

/// A request that is being answered, without what its handler has of it.
struct Arrived<'r> {
    caller: Caller,
    route: Route<'r>,
    method: MethodName,
    /// The origin in the answer, if it is one of those that the operator named.
    origin: Option<HeaderValue>,
    /// The language of the page that refuses the request; `None` if a program reads the refusal.
    language: Option<Language>,
    began: Instant,
    /// The request's own span, if the request is recorded.
    span: Option<Span>,
    active: ActiveRequest<'r>,
}

impl HttpService {
    /// The service of `api`. `mark` distinguishes the request ids of one process from those of another; `tracer`
    /// records requests.
    pub fn new(api: Api, mark: u32, tracer: Tracer) -> Self {
        let settings = &api.settings;
        let is_public_https = settings.public_url.as_ref().is_some_and(|url| url.starts_with("https:"));
        Self {
            router: Router::of(operations()),
            cors: Cors::new(settings.allowed_origins.clone()),
            client: ClientAddress::new(settings.trusted_proxies.clone(), settings.trusted_proxy_header),
            request_ids: RequestIds::new(mark),
            limit_fields: limits::Fields::new(api.limits.policies()),
            tracer,
            access_log: AccessLogger::new(settings.access_log),
            below_issuer: BasePath::new(api.oauth.issuer().map_or("", Issuer::path)),
            scheme: if is_public_https { "https" } else { "http" },
            closing: AtomicBool::new(false),
            metrics: Arc::new(HttpMetrics::new()),
            api,
        }
    }

    /// What is counted of requests and connections.
    pub fn metrics(&self) -> Arc<dyn Source> {
        Arc::clone(&self.metrics) as Arc<dyn Source>
    }

    /// What is counted of connections.
    pub(super) fn connection_metrics(&self) -> Arc<ConnectionMetrics> {
        Arc::clone(&self.metrics.connections)
    }

    /// From now on each answer is the last one on its connection.
    pub fn close(&self) {
        self.closing.store(true, Ordering::Relaxed);
    }

    /// Answers one request of this peer. Each connection reserves memory for what this returns, even while it
    /// is idle. So the request moves into the memory of its handler and does not stay here.
    pub fn answer(&self, mut request: Request<Body>, peer: IpAddr) -> impl Future<Output = Response> {
        self.below_issuer.remove_from(request.uri_mut());
        let route = self.router.find(request.method(), request.uri().path());
        let (arrived, scope) = self.arrive(peer, request.method(), request.headers(), route);
        let (answer, of_address) = self.reach(request, route, &arrived.caller);
        self.conclude(arrived, scope, of_address, panic::caught(answer))
    }

    /// What is to be kept of a request: for its answer, and for what is done and logged meanwhile.
    fn arrive<'r>(
        &'r self,
        peer: IpAddr,
        method: &Method,
        headers: &HeaderMap,
        route: Route<'r>,
    ) -> (Arrived<'r>, RequestScope) {
        let began = Instant::now();
        let incoming = trace::incoming(headers);
        let BegunTrace { trace, recording, span } =
            self.tracer.begin(incoming.parent, incoming.state.as_ref());
        let operation = route.operation().map_or("-", |operation| operation.id);
        let (request_id, address) = (self.request_ids.of(headers), self.client.of(peer, headers));
        let peer = self.client.counted(address);
        let caller = Caller { address, peer, request_id, operation, trace };
        let scope = RequestScope {
            request_id,
            trace,
            trace_state: incoming.state,
            recording,
            user: None,
            client: None,
        };
        let (method, origin) = (MethodName::of(method), self.cors.listed(headers));
        let is_for_person = match route.dialect() {
            Dialect::Page => true,
            // A person may follow a wrong link below `/oauth`.
            Dialect::OAuth => matches!(route, Route::Nowhere(_)) && accepts_html(headers),
            Dialect::Api => false,
        };
        let language = is_for_person.then(|| Language::accepted(headers));
        let active = self.metrics.begin();
        (Arrived { caller, route, method, origin, language, began, span, active }, scope)
    }

    /// Waits for the answer, and makes the response of it. `of_address` is what is left for the client's address.
    fn conclude(
        &self,
        arrived: Arrived<'_>,
        scope: RequestScope,
        of_address: Option<Verdict>,
        answer: impl Future<Output = Answer>,
    ) -> impl Future<Output = Response> {
        in_request(scope, async move {
            let answered = answer.await;
            self.respond(arrived, of_address, answered)
        })
    }

    /// Lets the operation of the request answer it, if there is one and its limits admit the request. With the answer
    /// comes the budget of the client's address, if it has one.
    fn reach(&self, request: Request<Body>, route: Route<'_>, caller: &Caller) -> (Pending, Option<Verdict>) {
        let at_once = |answer: Answer| (Box::pin(ready(answer)) as Pending, None);
        if request.version() == Version::HTTP_11 && request.headers().get_all(HOST).iter().count() != 1 {
            return at_once(Err(Kind::HostRequired.into()));
        }
        let Route::To(operation) = route else { return at_once(unrouted(&request, route)) };
        match limits::admit(&self.api.limits, operation, caller) {
            Err(refusal) => at_once(Err(refusal)),
            Ok(of_address) => {
                let call = Call { caller: caller.clone(), operation, request };
                ((operation.handler)(self.api.clone(), call), of_address)
            }
        }
    }

    /// The response to a request, whose end is then logged and recorded.
    fn respond(&self, arrived: Arrived<'_>, of_address: Option<Verdict>, answered: Answer) -> Response {
        let Arrived { caller, route, method, origin, language, began, span, active } = arrived;
        let of_account = limits::account_of(&answered);
        let (mut response, refusal, cause) = self.write(answered, route, language, &caller.request_id);
        self.limit_fields.add(of_address, of_account, response.headers_mut());
        let mut response = self.finish(response, method, &caller);
        if !route.is_for_no_origin() {
            self.cors.apply(origin, response.headers_mut());
        }
        let request = Answered {
            caller: &caller,
            operation: route.operation(),
            method,
            path: route.path(),
            status: response.status(),
            refusal,
            cause: cause.as_ref(),
            duration: began.elapsed(),
            bytes: response.body().len(),
            user: user(),
            client: client(),
        };
        self.metrics.count(&request);
        drop(active);
        self.access_log.answered(&request);
        if let Some(span) = span {
            trace::end(span, &request, self.scheme);
        }
        response
    }

    /// The response, with the security headers and those of all responses of its operation, or the refusal in its dialect,
    /// with its code and its cause.
    fn write(
        &self,
        answered: Answer,
        route: Route<'_>,
        language: Option<Language>,
        request_id: &RequestId,
    ) -> (Response, Option<&'static str>, Option<Cause>) {
        match answered {
            Ok(mut response) => {
                security_headers::add(response.headers_mut());
                if let Some(operation) = route.operation() {
                    operation.cache.apply(response.headers_mut());
                }
                if route.is_for_all_origins() {
                    Cors::public(response.headers_mut());
                }
                match response.extensions_mut().remove::<ToldRefusal>() {
                    Some(told) => (response, Some(told.code), told.cause),
                    None => (response, None, None),
                }
            }
            Err(refusal) => {
                let face = refusal.kind.face();
                let mut response = match language {
                    Some(language) => refusal_page(&self.api, language, &refusal, &face, request_id),
                    None => route.dialect().write(&refusal, &face),
                };
                security_headers::add(response.headers_mut());
                let code = face.code;
                // A page that may call an operation may also read why it was refused.
                if route.is_for_all_origins() {
                    Cors::public(response.headers_mut());
                }
                (response, Some(code), refusal.cause)
            }
        }
    }

    /// Adds the headers of the request and of the connection, and leaves the body out of the response to `HEAD`.
    fn finish(&self, mut response: Response, method: MethodName, caller: &Caller) -> Response {
        if method == MethodName::HEAD && response.status() != StatusCode::NOT_MODIFIED {
            // The length is that of the response to GET (RFC 9110 §8.6).
            let length = std::mem::take(response.body_mut()).len();
            response.headers_mut().insert(CONTENT_LENGTH, length.into());
        }
        let headers = response.headers_mut();
        if self.closing.load(Ordering::Relaxed) {
            headers.insert(CONNECTION, HeaderValue::from_static("close"));
        }
        request_id::add(&caller.request_id, headers);
        response
    }

    /// Answers a request that arrives complete. The caller of this function names the peer. If it cannot read the
    /// request, it passes the name of the malformed part instead.
    pub async fn answer_whole(
        &self,
        request: Result<Request<Bytes>, &'static str>,
        peer: IpAddr,
    ) -> Response {
        match request {
            Ok(request) => self.answer(request.map(|bytes| Either::Right(Full::new(bytes))), peer).await,
            Err(part) => {
                let route = Route::Nowhere(None);
                let (arrived, scope) = self.arrive(peer, &Method::GET, &HeaderMap::new(), route);
                self.conclude(arrived, scope, None, ready(Err(Kind::MalformedRequest(part).into()))).await
            }
        }
    }
}

/// The answer to a request for which there is no operation.
fn unrouted(request: &Request<Body>, route: Route<'_>) -> Answer {
    match route {
        Route::NoMethod(resource) if request.method() == Method::OPTIONS => {
            Ok(options::answer(request.headers(), resource))
        }
        Route::NoMethod(resource) => Err(Refusal::from(Kind::Method {
            method: request.method().clone(),
            path: path::canonical(request.uri().path()).into_owned(),
            allowed: allowed(resource),
        })),
        _ => Err(Kind::NotFound(request.uri().to_string()).into()),
    }
}
