//! How the deliveries to an endpoint go, for operators.

use crate::domain::{Delivery, DeliveryState, Timestamp};

/// What is known of an endpoint's answers.
#[derive(Clone, Copy, Debug)]
pub struct WebhookHealth {
    /// Attempts that failed in a row; 0 after a success.
    pub failures: u32,
    /// Until then nothing is sent, because the endpoint fails or has asked for a pause.
    pub rest_until: Timestamp,
    /// When this was read.
    pub now: Timestamp,
}

impl WebhookHealth {
    /// Until when the endpoint rests; `None` if it does not rest.
    pub fn rests_until(&self) -> Option<Timestamp> {
        Some(self.rest_until).filter(|until| *until > self.now)
    }

    /// When a delivery that waits is tried next; `None` if it is not tried by its time, or if it is due already.
    pub fn next_try(&self, delivery: &Delivery) -> Option<Timestamp> {
        let waits = delivery.state == DeliveryState::Waiting && !delivery.is_held();
        waits.then(|| delivery.due_at.max(self.rest_until)).filter(|at| *at > self.now)
    }
}
