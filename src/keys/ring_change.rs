//! The one function that changes a ring's document: beginning it, the steps of the schedule, the orders of an
//! operator and a move to another custody all end here. It writes a change by compare-and-swap before
//! anything else relies on it, and then logs the events of the change.

use super::RingService;
use super::custody::{CustodyError, FileFault, Replaced, Resealed};
use super::key_event::{Cause, RingEvent, tell};
use super::schedule::written_late;
use crate::domain::{Kid, RingRecord, Timestamp};

/// How many times in a row another program may be faster before this gives up a change of the ring.
pub(super) const LOST_RACES: usize = 16;

/// The result of a change.
pub(super) enum Changed {
    /// The change is written, and this is the new ring.
    To(Box<RingRecord>),
    /// Another program has changed the ring first.
    Outrun,
    /// The place of the ring cannot be written. The existing ring stays in use.
    Unwritable(FileFault),
}

impl Changed {
    /// The ring after the change; `None` if another program has changed it first.
    ///
    /// # Errors
    /// [`CustodyError::File`] if nothing can be written.
    pub(super) fn or_unwritable(self) -> Result<Option<RingRecord>, CustodyError> {
        match self {
            Self::To(ring) => Ok(Some(*ring)),
            Self::Outrun => Ok(None),
            Self::Unwritable(fault) => Err(fault.into()),
        }
    }
}

impl RingService {
    /// Writes the result of `what` for `before` at the instant of writing. It replaces `before`; if that has
    /// revision 0, there must be no document.
    ///
    /// # Errors
    /// The error of `what`, and those of [`super::custody::RingStore::replace_if`]: then it is not known
    /// whether the change was written.
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
        // A change that is written is reported, whatever happens from now on.
        tell(before, &after, why, self.now());
        Ok(Changed::To(Box::new(self.redated(before, after, began).await?)))
    }

    /// If the process slept while it wrote, it has announced changes later than they say: so it gives them
    /// new dates. Each such write reports its own events; if another program writes meanwhile, that program
    /// reports its own.
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

    /// Seals all keys of the ring anew, as [`super::custody::RingStore::reseal`]. The store opens, seals and
    /// replaces the document in one step, also by compare-and-swap. A ring in which some keys have no seal
    /// cannot be loaded, so it cannot go through [`Self::change`]. No key changes.
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

    /// Returns when no change is being written.
    pub async fn written(&self) {
        drop(self.writing.lock().await);
    }
}
