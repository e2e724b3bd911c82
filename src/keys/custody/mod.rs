//! Storage of the keys while the process does not run. It has two parts: the document of the ring
//! ([`RingStore`]), which is replaced as a whole and only by a program that has read the previous one, and
//! private halves ([`KeyBackend`]). A [`Custody`] has one ring store and some key backends: the first backend
//! makes new keys, and each backend opens the keys that it made.

mod aws;
mod copy;
mod database;
mod directory;
mod error;
mod file;
mod file_fault;
mod location;
mod metered;
mod ring_fault;
mod sealed_ring;
mod sealer;
mod vault;

use std::sync::Arc;

use async_trait::async_trait;
use jose::{Algorithm, SigningKey, VerifyingKey};

use super::{KeyKind, Private};
use crate::domain::{Home, Instance, KeyRecord, Kid, Moved, NewKey, RingRecord, Timestamp};
use crate::telemetry::metrics::Source;
use crate::workers::Workers;
use metered::{CustodyMetrics, MeteredKeys, MeteredRing};

pub use aws::{Account, AwsKms, SecretRing};
pub use copy::{FileCopy, copy_folder, read_folder};
pub use database::{InRecord, StoredRing};
pub use directory::Directory;
pub use error::CustodyError;
pub use file_fault::FileFault;
pub use location::RingLocation;
pub(super) use metered::{CALLS, OUTCOMES};
pub use ring_fault::{RecordFault, RingFault};
pub use sealed_ring::SealingError;
pub use sealer::{Sealer, SealerError};
pub use vault::{Vault, VaultError, VaultLogin, VaultSettings};

/// The place of the document of a ring.
#[async_trait]
pub trait RingStore: Send + Sync {
    /// The document; `None` if no ring has begun.
    ///
    /// # Errors
    /// [`CustodyError`]; of these, only `Unavailable` may be temporary.
    async fn load(&self) -> Result<Option<RingRecord>, CustodyError>;

    /// Replaces the document of revision `seen` by `ring` (if it is `None`, there must be no document), and
    /// returns when it is on disk, or when a majority has acknowledged it. After the error `Unavailable`, it
    /// is not known whether it was replaced.
    ///
    /// # Errors
    /// [`CustodyError`].
    async fn replace_if(&self, seen: Option<u64>, ring: &RingRecord) -> Result<Replaced, CustodyError>;

    /// Updates the copies beside the document.
    ///
    /// # Errors
    /// [`CustodyError`] if a file there does not belong to this ring.
    async fn align_copies(&self, _ring: &RingRecord) -> Result<(), CustodyError> {
        Ok(())
    }

    /// Seals all keys anew with the first sealing key, and authenticates the document from then on. A key
    /// without a seal is an error, unless it is one of `accept_unsealed`. `None` if there is no ring, or if
    /// the ring is not sealed.
    ///
    /// # Errors
    /// [`CustodyError`].
    async fn reseal(&self, _accept_unsealed: &[Kid]) -> Result<Option<Resealed>, CustodyError> {
        Ok(None)
    }

    /// The running instances whose program is too old to read a document of this version.
    ///
    /// # Errors
    /// [`CustodyError`].
    async fn earlier_programs(&self, _version: u32) -> Result<Vec<Instance>, CustodyError> {
        Ok(Vec::new())
    }

    /// The place, in a form that programs can compare.
    fn location(&self) -> RingLocation;

    /// The place, as text for people.
    fn place(&self) -> String {
        self.location().to_string()
    }
}

/// The result of [`RingStore::replace_if`].
#[derive(Debug)]
#[must_use]
pub enum Replaced {
    /// The new document is stored.
    Written,
    /// Another program was faster; nothing was written.
    Outrun,
    /// Nothing can be written there, for example because the folder is mounted read-only. The existing ring
    /// stays in use.
    Unwritable(FileFault),
}

impl Replaced {
    /// Whether the new document is stored; false if another program was faster.
    ///
    /// # Errors
    /// [`FileFault`] if nothing can be written there.
    pub fn or_unwritable(self) -> Result<bool, FileFault> {
        match self {
            Self::Written => Ok(true),
            Self::Outrun => Ok(false),
            Self::Unwritable(fault) => Err(fault),
        }
    }
}

impl From<bool> for Replaced {
    fn from(written: bool) -> Self {
        if written { Self::Written } else { Self::Outrun }
    }
}

