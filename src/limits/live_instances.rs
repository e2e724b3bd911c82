//! How many instances share one budget.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

/// The number of instances on one database, this one included, as the heartbeat last counted them. Clones share it.
#[derive(Clone, Debug)]
pub struct LiveInstances(Arc<AtomicU32>);

impl Default for LiveInstances {
    fn default() -> Self {
        Self(Arc::new(AtomicU32::new(1)))
    }
}

impl LiveInstances {
    /// Notes how many there are, and says whether that is a change.
    pub fn note(&self, count: usize) -> bool {
        let count = u32::try_from(count).unwrap_or(u32::MAX).max(1);
        self.0.swap(count, Ordering::Relaxed) != count
    }

    /// How many there are: at least one.
    pub fn count(&self) -> u32 {
        self.0.load(Ordering::Relaxed)
    }
}
