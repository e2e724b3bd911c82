//! The orders of an operator, as functions of a ring: each returns the ring after the order, with the next
//! revision.

use jose::Algorithm;

use super::KeyKind;
use super::schedule::{
    Action, Schedule, announce_ends, apply, first, is_post_quantum, known_to_all, published,
};
use crate::domain::{KeyRecord, KeyState, Kid, NewKey, RingRecord, Timestamp};

#[cfg(test)]
mod tests;

/// An order.
#[derive(Clone, Debug)]
pub enum Order {
    /// Publish the next key of an algorithm now; it signs after a lead.
    Rotate(Algorithm),
    /// Let the next key of an algorithm sign at once: the published one, or a new one if there is none.
    /// Verifiers that do not know the key yet refuse its tokens for as long as they keep an older key set.
    RotateNow(Algorithm),
    /// Remove a key from the key set at once. If it signed, the published key of its algorithm signs instead,
    /// or a new one.
    Revoke(Kid),
    /// Import a key from another system.
    Import(Box<Import>),
    /// Drop the records of keys that have left and whose private halves are destroyed.
    Forget,
    /// Keep the key of this algorithm, or the default key, published for as long as tokens with a lifetime of
    /// this many seconds live.
    Carry(Option<Algorithm>, u64),
}

/// A key from another system.
#[derive(Clone, Debug)]
pub struct Import {
    /// The key.
    pub new: NewKey,
    /// Its other names.
    pub aliases: Vec<Kid>,
    /// Its state here. A published key signs after a lead, an active one at once; a retired one verifies for
    /// as long as a token may live.
    pub state: KeyState,
}

/// Why an order is refused. Nothing has changed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum OrderError {
    /// A next key is published already.
    #[error(
        "key {0} is published already, and signs from {1} on; `keys rotate --now` does not wait for that"
    )]
    UnderWay(Kid, Timestamp),
    /// There is no such key.
    #[error("there is no key {0} in the ring; `keys list` shows all keys")]
    Unknown(Kid),
    /// The next key signs already, because another program was faster.
    #[error("another program has just made the next key active; `keys list` shows it")]
    NoSuccessor,
    /// The ring has this key already.
    #[error("key {0} is in the ring already")]
    Known(Kid),
    /// The key has left.
    #[error("key {0} has left the key set already")]
    Gone(Kid),
    /// A key without a private half cannot sign.
    #[error("key {0} has no private half here, so it can only verify: import it as retired")]
    PublicOnly(Kid),
    /// The settings do not list the algorithm of this key.
    #[error("no key signs with {0}: JWT_ALGORITHM does not list it")]
    Unlisted(String),
    /// A key of this algorithm would never sign.
    #[error(
        "key {0} is for {1}, which JWT_ALGORITHM does not list: add it there, or import the key as retired"
    )]
    NeverSigns(Kid, String),
    /// The ring has moved.
    #[error("these keys have moved: set KEY_CUSTODY={0}")]
    Moved(String),
    /// Another program was faster at every try.
    #[error("other programs change the ring all the time; try again")]
    Outrun,
}

/// The kind of the key that must be made before `order` can be carried out, if one is needed.
///
/// # Errors
/// [`OrderError`] if the order would be refused with any key.
pub fn makes(ring: &RingRecord, schedule: &Schedule, order: &Order) -> Result<Option<KeyKind>, OrderError> {
    match order {
        Order::Rotate(algorithm) => {
            let kind = listed(schedule, *algorithm)?;
            under_way(ring, algorithm.name())?;
            Ok(Some(kind))
        }
        Order::RotateNow(algorithm) => {
            let kind = listed(schedule, *algorithm)?;
            Ok(Some(kind).filter(|_| ring.next(algorithm.name()).is_none()))
        }
        Order::Revoke(kid) => Ok(successor_of(ring, schedule, kid)),
        Order::Import(_) | Order::Forget | Order::Carry(..) => Ok(None),
    }
}

/// Whether the ring is already as `order` wants it.
pub fn is_done(ring: &RingRecord, schedule: &Schedule, order: &Order) -> bool {
    match order {
        Order::Forget => ring.keys.iter().all(|key| !is_forgotten(key)),
        Order::Carry(algorithm, lifetime) => {
            carrier(ring, schedule, *algorithm).is_none_or(|key| key.carries >= *lifetime)
        }
        _ => false,
    }
}

