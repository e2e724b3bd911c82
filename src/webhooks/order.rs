//! The order of each subject: only the first waiting delivery of a subject has an instant at which it is due. The ones behind it
//! are held, and the end of a delivery makes the next one due. So what fails costs one write, however many deliveries wait behind it.

use std::collections::BTreeSet;
use std::sync::Arc;

use crate::domain::{Delivery, DeliveryState, EventId, Timestamp, WebhookId};
use crate::store::{Deliveries, StoreError};

/// Deliveries that one query reads and one write holds.
const PAGE: usize = 64;
/// The pages that one look for work reads at most.
const MAX_PAGES: usize = 16;
/// Waiting deliveries that one query of a resumption reads.
const RESUMED_PAGE: usize = 200;

/// The order of deliveries.
#[derive(Clone)]
pub(super) struct SubjectOrder {
    deliveries: Arc<dyn Deliveries>,
}

/// Which deliveries become due.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Released {
    /// Those that are held.
    Held,
    /// Those that are not due yet.
    Later,
}

impl SubjectOrder {
    pub(super) fn new(deliveries: Arc<dyn Deliveries>) -> Self {
        Self { deliveries }
    }

    /// The deliveries that may be sent now, each the first of its subject. `None` if nothing is due. Only the instance that has the
    /// queue may call this. It holds the deliveries behind these, and reads on until it has `enough` deliveries, because a subject
    /// with many deliveries hides the others.
    pub(super) async fn next_due(
        &self,
        webhook: &WebhookId,
        now: Timestamp,
        enough: usize,
    ) -> Result<Option<Vec<Delivery>>, StoreError> {
        let mut sendable = Vec::new();
        for _ in 0..MAX_PAGES {
            let due = self.deliveries.list_due_deliveries(webhook, now, PAGE).await?;
            if due.is_empty() {
                let is_released = self.release_first_of_held(webhook, now).await?;
                return Ok(is_released.then(Vec::new));
            }
            sendable = self.first_of(webhook, due.iter()).await?;
            sendable.retain(|first| first.due_at <= now);
            let is_behind = |one: &&Delivery| sendable.iter().all(|first| first.event != one.event);
            let behind: Vec<EventId> = due.iter().filter(is_behind).map(|one| one.event).collect();
            if !behind.is_empty() {
                self.deliveries.record_held_deliveries(webhook, &behind).await?;
            }
            if behind.is_empty() || due.len() < PAGE || sendable.len() >= enough {
                break;
            }
        }
        Ok(Some(sendable))
    }

    /// Makes the first waiting delivery of each subject due at `now`, unless it is due earlier.
    pub(super) async fn resume(&self, webhook: &WebhookId, now: Timestamp) -> Result<(), StoreError> {
        let mut before = None;
        loop {
            let waiting = Some(DeliveryState::Waiting);
            let page = self.deliveries.list_deliveries(webhook, waiting, before, RESUMED_PAGE).await?;
            let Some(last) = page.last() else { return Ok(()) };
            before = Some(last.seq);
            self.release(webhook, page.iter().filter(|one| one.due_at > now), Released::Later, now).await?;
        }
    }

    /// The delivery in front of one that is held can have expired, for example if its endpoint was paused for weeks. Then its end
    /// has made nothing due.
    async fn release_first_of_held(&self, webhook: &WebhookId, now: Timestamp) -> Result<bool, StoreError> {
        let held = self.deliveries.list_held_deliveries(webhook, PAGE).await?;
        self.release(webhook, held.iter(), Released::Held, now).await
    }

    /// Makes the first deliveries of the subjects of `some` due. True if one was changed.
    async fn release(
        &self,
        webhook: &WebhookId,
        some: impl Iterator<Item = &Delivery>,
        which: Released,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        let mut is_changed = false;
        for first in self.first_of(webhook, some).await? {
            let is_meant = first.is_held() || which == Released::Later && first.due_at > now;
            if is_meant {
                let seen = first.revision;
                let released = Delivery { revision: seen + 1, due_at: now, ..first };
                is_changed |= self.deliveries.replace_delivery_if(seen, &released).await?;
            }
        }
        Ok(is_changed)
    }

    /// The first deliveries of the subjects of `some`, in the same order.
    async fn first_of(
        &self,
        webhook: &WebhookId,
        some: impl Iterator<Item = &Delivery>,
    ) -> Result<Vec<Delivery>, StoreError> {
        let mut seen = BTreeSet::new();
        let subjects = some.map(|one| &one.subject).filter(|subject| seen.insert(*subject));
        let subjects: Vec<String> = subjects.cloned().collect();
        self.deliveries.list_first_deliveries(webhook, &subjects).await
    }
}
