//! Carries out an operator's orders on top of the changes that servers make to the ring meanwhile.

use super::RingService;
use super::custody::CustodyError;
use super::key_event::Cause;
use super::orders::{self, Order, OrderError};
use super::ring_change::LOST_RACES;
use crate::domain::{KeyState, NewKey, RingRecord};

/// Why an order was not carried out.
#[derive(Debug, thiserror::Error)]
pub enum OrderFault {
    /// The order was refused, and nothing has changed.
    #[error(transparent)]
    Refused(#[from] OrderError),
    /// The custody failed; it may be unknown whether the order was carried out.
    #[error(transparent)]
    Custody(#[from] CustodyError),
}

/// The result of pruning.
#[derive(Debug)]
pub struct Pruned {
    /// The ring after it.
    pub ring: RingRecord,
    /// The names of the files that belonged to no key.
    pub files: Vec<String>,
}

impl RingService {
    /// Carries out an order and returns the ring after it. If a key that was made or imported for the order
    /// is not needed, it is destroyed.
    ///
    /// # Errors
    /// [`OrderFault`].
    pub async fn order(&self, order: &Order) -> Result<RingRecord, OrderFault> {
        let mut new = match order {
            Order::Import(import) => Some(import.new.clone()),
            _ => None,
        };
        let (mut ring, mut refused) = (RingRecord::empty(), OrderError::Outrun);
        for _ in 0..LOST_RACES {
            ring = self.to_change().await?;
            match self.try_order(&ring, order, &mut new).await {
                Ok(Some(after)) => {
                    self.discard_unless_in(&after, new.into_iter().collect()).await;
                    return Ok(after);
                }
                Ok(None) => {}
                Err(OrderFault::Refused(why)) => {
                    refused = why;
                    break;
                }
                Err(fault) => return Err(fault),
            }
        }
        self.discard_unless_in(&ring, new.into_iter().collect()).await;
        Err(refused.into())
    }

    /// `None` if another program has changed the ring first.
    async fn try_order(
        &self,
        ring: &RingRecord,
        order: &Order,
        new: &mut Option<NewKey>,
    ) -> Result<Option<RingRecord>, OrderFault> {
        refuse_moved(ring)?;
        if orders::is_done(ring, self.schedule(), order) {
            return Ok(Some(ring.clone()));
        }
        if let (Some(kind), None) = (orders::makes(ring, self.schedule(), order)?, &new) {
            *new = Some(self.custody.make(kind).await?);
        }
        let ordered = self.change(ring, Cause::Ordered, |now| {
            orders::carry_out(ring, self.schedule(), order, new.clone(), now).map_err(OrderFault::from)
        });
        Ok(ordered.await?.or_unwritable()?)
    }

    /// Takes the steps that are due, drops the records of keys that have left, and deletes files in
    /// `KEYS_DIR` that belong to no key.
    ///
    /// # Errors
    /// [`OrderFault`].
    pub async fn prune(&self, ring: RingRecord) -> Result<Pruned, OrderFault> {
        refuse_moved(&ring)?;
        let (ring, failed) = self.take_due_steps(ring, &[]).await;
        if let Some(error) = failed {
            return Err(error.into());
        }
        let left = ring.keys.iter().any(|key| key.state == KeyState::Removed);
        let ring = if left { self.order(&Order::Forget).await? } else { ring };
        let mut files = Vec::new();
        // If the ring is elsewhere, servers that have not followed it yet may still open files in the folder.
        if self.custody.ring_is_in_folder() {
            for home in self.custody.folder().orphans(&ring, self.now()).await? {
                self.custody.discard(&home).await?;
                files.push(home.place().to_owned());
            }
        }
        Ok(Pruned { ring, files })
    }
}

/// Refuses to change a ring that has moved.
///
/// # Errors
/// [`OrderError::Moved`].
pub fn refuse_moved(ring: &RingRecord) -> Result<(), OrderError> {
    match &ring.moved {
        Some(moved) => Err(OrderError::Moved(moved.to.clone())),
        None => Ok(()),
    }
}
