//! The task that stores the events of keys. A ring in files or at a custody cannot share a write with the events, so each event is
//! derived from the ring: its id follows from the key and from what happened to it. Any number of instances may store it; it is
//! there once.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;

use super::task::{NextTurn, Task, TurnError};
use crate::domain::{
    Event, EventField, EventId, EventKind, EventRetention, EventSubject, Initiator, KeyRecord, KeyState,
    Timestamp,
};
use crate::event_record::RecordDigest;
use crate::keys::Keys;
use crate::store::{Events, StoreError};

/// Between two looks at the ring, which is in memory.
const EVERY: Duration = Duration::from_secs(2);

/// Stores what happened to the keys of the ring.
pub(super) struct KeyEvents {
    keys: Arc<Keys>,
    events: Arc<dyn Events>,
    retention: EventRetention,
    /// The events that this instance knows to be stored.
    stored: HashSet<EventId>,
}

impl KeyEvents {
    pub(super) fn new(keys: Arc<Keys>, events: Arc<dyn Events>, retention: EventRetention) -> Self {
        Self { keys, events, retention, stored: HashSet::new() }
    }

    async fn store_new_ones(&mut self, now: Timestamp) -> Result<(), StoreError> {
        let Some(view) = self.keys.ring().clone() else { return Ok(()) };
        let happened: Vec<_> = view.record().keys.iter().flat_map(events_of).collect();
        for event in &happened {
            let is_old = now.secs_since(event.at) >= self.retention.secs(event.kind.class());
            if !is_old && !self.stored.contains(&event.id) {
                self.events.append_event(event).await?;
            }
            self.stored.insert(event.id);
        }
        self.stored.retain(|id| happened.iter().any(|event| event.id == *id));
        Ok(())
    }
}

/// What happened to a key, in the order of time.
fn events_of(key: &KeyRecord) -> Vec<Event> {
    let left_at = key.removes_at.or(key.retired_at).unwrap_or(key.published_at);
    let end = match (key.state, key.revoked_at) {
        (KeyState::Removed, Some(at)) => Some((EventKind::KeyRevoked, at)),
        (KeyState::Removed, None) => Some((EventKind::KeyRemoved, left_at)),
        _ => None,
    };
    // Of steps at the same instant, the one that comes first has the smaller id.
    let happened = [
        Some((EventKind::KeyPublished, key.published_at)),
        key.activated_at.map(|at| (EventKind::KeyActivated, at)),
        key.retired_at.map(|at| (EventKind::KeyRetired, at)),
        end,
    ];
    let happened = (0..).zip(happened.into_iter().flatten());
    happened.map(|(step, (kind, at))| event(key, kind, at, step)).collect()
}

fn event(key: &KeyRecord, kind: EventKind, at: Timestamp, step: u8) -> Event {
    let digest = RecordDigest::of(&format!("{} {}", kind.name(), key.kid)).0;
    let mut unique = [step; 10];
    unique.iter_mut().skip(1).zip(digest).for_each(|(to, from)| *to = from);
    let (id, subject) = (EventId::new(at, unique), EventSubject::Key(key.kid.clone()));
    Event::new(id, at, kind, Initiator::SYSTEM, subject).with(EventField::Algorithm, key.alg.clone())
}

#[async_trait]
impl Task for KeyEvents {
    fn name(&self) -> &'static str {
        "key events"
    }

    async fn turn(&mut self, now: Timestamp) -> Result<NextTurn, TurnError> {
        match self.store_new_ones(now).await {
            // If the database does not answer, the task that asks it tells of it.
            Ok(()) | Err(StoreError::Unavailable(_)) => Ok(NextTurn::After(EVERY)),
            Err(StoreError::Absent) => Ok(NextTurn::Never),
            Err(error) => Err(error.into()),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const PUBLISHED: u64 = 1_800_000_000;
    const DAY: u64 = 86_400;

    /// A key that was published on the first day, with what happened on other days.
    fn key(state: &str, more: &[(&str, u64)]) -> KeyRecord {
        let mut record = json!({
            "kid": "k1", "alg": "ES256", "bits": 256, "state": state, "public": "",
            "published_at": PUBLISHED, "activates_at": PUBLISHED + DAY, "carries": 3600,
        });
        for (name, day) in more {
            record[*name] = json!(PUBLISHED + day * DAY);
        }
        serde_json::from_value(record).unwrap()
    }

    fn told(key: &KeyRecord) -> Vec<(u64, &'static str)> {
        let day = |at: Timestamp| (at.as_secs() - PUBLISHED) / DAY;
        events_of(key).iter().map(|event| (day(event.at), event.kind.name())).collect()
    }

    #[test]
    fn what_happened_to_a_key_follows_from_its_record() {
        let life = [("activated_at", 1), ("retired_at", 32), ("removes_at", 33)];
        let expected = [(0, "key.published"), (1, "key.activated"), (32, "key.retired"), (33, "key.removed")];
        assert_eq!(told(&key("published", &[])), expected[..1]);
        assert_eq!(told(&key("active", &life[..1])), expected[..2]);
        assert_eq!(told(&key("retired", &life)), expected[..3]);
        assert_eq!(told(&key("removed", &life)), expected);
        let revoked = [life[0], life[1], ("revoked_at", 32)];
        assert_eq!(told(&key("removed", &revoked))[3], (32, "key.revoked"));
    }

    #[test]
    fn an_event_has_the_same_id_on_every_instance_and_no_other_event_has_it() {
        let life = [("activated_at", 0)];
        let ids = |key: &KeyRecord| events_of(key).iter().map(|event| event.id).collect::<Vec<_>>();
        let (one, again) = (ids(&key("active", &life)), ids(&key("active", &life)));
        assert_eq!(one, again);
        assert_ne!(one[0], one[1]);
    }
}
