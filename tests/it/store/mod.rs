//! The stores: a contract for each aggregate, and the failures that each store must bear.

mod absent;
mod collections;
pub mod contract;
mod database;
pub mod event_store;
mod events;
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
