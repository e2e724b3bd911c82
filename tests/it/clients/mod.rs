//! OAuth clients: their records, their authentication, the commands, the file, and the tokens that they generate.

mod assertions;
mod authentication;
mod commands;
mod directory;
mod file;
mod generate;
mod rules;

use serde_json::{Value, json};

/// A secret and its SHA-256.
pub const SECRET: &str = "secret-of-a-client-in-the-tests-0123456789";
pub const SECRET_HASH: &str = "cbf3f92b93a29aca216344019978631e6037b2fda0a7e4059f10567cddf3d220";
/// Another one.
pub const OLD_SECRET: &str = "the-secret-before-that-one-0123456789abcd";
pub const OLD_SECRET_HASH: &str = "c07ee5fb2b4ca3608a15c89519e9e22bd8d4af06f6e4603af9c979ec8852b54c";

/// A client of a file that has the secret [`SECRET`] and may generate tokens within `policy`.
pub fn generator(id: &str, policy: &Value) -> Value {
    json!({ "client_id": id, "client_secret_sha256": SECRET_HASH, "grant_types": [], "generate": policy })
}