/// The ring after `order`, which is given at `now`. `new` is the key for which [`makes`] asked.
///
/// # Errors
/// [`OrderError`].
pub fn carry_out(
    ring: &RingRecord,
    schedule: &Schedule,
    order: &Order,
    new: Option<NewKey>,
    now: Timestamp,
) -> Result<RingRecord, OrderError> {
    match order {
        Order::Rotate(algorithm) => rotate(ring, schedule, *algorithm, new, now),
        Order::RotateNow(algorithm) => rotate_now(ring, schedule, *algorithm, new, now),
        Order::Revoke(kid) => revoke(ring, schedule, kid, new, now),
        Order::Import(key) => import(ring, schedule, key, now),
        Order::Forget => Ok(forget(ring)),
        Order::Carry(algorithm, lifetime) => Ok(carry(ring, schedule, *algorithm, *lifetime)),
    }
}

fn listed(schedule: &Schedule, algorithm: Algorithm) -> Result<KeyKind, OrderError> {
    let alg = algorithm.name();
    schedule.kind_of(alg).ok_or_else(|| OrderError::Unlisted(alg.to_owned()))
}

/// Refuses a second next key.
fn under_way(ring: &RingRecord, alg: &str) -> Result<(), OrderError> {
    match ring.next(alg) {
        Some(next) => Err(OrderError::UnderWay(next.kid.clone(), next.activates_at)),
        None => Ok(()),
    }
}

fn rotate(
    ring: &RingRecord,
    schedule: &Schedule,
    algorithm: Algorithm,
    new: Option<NewKey>,
    now: Timestamp,
) -> Result<RingRecord, OrderError> {
    under_way(ring, algorithm.name())?;
    let kind = listed(schedule, algorithm)?;
    let activates_at = known_to_all(ring, schedule, now);
    Ok(apply(ring, &Action::Publish { kind, activates_at }, schedule, new, now))
}

fn rotate_now(
    ring: &RingRecord,
    schedule: &Schedule,
    algorithm: Algorithm,
    new: Option<NewKey>,
    now: Timestamp,
) -> Result<RingRecord, OrderError> {
    let (mut after, alg) = (ring.clone(), algorithm.name());
    if let (None, Some(new)) = (ring.next(alg), new) {
        after.keys.push(published(new, schedule, known_to_all(ring, schedule, now), now));
    }
    let next = after.next(alg).map(|next| next.kid.clone()).ok_or(OrderError::NoSuccessor)?;
    let is_default = schedule.default_kind().is_some_and(|kind| kind.algorithm == algorithm);
    if is_default && ring.active(alg).is_none() {
        // It replaces the key of an algorithm that the settings no longer list, so that key stops at once as
        // well.
        announce_ends(&mut after, schedule, now);
        let unlisted = after.dropped.iter_mut().filter(|(alg, _)| !schedule.lists(alg));
        unlisted.for_each(|(_, at)| *at = (*at).min(now));
    }
    Ok(apply(&after, &Action::Activate(next), schedule, None, now))
}

/// The kind of the key that must be made before `kid` can be revoked. It is one of the same algorithm, if no
/// other key of that algorithm could sign. Or it is one of the default algorithm, if the settings do not list
/// the algorithm of `kid` and no other key may be the default.
fn successor_of(ring: &RingRecord, schedule: &Schedule, kid: &Kid) -> Option<KeyKind> {
    let key = ring.signing().find(|active| active.kid == *kid)?;
    match schedule.kind_of(&key.alg) {
        Some(kind) => Some(kind).filter(|_| ring.next(&key.alg).is_none()),
        None => {
            let mut left = ring.clone();
            left.keys.retain(|key| key.kid != *kid);
            let other = schedule.default_key(&left).or_else(|| schedule.next_default(&left));
            schedule.default_kind().filter(|_| other.is_none())
        }
    }
}

