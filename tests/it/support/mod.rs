//! Support for the tests: the service in this process or as a separate program, clients, databases, tools.

pub mod client;
pub mod collector;
pub mod gateway;

mod balancer;
mod browser_forms;
mod hostile;
mod moto;
mod program;
mod proxy;
mod service;
mod strict;
mod terminal;
mod tools;
mod verifier;
mod wire;

pub mod mongod;
pub mod regions;
pub mod socket;
pub mod vault;

pub use balancer::Balancer;
pub use browser_forms::BrowserForms;
pub use client::{Answer, Client};
pub use gateway::{Front, Gateway};

pub use hostile::{json_texts, naughty_strings};
pub use moto::Moto;
pub use program::{Program, jwt_generator, on_small_disk, refused};
pub use proxy::{Fault, Proxy};
pub use service::Service;
pub use strict::Strict;
pub use terminal::Terminal;
pub use tools::{run, tool};
pub use verifier::Verifier;

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jose::{Algorithm, SigningKey};

/// The repository.
pub fn repository() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// A file of the repository, as text.
pub fn read(path: &str) -> String {
    std::fs::read_to_string(repository().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// The key pair that the original made.
pub fn original_keys() -> PathBuf {
    repository().join("tests/data/adoption/keys")
}

/// Any content, signed with the original's key, which [`folder_with_keys`] contains.
pub fn signed(header: &str, claims: &str) -> String {
    let pem = std::fs::read_to_string(original_keys().join("private-key.pem")).unwrap();
    let key = SigningKey::from_pem(Algorithm::Rs256, &pem).unwrap();
    let input = jose::signing_input(&URL_SAFE_NO_PAD.encode(header), claims.as_bytes());
    let signature = key.sign(input.as_bytes()).unwrap();
    jose::attach(input, &signature)
}

/// A folder with a copy of the original's key pair.
pub fn folder_with_keys() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    std::fs::create_dir(folder.path().join("keys")).unwrap();
    for name in ["private-key.pem", "public-key.pem"] {
        let to = folder.path().join("keys").join(name);
        std::fs::copy(original_keys().join(name), &to).unwrap();
        set_mode(&to, 0o600);
    }
    folder
}

/// Changes a file's permissions.
pub fn set_mode(path: &Path, mode: u32) {
    use std::os::unix::fs::PermissionsExt;
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).unwrap();
}

/// A name that no other test of this run has.
pub fn unique(stem: &str) -> String {
    static NEXT: AtomicU64 = AtomicU64::new(0);
    format!("{stem}{}x{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed))
}

/// Repeats the question until there is an answer, for work of another process whose time no test can set. The limit only
/// prevents that a broken program blocks the run.
pub fn eventually<T>(what: &str, mut ask: impl FnMut() -> Option<T>) -> T {
    let (_never, nothing) = std::sync::mpsc::channel::<()>();
    let pause = Duration::from_millis(20);
    for _ in 0..9_000 {
        if let Some(answer) = ask() {
            return answer;
        }
        let _ = nothing.recv_timeout(pause);
    }
    panic!("never happened: {what}");
}
