//! All aggregates together, for the code that opens them.

use std::sync::Arc;

use super::metered::Metered;
use super::{Database, Instances, LoginThrottles, Rings, StoreMetrics, Users};

/// A handle to each aggregate of one database. `app` builds it; all other code takes only the aggregates that
/// it needs.
#[derive(Clone)]
pub struct Stores {
    /// The users.
    pub users: Arc<dyn Users>,
    /// The ring of keys.
    pub rings: Arc<dyn Rings>,
    /// The heartbeats of instances.
    pub instances: Arc<dyn Instances>,
    /// What is remembered of log-ins.
    pub login_throttles: Arc<dyn LoginThrottles>,
    /// The database as a whole.
    pub database: Arc<dyn Database>,
}

impl Stores {
    /// The aggregates of `store`.
    pub fn of(store: impl Users + Rings + Instances + LoginThrottles + Database + 'static) -> Self {
        let store = Arc::new(store);
        Self {
            users: Arc::clone(&store) as Arc<dyn Users>,
            rings: Arc::clone(&store) as Arc<dyn Rings>,
            instances: Arc::clone(&store) as Arc<dyn Instances>,
            login_throttles: Arc::clone(&store) as Arc<dyn LoginThrottles>,
            database: store,
        }
    }

    /// The same aggregates; their calls are counted in `metrics`.
    #[must_use]
    pub fn metered(self, metrics: &Arc<StoreMetrics>) -> Self {
        Self {
            users: Arc::new(Metered { store: self.users, metrics: Arc::clone(metrics) }),
            rings: Arc::new(Metered { store: self.rings, metrics: Arc::clone(metrics) }),
            instances: Arc::new(Metered { store: self.instances, metrics: Arc::clone(metrics) }),
            login_throttles: Arc::new(Metered { store: self.login_throttles, metrics: Arc::clone(metrics) }),
            database: Arc::new(Metered { store: self.database, metrics: Arc::clone(metrics) }),
        }
    }
}
