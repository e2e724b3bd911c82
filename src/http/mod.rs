//! The face to the world: one endpoint a file, thin; status codes, headers and deadlines live here and nowhere else.

mod api;
mod body;
mod body_memory;
mod conditional;
mod connections;
mod cors;
mod deadlines;
mod docs;
mod error;
mod extract;
mod failing;
mod http_service;
mod path;
mod probes;
mod progress;
mod respond;
mod router;
mod server;
mod well_known;

use std::sync::Arc;

use crate::accounts::Accounts;
use crate::clock::Clock;
use crate::keys::Keys;
use crate::store::Health;
use crate::token::Tokens;

pub use connections::Limits;
pub use docs::{OPENAPI_JSON, OPENAPI_YAML};
pub use failing::FailingTasks;
pub use http_service::HttpService;
pub use router::{operations, router};
pub use server::serve;

/// What an operator decides about the service's face.
#[derive(Clone, Debug)]
pub struct HttpSettings {
    /// Whether anybody may have a demo token.
    pub demo_tokens: bool,
    /// Origins that browsers may call from; nothing means any.
    pub allowed_origins: Option<Vec<String>>,
    /// Where clients reach this server, for the API document.
    pub public_url: Option<String>,
    /// Bytes that the bodies of requests may hold at once, all together.
    pub body_memory: usize,
}

/// What the endpoints work with. Clones share it.
#[derive(Clone)]
pub struct Api(Arc<Shared>);

struct Shared {
    parts: Parts,
    documents: docs::Documents,
    body_memory: body_memory::BodyMemory,
}

/// The rooms that the endpoints call.
pub struct Parts {
    /// Issuing and checking.
    pub tokens: Tokens,
    /// The users' use cases.
    pub accounts: Accounts,
    /// What is published.
    pub keys: Arc<Keys>,
    /// Whether the database answers.
    pub database: Health,
    /// Which background tasks fail.
    pub failing: FailingTasks,
    /// The time, for `/health`.
    pub clock: Clock,
    /// The operator's decisions.
    pub settings: HttpSettings,
}

impl Api {
    /// The endpoints' view of these rooms.
    pub fn new(parts: Parts) -> Self {
        let documents = docs::Documents::new(parts.settings.public_url.as_deref());
        let body_memory = body_memory::BodyMemory::of_bytes(parts.settings.body_memory);
        Self(Arc::new(Shared { parts, documents, body_memory }))
    }

    /// What is published about the API itself.
    fn documents(&self) -> &docs::Documents {
        &self.0.documents
    }

    /// What all bodies share.
    fn body_memory(&self) -> &body_memory::BodyMemory {
        &self.0.body_memory
    }
}

impl std::ops::Deref for Api {
    type Target = Parts;

    fn deref(&self) -> &Parts {
        &self.0.parts
    }
}

/// The version that `/` and `/health` tell.
const VERSION: &str = env!("CARGO_PKG_VERSION");
