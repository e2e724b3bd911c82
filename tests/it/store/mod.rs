//! The stores: one contract for all of them, and the failures that each must bear.

mod contract;
mod mongo;
mod moved;
mod names;
mod original;
mod races;
mod rings;
mod sessions;
mod sqlite;
mod upgrades;
