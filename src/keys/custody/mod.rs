//! Where keys live while the process does not. Two things are kept: the ring's document ([`RingStore`]), replaced whole
//! and only by a program that has seen the one before, and private halves ([`KeyBackend`]). A [`Custody`] is one of the first and
//! some of the second: the first of these makes new keys, all open what they once made.

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

/// Where the ring's document is.
#[async_trait]
pub trait RingStore: Send + Sync {
    /// The document; nothing where no ring has begun.
    ///
    /// # Errors
    /// [`CustodyError`]; of these, `Unavailable` passes by itself.
    async fn load(&self) -> Result<Option<RingRecord>, CustodyError>;

    /// Puts `ring` in the place of the document of revision `seen` (of none, where there was none), and returns once it
    /// is on disk, or acknowledged by a majority. An error of the kind `Unavailable` leaves open whether it is.
    ///
    /// # Errors
    /// [`CustodyError`].
    async fn replace_if(&self, seen: Option<u64>, ring: &RingRecord) -> Result<Replaced, CustodyError>;

    /// Brings the copies that stand beside the document in line with it.
    ///
    /// # Errors
    /// [`CustodyError`] where something stands there that is not of this ring.
    async fn align_copies(&self, _ring: &RingRecord) -> Result<(), CustodyError> {
        Ok(())
    }

    /// Seals all keys anew with the first sealing key, and authenticates the document from then on. A key that has no seal
    /// is an error, unless it is one of `accept_unsealed`. Nothing where there is no ring, or none that is sealed.
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

    /// Where that is, as a program compares it.
    fn location(&self) -> RingLocation;

    /// Where that is, for people.
    fn place(&self) -> String {
        self.location().to_string()
    }
}

/// What came of [`RingStore::replace_if`].
#[derive(Debug)]
#[must_use]
pub enum Replaced {
    /// The new document is in its place.
    Written,
    /// Another came first; nothing was written.
    Outrun,
    /// Nothing can be written there, as in a folder that is mounted to be read only. What is there serves as it is.
    Unwritable(FileFault),
}

impl Replaced {
    /// Whether the new document is in its place; false where another came first.
    ///
    /// # Errors
    /// [`FileFault`] where nothing can be written there.
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

/// What sealing a ring anew has done.
#[derive(Debug)]
pub struct Resealed {
    /// How many keys are sealed.
    pub keys: usize,
    /// The keys that had no seal before.
    pub accepted: Vec<KeyRecord>,
    /// The running instances that could not read an authenticated ring: until they have gone, it is not authenticated.
    pub waits_for: Vec<Instance>,
}

/// Where private halves are.
#[async_trait]
pub trait KeyBackend: Send + Sync {
    /// The scheme of the [`Home`]s that it gives.
    fn scheme(&self) -> &'static str;

    /// Makes a key. What is made and never gets into a ring can be discarded.
    ///
    /// # Errors
    /// [`CustodyError`]; `Unavailable` where trying again may help.
    async fn make(&self, kind: KeyKind) -> Result<NewKey, CustodyError>;

    /// Takes in a key that was made elsewhere; nothing where it cannot.
    ///
    /// # Errors
    /// [`CustodyError`].
    async fn keep(&self, _key: &SigningKey) -> Result<Option<Home>, CustodyError> {
        Ok(None)
    }

    /// The private half of a key that this home made or keeps.
    ///
    /// # Errors
    /// [`CustodyError`] where it is not there or is not what the record says.
    async fn open(&self, key: &KeyRecord) -> Result<Private, CustodyError>;

    /// Destroys the private half, for good; that it is gone already is no error.
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

    /// Whether its private halves lie in the ring's document itself, so that they are gone when the document lacks them.
    fn lies_in_ring(&self) -> bool {
        false
    }
}

/// A ring's home and its keys'.
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
    /// Whether a ring that is lost had it: its tokens may name it by its thumbprint.
    pub was_ours: bool,
}

impl Custody {
    /// The custody that `KEY_CUSTODY` calls `name`. The first of `homes` makes new keys. `folder` is where keys of
    /// earlier days may be.
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

