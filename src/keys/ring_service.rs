//! Doing what is due: reads the ring from its custody, begins one where there is none, and takes the schedule's steps,
//! each written by compare-and-swap before anything follows from it. The server and the commands both work through it.

use std::collections::HashMap;
use std::sync::Arc;

use tokio::sync::Mutex;

use super::custody::{
    Custody, CustodyError, Directory, InRecord, RecordFault, Replaced, RingStore, public_half,
};
use super::schedule::{Action, Outstanding, Schedule, apply, plan, taken_at, written_late};
use super::{KeySettings, Private, Ring, SignError};
use crate::clock::Clock;
use crate::domain::{KeyRecord, KeyState, NewKey, RingRecord, Timestamp};

/// Looks at the ring before an instance's view of it counts as too old to sign with.
const LOOKS: u64 = 4;
/// Races against other instances that one round may lose.
const PATIENCE: usize = 16;

/// Keeps a ring.
#[derive(Clone)]
pub struct RingService {
    custody: Custody,
    clock: Clock,
    settings: KeySettings,
    /// A key that was made for a step whose write failed: the next try takes it, so that failures leave no trail of keys.
    spare: Arc<Mutex<Option<NewKey>>>,
    /// Held from when a step is dated until it is written.
    writing: Arc<Mutex<()>>,
}

/// A ring as it was found or begun.
#[derive(Debug)]
pub struct Begun {
    /// The ring.
    pub ring: RingRecord,
    /// Whether it is written; if not, it serves, and no step is taken.
    pub written: bool,
}

impl RingService {
    /// Keeps the ring of `custody`.
    pub fn new(custody: Custody, clock: Clock, settings: KeySettings) -> Self {
        Self { custody, clock, settings, spare: Arc::default(), writing: Arc::default() }
    }

    /// Where its keys are.
    pub fn custody(&self) -> &Custody {
        &self.custody
    }

    /// What holds for it.
    pub fn settings(&self) -> &KeySettings {
        &self.settings
    }

    /// Its time.
    pub fn now(&self) -> Timestamp {
        self.clock.now().whole_secs()
    }

    /// How old an instance's view of the ring may be, in seconds.
    pub fn staleness(&self) -> u64 {
        self.settings.refresh * LOOKS
    }

    /// The rules for `ring`: a key of the original rotates where the operator says so, and not by default.
    pub fn schedule(&self, ring: &RingRecord) -> Schedule {
        let settings = &self.settings;
        Schedule {
            period: settings.rotation.period(ring.adopted),
            jwks_max_age: settings.jwks_max_age,
            verifier_cache: settings.verifier_cache,
            clock_skew: settings.clock_skew,
            staleness: self.staleness(),
            longest_token: settings.longest_token,
            kind: settings.kind,
            any_size: settings.any_size,
        }
    }

    /// The ring, if there is one.
    ///
    /// # Errors
    /// As [`RingStore::load`].
    pub async fn load(&self) -> Result<Option<RingRecord>, CustodyError> {
        self.custody.ring_store().load().await
    }

