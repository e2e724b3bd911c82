//! Sends requests to Vault over HTTP. The client blocks, so it runs on threads of its own, and no thread of
//! the runtime waits.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use http::header::HeaderValue;
use http::{Method, Request};
use outbound::{Bounds, CallError, ClientSettings, Proxy, Roots};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use super::Fault;
use crate::domain::Secret;
use crate::entropy::Entropy;
use crate::telemetry::traces::{Span, SpanKind};
use crate::telemetry::{Propagation, propagation};
use crate::workers::{WorkError, Workers};

/// The most requests at once.
const THREADS: usize = 16;
/// The most requests that may wait for a thread.
const QUEUE: usize = 2048;
/// The shortest pause before a request is repeated; it doubles, and half of it is random.
const PAUSE: Duration = Duration::from_millis(50);
/// The most characters of Vault's error text that are passed on.
const WORDS: usize = 300;

/// The longest time of a request, and the most bytes of its response.
#[derive(Clone, Copy, Debug)]
pub(super) struct Pace {
    tries: u32,
    each: Duration,
    /// Shorter than the deadline of a signature.
    all: Duration,
    answer: usize,
}

impl Pace {
    /// For signatures and log-ins.
    pub(super) const QUICK: Self =
        Self { tries: 3, each: Duration::from_secs(2), all: Duration::from_millis(4_500), answer: 64 * 1024 };
    /// For reading a key: the response contains every version that the key ever had.
    pub(super) const READING: Self = Self { answer: 8 * 1024 * 1024, ..Self::QUICK };
    /// For making a key, possibly RSA with 4096 bits. A repeated request would make two keys.
    pub(super) const MAKING: Self =
        Self { tries: 1, each: Duration::from_secs(20), all: Duration::from_secs(20), ..Self::READING };
}

/// A request.
#[derive(Clone)]
pub(super) struct Call {
    method: Method,
    path: String,
    body: Zeroizing<Vec<u8>>,
    token: Option<Secret<String>>,
    pace: Pace,
}

impl Call {
    /// Reads what is at `path`, below `/v1/`.
    pub(super) fn get(path: String, pace: Pace) -> Self {
        Self { method: Method::GET, path, body: Zeroizing::default(), token: None, pace }
    }

    /// Sends `body` as JSON to `path`.
    pub(super) fn post(path: String, body: &impl Serialize, pace: Pace) -> Self {
        let body = Zeroizing::new(serde_json::to_vec(body).unwrap_or_default());
        Self { method: Method::POST, path, body, token: None, pace }
    }

    /// The same request with `token`.
    pub(super) fn bearing(mut self, token: &Secret<String>) -> Self {
        self.token = Some(token.clone());
        self
    }
}

/// The body of a successful response; it may be secret.
pub(super) struct Answer(Zeroizing<Vec<u8>>);

impl Answer {
    /// Whether it is empty (204).
    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The body as `T`.
    ///
    /// # Errors
    /// [`Fault::Refused`] if the body is something else.
    pub(super) fn read<T: DeserializeOwned>(&self) -> Result<T, Fault> {
        serde_json::from_slice(&self.0)
            .map_err(|_| Fault::Refused("its answer does not match the description of its API".to_owned()))
    }
}

/// The server of Vault, or an address of several.
#[derive(Clone)]
pub(super) struct Client {
    http: outbound::Client,
    base: String,
    namespace: Option<String>,
    crew: Workers,
    entropy: Entropy,
    /// `server.address` and `server.port` of spans.
    peer: (Arc<str>, u16),
}

/// What came of one request.
struct Exchanged {
    /// The status, if there was an answer.
    status: Option<u16>,
    answered: Result<Answer, Fault>,
}

impl From<Fault> for Exchanged {
    fn from(fault: Fault) -> Self {
        Self { status: None, answered: Err(fault) }
    }
}

impl Client {
    /// Prepares requests to the server at `address`, whose certificate must come from one of `roots`.
    ///
    /// # Errors
    /// If the system starts no thread.
    pub(super) fn start(
        address: &str,
        namespace: Option<String>,
        roots: Roots,
        entropy: Entropy,
    ) -> io::Result<Self> {
        let http = outbound::Client::new(ClientSettings {
            user_agent: concat!("jwt-generator/", env!("CARGO_PKG_VERSION")),
            roots,
            proxy: Proxy::FromEnvironment,
            idle_connections: THREADS,
        });
        let crew = Workers::start("vault", THREADS, QUEUE, 0)?;
        Ok(Self { http, base: format!("{address}/v1/"), namespace, crew, entropy, peer: peer_of(address) })
    }

    /// Sends a request, and repeats it if there is no response, for as long as the deadlines of the request
    /// allow.
    ///
    /// # Errors
    /// [`Fault`].
    pub(super) async fn ask(&self, call: Call) -> Result<Answer, Fault> {
        let pace = call.pace;
        let call = Arc::new(call);
        let answered = tokio::time::timeout(pace.all, async {
            let mut tried = 1;
            loop {
                match self.once(&call).await {
                    Err(Fault::Unavailable(_)) if tried < pace.tries => {}
                    answered => return answered,
                }
                tokio::time::sleep(self.pause(tried)).await;
                tried += 1;
            }
        });
        let late = || Fault::Unavailable(format!("no answer within {} ms", pace.all.as_millis()));
        answered.await.unwrap_or_else(|_| Err(late()))
    }

