//! Doing what is due: reads the ring from its custody, begins one where there is none, and takes the schedule's steps,
//! each written by compare-and-swap before anything follows from it. The server and the commands both work through it.

use std::collections::HashMap;

use super::custody::{Custody, CustodyError, Directory, Found, RingHome};
use super::schedule::{Action, Outstanding, Schedule, apply, first, plan};
use super::{KeyKind, Private, Ring};
use crate::clock::Clock;
use crate::domain::{Home, KeyRecord, KeyState, Kid, Moved, NewKey, RingRecord, Rotation, Timestamp};

/// How long the original lets its key set be kept, in seconds.
const ORIGINAL_MAX_AGE: u64 = 86_400;
/// Looks at the ring before an instance's view of it counts as too old to sign with.
const LOOKS: u64 = 4;
/// Races against other instances that one round may lose.
const PATIENCE: usize = 16;

/// What an operator decides about keys. Lengths are in seconds.
#[derive(Clone, Debug)]
pub struct KeySettings {
    /// `KEY_ROTATION`.
    pub rotation: Rotation,
    /// `JWKS_MAX_AGE`.
    pub jwks_max_age: u64,
    /// `VERIFIER_CACHE`.
    pub verifier_cache: u64,
    /// By how much clocks may differ.
    pub clock_skew: u64,
    /// How often an instance looks at the ring.
    pub refresh: u64,
    /// The longest life of any token.
    pub longest_token: u64,
    /// What kind of key signs.
    pub kind: KeyKind,
    /// The name of the first key.
    pub first_kid: Kid,
}

/// Keeps a ring.
#[derive(Clone)]
pub struct Keeper {
    custody: Custody,
    clock: Clock,
    settings: KeySettings,
}

/// A ring as it was found or begun.
#[derive(Debug)]
pub struct Begun {
    /// The ring.
    pub ring: RingRecord,
    /// Whether it is written; if not, it serves, and no step is taken.
    pub written: bool,
}

