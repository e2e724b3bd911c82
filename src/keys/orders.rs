//! What an operator orders beyond the schedule, as functions of a ring: the ring after it, one revision on.

use super::schedule::{Action, Schedule, apply, first, known_to_all, published};
use crate::domain::{KeyRecord, KeyState, Kid, NewKey, RingRecord, Timestamp};

/// Why an order is refused. Nothing has changed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum OrderError {
    /// A successor is published already.
    #[error(
        "key {0} is published already, and signs from {1} on; `keys rotate --now` does not wait for that"
    )]
    UnderWay(Kid, Timestamp),
    /// There is no such key.
    #[error("there is no key {0} in the ring; `keys list` shows those that there are")]
    Unknown(Kid),
    /// The key that was to sign does so already.
    #[error("another program has let the next key sign just now; `keys list` shows it")]
    NoSuccessor,
    /// The key is there.
    #[error("key {0} is in the ring already")]
    Known(Kid),
    /// The key has left.
    #[error("key {0} has left the key set already")]
    Gone(Kid),
    /// A key that only verifies cannot sign.
    #[error("key {0} has no private half here, so it can only verify: import it as retired")]
    PublicOnly(Kid),
}

/// Publishes `new` now; it signs a lead later.
///
/// # Errors
/// [`OrderError::UnderWay`].
pub fn rotate(
    ring: &RingRecord,
    schedule: &Schedule,
    new: NewKey,
    now: Timestamp,
) -> Result<RingRecord, OrderError> {
    under_way(ring)?;
    let activates_at = known_to_all(ring, schedule, now);
    Ok(apply(ring, &Action::Publish { activates_at }, schedule, Some(new), now))
}

/// Refuses a second successor.
///
/// # Errors
/// [`OrderError::UnderWay`].
pub fn under_way(ring: &RingRecord) -> Result<(), OrderError> {
    match ring.next() {
        Some(next) => Err(OrderError::UnderWay(next.kid.clone(), next.activates_at)),
        None => Ok(()),
    }
}

/// Lets the next key sign at once: the published one, or else `new`. Verifiers that do not know it yet refuse its
/// tokens for as long as they keep an older key set.
///
/// # Errors
/// [`OrderError::NoSuccessor`] where there is neither: somebody else was quicker.
pub fn rotate_now(
    ring: &RingRecord,
    schedule: &Schedule,
    new: Option<NewKey>,
    now: Timestamp,
) -> Result<RingRecord, OrderError> {
    let mut after = ring.clone();
    if let (None, Some(new)) = (ring.next(), new) {
        after.keys.push(published(new, schedule, known_to_all(ring, schedule, now), now));
    }
    let next = after.next().map(|next| next.kid.clone()).ok_or(OrderError::NoSuccessor)?;
    Ok(apply(&after, &Action::Activate(next), schedule, None, now))
}

/// Takes a key out of the key set at once. Where it signed, the published one signs in its place, or else `new`.
///
/// # Errors
/// [`OrderError::Unknown`], [`OrderError::Gone`].
pub fn revoke(
    ring: &RingRecord,
    schedule: &Schedule,
    kid: &Kid,
    new: Option<NewKey>,
    now: Timestamp,
) -> Result<RingRecord, OrderError> {
    let mut after = ring.clone();
    let key = find(&mut after, kid)?;
    if key.state == KeyState::Removed {
        return Err(OrderError::Gone(kid.clone()));
    }
    key.state = KeyState::Removed;
    key.revoked_at = Some(now);
    key.removes_at = Some(now);
    if after.active().is_some() {
        after.revision += 1;
        return Ok(after);
    }
    Ok(match after.next().map(|next| next.kid.clone()) {
        Some(next) => apply(&after, &Action::Activate(next), schedule, None, now),
        None => apply(&after, &Action::Begin, schedule, new, now),
    })
}

