//! Whether the database answered when it was last asked. `app` records it, and `/health` reports it.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// A flag that clones share.
#[derive(Clone, Debug, Default)]
pub struct Health(Arc<AtomicBool>);

impl Health {
    /// Whether the database answered when it was last asked.
    pub fn is_connected(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }

    /// Records whether the database answered; returns true if that has changed.
    pub fn note(&self, connected: bool) -> bool {
        self.0.swap(connected, Ordering::Relaxed) != connected
    }
}
