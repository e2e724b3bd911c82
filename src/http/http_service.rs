//! The way of every request: from the socket or the event through the middleware to its operation, and back.

use std::future::ready;
use std::net::IpAddr;
use std::sync::atomic::{AtomicBool, Ordering};

use bytes::Bytes;
use http::header::{CONNECTION, CONTENT_LENGTH, HOST, HeaderMap, HeaderValue};
use http::{Method, Request, StatusCode, Version};
use http_body_util::{Either, Full};
use tokio::time::Instant;

use super::answered::{Answered, MethodName};
use super::middleware::client::ClientAddress;
use super::middleware::cors::Cors;
use super::middleware::request_id::RequestIds;
use super::middleware::{log, options, panic, request_id, security_headers};
use super::operation::Pending;
use super::refusal::{Kind, Refusal};
use super::router::{Route, Router, allowed};
use super::{Answer, Api, Body, Call, Response, operations, path};
use crate::domain::Caller;

/// The router behind what every request and every answer goes through. The server and the function hand their requests to it.
#[derive(Debug)]
pub struct HttpService {
    api: Api,
    router: Router,
    cors: Cors,
    client: ClientAddress,
    request_ids: RequestIds,
    closing: AtomicBool,
}

impl HttpService {
    /// The service of `api`. `mark` tells one process's request ids from another's.
    pub fn new(api: Api, mark: u32) -> Self {
        let settings = &api.settings;
        Self {
            router: Router::of(operations()),
            cors: Cors::new(settings.allowed_origins.clone()),
            client: ClientAddress::new(settings.trusted_proxies.clone(), settings.trusted_proxy_header),
            request_ids: RequestIds::new(mark),
            closing: AtomicBool::new(false),
            api,
        }
    }

    /// From now on each answer is the last one on its connection.
    pub fn close(&self) {
        self.closing.store(true, Ordering::Relaxed);
    }

    /// Answers one request of this peer. Each connection has room for what this returns, also while it is idle: so the request
    /// goes into the memory of its handler, and is not kept here.
    pub fn answer(&self, request: Request<Body>, peer: IpAddr) -> impl Future<Output = Response> {
        let began = Instant::now();
        let route = self.router.find(request.method(), request.uri().path());
        let caller = self.caller(peer, request.headers(), route);
        let origin = self.cors.listed(request.headers());
        let method = MethodName::of(request.method());
        let answer = self.reach(request, route, &caller);
        async move {
            let answered = panic::caught(answer).await;
            let response = self.write(answered, route, method, &caller, began);
            self.finish(response, method, &caller, origin)
        }
    }

    fn caller(&self, peer: IpAddr, headers: &HeaderMap, route: Route<'_>) -> Caller {
        Caller {
            address: self.client.of(peer, headers),
            request_id: self.request_ids.of(headers),
            operation: route.operation().map_or("-", |operation| operation.id),
        }
    }

    /// Has the request's operation answer it, where it has one.
    fn reach(&self, request: Request<Body>, route: Route<'_>, caller: &Caller) -> Pending {
        if request.version() == Version::HTTP_11 && request.headers().get_all(HOST).iter().count() != 1 {
            return Box::pin(ready(Err(Kind::HostRequired.into())));
        }
        let Route::To(operation) = route else { return Box::pin(ready(unrouted(&request, route))) };
        (operation.handler)(self.api.clone(), Call { caller: caller.clone(), operation, request })
    }

    /// The answer, with what holds for all answers of its operation, or the refusal in its dialect.
    fn write(
        &self,
        answered: Answer,
        route: Route<'_>,
        method: MethodName,
        caller: &Caller,
        began: Instant,
    ) -> Response {
        let (response, refusal, cause) = match answered {
            Ok(mut response) => {
                if let Some(operation) = route.operation() {
                    operation.cache.apply(response.headers_mut());
                }
                if route.is_for_all_origins() {
                    Cors::public(response.headers_mut());
                }
                (response, None, None)
            }
            Err(refusal) => {
                let face = refusal.kind.face();
                let (response, code) = (route.dialect().write(&refusal, &face), face.code);
                (response, Some(code), refusal.cause)
            }
        };
        let (path, status, cause) = (route.path(), response.status(), cause.as_ref());
        let duration = began.elapsed();
        log::answered(&Answered { caller, method, path, status, refusal, cause, duration });
        response
    }

    /// Adds what every answer has.
    fn finish(
        &self,
        mut response: Response,
        method: MethodName,
        caller: &Caller,
        origin: Option<HeaderValue>,
    ) -> Response {
        if method == MethodName::HEAD && response.status() != StatusCode::NOT_MODIFIED {
            // The length is that of what GET answers (RFC 9110 §8.6).
            let length = std::mem::take(response.body_mut()).len();
            response.headers_mut().insert(CONTENT_LENGTH, length.into());
        }
        let headers = response.headers_mut();
        security_headers::add(headers);
        if self.closing.load(Ordering::Relaxed) {
            headers.insert(CONNECTION, HeaderValue::from_static("close"));
        }
        request_id::add(&caller.request_id, headers);
        self.cors.apply(origin, headers);
        response
    }

    /// Answers a request that comes whole, of a peer that its sender names; where it could not be read, with the part of it
    /// that is malformed.
    pub async fn answer_whole(
        &self,
        request: Result<Request<Bytes>, &'static str>,
        peer: IpAddr,
    ) -> Response {
        match request {
            Ok(request) => self.answer(request.map(|bytes| Either::Right(Full::new(bytes))), peer).await,
            Err(part) => {
                let (route, method) = (Route::Nowhere(None), MethodName::of(&Method::GET));
                let caller = self.caller(peer, &HeaderMap::new(), route);
                let refused = Err(Kind::MalformedRequest(part).into());
                let response = self.write(refused, route, method, &caller, Instant::now());
                self.finish(response, method, &caller, None)
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