/// The result of sealing a ring anew.
#[derive(Debug)]
pub struct Resealed {
    /// The number of sealed keys.
    pub keys: usize,
    /// The keys that had no seal before.
    pub accepted: Vec<KeyRecord>,
    /// The running instances that could not read an authenticated ring. Until they are gone, it is not
    /// authenticated.
    pub waits_for: Vec<Instance>,
}

/// The place of private halves.
#[async_trait]
pub trait KeyBackend: Send + Sync {
    /// The scheme of its [`Home`]s.
    fn scheme(&self) -> &'static str;

    /// Makes a key. If the key never enters a ring, it can be discarded.
    ///
    /// # Errors
    /// [`CustodyError`]; `Unavailable` if trying again may help.
    async fn make(&self, kind: KeyKind) -> Result<NewKey, CustodyError>;

    /// Imports a key that was made elsewhere; `None` if it cannot.
    ///
    /// # Errors
    /// [`CustodyError`].
    async fn keep(&self, _key: &SigningKey) -> Result<Option<Home>, CustodyError> {
        Ok(None)
    }

    /// The private half of a key that this backend made or imported.
    ///
    /// # Errors
    /// [`CustodyError`] if it is missing or is not what the record says.
    async fn open(&self, key: &KeyRecord) -> Result<Private, CustodyError>;

    /// Destroys the private half for good; it is not an error if it is gone already.
    ///
    /// # Errors
    /// [`CustodyError`].
    async fn discard(&self, home: &Home) -> Result<(), CustodyError>;

    /// A key of this kind that was made for a ring which never began, because the process was killed.
    ///
    /// # Errors
    /// [`CustodyError`].
    async fn unbegun(&self, _kind: KeyKind, _now: Timestamp) -> Result<Option<NewKey>, CustodyError> {
        Ok(None)
    }

    /// Whether its private halves are in the document of the ring itself, so that they are gone when the
    /// document no longer contains them.
    fn lies_in_ring(&self) -> bool {
        false
    }
}

/// The place of a ring and of its keys.
#[derive(Clone)]
pub struct Custody {
    name: &'static str,
    ring: Arc<dyn RingStore>,
    homes: Vec<Arc<dyn KeyBackend>>,
    folder: Directory,
    metrics: Arc<CustodyMetrics>,
}

/// A key pair of the original.
#[derive(Debug)]
pub struct Found {
    /// The key.
    pub signing: SigningKey,
    /// When its file was written.
    pub created_at: Timestamp,
    /// Whether it belonged to a ring that is lost: tokens may name the key by its thumbprint.
    pub was_ours: bool,
}

impl Custody {
    /// The custody that `KEY_CUSTODY` calls `name`. The first of `homes` makes new keys. `folder` may contain
    /// earlier keys.
    pub fn new(
        name: &'static str,
        ring: Arc<dyn RingStore>,
        homes: Vec<Arc<dyn KeyBackend>>,
        folder: Directory,
    ) -> Self {
        let metrics = Arc::new(CustodyMetrics::new());
        let measured =
            |home| Arc::new(MeteredKeys { home, metrics: Arc::clone(&metrics) }) as Arc<dyn KeyBackend>;
        let homes = homes.into_iter().map(measured).collect();
        let ring = Arc::new(MeteredRing { ring, metrics: Arc::clone(&metrics) });
        Self { name, ring, homes, folder, metrics }
    }

    /// What is counted of it.
    pub fn metrics(&self) -> Arc<dyn Source> {
        Arc::clone(&self.metrics) as Arc<dyn Source>
    }