fn revoke(
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
    let (alg, signed) = (key.alg.clone(), key.state == KeyState::Active);
    key.state = KeyState::Removed;
    key.revoked_at = Some(now);
    key.removes_at = Some(now);
    let missing = signed && schedule.lists(&alg);
    let has_default = schedule.default_key(&after).is_some();
    if !missing && has_default {
        after.revision += 1;
        return Ok(after);
    }
    let next = after.next(&alg).filter(|_| missing);
    let next = next.or_else(|| schedule.next_default(&after).filter(|_| !has_default));
    Ok(match next.map(|next| next.kid.clone()) {
        Some(next) => apply(&after, &Action::Activate(next), schedule, None, now),
        None => apply(&after, &Action::Begin, schedule, new, now),
    })
}

fn import(
    ring: &RingRecord,
    schedule: &Schedule,
    import: &Import,
    now: Timestamp,
) -> Result<RingRecord, OrderError> {
    import.check(ring, schedule)?;
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
        KeyState::Active if ring.signing().next().is_none() => {
            after.keys.push(import.record(first(import.new.clone(), schedule, now)));
        }
        KeyState::Active => {
            let kid = import.new.kid.clone();
            after.keys.push(import.record(published(import.new.clone(), schedule, known_at, now)));
            return Ok(apply(&after, &Action::Activate(kid), schedule, None, now));
        }
        KeyState::Published | KeyState::Removed => {
            under_way(ring, &import.new.alg)?;
            after.keys.push(import.record(published(import.new.clone(), schedule, known_at, now)));
        }
    }
    after.revision += 1;
    Ok(after)
}

impl Import {
    fn check(&self, ring: &RingRecord, schedule: &Schedule) -> Result<(), OrderError> {
        let kid = &self.new.kid;
        if ring.keys.iter().any(|key| self.is(key)) {
            return Err(OrderError::Known(kid.clone()));
        }
        if self.state == KeyState::Retired {
            return Ok(());
        }
        if self.new.home.is_none() {
            return Err(OrderError::PublicOnly(kid.clone()));
        }
        // A ring without a default key accepts any key that may be the default.
        let is_needed = schedule.default_key(ring).is_none() && !is_post_quantum(&self.new.alg);
        if !schedule.lists(&self.new.alg) && !is_needed {
            return Err(OrderError::NeverSigns(kid.clone(), self.new.alg.clone()));
        }
        Ok(())
    }

    /// Whether a key of the ring has one of its names, or is the same key and still used.
    fn is(&self, key: &KeyRecord) -> bool {
        let named = |name: &Kid| key.kid == *name || key.aliases.contains(name);
        let same = key.public == self.new.public && (key.state != KeyState::Removed || key.home.is_some());
        same || named(&self.new.kid) || self.aliases.iter().any(named)
    }

    fn record(&self, key: KeyRecord) -> KeyRecord {
        KeyRecord { aliases: self.aliases.clone(), ..key }
    }
}

fn is_forgotten(key: &KeyRecord) -> bool {
    key.state == KeyState::Removed && key.home.is_none()
}

fn forget(ring: &RingRecord) -> RingRecord {
    let mut after = ring.clone();
    after.revision += 1;
    after.keys.retain(|key| !is_forgotten(key));
    after
}

/// The key that signs with `algorithm`, or with the default one.
fn carrier<'a>(
    ring: &'a RingRecord,
    schedule: &Schedule,
    algorithm: Option<Algorithm>,
) -> Option<&'a KeyRecord> {
    match algorithm {
        Some(algorithm) => ring.active(algorithm.name()),
        None => schedule.default_key(ring),
    }
}

fn carry(ring: &RingRecord, schedule: &Schedule, algorithm: Option<Algorithm>, lifetime: u64) -> RingRecord {
    let mut after = ring.clone();
    after.revision += 1;
    let kid = carrier(ring, schedule, algorithm).map(|key| key.kid.clone());
    for key in after.keys.iter_mut().filter(|key| Some(&key.kid) == kid.as_ref()) {
        key.carries = key.carries.max(lifetime);
    }
    after
}

fn find<'a>(ring: &'a mut RingRecord, kid: &Kid) -> Result<&'a mut KeyRecord, OrderError> {
    ring.keys.iter_mut().find(|key| key.kid == *kid).ok_or_else(|| OrderError::Unknown(kid.clone()))
}