/// Whether revoking `kid` needs a new key to sign in its place.
pub fn needs_successor(ring: &RingRecord, kid: &Kid) -> bool {
    ring.active().is_some_and(|active| active.kid == *kid) && ring.next().is_none()
}

/// A key from elsewhere.
#[derive(Clone, Debug)]
pub struct Import {
    /// The key.
    pub new: NewKey,
    /// More names of it.
    pub aliases: Vec<Kid>,
    /// The JWA name of its algorithm.
    pub alg: String,
    /// Its length.
    pub bits: u32,
    /// What it is to be here.
    pub state: KeyState,
}

/// Takes in a key from elsewhere. Published, it signs a lead later; active, at once; retired, it verifies for as long as
/// a token may live.
///
/// # Errors
/// [`OrderError::Known`], [`OrderError::PublicOnly`], [`OrderError::UnderWay`].
pub fn import(
    ring: &RingRecord,
    schedule: &Schedule,
    import: &Import,
    now: Timestamp,
) -> Result<RingRecord, OrderError> {
    let kid = &import.new.kid;
    if ring.keys.iter().any(|key| import.is(key)) {
        return Err(OrderError::Known(kid.clone()));
    }
    if import.new.home.is_none() && import.state != KeyState::Retired {
        return Err(OrderError::PublicOnly(kid.clone()));
    }
    let mut after = ring.clone();
    if ring.keys.is_empty() {
        after.lead = schedule.lead();
    }
    let known_at = known_to_all(ring, schedule, now);
    match import.state {
        KeyState::Retired => {
            let removes_at = now.plus_secs(schedule.retirement(ring, schedule.longest_token));
            let key = import.record(published(import.new.clone(), schedule, now, now));
            let (state, retired_at) = (KeyState::Retired, Some(now));
            after.keys.push(KeyRecord { state, retired_at, removes_at: Some(removes_at), ..key });
        }
        KeyState::Active if ring.active().is_none() => {
            after.keys.push(import.record(first(import.new.clone(), schedule, now)));
        }
        KeyState::Active => {
            after.keys.push(import.record(published(import.new.clone(), schedule, known_at, now)));
            return Ok(apply(&after, &Action::Activate(kid.clone()), schedule, None, now));
        }
        KeyState::Published | KeyState::Removed => {
            under_way(ring)?;
            after.keys.push(import.record(published(import.new.clone(), schedule, known_at, now)));
        }
    }
    after.revision += 1;
    Ok(after)
}

impl Import {
    /// Whether a key of the ring has one of its names, or is the same key and still of use.
    fn is(&self, key: &KeyRecord) -> bool {
        let named = |name: &Kid| key.kid == *name || key.aliases.contains(name);
        let same = key.public == self.new.public && (key.state != KeyState::Removed || key.home.is_some());
        same || named(&self.new.kid) || self.aliases.iter().any(named)
    }

    fn record(&self, key: KeyRecord) -> KeyRecord {
        KeyRecord { alg: self.alg.clone(), bits: self.bits, aliases: self.aliases.clone(), ..key }
    }
}

/// The ring without the records of keys that have left and whose private halves are destroyed.
pub fn forget(ring: &RingRecord) -> RingRecord {
    let mut after = ring.clone();
    after.revision += 1;
    after.keys.retain(|key| key.state != KeyState::Removed || key.home.is_some());
    after
}

/// The ring with room for tokens that live `lifetime` seconds on the active key; nothing where there is room already.
pub fn carry(ring: &RingRecord, lifetime: u64) -> Option<RingRecord> {
    let active = ring.active().filter(|active| active.carries < lifetime)?.kid.clone();
    let mut after = ring.clone();
    after.revision += 1;
    find(&mut after, &active).ok()?.carries = lifetime;
    Some(after)
}

fn find<'a>(ring: &'a mut RingRecord, kid: &Kid) -> Result<&'a mut KeyRecord, OrderError> {
    ring.keys.iter_mut().find(|key| key.kid == *kid).ok_or_else(|| OrderError::Unknown(kid.clone()))
}
