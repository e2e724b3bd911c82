//! Reads the ring from its custody, and begins one if there is none. The server and the commands both use this
//! type. `ring_change` changes the ring, `ring_steps` takes the steps of the schedule, and `ring_orders` carries
//! out the orders of an operator.

use std::collections::HashMap;
use std::sync::Arc;

use tokio::sync::Mutex;

use super::custody::{Custody, CustodyError, RecordFault, RingStore};
use super::key_event::Cause;
use super::ring_change::{Changed, LOST_RACES};
use super::schedule::{Action, Schedule, apply};
use super::{KeyKind, KeySettings, Private, Ring};
use crate::clock::Clock;
use crate::domain::{KeyRecord, KeyState, NewKey, RingRecord, Timestamp};

/// Reads and changes a ring.
#[derive(Clone)]
pub struct RingService {
    pub(super) custody: Custody,
    clock: Clock,
    settings: KeySettings,
    schedule: Arc<Schedule>,
    /// Keys that were made for a step whose write failed. The next try takes them, so that failures leave no
    /// unused keys.
    spare: Arc<Mutex<Vec<NewKey>>>,
    /// The lock that a change holds from the moment at which it gets its date until it is written.
    pub(super) writing: Arc<Mutex<()>>,
}

/// A ring that was found or begun.
#[derive(Debug)]
pub struct Begun {
    /// The ring.
    pub ring: RingRecord,
    /// Whether it is stored. If the place of the ring cannot be written, the service uses the ring all the same,
    /// and takes no steps.
    pub written: bool,
}

impl RingService {
    /// Works on the ring of `custody`.
    pub fn new(custody: Custody, clock: Clock, settings: KeySettings) -> Self {
        let schedule = Arc::new(settings.schedule());
        Self { custody, clock, settings, schedule, spare: Arc::default(), writing: Arc::default() }
    }

    /// The place of its keys.
    pub fn custody(&self) -> &Custody {
        &self.custody
    }

    /// The same rules for the ring of another custody.
    pub(super) fn of_custody(&self, custody: Custody) -> Self {
        Self { custody, spare: Arc::default(), writing: Arc::default(), ..self.clone() }
    }

    /// Its settings.
    pub fn settings(&self) -> &KeySettings {
        &self.settings
    }

    /// The rules that follow from its settings.
    pub fn schedule(&self) -> &Arc<Schedule> {
        &self.schedule
    }

    /// The present time of its clock, in whole seconds.
    pub fn now(&self) -> Timestamp {
        self.clock.now().whole_secs()
    }

    /// The greatest age of an instance's copy of the ring, in seconds.
    pub fn staleness(&self) -> u64 {
        self.settings.staleness()
    }

    /// The ring, if there is one.
    ///
    /// # Errors
    /// As [`super::custody::RingStore::load`].
    pub async fn load(&self) -> Result<Option<RingRecord>, CustodyError> {
        self.custody.ring_store().load().await
    }

    /// The ring. If there is none, this begins one with the keys in `KEYS_DIR`, or with new keys, which sign
    /// at once: no key set without them was ever served.
    ///
    /// # Errors
    /// [`CustodyError`].
    pub async fn begin(&self) -> Result<Begun, CustodyError> {
        let mut lost = Vec::new();
        for _ in 0..LOST_RACES {
            if let Some(ring) = self.load().await? {
                self.discard_unless_in(&ring, lost).await;
                return Ok(Begun { ring, written: true });
            }
            let (ring, why, made) = match self.inherited().await? {
                Some((ring, why)) => (ring, why, Vec::new()),
                None => {
                    let (ring, made) = self.first().await?;
                    (ring, Cause::Begun, made)
                }
            };
            let begun = self.change(&RingRecord::empty(), why, |_| Ok(ring.clone())).await;
            match begun {
                Ok(Changed::To(ring)) => return Ok(Begun { ring: *ring, written: true }),
                Ok(Changed::Outrun) => lost = made,
                // If the folder cannot be written, the keys in it are used.
                Ok(Changed::Unwritable(_)) if made.is_empty() => {
                    return Ok(Begun { ring, written: false });
                }
                Ok(Changed::Unwritable(fault)) => {
                    *self.spare.lock().await = made;
                    return Err(fault.into());
                }
                Err(error) => {
                    *self.spare.lock().await = made;
                    return Err(error);
                }
            }
        }
        Err(CustodyError::Unavailable("other instances are beginning the ring at the same time".into()))
    }

    /// The ring with which the server would begin, if there is one; this writes nothing.
    ///
    /// # Errors
    /// [`CustodyError`].
    pub async fn peek(&self) -> Result<Option<RingRecord>, CustodyError> {
        if let Some(ring) = self.load().await? {
            return Ok(Some(ring));
        }
        if let Some(ring) = self.custody.folder().load().await? {
            return Ok(Some(ring));
        }
        self.found_pair_ring().await
    }

