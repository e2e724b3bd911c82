//! The one way to change a ring's document: beginning it, the schedule's steps, an operator's orders and a move to another
//! custody all end here. A change is written by compare-and-swap before anything follows from it, and its events are told.

use super::RingService;
use super::custody::{CustodyError, FileFault, Replaced, Resealed};
use super::key_event::{Cause, RingEvent, tell};
use super::schedule::written_late;
use crate::domain::{Kid, RingRecord, Timestamp};

/// How many times in a row another program may be quicker before a change of the ring is given up.
pub(super) const LOST_RACES: usize = 16;

/// What came of a change.
pub(super) enum Changed {
    /// It is written, and this is the ring as it is then.
    To(Box<RingRecord>),
    /// Another program has changed the ring first.
    Outrun,
    /// Nothing can be written where the ring is. What is there serves as it is.
    Unwritable(FileFault),
}

impl Changed {
    /// The ring as it is then; nothing where another program has changed it first.
    ///
    /// # Errors
    /// [`CustodyError::File`] where nothing can be written.
    pub(super) fn or_unwritable(self) -> Result<Option<RingRecord>, CustodyError> {
        match self {
            Self::To(ring) => Ok(Some(*ring)),
            Self::Outrun => Ok(None),
            Self::Unwritable(fault) => Err(fault.into()),
        }
    }
}

impl RingService {
    /// Writes what `what` makes of `before` at the instant of writing, in the place of `before`, or of nothing where that has
    /// revision 0.
    ///
    /// # Errors
    /// What `what` refuses, and as [`super::custody::RingStore::replace_if`]: whether the change was written is open then.
    pub(super) async fn change<E: From<CustodyError>>(
        &self,
        before: &RingRecord,
        why: Cause,
        what: impl FnOnce(Timestamp) -> Result<RingRecord, E>,
    ) -> Result<Changed, E> {
        let _writing = self.writing.lock().await;
        let began = self.now();
        let after = what(began)?;
        let after = RingRecord { version: after.form(), ..after };
        self.wait_for_earlier_programs(before, &after).await?;
        let seen = Some(before.revision).filter(|revision| *revision > 0);
        match self.custody.ring_store().replace_if(seen, &after).await? {
            Replaced::Written => {}
            Replaced::Outrun => return Ok(Changed::Outrun),
            Replaced::Unwritable(fault) => return Ok(Changed::Unwritable(fault)),
        }
        // What is written is told, whatever happens from now on.
        tell(before, &after, why, self.now());
        Ok(Changed::To(Box::new(self.redated(before, after, began).await?)))
    }

    /// A process that slept while it wrote has announced things later than it says: they are dated anew. Each such write
    /// tells its own events; what another program writes meanwhile is told by that program.
    async fn redated(
        &self,
        before: &RingRecord,
        after: RingRecord,
        began: Timestamp,
    ) -> Result<RingRecord, CustodyError> {
        let mut after = after;
        for _ in 0..LOST_RACES {
            let Some(later) = written_late(before, &after, self.schedule(), began, self.now()) else {
                return Ok(after);
            };
            if self.custody.ring_store().replace_if(Some(after.revision), &later).await?.or_unwritable()? {
                tell(&after, &later, Cause::WrittenLate, self.now());
                return Ok(later);
            }
            match self.load().await? {
                Some(newer) => after = newer,
                None => return Ok(after),
            }
        }
        Err(CustodyError::Unavailable("other programs change the ring all the time".into()))
    }

    /// A ring in which several algorithms sign is not written while a program runs that could not read it.
    async fn wait_for_earlier_programs(
        &self,
        before: &RingRecord,
        after: &RingRecord,
    ) -> Result<(), CustodyError> {
        if after.version <= before.version {
            return Ok(());
        }
        let earlier = self.custody.ring_store().earlier_programs(after.version).await?;
        match earlier.first() {
            None => Ok(()),
            Some(instance) => Err(CustodyError::Unavailable(
                format!(
                    "an earlier version of the program runs as instance {} and could not read a ring in which several \
                     algorithms sign; this step waits until it has stopped",
                    instance.id
                )
                .into(),
            )),
        }
    }

    /// Seals all keys of the ring anew, as [`super::custody::RingStore::reseal`]. The store opens, seals and replaces the
    /// document in one go, also by compare-and-swap: a ring in which some keys have no seal cannot be loaded, and so it
    /// cannot pass through [`Self::change`]. No key changes.
    ///
    /// # Errors
    /// [`CustodyError`].
    pub async fn reseal(&self, accept_unsealed: &[Kid]) -> Result<Option<Resealed>, CustodyError> {
        let _writing = self.writing.lock().await;
        let resealed = self.custody.ring_store().reseal(accept_unsealed).await?;
        if let Some(Resealed { keys, accepted, .. }) = &resealed {
            let accepted = accepted.iter().map(|key| key.kid.clone()).collect();
            RingEvent::Resealed { keys: *keys, accepted }.tell(&RingRecord::empty());
        }
        Ok(resealed)
    }

    /// Returns when no change is just being written.
    pub async fn written(&self) {
        drop(self.writing.lock().await);
    }
}