    async fn once(&self, call: &Arc<Call>) -> Result<Answer, Fault> {
        let span = self.span_of(call);
        let (client, call) = (self.clone(), Arc::clone(call));
        let exchanged = span.watch(
            async {
                let trace = propagation();
                match self.crew.run(move || client.exchange(&call, trace.as_ref())).await {
                    Ok(exchanged) => exchanged,
                    Err(WorkError::Busy) => {
                        Fault::Unavailable("too many requests are waiting".to_owned()).into()
                    }
                    Err(WorkError::Lost) => Fault::Refused("the request was lost".to_owned()).into(),
                }
            },
            note_exchange,
        );
        exchanged.await.answered
    }

    /// The span of one request to Vault, as the semantic conventions for clients of HTTP say. Our paths there hold no secret.
    fn span_of(&self, call: &Call) -> Span {
        let method = if call.method == Method::POST { "POST" } else { "GET" };
        let mut span = Span::begin(method, SpanKind::Client);
        if span.is_recorded() {
            let (address, port) = &self.peer;
            span.set("http.request.method", method);
            span.set("server.address", Arc::clone(address));
            span.set("server.port", *port);
            span.set("url.full", Arc::<str>::from(format!("{}{}", self.base, call.path)));
        }
        span
    }

    /// One request and its response, on a thread that may wait.
    fn exchange(&self, call: &Call, trace: Option<&Propagation>) -> Exchanged {
        let Ok(request) = self.request(call, trace) else {
            return Fault::Refused("VAULT_ADDR and VAULT_NAMESPACE do not make a valid request".to_owned())
                .into();
        };
        let lost = |error: CallError| Fault::Unavailable(format!("{}: {error}", self.base));
        let bounds = Bounds { within: call.pace.each, answer: call.pace.answer };
        let (status, body) = match self.http.send(request, bounds) {
            Ok(outbound::Answer { status, body, .. }) => (status, body),
            Err(error) => return lost(error).into(),
        };
        let answered = match status {
            200..=299 => Ok(Answer(body)),
            status => Err(Fault::of_status(status, words(&body, call.token.as_ref()))),
        };
        Exchanged { status: Some(status), answered }
    }

    fn request<'a>(&self, call: &'a Call, trace: Option<&Propagation>) -> http::Result<Request<&'a [u8]>> {
        let mut request = Request::builder()
            .method(call.method.clone())
            .uri(format!("{}{}", self.base, call.path))
            .header("x-vault-request", "true");
        if let Some(namespace) = &self.namespace {
            request = request.header("x-vault-namespace", namespace);
        }
        if let Some(token) = &call.token {
            let mut value = HeaderValue::from_str(token.expose())?;
            value.set_sensitive(true);
            request = request.header("x-vault-token", value);
        }
        if call.method == Method::POST {
            request = request.header("content-type", "application/json");
        }
        if let Some(trace) = trace {
            request = request.header("traceparent", &trace.traceparent);
            if let Some(state) = &trace.tracestate {
                request = request.header("tracestate", &**state);
            }
        }
        request.body(call.body.as_slice())
    }

    /// Many callers that were refused at the same time do not try again at the same time.
    fn pause(&self, tried: u32) -> Duration {
        let share = self.entropy.bytes::<1>().map_or(0, |[byte]| u32::from(byte));
        let half = PAUSE * (1 << tried.min(8)) / 2;
        half + half * share / 255
    }
}

/// The host and the port of an address.
fn peer_of(address: &str) -> (Arc<str>, u16) {
    let uri = address.parse::<http::Uri>().ok();
    let host = uri.as_ref().and_then(http::Uri::host).unwrap_or_default();
    let usual = if address.starts_with("https:") { 443 } else { 80 };
    (host.into(), uri.as_ref().and_then(http::Uri::port_u16).unwrap_or(usual))
}

fn note_exchange(exchanged: &Exchanged, span: &mut Span) {
    if let Some(status) = exchanged.status {
        span.set("http.response.status_code", status);
    }
    match &exchanged.answered {
        Ok(_) => {}
        Err(Fault::Unavailable(_)) => span.fail("unavailable"),
        Err(Fault::Forbidden(_)) => span.fail("forbidden"),
        Err(Fault::Missing(_)) => span.fail("missing"),
        Err(Fault::Refused(_)) => span.fail("refused"),
    }
}

/// Vault's text about an error, shortened; `None` if it contains the token.
fn words(body: &[u8], token: Option<&Secret<String>>) -> String {
    #[derive(Default, Deserialize)]
    struct Errors {
        #[serde(default)]
        errors: Vec<String>,
    }
    let errors: Errors = serde_json::from_slice(body).unwrap_or_default();
    let text = errors.errors.join("; ").split_whitespace().collect::<Vec<_>>().join(" ");
    if token.is_some_and(|token| text.contains(token.expose())) {
        return String::new();
    }
    text.chars().take(WORDS).collect()
}

#[cfg(test)]
mod tests {
    use super::words;

    #[test]
    fn what_vault_says_is_cut_short_and_never_shows_the_token() {
        let token = crate::domain::Secret::new("hvs.secret".to_owned());
        let said = |body: &str| words(body.as_bytes(), Some(&token));
        assert_eq!(
            said(r#"{"errors":["1 error occurred:\n\t* permission denied\n\n"]}"#),
            "1 error occurred: * permission denied"
        );
        assert_eq!(said(r#"{"errors":["no hvs.secret here"]}"#), "");
        assert_eq!(said(r#"{"errors":[]}"#), "");
        assert_eq!(said("<html>"), "");
        assert_eq!(said(&format!(r#"{{"errors":["{}"]}}"#, "x".repeat(999))).len(), 300);
    }
}
