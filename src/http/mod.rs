//! HTTP: one thin file for each operation. Only this module sets status codes, headers and deadlines.

mod answered;
mod api;
mod arriving_body;
mod base_path;
mod body;
mod body_memory;
mod call;
mod client_credential;
mod conditional;
mod connections;
mod deadlines;
mod dialect;
mod docs;
mod extract;
mod http_service;
mod metrics;
mod middleware;
mod oauth;
mod operation;
mod operations;
mod pages;
mod path;
mod probes;
mod progress;
mod refusal;
mod respond;
mod router;
mod server;
mod well_known;

use std::fmt;
use std::sync::Arc;

use bytes::Bytes;
use http_body_util::{Either, Full};

use crate::accounts::Accounts;
use crate::clock::Clock;
use crate::domain::{Brand, Caller, DemoTokens, PasswordPolicy, ProxyHeader, TrustedProxies};
use crate::health::InstanceHealth;
use crate::keys::Keys;
use crate::limits::RateLimits;
use crate::oauth::{ClientDirectory, Generation, OAuth};
use crate::telemetry::AccessLog;
use crate::token::Tokens;

use call::Call;
use refusal::Refusal;

pub use arriving_body::ArrivingBody;
pub use connections::Limits;
pub use dialect::Dialect;
pub use docs::{openapi_json, openapi_yaml};
pub use http_service::HttpService;
pub use operation::{Auth, Cache, Operation, Origins};
pub use operations::operations;
pub use server::serve;

/// The body of a request: it arrives on a connection, or came complete with an event.
pub type Body = Either<ArrivingBody, Full<Bytes>>;
/// A complete response.
pub type Response = http::Response<Bytes>;
/// The result of a handler.
type Answer = Result<Response, Refusal>;

/// The operator's decisions about HTTP.
#[derive(Clone, Debug)]
pub struct HttpSettings {
    /// Whether any caller may get a demo token.
    pub demo_tokens: DemoTokens,
    /// The rules for new passwords.
    pub password_policy: PasswordPolicy,
    /// The origins from which browsers may call; `None` means any.
    pub allowed_origins: Option<Vec<String>>,
    /// The address at which clients reach this server, for the API document.
    pub public_url: Option<String>,
    /// The proxies that this server believes when they name a client.
    pub trusted_proxies: TrustedProxies,
    /// The header in which they name it.
    pub trusted_proxy_header: ProxyHeader,
    /// The most bytes that the bodies of all running requests may hold together.
    pub body_memory: usize,
    /// Which requests have a line in the log.
    pub access_log: AccessLog,
    /// How the pages for users look.
    pub brand: Brand,
}

/// The data of the handlers. Clones share it.
#[derive(Clone)]
pub struct Api(Arc<Shared>);

struct Shared {
    parts: Parts,
    documents: docs::Documents,
    brand: pages::Brand,
    body_memory: body_memory::BodyMemory,
}

/// The modules that the handlers call.
pub struct Parts {
    /// Issues and checks tokens.
    pub tokens: Tokens,
    /// The use cases of accounts.
    pub accounts: Accounts,
    /// The use cases of OAuth.
    pub oauth: OAuth,
    /// The OAuth clients.
    pub clients: ClientDirectory,
    /// Issues tokens for clients.
    pub generation: Generation,
    /// The published keys.
    pub keys: Arc<Keys>,
    /// How the instance fares.
    pub health: Arc<InstanceHealth>,
    /// Which requests are admitted.
    pub limits: RateLimits,
    /// The time, for `/health`.
    pub clock: Clock,
    /// The operator's decisions.
    pub settings: HttpSettings,
}

impl Api {
    /// The handlers' view of these modules.
    pub fn new(parts: Parts) -> Self {
        let documents = docs::Documents::new(parts.settings.public_url.as_deref());
        let body_memory = body_memory::BodyMemory::of_bytes(parts.settings.body_memory);
        let brand = pages::Brand::new(&parts.settings.brand);
        Self(Arc::new(Shared { parts, documents, brand, body_memory }))
    }

    /// Whether any caller may get a demo token now.
    fn has_demo_tokens(&self) -> bool {
        self.settings.demo_tokens.are_on(self.clients.has_clients())
    }

    /// What is published about the API itself.
    fn documents(&self) -> &docs::Documents {
        &self.0.documents
    }

    /// The look of the pages.
    fn brand(&self) -> &pages::Brand {
        &self.0.brand
    }

    /// The share of a request in the memory for bodies, still empty. It counts for the client's address.
    fn share(&self, caller: &Caller) -> body_memory::Share {
        self.0.body_memory.share(caller.peer)
    }
}

impl fmt::Debug for Api {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Api")
    }
}

impl std::ops::Deref for Api {
    type Target = Parts;

    fn deref(&self) -> &Parts {
        &self.0.parts
    }
}

/// The version that `/` and `/health` report.
const VERSION: &str = env!("CARGO_PKG_VERSION");
