//! All aggregates together, for the code that opens them.

use std::sync::Arc;

use super::{
    Assertions, BrowserSessions, Checkpoints, Clients, Consents, Database, Deliveries, Denials, Events,
    Grants, Instances, LoginThrottles, Rings, StatusLists, Users, Webhooks,
};

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
    /// The OAuth clients.
    pub clients: Arc<dyn Clients>,
    /// The denials of tokens.
    pub denials: Arc<dyn Denials>,
    /// The assertions that count once on all instances.
    pub assertions: Arc<dyn Assertions>,
    /// What users have permitted clients.
    pub grants: Arc<dyn Grants>,
    /// The browsers in which users have logged in.
    pub browser_sessions: Arc<dyn BrowserSessions>,
    /// What users need not be asked again.
    pub consents: Arc<dyn Consents>,
    /// The places of tokens in status lists.
    pub status_lists: Arc<dyn StatusLists>,
    /// What happened.
    pub events: Arc<dyn Events>,
    /// What was signed about the events.
    pub checkpoints: Arc<dyn Checkpoints>,
    /// The endpoints for webhooks.
    pub webhooks: Arc<dyn Webhooks>,
    /// The deliveries of events to them.
    pub deliveries: Arc<dyn Deliveries>,
    /// The database as a whole.
    pub database: Arc<dyn Database>,
}

impl Stores {
    /// The aggregates of `store`.
    pub fn of(
        store: impl Users
        + Rings
        + Instances
        + LoginThrottles
        + Clients
        + Denials
        + Assertions
        + Grants
        + BrowserSessions
        + Consents
        + StatusLists
        + Events
        + Checkpoints
        + Webhooks
        + Deliveries
        + Database
        + 'static,
    ) -> Self {
        let store = Arc::new(store);
        Self {
            users: Arc::clone(&store) as Arc<dyn Users>,
            rings: Arc::clone(&store) as Arc<dyn Rings>,
            instances: Arc::clone(&store) as Arc<dyn Instances>,
            login_throttles: Arc::clone(&store) as Arc<dyn LoginThrottles>,
            clients: Arc::clone(&store) as Arc<dyn Clients>,
            denials: Arc::clone(&store) as Arc<dyn Denials>,
            assertions: Arc::clone(&store) as Arc<dyn Assertions>,
            grants: Arc::clone(&store) as Arc<dyn Grants>,
            browser_sessions: Arc::clone(&store) as Arc<dyn BrowserSessions>,
            consents: Arc::clone(&store) as Arc<dyn Consents>,
            status_lists: Arc::clone(&store) as Arc<dyn StatusLists>,
            events: Arc::clone(&store) as Arc<dyn Events>,
            checkpoints: Arc::clone(&store) as Arc<dyn Checkpoints>,
            webhooks: Arc::clone(&store) as Arc<dyn Webhooks>,
            deliveries: Arc::clone(&store) as Arc<dyn Deliveries>,
            database: store,
        }
    }
}