    /// Its name in `KEY_CUSTODY`.
    pub fn name(&self) -> &'static str {
        self.name
    }

    /// The folder of `KEYS_DIR`.
    pub fn folder(&self) -> &Directory {
        &self.folder
    }

    /// The place of the ring's document.
    pub fn ring_store(&self) -> &dyn RingStore {
        self.ring.as_ref()
    }

    /// Makes a key in the place for new keys, with its thumbprint (RFC 7638) as `kid`.
    ///
    /// # Errors
    /// As [`KeyBackend::make`].
    pub async fn make(&self, kind: KeyKind) -> Result<NewKey, CustodyError> {
        match self.homes.first() {
            Some(home) => home.make(kind).await,
            None => Err(CustodyError::Homeless("none".to_owned())),
        }
    }

    /// Imports a key that was made elsewhere, into the first backend that can take it.
    ///
    /// # Errors
    /// As [`KeyBackend::keep`], and `Homeless` if no backend can.
    pub async fn keep(&self, key: &SigningKey) -> Result<Home, CustodyError> {
        for home in &self.homes {
            if let Some(kept) = home.keep(key).await? {
                return Ok(kept);
            }
        }
        Err(CustodyError::Homeless("a key from elsewhere".to_owned()))
    }

    /// The private half of `key`; `None` if the key has none.
    ///
    /// # Errors
    /// As [`KeyBackend::open`], and `Homeless` for a place of another custody.
    pub async fn open(&self, key: &KeyRecord) -> Result<Option<Private>, CustodyError> {
        match &key.home {
            Some(home) => self.home_of(home)?.open(key).await.map(Some),
            None => Ok(None),
        }
    }

    /// A key of this kind that was made for a ring which never began.
    ///
    /// # Errors
    /// As [`KeyBackend::unbegun`].
    pub async fn unbegun(&self, kind: KeyKind, now: Timestamp) -> Result<Option<NewKey>, CustodyError> {
        match self.homes.first() {
            Some(home) => home.unbegun(kind, now).await,
            None => Ok(None),
        }
    }

    /// Whether the document of the ring is in the folder of `KEYS_DIR`.
    pub fn ring_is_in_folder(&self) -> bool {
        self.ring.location() == self.folder.location()
    }

    /// Whether all instances on one database have the same ring as this one.
    pub fn shares_ring(&self) -> bool {
        self.ring.location().is_shared()
    }

    /// Whether `other` has the same document of the ring as this custody.
    pub fn has_ring_of(&self, other: &Self) -> bool {
        self.ring.location() == other.ring.location()
    }

    /// Whether a ring that has moved names this custody as its new one.
    pub fn is_target_of(&self, moved: &Moved) -> bool {
        moved.to == self.name
    }

    /// Whether a private half is in the document of the ring itself.
    pub fn lies_in_ring(&self, home: &Home) -> bool {
        self.home_of(home).is_ok_and(KeyBackend::lies_in_ring)
    }

    /// Whether private halves in such a place can be opened here.
    pub fn can_open(&self, home: &Home) -> bool {
        self.home_of(home).is_ok()
    }

    /// Destroys a private half.
    ///
    /// # Errors
    /// As [`KeyBackend::discard`].
    pub async fn discard(&self, home: &Home) -> Result<(), CustodyError> {
        self.home_of(home)?.discard(home).await
    }

    fn home_of(&self, home: &Home) -> Result<&dyn KeyBackend, CustodyError> {
        let found = self.homes.iter().find(|of_scheme| of_scheme.scheme() == home.scheme());
        found.map(AsRef::as_ref).ok_or_else(|| CustodyError::Homeless(home.scheme().to_owned()))
    }
}

/// The name and the public half of a new key.
fn new_key(public: &VerifyingKey, home: Option<Home>) -> Result<NewKey, CustodyError> {
    let kid = Kid::parse(&public.thumbprint())
        .map_err(|_| CustodyError::Generate("its thumbprint is not a valid kid".into()))?;
    let (alg, bits) = (public.algorithm().name().to_owned(), public.bits());
    Ok(NewKey { kid, alg, bits, public: public.to_spki_pem(), home })
}

/// The algorithm and the kind of key in a record.
fn algorithm_of(key: &KeyRecord) -> Result<Algorithm, CustodyError> {
    let unknown = || RecordFault::UnknownAlgorithm { kid: key.kid.clone(), alg: key.alg.clone() };
    key.alg.parse().map_err(|_| unknown().into())
}

/// The public half of a record.
///
/// # Errors
/// [`CustodyError`] if the record is damaged, or if this program does not know its algorithm.
pub fn public_half(key: &KeyRecord) -> Result<VerifyingKey, CustodyError> {
    let algorithm = algorithm_of(key)?;
    VerifyingKey::from_spki_pem(algorithm, &key.public)
        .map_err(|fault| RecordFault::Damaged { kid: key.kid.clone(), fault: fault.to_string() }.into())
}

/// Whether `signing` is the key of the record.
fn of_record(signing: SigningKey, key: &KeyRecord) -> Result<Private, CustodyError> {
    if signing.verifying_key() == &public_half(key)? {
        Ok(Private::Local(Arc::new(signing)))
    } else {
        let fault = "its private half is of another key".to_owned();
        Err(RecordFault::Damaged { kid: key.kid.clone(), fault }.into())
    }
}

/// Makes a key on a thread of the lowest priority; making an RSA key can take seconds.
async fn generate(maker: &Workers, kind: KeyKind) -> Result<SigningKey, CustodyError> {
    let made = maker.run(move || SigningKey::generate(kind.algorithm, kind.rsa_bits)).await;
    made.map_err(|error| CustodyError::Generate(error.into()))?
        .map_err(|error| CustodyError::Generate(error.into()))
}
