//! The nouns of the service: parsing and state changes, pure. Nothing here reads the time, the disk or the net.

mod email;
mod key_record;
mod kid;
mod lifetime;
mod password;
mod timestamp;
mod user;
mod username;

pub use email::{Email, EmailError};
pub use key_record::{KeyRecord, KeyState, RingRecord};
pub use kid::{Kid, KidError};
pub use lifetime::{Lifetime, LifetimeError};
pub use password::{Password, PasswordError, PasswordHash};
pub use timestamp::Timestamp;
pub use user::{User, UserId};
pub use username::{LoginName, Username, UsernameError};
