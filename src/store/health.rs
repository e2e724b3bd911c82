//! Whether the database answers, as last seen; kept by `app`, told by `/health`.

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

    /// Notes what the database did; true where that is news.
    pub fn note(&self, connected: bool) -> bool {
        self.0.swap(connected, Ordering::Relaxed) != connected
    }
}
