//! Private keys in the transit engine of HashiCorp Vault or OpenBao, which signs for us and never returns
//! them. Every version of a named transit key is one key; the document of the ring lists them, and it is in
//! another place.

mod client;
mod fault;
mod key;
mod login;
mod session;
mod transit;

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use async_trait::async_trait;
use outbound::Roots;

use super::{CustodyError, KeyBackend, RecordFault, algorithm_of, new_key};
use crate::clock::Clock;
use crate::domain::{Home, KeyRecord, NewKey};
use crate::entropy::Entropy;
use crate::keys::{KeyKind, Private};
use client::Client;
use fault::Fault;
use key::TransitKey;
use session::Session;
use transit::{Named, Place, is_path};

pub use login::VaultLogin;

/// The address of Vault, and how to work with it.
#[derive(Clone, Debug)]
pub struct VaultSettings {
    /// The server's address.
    pub address: String,
    /// The namespace in which to work.
    pub namespace: Option<String>,
    /// The file with the certificates (PEM) with which the server's certificate is checked; `None` means
    /// those of the system.
    pub ca_file: Option<PathBuf>,
    /// The path at which the transit engine is mounted.
    pub transit_mount: String,
    /// The beginning of the names of our transit keys.
    pub transit_key: String,
    /// The path at which the method to log in is mounted.
    pub auth_mount: String,
    /// How to log in.
    pub login: VaultLogin,
}

/// Why Vault cannot be used with these settings.
#[derive(Debug, thiserror::Error)]
pub enum VaultError {
    /// A name that is not a plain path.
    #[error("{0} must be a name of letters, digits, `-`, `_` and `.`, or several of them with `/` between")]
    Name(&'static str),
    /// The certificates cannot be read.
    #[error("cannot read VAULT_CACERT {path}: {cause}")]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// The error of the system.
        cause: io::Error,
    },
    /// The file holds no certificates.
    #[error("VAULT_CACERT {0} holds no certificates in PEM")]
    NoCertificates(PathBuf),
    /// The system starts no thread.
    #[error("a thread of the service failed: {0}")]
    Threads(#[from] io::Error),
}

/// The transit engine.
pub struct Vault {
    session: Arc<Session>,
    mount: String,
    stem: String,
}

impl Vault {
    /// The scheme of the places of its keys: the place is `<mount>/<key>/<version>`.
    pub const SCHEME: &'static str = "vault";
    /// Its name in `KEY_CUSTODY`.
    pub const NAME: &'static str = "vault";

    /// The engine that these settings describe. This sends no request yet.
    ///
    /// # Errors
    /// [`VaultError`].
    pub fn new(settings: VaultSettings, clock: Clock, entropy: Entropy) -> Result<Self, VaultError> {
        let mount = plain("VAULT_TRANSIT_MOUNT", &settings.transit_mount)?;
        let stem = plain("VAULT_TRANSIT_KEY", &settings.transit_key)?;
        if stem.contains('/') {
            return Err(VaultError::Name("VAULT_TRANSIT_KEY"));
        }
        let auth_mount = plain("VAULT_AUTH_MOUNT", &settings.auth_mount)?;
        let roots = match &settings.ca_file {
            Some(file) => roots(file)?,
            None => Roots::of_system(),
        };
        let client = Client::start(&settings.address, settings.namespace, roots, entropy)?;
        let session = Arc::new(Session::new(client, settings.login, auth_mount, clock));
        Ok(Self { session, mount, stem })
    }
}

fn plain(name: &'static str, text: &str) -> Result<String, VaultError> {
    let text = text.trim_matches('/');
    if is_path(text) { Ok(text.to_owned()) } else { Err(VaultError::Name(name)) }
}

fn roots(file: &Path) -> Result<Roots, VaultError> {
    let unreadable = |cause| VaultError::Unreadable { path: file.to_owned(), cause };
    let pem = fs::read(file).map_err(unreadable)?;
    Roots::from_pem(&pem).map_err(|_| VaultError::NoCertificates(file.to_owned()))
}

#[async_trait]
impl KeyBackend for Vault {
    fn scheme(&self) -> &'static str {
        Self::SCHEME
    }

    async fn make(&self, kind: KeyKind) -> Result<NewKey, CustodyError> {
        let (place, public) = Named::new(&self.session, &self.mount, &self.stem, kind)?.make().await?;
        new_key(&public, Some(Home::new(Self::SCHEME, &place.to_string())))
    }

    /// This does not ask Vault whether the key exists: the public half is in the record, and each signature
    /// is checked with it.
    async fn open(&self, key: &KeyRecord) -> Result<Private, CustodyError> {
        let place = key.home.as_ref().and_then(|home| Place::parse(home.place()));
        let fault = || "its place is not a version of a transit key".to_owned();
        let place = place.ok_or_else(|| RecordFault::Damaged { kid: key.kid.clone(), fault: fault() })?;
        self.session.tend();
        let session = Arc::clone(&self.session);
        Ok(Private::Remote(Arc::new(TransitKey { session, place, algorithm: algorithm_of(key)? })))
    }

    /// The version stays in Vault. The engine cannot destroy a single version: it can only remove all
    /// versions below a number, and a lower one may be the key that signs, or may belong to another ring with
    /// the same name. The version that stays cannot be exported, and this program no longer signs with it.
    /// The operator can remove it.
    async fn discard(&self, home: &Home) -> Result<(), CustodyError> {
        tracing::info!(
            place = home.place(),
            "this version of a transit key is no longer used; it stays in Vault until you trim it there"
        );
        Ok(())
    }
}