impl Keeper {
    /// Keeps the ring of `custody`.
    pub fn new(custody: Custody, clock: Clock, settings: KeySettings) -> Self {
        Self { custody, clock, settings }
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
        }
    }

    /// The ring, if there is one.
    ///
    /// # Errors
    /// As [`RingHome::load`].
    pub async fn load(&self) -> Result<Option<RingRecord>, CustodyError> {
        self.custody.ring().load().await
    }

    /// The ring; where there is none, one that begins with the keys in `KEYS_DIR`, or with a new key, which signs at
    /// once: no key set without it was ever served.
    ///
    /// # Errors
    /// [`CustodyError`].
    pub async fn begin(&self) -> Result<Begun, CustodyError> {
        for _ in 0..PATIENCE {
            if let Some(ring) = self.load().await? {
                return Ok(Begun { ring, written: true });
            }
            let (ring, made) = match self.inherited().await? {
                Some(ring) => (ring, None),
                None => self.first().await?,
            };
            match self.custody.ring().replace_if(None, &ring).await {
                Ok(true) => {
                    self.left_behind(&ring).await;
                    return Ok(Begun { ring, written: true });
                }
                Ok(false) => self.discard(made).await,
                Err(CustodyError::Write { .. }) if made.is_none() => {
                    return Ok(Begun { ring, written: false });
                }
                Err(error) => return Err(error),
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

    /// Takes every step that is due, one on top of the other. Gives the ring as it is then, and why it came to rest
    /// where something failed: the keys that are there go on as they were.
    pub async fn settle(
        &self,
        ring: RingRecord,
        outstanding: Outstanding<'_>,
    ) -> (RingRecord, Option<CustodyError>) {
        let mut ring = ring;
        for _ in 0..PATIENCE {
            let schedule = self.schedule(&ring);
            let due = plan(&ring, &schedule, outstanding, self.now()).filter(|_| ring.moved.is_none());
            let Some(action) = due else { return (ring, None) };
            match self.step(&ring, &action).await {
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
        (ring, None)
    }

    /// Writes `after`, one revision on, in the place of `before`. False where another was quicker.
    ///
    /// # Errors
    /// As [`RingHome::replace_if`].
    pub async fn commit(&self, before: &RingRecord, after: &RingRecord) -> Result<bool, CustodyError> {
        self.custody.ring().replace_if(Some(before.revision), after).await
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
            || CustodyError::Record { kid: key.kid.clone(), fault: "it has no private half".to_owned() };
        self.custody.open(key).await?.ok_or_else(nowhere)
    }

    async fn step(&self, ring: &RingRecord, action: &Action) -> Result<Option<RingRecord>, CustodyError> {
        let mut made = None;
        match action {
            Action::Begin | Action::Publish { .. } => {
                made = Some(self.custody.make(self.settings.kind).await?)
            }
            // A key that this instance could not sign with would leave it without one.
            Action::Activate(kid) => {
                if let Some(key) = ring.find(kid.as_str()) {
                    self.open(key).await?;
                }
            }
            Action::Discard(kid) => {
                if let Some(home) = ring.find(kid.as_str()).and_then(|key| key.home.as_ref()) {
                    self.custody.discard(home).await?;
                }
            }
            _ => {}
        }
        let after = apply(ring, action, &self.schedule(ring), made.clone(), self.now());
        if self.commit(ring, &after).await? {
            return Ok(Some(after));
        }
        self.discard(made).await;
        Ok(None)
    }

    /// A ring of one new key.
    async fn first(&self) -> Result<(RingRecord, Option<NewKey>), CustodyError> {
        let kind = self.settings.kind;
        tracing::info!(algorithm = %kind.algorithm, place = self.custody.ring().place(), "making a new key");
        let made = NewKey { kid: self.settings.first_kid.clone(), ..self.custody.make(kind).await? };
        let ring = RingRecord::empty();
        let ring = apply(&ring, &Action::Begin, &self.schedule(&ring), Some(made.clone()), self.now());
        Ok((ring, Some(made)))
    }

    /// A ring of what lies in `KEYS_DIR` from before: a ring of files, where this custody is another, or a pair.
    async fn inherited(&self) -> Result<Option<RingRecord>, CustodyError> {
        let folder = self.custody.folder();
        if self.custody.name() != Directory::NAME
            && let Some(ring) = folder.load().await?
        {
            return self.taken_over(ring).await.map(Some);
        }
        match folder.pair(self.settings.kind.algorithm).await? {
            Some(found) => self.adopted(found).await.map(Some),
            None => Ok(None),
        }
    }

    /// The original's key stays the one that signs, under its name and, where the operator chose another, under that.
    async fn adopted(&self, found: Found) -> Result<RingRecord, CustodyError> {
        let home = match self.custody.keep(&found.signing).await {
            Err(CustodyError::Write { .. } | CustodyError::Homeless(_)) => Directory::pair_home(),
            other => other?,
        };
        Ok(self.of_original(&found, home))
    }

    fn of_original(&self, found: &Found, home: Home) -> RingRecord {
        let public = found.signing.verifying_key();
        let kid = self.settings.first_kid.clone();
        let empty = RingRecord { adopted: true, ..RingRecord::empty() };
        let schedule = self.schedule(&empty);
        let created_at = found.created_at.whole_secs();
        let new = NewKey { kid: kid.clone(), public: public.to_spki_pem(), home: Some(home) };
        let key = KeyRecord {
            aliases: (kid != Kid::original()).then(Kid::original).into_iter().collect(),
            alg: public.algorithm().name().to_owned(),
            bits: public.bits(),
            ..first(new, &schedule, created_at)
        };
        // What the original served may still be kept, for as long as it said.
        let lead = schedule.lead() - schedule.jwks_max_age + ORIGINAL_MAX_AGE;
        RingRecord { revision: 1, lead, keys: vec![key], ..empty }
    }

    /// The ring of the folder, its private halves taken in here.
    async fn taken_over(&self, ring: RingRecord) -> Result<RingRecord, CustodyError> {
        if let Some(moved) = &ring.moved {
            let fault = format!("its keys have moved to KEY_CUSTODY={}, and there are none here", moved.to);
            return Err(CustodyError::Ring { place: self.custody.folder().place(), fault });
        }
        self.rehoused(ring, self.custody.folder()).await
    }

    /// `ring` with the private halves that `from` keeps taken into this custody.
    pub(super) async fn rehoused(
        &self,
        mut ring: RingRecord,
        from: &dyn super::custody::KeyHome,
    ) -> Result<RingRecord, CustodyError> {
        for key in ring.keys.iter_mut().filter(|key| key.state != KeyState::Removed) {
            let here = key.home.as_ref().is_some_and(|home| home.scheme() == from.scheme());
            if here && let Private::Local(signing) = from.open(key).await? {
                key.home = Some(self.custody.keep(&signing).await?);
            }
        }
        Ok(ring)
    }

    /// Notes in the folder that its ring lives here now.
    async fn left_behind(&self, ring: &RingRecord) {
        let folder = self.custody.folder();
        if self.custody.ring().place() == folder.place() {
            return;
        }
        if let Ok(Some(old)) = folder.load().await {
            let until = self.now().plus_secs(ring.lead);
            let moved = Some(Moved { to: self.custody.name().to_owned(), until });
            let marked = RingRecord { revision: old.revision + 1, moved, ..old.clone() };
            if let Err(error) = folder.replace_if(Some(old.revision), &marked).await {
                tracing::warn!(%error, "cannot note in KEYS_DIR that its keys are in the database now");
            }
        }
    }

    async fn discard(&self, made: Option<NewKey>) {
        let home: Option<Home> = made.and_then(|made| made.home);
        if let Some(home) = home
            && let Err(error) = self.custody.discard(&home).await
        {
            tracing::warn!(%error, "a key that is not needed could not be destroyed; `keys prune` tries again");
        }
    }
}

/// A line for each step, with what happens next.
fn tell(action: &Action, ring: &RingRecord) {
    let at = |kid: &Kid, instant: fn(&KeyRecord) -> Option<Timestamp>| {
        ring.find(kid.as_str()).and_then(instant).map(|at| at.to_string())
    };
    match action {
        Action::Begin => tracing::info!(revision = ring.revision, "a new key signs"),
        Action::Publish { activates_at } => {
            let kid = ring.keys.last().map(|key| key.kid.to_string());
            tracing::info!(kid, %activates_at, "a new key is published; it signs when every verifier can know it");
        }
        Action::Activate(kid) => tracing::info!(%kid, "the next key signs; the one before verifies on"),
        Action::Extend(kid, until) => {
            tracing::info!(%kid, %until, "a retired key stays longer: a token of it lives longer")
        }
        Action::Remove(kid) => {
            let retired_at = at(kid, |key| key.retired_at);
            tracing::info!(%kid, retired_at, "a retired key has left the key set");
        }
        Action::Discard(kid) => tracing::info!(%kid, "its private half is destroyed"),
        Action::Forget(kid) => tracing::debug!(%kid, "a key's record is dropped"),
        Action::SettleLead => {
            tracing::info!(lead = ring.lead, "keys are published this many seconds before they sign")
        }
        Action::Carry => tracing::debug!("the active key carries longer tokens"),
    }
}
