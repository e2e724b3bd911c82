//! Keys in the database: the ring is one document, and private halves are in it, sealed.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use jose::SigningKey;

use super::sealed_ring::{self, RingForm};
use super::{
    CustodyError, KeyHome, Resealed, RingHome, Sealer, SealingError, algorithm_of, generate, new_key,
    of_record,
};
use crate::clock::Clock;
use crate::domain::{Home, Instance, KeyRecord, Kid, NewKey, RingRecord};
use crate::keys::{KeyKind, Private};
use crate::store::{Store, StoreError};
use crate::workers::Workers;

/// The ring as a document of the store.
#[derive(Clone)]
pub struct StoredRing {
    store: Arc<dyn Store>,
    sealer: Arc<Sealer>,
    clock: Clock,
    newest: Arc<Mutex<Option<Seen>>>,
}

/// The newest document that this process has seen.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Seen {
    revision: u64,
    form: RingForm,
}

impl StoredRing {
    /// What `KEY_CUSTODY` calls keys that are in it too.
    pub const NAME: &'static str = "database";

    /// The ring in `store`, sealed and authenticated by `sealer`. `clock` tells which other instances are alive.
    pub fn new(store: Arc<dyn Store>, sealer: Arc<Sealer>, clock: Clock) -> Self {
        Self { store, sealer, clock, newest: Arc::default() }
    }

    /// The document as it is stored, and its form.
    async fn stored(&self) -> Result<Option<(RingRecord, RingForm)>, CustodyError> {
        let Some(ring) = self.store.find_ring().await? else { return Ok(None) };
        match RingForm::of(ring.version) {
            Some(form) => Ok(Some((ring, form))),
            None => Err(CustodyError::Newer { place: self.place(), version: ring.version }),
        }
    }

    fn newest(&self) -> MutexGuard<'_, Option<Seen>> {
        self.newest.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn note(&self, seen: Seen) {
        let mut newest = self.newest();
        *newest = (*newest).max(Some(seen));
    }

    /// The form in which the next document is written. What there is keeps its form; a ring that begins is authenticated,
    /// unless a program is running that could not read it.
    async fn form_to_write(&self) -> Result<RingForm, CustodyError> {
        let newest = *self.newest();
        match newest {
            Some(seen) => Ok(seen.form),
            None if self.earlier_programs().await?.is_empty() => Ok(RingForm::Authenticated),
            None => Ok(RingForm::SealedRecords),
        }
    }

    /// The running instances that cannot read an authenticated ring.
    async fn earlier_programs(&self) -> Result<Vec<Instance>, StoreError> {
        let now = self.clock.now();
        let mut instances = self.store.list_instances().await?;
        instances
            .retain(|other| other.is_live(now) && other.ring_version < RingRecord::AUTHENTICATED_VERSION);
        Ok(instances)
    }

    async fn write(
        &self,
        seen: Option<u64>,
        ring: &RingRecord,
        form: RingForm,
    ) -> Result<bool, CustodyError> {
        let stored = sealed_ring::close(ring, form, &self.sealer)?;
        let written = self.store.replace_ring_if(seen, &stored).await?;
        if written {
            self.note(Seen { revision: ring.revision, form });
        }
        Ok(written)
    }
}

#[async_trait]
impl RingHome for StoredRing {
    async fn load(&self) -> Result<Option<RingRecord>, CustodyError> {
        // What was seen before the question: the store never answers it with a document that was replaced by then.
        let before = *self.newest();
        let Some((stored, form)) = self.stored().await? else { return Ok(None) };
        let ring = sealed_ring::open(stored, form, &self.sealer, false)?;
        if before.is_none() && form < RingForm::Authenticated {
            tracing::warn!(
                "the ring of keys in the database is not authenticated as a whole yet: run `keys reseal` once every instance \
                 runs this version"
            );
        }
        if let Some(seen) = before {
            if form < seen.form {
                return Err(SealingError::RingAltered.into());
            }
            if ring.revision < seen.revision {
                return Err(CustodyError::Older {
                    place: self.place(),
                    revision: ring.revision,
                    seen: seen.revision,
                });
            }
        }
        self.note(Seen { revision: ring.revision, form });
        Ok(Some(ring))
    }

    async fn replace_if(&self, seen: Option<u64>, ring: &RingRecord) -> Result<bool, CustodyError> {
        self.write(seen, ring, self.form_to_write().await?).await
    }

    async fn reseal(&self) -> Result<Option<Resealed>, CustodyError> {
        let Some((stored, form)) = self.stored().await? else { return Ok(None) };
        let mut ring = sealed_ring::open(stored, form, &self.sealer, true)?;
        let seen = ring.revision;
        ring.revision += 1;
        let waits_for =
            if form == RingForm::Authenticated { vec![] } else { self.earlier_programs().await? };
        let form = if waits_for.is_empty() { RingForm::Authenticated } else { form };
        if self.write(Some(seen), &ring, form).await? {
            Ok(Some(Resealed { keys: sealed_ring::sealed_keys(&ring, form), waits_for }))
        } else {
            Err(CustodyError::Unavailable("another program changed the ring just now; try again".into()))
        }
    }

    fn place(&self) -> String {
        "the database".to_owned()
    }
}

/// Private halves inside the ring's document; [`StoredRing`] seals them.
#[derive(Clone, Debug)]
pub struct InRecord {
    maker: Workers,
}

impl InRecord {
    /// The scheme of its homes: the place is the key, as PEM (PKCS#8).
    pub const SCHEME: &'static str = "pem";

    /// Makes keys on `maker`'s threads.
    pub fn new(maker: Workers) -> Self {
        Self { maker }
    }

    /// Drops the private half of a key that has left, where it is in the record itself: nobody has to be asked.
    pub fn give_up(ring: &mut RingRecord, kid: &Kid) {
        let here = |key: &&mut KeyRecord| {
            key.kid == *kid && key.home.as_ref().is_some_and(|home| home.scheme() == Self::SCHEME)
        };
        ring.keys.iter_mut().filter(here).for_each(|key| key.home = None);
    }

    fn home(key: &SigningKey) -> Result<Home, CustodyError> {
        let pem = key.to_pkcs8_pem().map_err(|error| CustodyError::Generate(error.into()))?;
        Ok(Home::new(Self::SCHEME, &pem))
    }
}

#[async_trait]
impl KeyHome for InRecord {
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
            .map_err(|fault| CustodyError::Record { kid: key.kid.clone(), fault: fault.to_string() })?;
        of_record(signing, key)
    }

    /// It goes with the record that is written next.
    async fn discard(&self, _: &Home) -> Result<(), CustodyError> {
        Ok(())
    }
}
