//! All sources of metrics of one process.

use std::fmt;
use std::sync::{Arc, PoisonError, RwLock};

use super::Snapshot;

/// What has metrics: most often the struct in which a module keeps its instruments.
pub trait Source: Send + Sync {
    /// Adds all its metrics, also those that have no value yet. It reads memory only, and does not wait.
    fn collect(&self, snapshot: &mut Snapshot);
}

/// All sources of one process. Clones share them.
#[derive(Clone, Default)]
pub struct MetricRegistry(Arc<RwLock<Vec<Arc<dyn Source>>>>);

impl MetricRegistry {
    /// Adds a source for good.
    pub fn add(&self, source: Arc<dyn Source>) {
        self.0.write().unwrap_or_else(PoisonError::into_inner).push(source);
    }

    /// Adds several.
    pub fn add_all(&self, sources: impl IntoIterator<Item = Arc<dyn Source>>) {
        sources.into_iter().for_each(|source| self.add(source));
    }

    /// The values of this moment.
    pub fn snapshot(&self) -> Snapshot {
        let mut snapshot = Snapshot::default();
        for source in self.0.read().unwrap_or_else(PoisonError::into_inner).iter() {
            source.collect(&mut snapshot);
        }
        snapshot
    }
}

impl fmt::Debug for MetricRegistry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("MetricRegistry")
    }
}
