//! Keys in the database: the ring is one document, and private halves are in it, sealed.

use std::sync::Arc;

use async_trait::async_trait;
use jose::SigningKey;

use super::{CustodyError, KeyHome, RingHome, Sealing, algorithm_of, generate, new_key, of_record};
use crate::domain::{Home, KeyRecord, KeyState, Kid, NewKey, RingRecord};
use crate::keys::{KeyKind, Private};
use crate::store::Store;
use crate::workers::Workers;

/// The ring as a document of the store.
#[derive(Clone)]
pub struct StoredRing {
    store: Arc<dyn Store>,
    sealing: Option<Arc<Sealing>>,
}

impl StoredRing {
    /// What `KEY_CUSTODY` calls keys that are in it too.
    pub const NAME: &'static str = "database";

    /// The ring in `store`. With `sealing`, every record is sealed, and one that is not is refused.
    pub fn new(store: Arc<dyn Store>, sealing: Option<Arc<Sealing>>) -> Self {
        Self { store, sealing }
    }

    /// The document as it is stored, its seals unbroken.
    ///
    /// # Errors
    /// [`CustodyError`].
    async fn sealed(&self) -> Result<Option<RingRecord>, CustodyError> {
        let found = self.store.find_ring().await?;
        match &found {
            Some(ring) if ring.version > RingRecord::VERSION => {
                Err(CustodyError::Newer { place: self.place(), version: ring.version })
            }
            _ => Ok(found),
        }
    }
}

#[async_trait]
impl RingHome for StoredRing {
    async fn load(&self) -> Result<Option<RingRecord>, CustodyError> {
        let Some(mut ring) = self.sealed().await? else { return Ok(None) };
        if let Some(sealing) = &self.sealing {
            for key in ring.keys.iter_mut().filter(|key| is_bound(key)) {
                key.home = sealing.open(key)?;
            }
        } else if let Some(key) =
            ring.keys.iter().find(|key| key.home.as_ref().is_some_and(Sealing::is_sealed))
        {
            return Err(CustodyError::Sealed(key.kid.clone()));
        }
        Ok(Some(ring))
    }

    async fn replace_if(&self, seen: Option<u64>, ring: &RingRecord) -> Result<bool, CustodyError> {
        let mut ring = ring.clone();
        for key in ring.keys.iter_mut().filter(|key| is_bound(key)) {
            match &self.sealing {
                Some(sealing) => key.home = Some(sealing.seal(key)?),
                None if key.home.as_ref().is_some_and(|home| home.scheme() == InRecord::SCHEME) => {
                    return Err(CustodyError::Sealed(key.kid.clone()));
                }
                None => {}
            }
        }
        Ok(self.store.replace_ring_if(seen, &ring).await?)
    }

    async fn reseal(&self) -> Result<Option<usize>, CustodyError> {
        let Some(sealing) = &self.sealing else { return Ok(None) };
        let Some(mut ring) = self.sealed().await? else { return Ok(Some(0)) };
        let seen = ring.revision;
        for key in ring.keys.iter_mut().filter(|key| is_bound(key)) {
            if key.home.as_ref().is_some_and(Sealing::is_sealed) {
                key.home = sealing.open(key)?;
            }
        }
        ring.revision += 1;
        if self.replace_if(Some(seen), &ring).await? {
            Ok(Some(ring.keys.iter().filter(|key| is_bound(key)).count()))
        } else {
            Err(CustodyError::Unavailable("another program changed the ring just now; try again".into()))
        }
    }

    fn place(&self) -> String {
        "the database".to_owned()
    }
}

/// Whether a seal is needed: a key that has left and has no private half any more is of no use to anybody.
fn is_bound(key: &KeyRecord) -> bool {
    key.state != KeyState::Removed || key.home.is_some()
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
