//! The stop of an instance: its workers take no more queues, and wait for answers no longer than until an instant.

use std::sync::Arc;

use tokio::sync::watch;
use tokio::time::{Instant, sleep_until};

/// Whether workers are to stop. Clones share everything.
#[derive(Clone)]
pub(super) struct Stop(Arc<watch::Sender<Option<Instant>>>);

impl Stop {
    pub(super) fn new() -> Self {
        Self(Arc::new(watch::Sender::new(None)))
    }

    /// Workers take no more work. They wait for answers until this instant.
    pub(super) fn request(&self, until: Instant) {
        self.0.send_replace(Some(until));
    }

    pub(super) fn is_requested(&self) -> bool {
        self.0.borrow().is_some()
    }

    /// Returns when workers wait for no answer any more.
    pub(super) async fn time_is_over(&self) {
        let mut requests = self.0.subscribe();
        let until = requests.wait_for(Option::is_some).await.ok().and_then(|until| *until);
        match until {
            Some(until) => sleep_until(until).await,
            // The sender lives as long as `self`.
            None => std::future::pending().await,
        }
    }
}
