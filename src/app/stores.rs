//! The stores that the settings name.

use super::StartError;
use crate::config::{Config, StoreChoice};
use crate::store::mongo::Mongo;
use crate::store::sqlite::Sqlite;
use crate::store::{Absent, IfMissing, Stores};

/// The stores of the database that `config` names. They ask the database nothing yet: if it does not answer,
/// their first use fails.
///
/// # Errors
/// [`StartError`] if the address cannot be read, or if the system starts no thread.
pub fn open_stores(config: &Config, if_missing: IfMissing) -> Result<Stores, StartError> {
    Ok(match &config.store {
        StoreChoice::Absent => Stores::of(Absent),
        StoreChoice::Sqlite(folder) => Stores::of(Sqlite::open(folder, if_missing)?),
        StoreChoice::Mongo(uri) => Stores::of(Mongo::new(uri.expose()).map_err(StartError::Store)?),
    })
}
