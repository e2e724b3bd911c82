//! Deliveries: one for each event and each endpoint that wants it.

use serde::{Deserialize, Serialize};

use super::{EventId, Timestamp, WebhookId};

/// An event on its way to an endpoint. The endpoint and the event identify it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Delivery {
    /// The endpoint.
    pub webhook: WebhookId,
    /// The event.
    pub event: EventId,
    /// Grows by one with each change.
    pub revision: u64,
    /// The number of the event.
    pub seq: u64,
    /// The name of the event's kind.
    pub kind: String,
    /// What the event concerns. Events of one subject are sent in their order.
    pub subject: String,
    /// What has become of it.
    pub state: DeliveryState,
    /// When it is tried next, or [`Delivery::HELD`]. Only for one that waits.
    pub due_at: Timestamp,
    /// When it was made, or made anew by a replay.
    pub created_at: Timestamp,
    /// When the record is removed.
    pub expires_at: Timestamp,
    /// How often it was tried since then.
    pub tries: u32,
    /// The latest attempts, the oldest first.
    pub attempts: Vec<DeliveryAttempt>,
}

/// What has become of a delivery.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum DeliveryState {
    /// It waits for its next attempt.
    Waiting,
    /// The endpoint has accepted it.
    Delivered,
    /// The endpoint has not accepted it in time. A replay tries again.
    Dead,
}

impl DeliveryState {
    /// Every state.
    pub const ALL: [Self; 3] = [Self::Waiting, Self::Delivered, Self::Dead];

    /// The name that is stored and shown. It must never change.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Waiting => "waiting",
            Self::Delivered => "delivered",
            Self::Dead => "dead",
        }
    }

    /// The state with this name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.name() == name)
    }
}

/// One attempt.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeliveryAttempt {
    /// When it began.
    pub at: Timestamp,
    /// How long it took, in milliseconds.
    pub took_ms: u64,
    /// The status of the answer; `None` if there was no answer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<u16>,
    /// Why there was no answer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
    /// The beginning of the answer's body, sealed if there is a `person`.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub answer: String,
    /// The id of the user under whose key the answer is sealed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub person: Option<String>,
}

/// The attempts of which the record of a delivery tells.
const KEPT_ATTEMPTS: usize = 10;

impl Delivery {
    /// In the place of the instant at which it is due: it waits for an earlier one of its subject (9999-12-31).
    pub const HELD: Timestamp = Timestamp::from_secs(253_402_300_799);

    /// Whether it waits for an earlier one of its subject.
    pub fn is_held(&self) -> bool {
        self.state == DeliveryState::Waiting && self.due_at == Self::HELD
    }

    /// The same after one more attempt.
    #[must_use]
    pub fn after(mut self, attempt: DeliveryAttempt) -> Self {
        self.tries = self.tries.saturating_add(1);
        self.attempts.push(attempt);
        let too_many = self.attempts.len().saturating_sub(KEPT_ATTEMPTS);
        self.attempts.drain(..too_many);
        self
    }
}

/// The queue of an endpoint: one instance at a time works on it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeliveryQueue {
    /// The endpoint.
    pub webhook: WebhookId,
    /// Grows by one with each change, also with each new delivery.
    pub revision: u64,
    /// When there is something to do; `None`: nothing waits.
    pub due_at: Option<Timestamp>,
    /// Until then nothing is sent, because the endpoint fails or has asked for a pause.
    pub rest_until: Timestamp,
    /// Until then the instance of `lease` works on it.
    pub leased_until: Timestamp,
    /// A random number of the instance that works on it.
    pub lease: u64,
    /// Attempts that failed in a row.
    pub failures: u32,
}

impl DeliveryQueue {
    /// The queue of an endpoint for which nothing was ever sent.
    pub fn new(webhook: WebhookId) -> Self {
        let begin = Timestamp::from_secs(0);
        Self {
            webhook,
            revision: 1,
            due_at: None,
            rest_until: begin,
            leased_until: begin,
            lease: 0,
            failures: 0,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_latest_attempts_are_kept() {
        let at = Timestamp::from_secs(1);
        let mut delivery = Delivery {
            webhook: WebhookId::parse("a").unwrap(),
            event: EventId::from_bytes([1; 16]),
            revision: 1,
            seq: 1,
            kind: "user.registered".to_owned(),
            subject: "user:1".to_owned(),
            state: DeliveryState::Waiting,
            due_at: at,
            created_at: at,
            expires_at: at,
            tries: 0,
            attempts: Vec::new(),
        };
        for n in 0..12 {
            let status = Some(500 + n);
            delivery = delivery.after(DeliveryAttempt {
                at,
                took_ms: 1,
                status,
                error: None,
                answer: String::new(),
                person: None,
            });
        }
        assert_eq!((delivery.tries, delivery.attempts.len()), (12, 10));
        assert_eq!(delivery.attempts.first().and_then(|attempt| attempt.status), Some(502));
    }
}
