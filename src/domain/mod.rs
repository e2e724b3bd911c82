//! The nouns of the service: parsing and state changes, pure. Nothing here reads the time, the disk or the net.

mod email;
mod event;
mod instance;
mod key_record;
mod kid;
mod lifetime;
mod password;
mod rotation;
mod secret;
mod server_secret;
mod sessions;
mod timestamp;
mod trusted_proxies;
mod user;
mod user_keys;
mod username;

pub use email::{Email, EmailError};
pub use event::{Actor, Event, EventId, EventKind};
pub use instance::Instance;
pub use key_record::{Home, KeyRecord, KeyState, Moved, NewKey, RingRecord};
pub use kid::{Kid, KidError};
pub use lifetime::{Lifetime, LifetimeError};
pub use password::{Password, PasswordError, PasswordHash};
pub use rotation::Rotation;
pub use secret::Secret;
pub use server_secret::ServerSecretRecord;
pub use sessions::Sessions;
pub use timestamp::Timestamp;
pub use trusted_proxies::{TrustedProxies, TrustedProxiesError};
pub use user::{User, UserId};
pub use user_keys::{Taken, UserKeys};
pub use username::{LoginName, Username, UsernameError, is_invisible};
