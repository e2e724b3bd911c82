//! The doctor's HTTP client. It sends each request once, without a proxy and without following redirects, within a time
//! limit, and reads a bounded part of the answer.

use std::cell::{Cell, RefCell};
use std::time::Duration;

use http::{HeaderMap, Method, Request};
use outbound::{Bounds, ClientSettings, Proxy};
use serde_json::Value;

use crate::clock::{self, Clock};
use crate::instant::Instant;
use crate::roots::Roots;

/// The longest body that is read, in bytes.
pub(crate) const BODY_LIMIT: usize = 1024 * 1024;
/// All requests together may take this many times the timeout of one request.
const TOTAL_TIMEOUTS: u32 = 12;
const USER_AGENT: &str = concat!("jwt-generator-doctor/", env!("CARGO_PKG_VERSION"));
/// The connections that the server may keep open between requests.
const IDLE_CONNECTIONS: usize = 3;

/// An answer, or why there is none.
pub(crate) type AnswerOrError = Result<Answer, String>;

/// An answer to a request.
#[derive(Clone, Debug)]
pub(crate) struct Answer {
    pub status: u16,
    pub headers: HeaderMap,
    pub body: Vec<u8>,
    /// Whether the body ended within [`BODY_LIMIT`].
    pub whole: bool,
    /// From the first byte of the request to the last byte of the answer.
    pub took: Duration,
    /// The instant halfway between, by this machine's clock.
    pub at: Instant,
}

impl Answer {
    /// The header's first value, if it is text.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    /// All values of a header.
    pub(crate) fn every(&self, name: &str) -> impl Iterator<Item = &str> {
        self.headers.get_all(name).iter().filter_map(|value| value.to_str().ok())
    }

    /// The body as JSON; `null` if it is not JSON.
    pub(crate) fn json(&self) -> Value {
        if self.whole { serde_json::from_slice(&self.body).unwrap_or_default() } else { Value::Null }
    }

    /// Whether a header or the body contains this text.
    pub(crate) fn contains(&self, text: &str) -> bool {
        let has = |bytes: &[u8]| bytes.windows(text.len()).any(|part| part == text.as_bytes());
        self.headers.values().any(|value| has(value.as_bytes())) || has(&self.body)
    }
}

#[cfg(test)]
impl Answer {
    /// An answer at the start of 1970 for unit tests.
    pub(crate) fn of(status: u16, headers: &[(&'static str, &str)], body: &str) -> Self {
        let headers = headers
            .iter()
            .map(|(name, value)| (http::HeaderName::from_static(name), value.parse().unwrap()))
            .collect();
        let (took, at) = (Duration::from_millis(10), Instant::from_secs(0));
        Self { status, headers, body: body.as_bytes().to_vec(), whole: true, took, at }
    }
}

/// Sends requests to one deployment.
pub(crate) struct Client<'a> {
    outbound: outbound::Client,
    /// For one request.
    bounds: Bounds,
    clock: &'a dyn Clock,
    /// No request begins after this uptime.
    deadline: Duration,
    /// How long the fastest answer took.
    pub fastest: Cell<Option<Duration>>,
    /// How many answers had status 429.
    pub limited: Cell<usize>,
    /// The last header that announced a rate limit.
    pub announced_limit: RefCell<Option<String>>,
}

impl<'a> Client<'a> {
    /// A client that trusts `roots`, or the system's if there are none.
    pub(crate) fn new(roots: Option<&Roots>, timeout: Duration, clock: &'a dyn Clock) -> Self {
        let roots = roots.map_or_else(outbound::Roots::of_system, |roots| {
            outbound::Roots::from_der(roots.0.iter().map(AsRef::as_ref))
        });
        let outbound = outbound::Client::new(ClientSettings {
            user_agent: USER_AGENT,
            roots,
            proxy: Proxy::Never,
            idle_connections: IDLE_CONNECTIONS,
        });
        let deadline = clock.uptime() + timeout * TOTAL_TIMEOUTS;
        Self {
            outbound,
            bounds: Bounds { within: timeout, answer: BODY_LIMIT },
            clock,
            deadline,
            fastest: Cell::default(),
            limited: Cell::default(),
            announced_limit: RefCell::default(),
        }
    }

    /// Whether there is time for another request.
    pub(crate) fn has_time(&self) -> bool {
        self.clock.uptime() < self.deadline
    }

    /// Sends a GET request.
    pub(crate) fn get(&self, url: &str, headers: &[(&str, &str)]) -> AnswerOrError {
        self.send(&Method::GET, url, headers, "")
    }

    /// Sends a request and reads its answer.
    pub(crate) fn send(
        &self,
        method: &Method,
        url: &str,
        headers: &[(&str, &str)],
        body: &str,
    ) -> AnswerOrError {
        if !self.has_time() {
            return Err("the time for all requests is over; --timeout gives more".to_owned());
        }
        let mut request = Request::builder().method(method).uri(url);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let (began, at) = (self.clock.uptime(), clock::now(self.clock));
        let answer = self.exchange(request, body);
        let took = self.clock.uptime().saturating_sub(began);
        let at = at.plus_millis(took.as_millis() as u64 / 2);
        answer.map(|answer| Answer { took, at, ..answer }).inspect(|answer| self.note(answer))
    }

    fn exchange(&self, request: http::request::Builder, body: &str) -> AnswerOrError {
        let request = request.body(body.as_bytes()).map_err(|error| error.to_string())?;
        let sent = self.outbound.send_and_cut(request, self.bounds);
        let (answer, whole) = sent.map_err(|error| error.to_string())?;
        let (took, at) = (Duration::ZERO, Instant::from_secs(0));
        let body = answer.body.to_vec();
        Ok(Answer { status: answer.status, headers: answer.headers, body, whole, took, at })
    }

    fn note(&self, answer: &Answer) {
        let fastest = self.fastest.get().map_or(answer.took, |known| known.min(answer.took));
        self.fastest.set(Some(fastest));
        if answer.status == 429 {
            self.limited.set(self.limited.get() + 1);
        }
        let names = ["ratelimit", "ratelimit-policy", "ratelimit-limit", "x-ratelimit-limit"];
        let announced = names.iter().find_map(|name| Some(format!("{name}: {}", answer.header(name)?)));
        if announced.is_some() {
            self.announced_limit.replace(announced);
        }
    }
}
