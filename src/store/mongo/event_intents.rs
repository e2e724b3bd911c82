//! Settles the events of changes that a crash cut off: whether a change was made shows in the user.

use futures_util::TryStreamExt;
use mongodb::bson::{Document, doc};

use super::collections::USER_STATES;
use super::document::{object_id, timestamp};
use super::event_relay::{events_of, ids_of};
use super::events::{INTENTS, KeptEvent, NEW_HASH, PENDING, hash_digest, or_empty, without, without_empty};
use super::{Mongo, within_deadline};
use crate::domain::{EventKind, PasswordHash, Timestamp, User, UserId};
use crate::store::StoreError;

/// Seconds after which a change must have ended or come from a crash: its verb ends within five, and clocks differ.
const LONGEST_CHANGE_SECS: u64 = 60;
/// States that are looked at at once.
const SETTLED_AT_ONCE: i64 = 100;

impl Mongo {
    /// Settles a portion of the events of changes that began long before `now`. True if there may be more.
    pub(super) async fn settle_intents(&self, now: Timestamp) -> Result<bool, StoreError> {
        let has_intents = doc! { format!("{INTENTS}._id"): { "$exists": true } };
        let found = within_deadline(async {
            let states = self.collection(&USER_STATES).await?;
            let found = states.find(has_intents).limit(SETTLED_AT_ONCE).await?;
            found.try_collect::<Vec<Document>>().await
        });
        let found = found.await?;
        let mut settled = 0;
        for state in &found {
            let old: Vec<_> =
                events_of(state, INTENTS).into_iter().filter(|event| is_old(event, now)).collect();
            if let (Ok(id), false) = (state.get_object_id("_id"), old.is_empty()) {
                self.settle(UserId::from_bytes(id.bytes()), state, old).await?;
                settled += 1;
            }
        }
        Ok(settled == SETTLED_AT_ONCE)
    }

    /// Settles these intents of a state.
    async fn settle(&self, id: UserId, state: &Document, intents: Vec<Document>) -> Result<(), StoreError> {
        let mut user = self.user_at_primary(id).await?;
        if user.is_none() && timestamp(state, "reserved_at").is_some() {
            // From here on, the registration adds no user.
            self.withdraw(id).await?;
            user = self.user_at_primary(id).await?;
        }
        let was_deleted = user.is_none() && is_deleted(state);
        let was_made = |event: &Document| was_made(event, user.as_ref(), was_deleted);
        let (made, not_made): (Vec<_>, Vec<_>) = intents.into_iter().partition(was_made);
        self.end_intents(id, made, &not_made).await?;
        match user {
            Some(_) => Ok(()),
            None if was_deleted => self.finish_deletion(id).await,
            None => self.clear_state(id).await,
        }
    }

    /// Moves the events of changes that were made, and removes those of the others.
    async fn end_intents(
        &self,
        id: UserId,
        made: Vec<Document>,
        not_made: &[Document],
    ) -> Result<(), StoreError> {
        let mut ids = ids_of(&made);
        ids.extend(ids_of(not_made));
        let mut stages = without(INTENTS, ids);
        let made = doc! { "$concatArrays": [or_empty(PENDING), { "$literal": made }] };
        stages.extend([doc! { "$set": { PENDING: made } }, without_empty(PENDING)]);
        let filter = doc! { "_id": object_id(id) };
        within_deadline(async { self.collection(&USER_STATES).await?.update_one(filter, stages).await })
            .await
            .map(|_| ())
    }
}

fn is_old(event: &Document, now: Timestamp) -> bool {
    timestamp(event, "at").is_none_or(|at| now.secs_since(at) >= LONGEST_CHANGE_SECS)
}

/// Whether a state has the event of a deletion of its user, which may or may not have been made.
fn is_deleted(state: &Document) -> bool {
    let has_one = |array| events_of(state, array).iter().any(|event| is_of(event, EventKind::UserDeleted));
    has_one(INTENTS) || has_one(PENDING)
}

fn is_of(event: &Document, kind: EventKind) -> bool {
    event.get_str("kind").is_ok_and(|name| name == kind.name())
}

/// Whether the change of an event was made, if this is the user now. A registration beside a deletion of the same user was.
fn was_made(event: &Document, user: Option<&User>, was_deleted: bool) -> bool {
    match (event.get(NEW_HASH), user) {
        (Some(new), Some(user)) => *new == hash_digest(&user.password_hash),
        (Some(_), None) => false,
        (None, user) if is_of(event, EventKind::UserDeleted) => user.is_none(),
        (None, user) => user.is_some() || was_deleted,
    }
}

/// The stages that add the event of a change of the hash `old`. A change before it, which gave the user this hash, was made:
/// from this write on, that no longer shows in the user.
pub(super) fn begun(old: &PasswordHash, event: Option<&KeptEvent>) -> Vec<Document> {
    let Some(event) = event else { return Vec::new() };
    let is_made = doc! { "$eq": [format!("$$this.{NEW_HASH}"), hash_digest(old)] };
    let of = |condition: Document| doc! { "$filter": { "input": or_empty(INTENTS), "cond": condition } };
    let made = doc! { "$concatArrays": [or_empty(PENDING), of(is_made.clone())] };
    let others = of(doc! { "$not": [is_made] });
    let mut stages = vec![doc! { "$set": { PENDING: made, INTENTS: others } }, without_empty(PENDING)];
    stages.extend(event.begun());
    stages
}
