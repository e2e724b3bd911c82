//! Keys in the database: the ring is one document, which contains the sealed private halves.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use jose::SigningKey;

use super::sealed_ring::{self, Closed, Digest, Opened, RingForm};
use super::{
    CustodyError, KeyBackend, RecordFault, Replaced, Resealed, RingFault, RingLocation, RingStore, Sealer,
    SealingError, algorithm_of, generate, new_key, of_record,
};
use crate::clock::Clock;
use crate::domain::{Home, Instance, KeyRecord, Kid, NewKey, RingRecord};
use crate::entropy::Entropy;
use crate::keys::{KeyKind, Private};
use crate::store::{Instances, Rings, StoreError};
use crate::workers::Workers;

/// The ring as a document of the store.
#[derive(Clone)]
pub struct StoredRing {
    rings: Arc<dyn Rings>,
    instances: Arc<dyn Instances>,
    sealer: Arc<Sealer>,
    clock: Clock,
    entropy: Entropy,
    newest: Arc<Mutex<Option<Seen>>>,
}

/// The newest document that this process has seen.
#[derive(Clone)]
struct Seen {
    revision: u64,
    form: RingForm,
    id: Option<String>,
    digest: Digest,
}

impl StoredRing {
    /// Its name in `KEY_CUSTODY`, if private keys are in the document, too.
    pub const NAME: &'static str = "database";

    /// The ring in `rings`, sealed and authenticated by `sealer`. `instances` and `clock` show which other
    /// instances run, and `entropy` gives a new ring its name.
    pub fn new(
        rings: Arc<dyn Rings>,
        instances: Arc<dyn Instances>,
        sealer: Arc<Sealer>,
        clock: Clock,
        entropy: Entropy,
    ) -> Self {
        Self { rings, instances, sealer, clock, entropy, newest: Arc::default() }
    }

    /// The document as it is stored, and its form.
    async fn stored(&self) -> Result<Option<(RingRecord, RingForm)>, CustodyError> {
        let Some(ring) = self.rings.find_ring().await? else { return Ok(None) };
        match RingForm::of(ring.version) {
            // The value from which a database can count.
            Some(_) if ring.revision >= i64::MAX as u64 => {
                let fault = "its revision is out of range".to_owned();
                Err(RingFault::Damaged { place: self.place(), fault }.into())
            }
            Some(form) => Ok(Some((ring, form))),
            None => Err(RingFault::Newer { place: self.place(), version: ring.version }.into()),
        }
    }

    fn newest(&self) -> MutexGuard<'_, Option<Seen>> {
        self.newest.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn note(&self, seen: Seen) {
        let mut newest = self.newest();
        if newest.as_ref().is_none_or(|newest| newest.revision <= seen.revision) {
            *newest = Some(seen);
        }
    }

    /// Whether `found` may follow the document that was seen before: it is the same ring, and not older.
    fn follows(&self, found: &Seen, seen: &Seen) -> Result<(), CustodyError> {
        if found.form < seen.form {
            return Err(SealingError::RingAltered.into());
        }
        if found.revision < seen.revision {
            let (revision, seen) = (found.revision, seen.revision);
            return Err(RingFault::Older { place: self.place(), revision, seen }.into());
        }
        let other_ring = seen.id.is_some() && found.id != seen.id;
        if other_ring || (found.revision == seen.revision && found.digest != seen.digest) {
            return Err(RingFault::Other(self.place()).into());
        }
        Ok(())
    }

    /// The form in which the next document is written. A document keeps its form. A new ring is
    /// authenticated, unless a running program could not read it.
    async fn form_to_write(&self) -> Result<RingForm, CustodyError> {
        let newest = self.newest().as_ref().map(|seen| seen.form);
        match newest {
            Some(form) => Ok(form),
            None if self.older_than(RingRecord::AUTHENTICATED_VERSION).await?.is_empty() => {
                Ok(RingForm::Authenticated)
            }
            None => {
                tell_unauthenticated();
                Ok(RingForm::SealedRecords)
            }
        }
    }

    /// The running instances that cannot read a document of this version.
    async fn older_than(&self, version: u32) -> Result<Vec<Instance>, StoreError> {
        let now = self.clock.now();
        let mut instances = self.instances.list_instances().await?;
        instances.retain(|other| other.is_live(now) && other.ring_version < version);
        Ok(instances)
    }

