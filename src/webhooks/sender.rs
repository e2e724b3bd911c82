//! The one call of an attempt.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use outbound::http::{Request, header};
use outbound::{Bounds, CallError, ClientSettings, Destinations, NameLookup, Proxy, Roots};
use tokio::sync::Semaphore;
use tokio::time::timeout;

use super::message::SignedHeaders;
use crate::domain::{Networks, WebhookUrl};

/// The bytes of an answer that are kept.
const ANSWER_BYTES: usize = 1024;
/// The limits of a call.
const BOUNDS: Bounds = Bounds { within: Duration::from_secs(10), answer: ANSWER_BYTES };
/// The calls at once of an instance; more wait.
const MAX_CALLS: usize = 64;
/// How long a call waits for others.
const PATIENCE: Duration = Duration::from_secs(5);
/// Connections that are kept for the next call.
const IDLE_CONNECTIONS: usize = 16;
/// The headers that say when to try again.
const RETRY_AFTER: &str = "retry-after";

/// What came of a call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reply {
    /// The endpoint answered.
    Answered {
        /// The status.
        status: u16,
        /// The header `Retry-After`.
        retry_after: Option<String>,
        /// The beginning of the body.
        body: String,
    },
    /// There was no answer, for this reason.
    Failed(String),
    /// Too many other calls are under way: nothing was sent.
    Busy,
}

/// Sends messages. Tests have a sender of their own.
#[async_trait]
pub trait WebhookSender: Send + Sync {
    /// Sends one message, and waits for the answer.
    async fn send(&self, url: &WebhookUrl, headers: SignedHeaders, body: Vec<u8>) -> Reply;
}

/// Which endpoints the operator permits.
#[derive(Clone, Debug, Default)]
pub struct WebhookRules {
    /// `WEBHOOK_HTTP`: whether a URL may begin with `http://`.
    pub allow_http: bool,
    /// `WEBHOOK_NETWORKS`: networks that are not public, but to which events may be sent.
    pub networks: Networks,
}

/// Sends messages over the network, to public addresses and those of the operator's networks.
#[derive(Clone)]
pub struct NetworkSender {
    http: outbound::Client,
    places: Arc<Semaphore>,
}

impl NetworkSender {
    /// Prepares calls over TLS with the certificates that the system trusts. It sends nothing yet. Tests have names looked up by
    /// `lookup`.
    pub fn new(rules: &WebhookRules, lookup: Option<Arc<dyn NameLookup>>) -> Self {
        let settings = ClientSettings {
            user_agent: concat!("jwt-generator/", env!("CARGO_PKG_VERSION")),
            roots: Roots::of_system(),
            proxy: Proxy::FromEnvironment,
            idle_connections: IDLE_CONNECTIONS,
        };
        let destinations = Destinations::public_and(rules.networks.as_slice().to_vec());
        let http = outbound::Client::guarded(settings, destinations, lookup);
        Self { http, places: Arc::new(Semaphore::new(MAX_CALLS)) }
    }
}

#[async_trait]
impl WebhookSender for NetworkSender {
    async fn send(&self, url: &WebhookUrl, headers: SignedHeaders, body: Vec<u8>) -> Reply {
        let place = timeout(PATIENCE, Arc::clone(&self.places).acquire_owned()).await;
        let Ok(Ok(place)) = place else { return Reply::Busy };
        let (http, url) = (self.http.clone(), url.clone());
        let called = tokio::task::spawn_blocking(move || {
            let reply = call(&http, &url, headers, &body);
            drop(place);
            reply
        });
        called.await.unwrap_or_else(|_| Reply::Failed("the call was cut off".to_owned()))
    }
}

fn call(http: &outbound::Client, url: &WebhookUrl, headers: SignedHeaders, body: &[u8]) -> Reply {
    let mut request = Request::post(url.as_str()).header(header::CONTENT_TYPE, "application/json");
    for (name, value) in headers {
        request = request.header(name, value);
    }
    let answered =
        request.body(body).map_err(Into::into).and_then(|request| http.send_and_cut(request, BOUNDS));
    match answered {
        Ok((answer, _)) => Reply::Answered {
            status: answer.status,
            retry_after: answer.header_values(RETRY_AFTER).next().map(ToOwned::to_owned),
            body: String::from_utf8_lossy(&answer.body).into_owned(),
        },
        Err(error @ CallError::Refused(_)) => Reply::Failed(format!(
            "{error}. To permit a private network, add it to WEBHOOK_NETWORKS and restart the server"
        )),
        Err(error) => Reply::Failed(error.to_string()),
    }
}
