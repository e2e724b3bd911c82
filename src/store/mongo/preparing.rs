//! The work that registration needs to be done: the indexes, and the keys of users that other programs wrote.
//! Both are made in the background, and no request interrupts that.

use std::time::Duration;

use mongodb::error::{Error, ErrorKind};
use tokio::time::Instant;

use super::collections::{COLLECTIONS, IndexSpec};
use super::connection::{Connection, ReadFrom};
use super::errors::DriverError;
use super::{Mongo, duplicate};
use crate::store::StoreError;

/// If making indexes takes longer, a registration that waits for them is refused; the server continues to
/// make them.
const INDEXING_TIMEOUT: Duration = Duration::from_secs(10);
/// Between two tries to prepare.
const RETRY_PAUSE: Duration = Duration::from_secs(30);
/// The shortest time between two searches for users that another program wrote.
const LOOK_INTERVAL: Duration = Duration::from_secs(5);

/// The progress of the preparation.
#[derive(Clone, Debug)]
pub(super) enum Preparation {
    /// No try has begun.
    NotYet,
    /// A try is running. A registration waits for it, unless it takes `long`.
    UnderWay { long: bool },
    /// Everything was prepared at this instant.
    Ready(Instant),
    /// The last try failed at this instant, for this reason.
    Failed(Instant, String),
}

impl Mongo {
    /// Waits until the indexes exist, and until every user that another program wrote more than some seconds
    /// ago has keys.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`] if the preparation fails, and at once if it takes long; the work
    /// continues.
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

    /// Begins the preparation in the background, unless it is done, is running, or has just failed.
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

    /// Registrations no longer wait for the running try.
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

/// Makes the indexes of the table of collections; existing ones stay.
async fn make_indexes(connection: &Connection) -> Result<(), Error> {
    for spec in COLLECTIONS.iter().filter(|spec| !spec.indexes.is_empty()) {
        let indexes: Vec<_> = spec.indexes.iter().map(IndexSpec::model).collect();
        let made = connection.collection(spec, ReadFrom::Primary).create_indexes(indexes).await;
        made.inspect_err(|error| tell_indexes(spec.name, error))?;
    }
    Ok(())
}

/// Logs why registration is off, unless the reason is that no server answers.
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
