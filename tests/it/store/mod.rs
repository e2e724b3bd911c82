//! The stores: a contract for each aggregate, and the failures that each store must bear.

mod absent;
mod assertions;
mod browser_sessions;
pub mod clients;
mod collections;
mod consents;
pub mod contract;
mod database;
mod denials;
pub mod event_store;
mod events;
mod grants;
mod instances;
mod intents;
mod login_throttles;
mod many_users;
mod mongo;
mod moved;
mod names;
mod original;
mod races;
mod rings;
mod sessions;
mod sqlite;
mod upgrades;
mod users;