    async fn write(
        &self,
        seen: Option<u64>,
        ring: &RingRecord,
        form: RingForm,
    ) -> Result<bool, CustodyError> {
        let id = match self.newest().as_ref().and_then(|seen| seen.id.clone()) {
            Some(id) => id,
            None => self.entropy.jti().map_err(|error| CustodyError::Generate(error.into()))?,
        };
        let Closed { stored, digest } = sealed_ring::close(ring, form, &id, &self.sealer)?;
        let written = self.rings.replace_ring_if(seen, &stored).await?;
        if written {
            self.note(Seen { revision: ring.revision, form, id: Some(id), digest });
        }
        Ok(written)
    }
}

#[async_trait]
impl RingStore for StoredRing {
    async fn load(&self) -> Result<Option<RingRecord>, CustodyError> {
        // The document that was seen before the query: the store never answers with a document that was
        // replaced by then.
        let before = self.newest().clone();
        let Some((stored, form)) = self.stored().await? else { return Ok(None) };
        let Opened { ring, id, digest, .. } = sealed_ring::open(stored, form, &self.sealer, &[])?;
        let found = Seen { revision: ring.revision, form, id, digest };
        match &before {
            Some(seen) => self.follows(&found, seen)?,
            None if form < RingForm::Authenticated => tell_unauthenticated(),
            None => {}
        }
        self.note(found);
        Ok(Some(ring))
    }

    async fn replace_if(&self, seen: Option<u64>, ring: &RingRecord) -> Result<Replaced, CustodyError> {
        Ok(self.write(seen, ring, self.form_to_write().await?).await?.into())
    }

    async fn reseal(&self, accept_unsealed: &[Kid]) -> Result<Option<Resealed>, CustodyError> {
        let Some((stored, form)) = self.stored().await? else { return Ok(None) };
        let Opened { mut ring, id, digest, accepted } =
            sealed_ring::open(stored, form, &self.sealer, accept_unsealed)?;
        let seen = ring.revision;
        self.note(Seen { revision: seen, form, id, digest });
        ring.revision += 1;
        let waits_for = if form == RingForm::Authenticated {
            vec![]
        } else {
            self.older_than(RingRecord::AUTHENTICATED_VERSION).await?
        };
        let form = if waits_for.is_empty() { RingForm::Authenticated } else { form };
        if self.write(Some(seen), &ring, form).await? {
            Ok(Some(Resealed { keys: sealed_ring::sealed_keys(&ring, form), accepted, waits_for }))
        } else {
            Err(CustodyError::Unavailable("another program changed the ring just now; try again".into()))
        }
    }

    async fn earlier_programs(&self, version: u32) -> Result<Vec<Instance>, CustodyError> {
        Ok(self.older_than(version).await?)
    }

    fn location(&self) -> RingLocation {
        RingLocation::Database
    }
}

fn tell_unauthenticated() {
    tracing::warn!(
        "the ring of keys in the database is not authenticated as a whole yet: run `keys reseal` when every instance runs this version"
    );
}

/// Private halves inside the document of the ring; [`StoredRing`] seals them.
#[derive(Clone, Debug)]
pub struct InRecord {
    maker: Workers,
}

impl InRecord {
    /// The scheme of the places of its keys: the place is the key, as PEM (PKCS#8).
    pub const SCHEME: &'static str = "pem";

    /// Makes keys on `maker`'s threads.
    pub fn new(maker: Workers) -> Self {
        Self { maker }
    }

    fn home(key: &SigningKey) -> Result<Home, CustodyError> {
        let pem = key.to_pkcs8_pem().map_err(|error| CustodyError::Generate(error.into()))?;
        Ok(Home::new(Self::SCHEME, &pem))
    }
}

#[async_trait]
impl KeyBackend for InRecord {
    fn scheme(&self) -> &'static str {
        Self::SCHEME
    }

    async fn make(&self, kind: KeyKind) -> Result<NewKey, CustodyError> {
        let key = generate(&self.maker, kind).await?;
        new_key(key.verifying_key(), Some(Self::home(&key)?))
    }

    async fn keep(&self, key: &SigningKey) -> Result<Option<Home>, CustodyError> {
        Self::home(key).map(Some)
    }

    async fn open(&self, key: &KeyRecord) -> Result<Private, CustodyError> {
        let pem = key.home.as_ref().map_or("", Home::place);
        let signing = SigningKey::from_pem(algorithm_of(key)?, pem)
            .map_err(|fault| RecordFault::Damaged { kid: key.kid.clone(), fault: fault.to_string() })?;
        of_record(signing, key)
    }

    /// The next write of the document removes it.
    async fn discard(&self, _: &Home) -> Result<(), CustodyError> {
        Ok(())
    }

    fn lies_in_ring(&self) -> bool {
        true
    }
}
