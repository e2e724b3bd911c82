//! The stores that the settings name.

use std::path::PathBuf;
use std::sync::Arc;

use super::StartError;
use crate::config::{Config, StoreChoice};
use crate::entropy::Entropy;
use crate::store::mongo::Mongo;
use crate::store::sqlite::Sqlite;
use crate::store::{Absent, DatabasePlace, EventRecorder, IfMissing, Stores};

/// The stores of the database that `config` names, which also store the event of each change. They ask the database nothing yet: if it does not answer,
/// their first use fails.
///
/// # Errors
/// [`StartError`] if the address cannot be read, or if the system starts no thread.
pub fn open_stores(config: &Config, if_missing: IfMissing, entropy: &Entropy) -> Result<Stores, StartError> {
    let events = Arc::new(EventRecorder::new(entropy.clone()));
    Ok(match &config.store {
        StoreChoice::Absent => Stores::of(Absent),
        StoreChoice::Sqlite(folder) => Stores::of(Sqlite::with_events(folder, if_missing, events)?),
        StoreChoice::Mongo(uri) => {
            Stores::of(Mongo::with_events(uri.expose(), events).map_err(StartError::Store)?)
        }
    })
}

/// The file of the database, if the database is a file and does not exist yet.
pub fn missing_database(config: &Config) -> Option<PathBuf> {
    let StoreChoice::Sqlite(folder) = &config.store else { return None };
    let file = folder.join(Sqlite::FILE);
    let is_in_memory = folder.as_os_str() == ":memory:";
    (!is_in_memory && !file.exists()).then_some(file)
}

/// What spans say of this database. The address is that of the first host of the URI, without what may be a password.
pub(super) fn database_place(config: &Config) -> DatabasePlace {
    match &config.store {
        StoreChoice::Absent => DatabasePlace { system: "other", address: None },
        StoreChoice::Sqlite(_) => DatabasePlace { system: "sqlite", address: None },
        StoreChoice::Mongo(uri) => {
            DatabasePlace { system: "mongodb", address: host_of(uri.expose()).map(Into::into) }
        }
    }
}

/// The first host of `mongodb://user:password@host:27017,other/database?options`.
fn host_of(uri: &str) -> Option<&str> {
    let (_, rest) = uri.split_once("://")?;
    let authority = rest.split(['/', '?']).next()?;
    // A password with a bare `@`, `/` or `?` in it is refused by the driver, but must not be taken for a host.
    let hosts = match authority.rsplit_once('@') {
        Some((_, hosts)) => hosts,
        None if rest.contains('@') => return None,
        None => authority,
    };
    let first = hosts.split(',').next()?;
    let host =
        if first.starts_with('[') { first.split_inclusive(']').next()? } else { first.split(':').next()? };
    Some(host).filter(|host| !host.is_empty())
}

#[cfg(test)]
mod tests {
    use super::host_of;

    #[test]
    fn a_host_is_found_in_an_address_and_a_password_is_not() {
        for (uri, host) in [
            ("mongodb://db", Some("db")),
            ("mongodb://me:hunter2@db.example.com:27017/jwt", Some("db.example.com")),
            ("mongodb+srv://me:hunter2@cluster.example.net/?w=1", Some("cluster.example.net")),
            ("mongodb://a:1,b:2,c:3/db?replicaSet=r", Some("a")),
            ("mongodb://[::1]:27017", Some("[::1]")),
            ("mongodb://me:hun/ter2@db", None),
            ("mongodb://me:hun?ter2@db", None),
            ("mongodb://", None),
        ] {
            assert_eq!(host_of(uri), host, "{uri}");
        }
        assert_eq!(host_of("mongodb://me:hun@ter2@db"), Some("db"));
    }
}