    /// The ring; where there is none, one that begins with the keys in `KEYS_DIR`, or with a new key, which signs at
    /// once: no key set without it was ever served.
    ///
    /// # Errors
    /// [`CustodyError`].
    pub async fn begin(&self) -> Result<Begun, CustodyError> {
        let mut lost = None;
        for _ in 0..PATIENCE {
            if let Some(ring) = self.load().await? {
                self.discard_unless_in(&ring, lost).await;
                return Ok(Begun { ring, written: true });
            }
            let (ring, made) = match self.inherited().await? {
                Some(ring) => (ring, None),
                None => self.first().await?,
            };
            match self.custody.ring_store().replace_if(None, &ring).await {
                Ok(Replaced::Written) => return Ok(Begun { ring, written: true }),
                Ok(Replaced::Outrun) => lost = made,
                // Keys that are there already serve from a folder that cannot be written.
                Ok(Replaced::Unwritable(_)) if made.is_none() => {
                    return Ok(Begun { ring, written: false });
                }
                Ok(Replaced::Unwritable(fault)) => {
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

    /// The ring as the server would begin with it, if there is one; nothing is written.
    ///
    /// # Errors
    /// [`CustodyError`].
    pub async fn peek(&self) -> Result<Option<RingRecord>, CustodyError> {
        if let Some(ring) = self.load().await? {
            return Ok(Some(ring));
        }
        let folder = self.custody.folder();
        if let Some(ring) = folder.load().await? {
            return Ok(Some(ring));
        }
        let found = folder.pair(self.settings.kind.algorithm).await?;
        Ok(found.map(|found| self.of_original(&found, Directory::pair_home())))
    }

    /// The ring to change: one that is begun where there are keys to begin with, and an empty one else.
    ///
    /// # Errors
    /// [`CustodyError`].
    pub async fn to_change(&self) -> Result<RingRecord, CustodyError> {
        match self.peek().await? {
            Some(_) => self.begin().await.map(|begun| begun.ring),
            None => Ok(RingRecord::empty()),
        }
    }

    /// Takes every step that is due, one on top of the other. Gives the ring as it is then, and why it came to rest
    /// where something failed: the keys that are there go on as they were.
    pub async fn settle(
        &self,
        ring: RingRecord,
        outstanding: Outstanding<'_>,
    ) -> (RingRecord, Option<CustodyError>) {
        let (mut ring, mut outrun) = (ring, false);
        for _ in 0..PATIENCE {
            let schedule = self.schedule(&ring);
            let due = plan(&ring, &schedule, outstanding, self.now()).filter(|_| ring.moved.is_none());
            let Some(action) = due else { return (ring, None) };
            let step = self.step(&ring, &action).await;
            outrun = matches!(step, Ok(None));
            match step {
                Ok(Some(after)) => {
                    tell(&action, &after);
                    ring = after;
                }
                Ok(None) => match self.load().await {
                    Ok(Some(newer)) => ring = newer,
                    Ok(None) => return (ring, None),
                    Err(error) => return (ring, Some(error)),
                },
                Err(error) => return (ring, Some(error)),
            }
        }
        let outrun =
            outrun.then(|| CustodyError::Unavailable("other programs change the ring all the time".into()));
        (ring, outrun)
    }

    /// Writes `after`, one revision on, in the place of `before`, or of none where that is of revision 0. False where
    /// another was quicker.
    ///
    /// # Errors
    /// As [`RingStore::replace_if`].
    pub async fn commit(&self, before: &RingRecord, after: &RingRecord) -> Result<bool, CustodyError> {
        let seen = Some(before.revision).filter(|revision| *revision > 0);
        Ok(self.custody.ring_store().replace_if(seen, after).await?.or_unwritable()?)
    }

    /// `ring` as requests use it, with the private halves that may sign; those that `before` has open stay so. One that
    /// cannot be opened is told to the log, and does not sign.
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
        Ring::new(ring.clone(), privates, &self.schedule(ring), before)
    }

    /// The private half of a key; an error where it has none.
    ///
    /// # Errors
    /// As [`Custody::open`].
    pub async fn open(&self, key: &KeyRecord) -> Result<Private, CustodyError> {
        let nowhere =
            || RecordFault::Damaged { kid: key.kid.clone(), fault: "it has no private half".to_owned() };
        Ok(self.custody.open(key).await?.ok_or_else(nowhere)?)
    }

    async fn step(&self, ring: &RingRecord, action: &Action) -> Result<Option<RingRecord>, CustodyError> {
        let mut made = None;
        match action {
            Action::Begin | Action::Publish { .. } => {
                made = Some(self.make(ring).await?);
            }
            // A key that this instance could not sign with would leave it without one.
            Action::Activate(kid) => {
                if let Some(key) = ring.find(kid.as_str()) {
                    self.prove(key).await?;
                }
            }
            Action::Discard(kid) => {
                let home = ring.find(kid.as_str()).and_then(|key| key.home.as_ref());
                let shared =
                    |home| ring.keys.iter().filter(|key| key.home.as_ref() == Some(home)).count() > 1;
                if let Some(home) = home.filter(|home| !shared(home)) {
                    self.custody.discard(home).await?;
                }
            }
            _ => {}
        }
        let schedule = self.schedule(ring);
        let _writing = self.writing.lock().await;
        let began = self.now();
        let action = taken_at(action, ring, &schedule, began);
        let mut after = apply(ring, &action, &schedule, made.clone(), began);
        if let Action::Remove(kid) = &action {
            InRecord::give_up(&mut after, kid);
        }
        match self.commit(ring, &after).await {
            Ok(true) => self.in_time(after, &action).await,
            Ok(false) => {
                if let Some(newer) = self.load().await? {
                    self.discard_unless_in(&newer, made).await;
                }
                Ok(None)
            }
            Err(error) => {
                *self.spare.lock().await = made;
                Err(error)
            }
        }
    }

    /// A process that slept while it wrote has published a key later than it says.
    async fn in_time(&self, ring: RingRecord, action: &Action) -> Result<Option<RingRecord>, CustodyError> {
        let Some(later) = written_late(&ring, action, &self.schedule(&ring), self.now()) else {
            return Ok(Some(ring));
        };
        Ok(self.commit(&ring, &later).await?.then_some(later))
    }

    /// Returns when no step is just being written.
    pub async fn written(&self) {
        drop(self.writing.lock().await);
    }

    /// That a key can be opened and, where it is far away, that it signs.
    async fn prove(&self, key: &KeyRecord) -> Result<(), CustodyError> {
        const TRIAL: &[u8] = b"a key whose turn has come";
        if let Private::Remote(remote) = self.open(key).await? {
            let signature = remote.sign(TRIAL).await.map_err(|error| match error {
                SignError::TooLarge | SignError::Failed => CustodyError::Refused(error.into()),
                passing => CustodyError::Unavailable(passing.into()),
            })?;
            if !public_half(key)?.verify(TRIAL, &signature) {
                let fault = "its signature does not fit it".to_owned();
                return Err(RecordFault::Damaged { kid: key.kid.clone(), fault }.into());
            }
        }
        Ok(())
    }

    /// A new key, or the one of a try that failed, unless that one was written all the same.
    async fn make(&self, ring: &RingRecord) -> Result<NewKey, CustodyError> {
        let spare = self.spare.lock().await.take();
        match spare.filter(|spare| ring.keys.iter().all(|key| key.public != spare.public)) {
            Some(spare) => Ok(spare),
            None => self.custody.make(self.settings.kind).await,
        }
    }

    /// A ring of one new key.
    async fn first(&self) -> Result<(RingRecord, Option<NewKey>), CustodyError> {
        let kind = self.settings.kind;
        let unbegun = match self.custody.name() {
            Directory::NAME => self.custody.folder().unbegun(kind, self.now()).await?,
            _ => self.spare.lock().await.take(),
        };
        let made = match unbegun {
            Some(unbegun) => unbegun,
            None => {
                tracing::info!(algorithm = %kind.algorithm, place = self.custody.ring_store().place(), "making a new key");
                self.custody.make(kind).await?
            }
        };
        // The operator's name is for a first key alone: what is not written may be offered again as a later one.
        let kid = self.settings.first_kid.clone().unwrap_or_else(|| made.kid.clone());
        let first = NewKey { kid, ..made.clone() };
        let ring = RingRecord::empty();
        let ring = apply(&ring, &Action::Begin, &self.schedule(&ring), Some(first), self.now());
        Ok((ring, Some(made)))
    }

    /// Destroys a key that was made or taken in and did not get into `ring`.
    pub async fn discard_unless_in(&self, ring: &RingRecord, made: Option<NewKey>) {
        let Some(home) = made.and_then(|made| made.home) else { return };
        if ring.keys.iter().any(|key| key.home.as_ref() == Some(&home)) {
            return;
        }
        if let Err(error) = self.custody.discard(&home).await {
            tracing::warn!(%error, "a key that was made and is not needed could not be destroyed");
        }
    }
}

/// A line for each step, with what happens next.
fn tell(action: &Action, ring: &RingRecord) {
    match action {
        Action::Begin => tracing::info!(revision = ring.revision, "a new key signs"),
        Action::Publish { activates_at } => {
            let kid = ring.keys.last().map(|key| key.kid.to_string());
            tracing::info!(kid, %activates_at, "a new key is published; it signs when every verifier can know it");
        }
        Action::Activate(kid) => tracing::info!(%kid, "the next key signs; the one before verifies on"),
        Action::Extend(kid, until) => {
            tracing::info!(%kid, %until, "a retired key stays longer: a token of it lives longer");
        }
        Action::Remove(kid) => {
            let retired_at = ring.find(kid.as_str()).and_then(|key| key.retired_at).map(|at| at.to_string());
            tracing::info!(%kid, retired_at, "a retired key has left the key set");
        }
        Action::Discard(kid) => tracing::info!(%kid, "its private half is given up"),
        Action::Forget(kid) => tracing::debug!(%kid, "a key's record is dropped"),
        Action::SettleLead => {
            tracing::info!(lead = ring.lead, "keys are published this many seconds before they sign");
        }
        Action::Carry => tracing::debug!("the active key carries longer tokens"),
    }
}