    /// Where the ring's document is.
    pub fn ring_store(&self) -> &dyn RingStore {
        self.ring.as_ref()
    }

    /// Makes a key where new keys are made, with its thumbprint (RFC 7638) as `kid`.
    ///
    /// # Errors
    /// As [`KeyBackend::make`].
    pub async fn make(&self, kind: KeyKind) -> Result<NewKey, CustodyError> {
        match self.homes.first() {
            Some(home) => home.make(kind).await,
            None => Err(CustodyError::Homeless("none".to_owned())),
        }
    }

    /// Takes in a key that was made elsewhere, in the first home that can.
    ///
    /// # Errors
    /// As [`KeyBackend::keep`], and `Homeless` where none can.
    pub async fn keep(&self, key: &SigningKey) -> Result<Home, CustodyError> {
        for home in &self.homes {
            if let Some(kept) = home.keep(key).await? {
                return Ok(kept);
            }
        }
        Err(CustodyError::Homeless("a key from elsewhere".to_owned()))
    }

    /// The private half of `key`; nothing where it has none.
    ///
    /// # Errors
    /// As [`KeyBackend::open`], and `Homeless` for a home of another custody.
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

    /// Whether the ring's document is in the folder of `KEYS_DIR`.
    pub fn ring_is_in_folder(&self) -> bool {
        self.ring.location() == self.folder.location()
    }

    /// Whether all instances on one database have the same ring as this one.
    pub fn shares_ring(&self) -> bool {
        self.ring.location().is_shared()
    }

    /// Whether the ring's document of `other` is this one's.
    pub fn has_ring_of(&self, other: &Self) -> bool {
        self.ring.location() == other.ring.location()
    }

    /// Whether a ring that has moved named this custody as its new one.
    pub fn is_target_of(&self, moved: &Moved) -> bool {
        moved.to == self.name
    }

    /// Whether a private half lies in the ring's document itself.
    pub fn lies_in_ring(&self, home: &Home) -> bool {
        self.home_of(home).is_ok_and(KeyBackend::lies_in_ring)
    }

    /// Whether private halves in such a home can be opened here.
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
        .map_err(|_| CustodyError::Generate("its thumbprint is no kid".into()))?;
    let (alg, bits) = (public.algorithm().name().to_owned(), public.bits());
    Ok(NewKey { kid, alg, bits, public: public.to_spki_pem(), home })
}

/// What a record says its key is for.
fn algorithm_of(key: &KeyRecord) -> Result<Algorithm, CustodyError> {
    let unknown = || RecordFault::UnknownAlgorithm { kid: key.kid.clone(), alg: key.alg.clone() };
    key.alg.parse().map_err(|_| unknown().into())
}

/// The public half of a record.
///
/// # Errors
/// [`CustodyError`] where the record is damaged, or of an algorithm that this program does not know.
pub fn public_half(key: &KeyRecord) -> Result<VerifyingKey, CustodyError> {
    let algorithm = algorithm_of(key)?;
    VerifyingKey::from_spki_pem(algorithm, &key.public)
        .map_err(|fault| RecordFault::Damaged { kid: key.kid.clone(), fault: fault.to_string() }.into())
}

/// Whether `signing` is the key that the record means.
fn of_record(signing: SigningKey, key: &KeyRecord) -> Result<Private, CustodyError> {
    if signing.verifying_key() == &public_half(key)? {
        Ok(Private::Local(Arc::new(signing)))
    } else {
        let fault = "its private half is of another key".to_owned();
        Err(RecordFault::Damaged { kid: key.kid.clone(), fault }.into())
    }
}

/// Makes a key on a thread of the lowest priority; RSA keys take up to seconds.
async fn generate(maker: &Workers, kind: KeyKind) -> Result<SigningKey, CustodyError> {
    let made = maker.run(move || SigningKey::generate(kind.algorithm, kind.rsa_bits)).await;
    made.map_err(|error| CustodyError::Generate(error.into()))?
        .map_err(|error| CustodyError::Generate(error.into()))
}