    /// The ring to change. If there is none, this begins one with existing keys; if there are no keys either,
    /// the ring is empty.
    ///
    /// # Errors
    /// [`CustodyError`].
    pub async fn to_change(&self) -> Result<RingRecord, CustodyError> {
        match self.peek().await? {
            Some(_) => self.begin().await.map(|begun| begun.ring),
            None => Ok(RingRecord::empty()),
        }
    }

    /// `ring` in the form that requests use, with the private halves that may sign; those that are open in
    /// `before` stay open. If a private half cannot be opened, this logs it, and the key does not sign.
    ///
    /// # Errors
    /// As [`Ring::new`].
    pub async fn snapshot(&self, ring: &RingRecord, before: Option<&Ring>) -> Result<Ring, CustodyError> {
        let mut privates = HashMap::new();
        for key in ring.keys.iter().filter(|key| matches!(key.state, KeyState::Active | KeyState::Published))
        {
            let private = match before.and_then(|before| before.private(key)) {
                Some(open) => Ok(open.clone()),
                None => self.open(key).await,
            };
            match private {
                Ok(private) => {
                    privates.insert(key.kid.clone(), private);
                }
                Err(error) => tracing::error!(kid = %key.kid, %error, "a private half cannot be used"),
            }
        }
        Ring::new(ring.clone(), privates, &self.schedule, before)
    }

    /// The private half of a key; an error if it has none.
    ///
    /// # Errors
    /// As [`Custody::open`].
    pub async fn open(&self, key: &KeyRecord) -> Result<Private, CustodyError> {
        let nowhere =
            || RecordFault::Damaged { kid: key.kid.clone(), fault: "it has no private half".to_owned() };
        Ok(self.custody.open(key).await?.ok_or_else(nowhere)?)
    }

    /// New keys, or those of a failed try, unless they are in the ring after all.
    pub(super) async fn make(
        &self,
        ring: &RingRecord,
        kinds: &[KeyKind],
    ) -> Result<Vec<NewKey>, CustodyError> {
        let mut made = Vec::new();
        for kind in kinds {
            let made_one = match self.take_spare(ring, *kind).await {
                Some(spare) => Ok(spare),
                None => self.custody.make(*kind).await,
            };
            match made_one {
                Ok(key) => made.push(key),
                Err(error) => {
                    self.keep_spare(made).await;
                    return Err(error);
                }
            }
        }
        Ok(made)
    }

    /// Keeps keys for the next try.
    pub(super) async fn keep_spare(&self, made: Vec<NewKey>) {
        self.spare.lock().await.extend(made);
    }

    async fn take_spare(&self, ring: &RingRecord, kind: KeyKind) -> Option<NewKey> {
        let mut spare = self.spare.lock().await;
        spare.retain(|spare| ring.keys.iter().all(|key| key.public != spare.public));
        let fits = |key: &NewKey| key.alg == kind.algorithm.name();
        spare.iter().position(fits).map(|index| spare.swap_remove(index))
    }

    /// A ring with one new key for each algorithm.
    async fn first(&self) -> Result<(RingRecord, Vec<NewKey>), CustodyError> {
        let empty = RingRecord::empty();
        let mut made: Vec<NewKey> = Vec::new();
        for kind in Action::Begin.makes(&empty, &self.schedule) {
            let unbegun = self.custody.unbegun(kind, self.now()).await?;
            // A key is only for one algorithm, and two algorithms may use the same kind of key.
            let unbegun = unbegun.filter(|key| made.iter().all(|other| other.public != key.public));
            match unbegun {
                Some(unbegun) => made.push(unbegun),
                None => {
                    tracing::info!(algorithm = %kind.algorithm, place = self.custody.ring_store().place(), "making a new key");
                    made.extend(self.make(&empty, &[kind]).await?);
                }
            }
        }
        // `made` keeps the names that the keys were made with: if this ring is not written, a later step may use
        // these keys, and `KEY_ID` is only for the first key of a ring.
        let mut named = made.clone();
        if let (Some(first), Some(kid)) = (named.first_mut(), &self.settings.first_kid) {
            first.kid = kid.clone();
        }
        let ring = apply(&empty, &Action::Begin, &self.schedule, named, self.now());
        Ok((ring, made))
    }

    /// Destroys keys that were made or imported and are not in `ring`.
    pub(super) async fn discard_unless_in(&self, ring: &RingRecord, made: Vec<NewKey>) {
        for home in made.into_iter().filter_map(|made| made.home) {
            if ring.keys.iter().any(|key| key.home.as_ref() == Some(&home)) {
                continue;
            }
            if let Err(error) = self.custody.discard(&home).await {
                tracing::warn!(%error, "a key that was made and is not needed could not be destroyed");
            }
        }
    }
}
