//! Data that outlives the process: one trait for each aggregate, in its own file, with its contract in words.
//! The implementations store data, and make the records of events; only `app` names them, and no rule of the service depends on which
//! one runs. A verb is atomic and fits into one write of a document or one transaction. `ARCHITECTURE.md`
//! says what a new aggregate needs.

mod absent;
mod assertions;
mod browser_sessions;
mod checkpoints;
mod clients;
mod consents;
mod database;
mod deliveries;
mod denials;
mod error;
mod event_metrics;
mod events;
mod grants;
mod health;
mod instances;
mod login_throttles;
pub mod mongo;
mod observed;
mod rings;
pub mod sqlite;
mod status_lists;
mod store_metrics;
mod stores;
mod table_metrics;
mod users;
mod webhooks;

pub use absent::Absent;
pub use assertions::Assertions;
pub use browser_sessions::BrowserSessions;
pub use checkpoints::{CheckpointKey, Checkpoints, StoredCheckpoint};
pub use clients::Clients;
pub use consents::Consents;
pub use database::{Database, IfMissing, TableSize};
pub use deliveries::Deliveries;
pub use denials::Denials;
pub use error::{Cause, StoreError};
pub use event_metrics::EventMetrics;
pub use events::{Chain, EventCount, EventFilter, EventRecorder, Events, NoEvents, StoredEvent};
pub use grants::{GrantCreated, Grants};
pub use health::Health;
pub use instances::Instances;
pub use login_throttles::LoginThrottles;
pub use observed::DatabasePlace;
pub use rings::Rings;
pub use status_lists::StatusLists;
pub use store_metrics::StoreMetrics;
pub use stores::Stores;
pub use table_metrics::TableMetrics;
pub use users::Users;
pub use webhooks::Webhooks;
