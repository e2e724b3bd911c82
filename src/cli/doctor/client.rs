//! Asking a deployment over HTTP: once, straight, within a time, and never more than fits.

use std::cell::{Cell, RefCell};
use std::io::Read;
use std::sync::Arc;
use std::time::Duration;

use http::{HeaderMap, Method, Request};
use rustls::crypto::aws_lc_rs::default_provider;
use serde_json::Value;
use ureq::Agent;
use ureq::tls::{RootCerts, TlsConfig, TlsProvider};

use crate::clock::Clock;
use crate::domain::Timestamp;

/// More of an answer than this is not read, in bytes.
pub(super) const LIMIT: u64 = 1024 * 1024;
/// How many times the time for one question all of them may take.
const PATIENCE: u32 = 12;
const USER_AGENT: &str = concat!("jwt-generator-doctor/", env!("CARGO_PKG_VERSION"));

/// What came back, or why nothing did.
pub(super) type Answered = Result<Answer, String>;

/// An answer.
#[derive(Clone, Debug)]
pub(super) struct Answer {
    pub status: u16,
    pub headers: HeaderMap,
    pub body: Vec<u8>,
    /// Whether the body ended within [`LIMIT`].
    pub whole: bool,
    /// From the first byte of the question to the last of the answer.
    pub took: Duration,
    /// The instant halfway between, by our clock.
    pub at: Timestamp,
}

impl Answer {
    /// The header's first value, where it is text.
    pub(super) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    /// All values of a header.
    pub(super) fn every(&self, name: &str) -> impl Iterator<Item = &str> {
        self.headers.get_all(name).iter().filter_map(|value| value.to_str().ok())
    }

    /// The body as JSON; `null` where it is none.
    pub(super) fn json(&self) -> Value {
        if self.whole { serde_json::from_slice(&self.body).unwrap_or_default() } else { Value::Null }
    }

    /// Whether a header or the body holds this text.
    pub(super) fn mentions(&self, text: &str) -> bool {
        let holds = |bytes: &[u8]| bytes.windows(text.len()).any(|part| part == text.as_bytes());
        self.headers.values().any(|value| holds(value.as_bytes())) || holds(&self.body)
    }
}

/// Asks one deployment.
pub(super) struct Client {
    agent: Agent,
    clock: Clock,
    /// Uptime at which no more is asked.
    until: Duration,
    /// How long the quickest answer took.
    pub quickest: Cell<Option<Duration>>,
    /// How often we were told to slow down.
    pub limited: Cell<u32>,
    /// The last header seen that speaks of a limit.
    pub limits: RefCell<Option<String>>,
}

impl Client {
    /// A client that trusts `roots`.
    pub(super) fn new(roots: RootCerts, timeout: Duration, clock: Clock) -> Self {
        let tls = TlsConfig::builder()
            .provider(TlsProvider::Rustls)
            .unversioned_rustls_crypto_provider(Arc::new(default_provider()))
            .root_certs(roots)
            .build();
        let agent = Agent::config_builder()
            .proxy(None)
            .timeout_global(Some(timeout))
            .http_status_as_error(false)
            .max_redirects(0)
            .max_redirects_will_error(false)
            .max_response_header_size(64 * 1024)
            .user_agent(USER_AGENT)
            .tls_config(tls)
            .build()
            .into();
        let until = clock.uptime() + timeout * PATIENCE;
        Self {
            agent,
            clock,
            until,
            quickest: Cell::default(),
            limited: Cell::default(),
            limits: RefCell::default(),
        }
    }

    /// Whether there is time for another question.
    pub(super) fn has_time(&self) -> bool {
        self.clock.uptime() < self.until
    }

    /// Asks with GET.
    pub(super) fn get(&self, url: &str, headers: &[(&str, &str)]) -> Answered {
        self.ask(&Method::GET, url, headers, "")
    }

    /// Asks.
    pub(super) fn ask(&self, method: &Method, url: &str, headers: &[(&str, &str)], body: &str) -> Answered {
        if !self.has_time() {
            return Err("the time for all questions is over; --timeout gives more".to_owned());
        }
        let mut request = Request::builder().method(method).uri(url);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let (began, at) = (self.clock.uptime(), self.clock.now());
        let answered = self.exchange(request, body);
        let took = self.clock.uptime().saturating_sub(began);
        let halfway = Timestamp::from_millis(at.as_millis() + took.as_millis() as u64 / 2);
        let answer = answered.map(|answer| Answer { took, at: halfway, ..answer });
        answer.inspect(|answer| self.note(answer))
    }

    fn exchange(&self, request: http::request::Builder, body: &str) -> Answered {
        let told = |error: &dyn std::fmt::Display| error.to_string();
        let sent = if body.is_empty() {
            self.agent.run(request.body(()).map_err(|error| told(&error))?)
        } else {
            self.agent.run(request.body(body).map_err(|error| told(&error))?)
        };
        let (parts, body) = sent.map_err(|error| told(&error))?.into_parts();
        let mut read = Vec::new();
        body.into_reader().take(LIMIT + 1).read_to_end(&mut read).map_err(|error| told(&error))?;
        let whole = read.len() as u64 <= LIMIT;
        let (took, at) = (Duration::ZERO, Timestamp::from_secs(0));
        Ok(Answer { status: parts.status.as_u16(), headers: parts.headers, body: read, whole, took, at })
    }

    fn note(&self, answer: &Answer) {
        let quickest = self.quickest.get().map_or(answer.took, |known| known.min(answer.took));
        self.quickest.set(Some(quickest));
        if answer.status == 429 {
            self.limited.set(self.limited.get() + 1);
        }
        let told = ["ratelimit", "ratelimit-policy", "ratelimit-limit", "x-ratelimit-limit"];
        let named = told.iter().find_map(|name| Some(format!("{name}: {}", answer.header(name)?)));
        if let Some(named) = named {
            self.limits.replace(Some(named));
        }
    }
}
