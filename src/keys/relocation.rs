//! Moves a ring to another custody without breaking the promise to verifiers. The copy is written first, and
//! then the original is frozen: from then on, servers that still read it use what they know for a while, in
//! which all of them must follow. A key that is published at the new place signs only when no verifier keeps
//! one of the old key sets any more.

use super::RingService;
use super::custody::{CustodyError, RingFault};
use super::key_event::Cause;
use super::ring_change::LOST_RACES;
use crate::domain::{KeyRecord, KeyState, Moved, RingRecord, Timestamp};

/// Seconds within which all servers must follow.
pub(super) const GRACE: u64 = 3_600;

/// A ring at its new place.
#[derive(Debug)]
pub struct Relocation {
    /// The ring there.
    pub ring: RingRecord,
    /// Until when servers may still read the old place.
    pub until: Timestamp,
}

impl RingService {
    /// Moves the ring to the custody of `to`. If an earlier move was interrupted, this continues it.
    ///
    /// # Errors
    /// [`CustodyError`]; also if another ring is there already.
    pub async fn relocate(&self, to: &Self) -> Result<Relocation, CustodyError> {
        if self.custody().has_ring_of(to.custody()) {
            let fault = format!(
                "it serves {} as well: set KEY_CUSTODY to it, and new keys are made there",
                to.custody().name()
            );
            return Err(RingFault::Immovable { place: self.custody().ring_store().place(), fault }.into());
        }
        for _ in 0..LOST_RACES {
            let old = self.begin().await?.ring;
            let there = to.load().await?;
            let until = match (&old.moved, &there) {
                // The move was done before; changes that were made there since must not be undone.
                (Some(moved), Some(there)) if is_done(to, &old, moved, there) => {
                    return Ok(Relocation { ring: there.clone(), until: moved.until });
                }
                (None, _) => self.now().plus_secs(GRACE),
                (Some(moved), _) if to.custody().is_target_of(moved) => moved.until,
                (Some(moved), _) => return Err(elsewhere(self, &moved.to)),
            };
            let ring = copy(self, to, &old, there.as_ref(), until).await?;
            let before = there.unwrap_or_else(RingRecord::empty);
            let written =
                to.change(&before, Cause::Moved, |_| Ok::<_, CustodyError>(ring)).await?.or_unwritable()?;
            let Some(ring) = written else { continue };
            let freezes = old.moved.is_none();
            let frozen = |_| Ok::<_, CustodyError>(to.frozen(&old, until));
            if !freezes || self.change(&old, Cause::Moved, frozen).await?.or_unwritable()?.is_some() {
                to.custody().ring_store().align_copies(&ring).await?;
                return Ok(Relocation { ring, until });
            }
        }
        Err(CustodyError::Unavailable("servers change the ring all the time; try again".into()))
    }
}

/// Whether the ring `old` has moved to `to` before, and is the ring `there`. The document contains only the
/// name of the new custody in `KEY_CUSTODY`, which may mean another secret by now: the keys show whether this
/// is the ring that moved.
fn is_done(to: &RingService, old: &RingRecord, moved: &Moved, there: &RingRecord) -> bool {
    to.custody().is_target_of(moved) && there.moved.is_none() && there.has_key_of(old)
}

/// The ring as it is to be at the new place.
async fn copy(
    from: &RingService,
    to: &RingService,
    old: &RingRecord,
    there: Option<&RingRecord>,
    until: Timestamp,
) -> Result<RingRecord, CustodyError> {
    if let Some(there) = there.filter(|there| there.moved.is_none()) {
        let is_copied = |key: &KeyRecord| old.keys.iter().any(|ours| ours.public == key.public);
        let others = !there.keys.iter().all(is_copied);
        // A copy that no program has changed comes from an interrupted move; any other ring is in use.
        if others || there.revision > old.revision + 1 {
            let fault =
                "another ring is there already; set KEY_CUSTODY to that custody, or remove the ring first"
                    .to_owned();
            return Err(RingFault::Immovable { place: to.custody().ring_store().place(), fault }.into());
        }
    }
    let revision = there.map_or(old.revision, |there| there.revision.max(old.revision)) + 1;
    let ring = RingRecord { revision, ..relocated(old, to.schedule().lead(), until) };
    to.taken_from(ring, from.custody()).await
}

/// `ring` at a new place, while servers may read the old one until `until`. These sign with the current keys,
/// including those of dropped algorithms, and they do not know keys that are published from now on.
pub(super) fn relocated(ring: &RingRecord, lead: u64, until: Timestamp) -> RingRecord {
    let mut ring = RingRecord { moved: None, ..ring.clone() };
    ring.kept_until = ring.kept_until.max(until.plus_secs(lead.max(ring.lead)));
    for key in ring.keys.iter_mut().filter(|key| key.state == KeyState::Published) {
        key.activates_at = key.activates_at.max(until);
    }
    for at in ring.dropped.values_mut() {
        *at = (*at).max(until);
    }
    ring
}

fn elsewhere(from: &RingService, to: &str) -> CustodyError {
    let fault = format!("its keys have moved to KEY_CUSTODY={to} already");
    RingFault::Immovable { place: from.custody().ring_store().place(), fault }.into()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::keys::schedule::tests::{ES256, RS256, at, at_rest, begun, schedule};

    #[test]
    fn what_is_announced_waits_for_servers_that_have_not_followed() {
        let ring = at_rest(&begun(&[RS256, ES256]), &schedule(&[RS256]), at(10)).0;
        let ring = at_rest(&ring, &schedule(&[RS256]), at(900)).0;
        let published = ring.keys.last().map(|key| (key.state, key.activates_at));
        assert_eq!(published, Some((KeyState::Published, at(1_083))));
        let announced = RingRecord { dropped: [("RS256".to_owned(), at(950))].into(), ..ring };
        let moved = relocated(&announced, 183, at(2_000));
        assert_eq!(moved.keys.last().map(|key| key.activates_at), Some(at(2_000)));
        assert_eq!(moved.dropped["RS256"], at(2_000));
        assert_eq!(
            moved.kept_until,
            at(2_183),
            "and a key that is published there signs when no old set is kept"
        );
        let earlier = relocated(&announced, 183, at(920));
        assert_eq!(
            (earlier.keys.last().map(|key| key.activates_at), earlier.dropped["RS256"]),
            (Some(at(1_083)), at(950))
        );
    }
}
