//! A small API Gateway in front of the program as a function. It hands each request over through its own runtime API, as
//! AWS's documents say, and turns the result into a response. It handles one request at a time, as a function does.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Child, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::Bytes;
use axum::extract::{Path as Part, Request, State};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use http::StatusCode;
use http::header::HeaderMap;
use http_body_util::BodyExt;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::sync::{mpsc, oneshot};

use super::{Client, jwt_generator};

/// What invokes the function.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Front {
    /// A REST API with one greedy resource, under its stage.
    Rest,
    /// The same under the base path of a domain of one's own: `/auth`.
    RestMapped,
    /// A HTTP API with payload 1.0, under its stage.
    HttpOne,
    /// A HTTP API with payload 2.0, under its stage.
    HttpTwo,
    /// A function URL.
    Url,
    /// A load balancer.
    Balancer,
    /// A load balancer with multi-value headers.
    BalancerWithMany,
}

/// The address that connects to what is before the function.
pub const CLIENT: &str = "198.51.100.7";

/// What the program says to the runtime API.
type Said = Result<Value, Value>;

/// The runtime API's side of one invocation.
struct Invocation {
    event: Value,
    said: oneshot::Sender<Said>,
}

#[derive(Clone)]
struct Runtime {
    waiting: Arc<tokio::sync::Mutex<mpsc::UnboundedReceiver<Invocation>>>,
    under_way: Arc<Mutex<BTreeMap<String, oneshot::Sender<Said>>>>,
    number: Arc<AtomicUsize>,
}

/// The program as a function, and what is before it.
pub struct Gateway {
    _runtime: tokio::runtime::Runtime,
    address: SocketAddr,
    front: Front,
    events: mpsc::UnboundedSender<Invocation>,
    function: Child,
}

impl Gateway {
    /// Starts the function in `folder`, as AWS does: without arguments, only with its environment.
    pub fn start(front: Front, folder: &Path, settings: &[(&str, &str)]) -> Self {
        let mut runtime = tokio::runtime::Builder::new_multi_thread();
        let runtime = runtime.worker_threads(1).enable_all().build().unwrap();
        let (events, waiting) = mpsc::unbounded_channel();
        let api = runtime.block_on(serve(runtime_api(waiting)));
        let address = runtime.block_on(serve(before(front, events.clone())));
        let mut command = jwt_generator(folder);
        command.envs(environment()).env("AWS_LAMBDA_RUNTIME_API", api.to_string());
        command.envs(settings.iter().copied()).stdin(Stdio::null()).stdout(Stdio::null());
        let log = std::fs::File::create(folder.join("function.log")).unwrap();
        let function = command.stderr(log).spawn().unwrap();
        Self { _runtime: runtime, address, front, events, function }
    }

    /// A client of what is published; its base contains the stage or the base path.
    pub fn client(&self) -> Client {
        Client::new(&format!("http://{}{}", self.address, self.front.prefix()))
    }

    /// A client of the whole host, which names the stage or the base path itself, as a browser does.
    pub fn browser_client(&self) -> Client {
        Client::new(&format!("http://{}", self.address))
    }

    /// Invokes the function with any event. Returns its answer, or how it failed.
    pub fn invoke(&self, event: Value) -> Said {
        let (said, told) = oneshot::channel();
        self.events.send(Invocation { event, said }).unwrap();
        told.blocking_recv().unwrap()
    }
}

impl Drop for Gateway {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.function.kill();
        let _ = self.function.wait();
    }
}

