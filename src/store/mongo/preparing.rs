//! What registration relies on: the indexes, and the keys of users that other programs wrote. Both are made in the
//! background, and no request cuts that short.

use std::time::Duration;

use mongodb::error::{Error, ErrorKind};
use tokio::time::Instant;

use super::collections::{COLLECTIONS, IndexSpec};
use super::connection::{Connection, ReadFrom};
use super::errors::DriverError;
use super::{Mongo, duplicate};
use crate::store::StoreError;

/// Making indexes may take so long before a registration that waits for them is refused; the server goes on.
const INDEXING_TIMEOUT: Duration = Duration::from_secs(10);
/// Between two tries to prepare.
const RETRY_PAUSE: Duration = Duration::from_secs(30);
/// Users that another program wrote are looked for this often at the most.
const LOOK_INTERVAL: Duration = Duration::from_secs(5);

/// How far registration is prepared.
#[derive(Clone, Debug)]
pub(super) enum Preparation {
    /// No try has begun.
    NotYet,
    /// A try goes on. A registration waits for it, unless it takes `long`.
    UnderWay { long: bool },
    /// All was prepared at this instant.
    Ready(Instant),
    /// The last try failed at this instant, for this reason.
    Failed(Instant, String),
}

impl Mongo {
    /// Waits until there are indexes, and until every user that another program wrote some seconds ago has keys.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`] where that fails, and at once where it takes long; the work goes on.
    pub(super) async fn wait_until_prepared(&self) -> Result<(), StoreError> {
        let mut preparation = self.0.preparation.subscribe();
        self.prepare_unless(|now| matches!(now, Preparation::Ready(at) if at.elapsed() < LOOK_INTERVAL));
        let goes_on =
            |now: &Preparation| matches!(now, Preparation::NotYet | Preparation::UnderWay { long: false });
        let ended = async { preparation.wait_for(|now| !goes_on(now)).await.map(|now| now.clone()) };
        match tokio::time::timeout(INDEXING_TIMEOUT, ended).await {
            Ok(Ok(Preparation::Ready(_))) => Ok(()),
            Ok(Ok(Preparation::Failed(_, why))) => Err(StoreError::Unavailable(why.into())),
            Ok(Ok(_)) => {
                Err(StoreError::Unavailable("users are being given keys; the log says how far".into()))
            }
            Ok(Err(closed)) => Err(StoreError::Unavailable(closed.into())),
            Err(elapsed) => Err(StoreError::Unavailable(elapsed.into())),
        }
    }

    /// Begins to prepare in the background, unless that is done, goes on, or has just failed.
    pub(super) fn begin_to_prepare(&self) {
        self.prepare_unless(|now| match now {
            Preparation::Ready(_) => true,
            Preparation::Failed(at, _) => at.elapsed() < RETRY_PAUSE,
            Preparation::NotYet | Preparation::UnderWay { .. } => false,
        });
    }

    fn prepare_unless(&self, is_needless: impl Fn(&Preparation) -> bool) {
        let begun = self.0.preparation.send_if_modified(|now| {
            let begins = !matches!(now, Preparation::UnderWay { .. }) && !is_needless(now);
            if begins {
                *now = Preparation::UnderWay { long: false };
            }
            begins
        });
        if !begun {
            return;
        }
        let store = self.clone();
        tokio::spawn(async move {
            let ended = match store.make_indexes_and_keys().await {
                Ok(()) => Preparation::Ready(Instant::now()),
                Err(error) => {
                    let cause = std::error::Error::source(&error).map(ToString::to_string);
                    Preparation::Failed(Instant::now(), cause.unwrap_or_else(|| error.to_string()))
                }
            };
            store.0.preparation.send_replace(ended);
        });
    }

    /// Registrations no longer wait for what goes on.
    pub(super) fn preparing_takes_long(&self) {
        self.0.preparation.send_if_modified(|now| {
            let is_news = matches!(now, Preparation::UnderWay { long: false });
            if is_news {
                *now = Preparation::UnderWay { long: true };
            }
            is_news
        });
    }

    async fn make_indexes_and_keys(&self) -> Result<(), StoreError> {
        let make = || async {
            let made = async { make_indexes(self.connection().await?).await };
            match tokio::time::timeout(INDEXING_TIMEOUT, made).await {
                Ok(made) => made.map_err(|error| StoreError::Unavailable(DriverError::of(&error).into())),
                Err(elapsed) => Err(StoreError::Unavailable(elapsed.into())),
            }
        };
        self.0.indexed.get_or_try_init(make).await?;
        self.write_keys_of_foreign_users().await
    }
}

/// Makes the indexes of the table of collections; those that are there stay.
async fn make_indexes(connection: &Connection) -> Result<(), Error> {
    for spec in COLLECTIONS.iter().filter(|spec| !spec.indexes.is_empty()) {
        let indexes: Vec<_> = spec.indexes.iter().map(IndexSpec::model).collect();
        let made = connection.collection(spec, ReadFrom::Primary).create_indexes(indexes).await;
        made.inspect_err(|error| tell_indexes(spec.name, error))?;
    }
    Ok(())
}

/// Says why registration is off, where it is not for want of a server.
fn tell_indexes(collection: &str, error: &Error) {
    if duplicate(error).is_some() {
        tracing::error!(
            "users share a username or an e-mail, so registration is off: \
             remove the duplicates from the collection '{collection}'"
        );
    } else if let ErrorKind::Command(ref refused) = *error.kind {
        tracing::error!(
            code = refused.code,
            reason = refused.code_name,
            "the indexes of the collection '{collection}' cannot be made, so registration is off: \
             make them by hand, or let this database user create indexes"
        );
    }
}
