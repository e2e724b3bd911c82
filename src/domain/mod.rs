//! The nouns of the service: parsing and state changes as pure functions. This module does not read the time,
//! the disk or the network.

mod caller;
mod email;
mod event;
mod initiator;
mod instance;
mod key_record;
mod kid;
mod lifetime;
mod password;
mod proxy_header;
mod request_id;
mod rotation;
mod secret;
mod server_secret;
mod sessions;
mod timestamp;
mod trace_context;
mod trusted_proxies;
mod user;
mod user_keys;
mod username;

pub use caller::Caller;
pub use email::{Email, EmailError};
pub use event::{Event, EventId, EventKind, EventSubject};
pub use initiator::{Actor, Initiator};
pub use instance::Instance;
pub use key_record::{Home, KeyRecord, KeyState, Moved, NewKey, RingRecord};
pub use kid::{Kid, KidError};
pub use lifetime::{Lifetime, LifetimeError};
pub use password::{Password, PasswordError, PasswordHash};
pub use proxy_header::{ProxyHeader, ProxyHeaderError, node_address};
pub use request_id::RequestId;
pub use rotation::Rotation;
pub use secret::Secret;
pub use server_secret::{ServerSecretFault, ServerSecretRecord};
pub use sessions::Sessions;
pub use timestamp::Timestamp;
pub use trace_context::{SpanId, TraceContext, TraceId, is_tracestate};
pub use trusted_proxies::{TrustedProxies, TrustedProxiesError};
pub use user::{User, UserId};
pub use user_keys::{Taken, UserKeys};
pub use username::{LoginName, Username, UsernameError, is_invisible};