/// What AWS sets for every function.
pub fn environment() -> [(&'static str, &'static str); 4] {
    [
        ("AWS_LAMBDA_FUNCTION_NAME", "jwt-generator"),
        ("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "1024"),
        ("AWS_LAMBDA_FUNCTION_VERSION", "$LATEST"),
        ("AWS_LAMBDA_LOG_GROUP_NAME", "/aws/lambda/jwt-generator"),
    ]
}

async fn serve(router: Router) -> SocketAddr {
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
    address
}

fn runtime_api(waiting: mpsc::UnboundedReceiver<Invocation>) -> Router {
    let waiting = Arc::new(tokio::sync::Mutex::new(waiting));
    let state = Runtime { waiting, under_way: Arc::default(), number: Arc::default() };
    Router::new()
        .route("/2018-06-01/runtime/invocation/next", get(next))
        .route("/2018-06-01/runtime/invocation/{id}/{what}", post(said))
        .with_state(state)
}

async fn next(State(runtime): State<Runtime>) -> Response {
    let Some(invocation) = runtime.waiting.lock().await.recv().await else {
        return StatusCode::GONE.into_response();
    };
    let id = format!("8476a536-e9f4-11e8-9739-{:012}", runtime.number.fetch_add(1, Ordering::Relaxed));
    runtime.under_way.lock().unwrap().insert(id.clone(), invocation.said);
    let headers = [
        ("lambda-runtime-aws-request-id", id.as_str()),
        ("lambda-runtime-deadline-ms", "4102444800000"),
        (
            "lambda-runtime-invoked-function-arn",
            "arn:aws:lambda:eu-west-1:123456789012:function:jwt-generator",
        ),
        ("lambda-runtime-trace-id", "Root=1-5bef4de7-ad49b0e87f6ef6c87fc2e700;Sampled=1"),
    ];
    (headers, invocation.event.to_string()).into_response()
}

async fn said(
    State(runtime): State<Runtime>,
    Part((id, what)): Part<(String, String)>,
    body: Bytes,
) -> StatusCode {
    let body: Value = serde_json::from_slice(&body).unwrap();
    let told = runtime.under_way.lock().unwrap().remove(&id).unwrap();
    told.send(if what == "response" { Ok(body) } else { Err(body) }).unwrap();
    StatusCode::ACCEPTED
}

fn before(front: Front, events: mpsc::UnboundedSender<Invocation>) -> Router {
    Router::new().fallback(move |request: Request| async move {
        let (said, told) = oneshot::channel();
        let event = front.event(request).await;
        events.send(Invocation { event, said }).unwrap();
        match told.await {
            Ok(Ok(reply)) => front.response(&reply),
            _ => (StatusCode::BAD_GATEWAY, r#"{"message":"Internal server error"}"#).into_response(),
        }
    })
}

impl Front {
    /// The path before those of the service: the stage or the base path.
    pub fn prefix(self) -> &'static str {
        match self {
            Self::Rest | Self::HttpOne | Self::HttpTwo => "/prod",
            Self::RestMapped => "/auth",
            Self::Url | Self::Balancer | Self::BalancerWithMany => "",
        }
    }

    async fn event(self, request: Request) -> Value {
        let (head, body) = request.into_parts();
        let body = body.collect().await.unwrap().to_bytes();
        let published = head.uri.path();
        let beneath = published.strip_prefix(self.prefix()).unwrap_or(published);
        let query = head.uri.query().unwrap_or_default();
        let event = match self {
            Self::Rest => self.rest(beneath, beneath, query),
            Self::RestMapped => self.rest(beneath, published, query),
            Self::HttpOne => json!({
                "version": "1.0", "resource": "$default", "path": published,
                "multiValueQueryStringParameters": parameters(query),
                "requestContext": context("prod", "abc123.execute-api.eu-west-1.amazonaws.com"),
            }),
            Self::HttpTwo => two(published, query, "prod", "abc123.execute-api.eu-west-1.amazonaws.com"),
            Self::Url => two(published, query, "$default", "abc123.lambda-url.eu-west-1.on.aws"),
            Self::Balancer | Self::BalancerWithMany => json!({
                "requestContext": { "elb": { "targetGroupArn": "arn:aws:elasticloadbalancing:eu-west-1:1:targetgroup/x/1" } },
                "path": published,
            }),
        };
        self.told(event, &head, query, &body)
    }

    /// `path` as AWS gives it for what is `beneath` the stage or the base path.
    fn rest(self, beneath: &str, path: &str, query: &str) -> Value {
        let proxy = beneath.trim_start_matches('/');
        let resource = if proxy.is_empty() { "/" } else { "/{proxy+}" };
        let path_parameters = (!proxy.is_empty()).then(|| json!({ "proxy": proxy }));
        let domain = match self {
            Self::RestMapped => "tokens.example.com",
            _ => "abc123.execute-api.eu-west-1.amazonaws.com",
        };
        json!({
            "resource": resource, "path": if path.is_empty() { "/" } else { path }, "pathParameters": path_parameters,
            "multiValueQueryStringParameters": parameters(query),
            "requestContext": context("prod", domain),
        })
    }

    /// The event with what all say of a request, each in its way.
    fn told(self, mut event: Value, head: &http::request::Parts, query: &str, body: &Bytes) -> Value {
        let two = matches!(self, Self::HttpTwo | Self::Url);
        let mut headers = all(&head.headers);
        if two {
            let lines = headers.remove("cookie").unwrap_or_default();
            let cookies: Vec<_> = lines.iter().flat_map(|line| line.split("; ")).collect();
            event["cookies"] = json!(cookies);
        }
        if matches!(self, Self::Balancer | Self::BalancerWithMany) {
            let appended = headers.entry("x-forwarded-for".to_owned()).or_default();
            appended.push(CLIENT.to_owned());
        }
        let method = json!(head.method.as_str());
        if two {
            event["requestContext"]["http"] = json!({ "method": method, "sourceIp": CLIENT });
        } else {
            event["httpMethod"] = method;
        }
        if matches!(self, Self::Rest | Self::RestMapped | Self::HttpOne | Self::BalancerWithMany) {
            event["multiValueHeaders"] = json!(headers);
        }
        if self != Self::BalancerWithMany {
            let joined: BTreeMap<_, _> = headers.iter().map(|(name, all)| (name, all.join(","))).collect();
            event["headers"] = json!(joined);
        }
        if matches!(self, Self::Balancer | Self::BalancerWithMany) {
            let as_sent = query.split('&').filter(|part| !part.is_empty());
            let pairs = as_sent.map(|part| part.split_once('=').unwrap_or((part, "")));
            let parameters: BTreeMap<_, _> = pairs.collect();
            event["queryStringParameters"] = json!(parameters);
        }
        // HTTP APIs and load balancers encode a body if its type is not a text type; REST APIs encode the
        // types that the operator names.
        let kind = head.headers.get("content-type").map_or("", |kind| kind.to_str().unwrap_or(""));
        let text = std::str::from_utf8(body).ok().filter(|_| self == Self::Rest || kind.contains("json"));
        if !body.is_empty() {
            event["body"] = text.map_or_else(|| STANDARD.encode(body).into(), Into::into);
        }
        event["isBase64Encoded"] = (!body.is_empty() && text.is_none()).into();
        event
    }

    fn response(self, reply: &Value) -> Response {
        let mut response =
            http::Response::builder().status(u16::try_from(reply["statusCode"].as_u64().unwrap()).unwrap());
        let with_many =
            matches!(self, Self::Rest | Self::RestMapped | Self::HttpOne | Self::BalancerWithMany);
        let taken = if with_many { "multiValueHeaders" } else { "headers" };
        for (name, value) in reply[taken].as_object().unwrap() {
            let values = value.as_array().map_or_else(|| vec![value], |values| values.iter().collect());
            for value in values {
                response = response.header(name, value.as_str().unwrap());
            }
        }
        // Payload 2.0 has cookies apart from the other headers.
        for cookie in reply["cookies"].as_array().into_iter().flatten() {
            response = response.header("set-cookie", cookie.as_str().unwrap());
        }
        if matches!(self, Self::Balancer | Self::BalancerWithMany) {
            let status = reply["statusCode"].to_string();
            assert!(reply["statusDescription"].as_str().unwrap().starts_with(&status), "{reply}");
        }
        let body = reply["body"].as_str().unwrap();
        let body = match reply["isBase64Encoded"].as_bool().unwrap() {
            true => STANDARD.decode(body).unwrap(),
            false => body.as_bytes().to_vec(),
        };
        response.body(body.into()).unwrap()
    }
}

fn context(stage: &str, domain: &str) -> Value {
    json!({
        "stage": stage, "domainName": domain, "requestId": "c6af9ac6-7b61-11e6-9a41-93e8deadbeef",
        "identity": { "sourceIp": CLIENT },
    })
}

fn two(path: &str, query: &str, stage: &str, domain: &str) -> Value {
    json!({
        "version": "2.0", "routeKey": "$default", "rawPath": path, "rawQueryString": query,
        "requestContext": context(stage, domain),
    })
}

/// Decoded, and null if there are none.
fn parameters(query: &str) -> Value {
    match query {
        "" => Value::Null,
        _ => json!(many(form_urlencoded::parse(query.as_bytes()))),
    }
}

fn all(headers: &HeaderMap) -> BTreeMap<String, Vec<String>> {
    many(headers.iter().map(|(name, value)| (name.as_str(), String::from_utf8_lossy(value.as_bytes()))))
}

fn many<N: Into<String>, V: Into<String>>(
    pairs: impl Iterator<Item = (N, V)>,
) -> BTreeMap<String, Vec<String>> {
    let mut many = BTreeMap::<_, Vec<_>>::new();
    for (name, value) in pairs {
        many.entry(name.into()).or_default().push(value.into());
    }
    many
}
