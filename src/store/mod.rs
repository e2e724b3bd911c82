//! Data that outlives the process: one trait for each aggregate, in its own file, with its contract in words.
//! The implementations only store data; only `app` names them, and no rule of the service depends on which
//! one runs. A verb is atomic and fits into one write of a document or one transaction. `ARCHITECTURE.md`
//! says what a new aggregate needs.

mod absent;
mod database;
mod error;
mod events;
mod health;
mod instances;
mod login_throttles;
mod metered;
pub mod mongo;
mod rings;
pub mod sqlite;
mod stores;
mod table_metrics;
mod traced;
mod users;

pub use absent::Absent;
pub use database::{Database, IfMissing, TableSize};
pub use error::{Cause, StoreError};
pub use events::NoEvents;
pub use health::Health;
pub use instances::Instances;
pub use login_throttles::LoginThrottles;
pub use metered::StoreMetrics;
pub use rings::Rings;
pub use stores::Stores;
pub use table_metrics::TableMetrics;
pub use traced::DatabasePlace;
pub use users::Users;
