//! The tasks that remove rows which have expired, one for each table.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use futures_util::future::BoxFuture;

use super::task::{NextTurn, Supervised, Task, TurnError};
use crate::domain::{EventRetention, Timestamp};
use crate::health::Tasks;
use crate::store::{Events, StoreError, Stores};

/// Between two looks at a table whose rows live for minutes or days.
const EVERY_MINUTE: Duration = Duration::from_secs(60);
/// Between two looks at a table whose rows are kept for 30 days, so that an hour more does not matter.
const EVERY_HOUR: Duration = Duration::from_secs(3600);
/// Between two removals while there is more to remove: requests write in between.
const PAUSE: Duration = Duration::from_secs(1);

/// Removes a portion of the rows that have expired at an instant. True if there may be more of them.
type Remove = Box<dyn Fn(Timestamp) -> BoxFuture<'static, Result<bool, StoreError>> + Send + Sync>;

/// Removes the expired rows of one table in small portions.
pub(super) struct Purge {
    name: &'static str,
    every: Duration,
    remove: Remove,
}

/// A purge of one aggregate by one of its verbs.
macro_rules! purge {
    ($name:literal, $every:expr, $aggregate:expr, $verb:ident) => {{
        let aggregate = Arc::clone(&$aggregate);
        let remove: Remove = Box::new(move |now| {
            let aggregate = Arc::clone(&aggregate);
            Box::pin(async move { aggregate.$verb(now).await })
        });
        Purge { name: $name, every: $every, remove }
    }};
}

/// The purges of all tables whose rows expire.
pub(super) fn purges(stores: &Stores, retention: EventRetention, tasks: &Tasks) -> Vec<Supervised> {
    let purges = [
        purge!("login throttles", EVERY_HOUR, stores.login_throttles, purge_login_throttles),
        purge!("grants", EVERY_MINUTE, stores.grants, purge_grants),
        purge!("browser sessions", EVERY_MINUTE, stores.browser_sessions, purge_browser_sessions),
        purge!("assertions", EVERY_MINUTE, stores.assertions, purge_assertions),
        purge!("old denials", EVERY_MINUTE, stores.denials, purge_denials),
        purge!("status entries", EVERY_MINUTE, stores.status_lists, purge_status_entries),
        purge!("old deliveries", EVERY_MINUTE, stores.deliveries, purge_deliveries),
        event_purge(Arc::clone(&stores.events), retention),
    ];
    purges.into_iter().map(|purge| Supervised::new(purge, tasks)).collect()
}

/// The purge of the events, each of which is kept for as long as its class says.
fn event_purge(events: Arc<dyn Events>, retention: EventRetention) -> Purge {
    let remove: Remove = Box::new(move |now| {
        let events = Arc::clone(&events);
        Box::pin(async move { events.purge_events(now, &retention).await })
    });
    Purge { name: "old events", every: EVERY_MINUTE, remove }
}

#[async_trait]
impl Task for Purge {
    fn name(&self) -> &'static str {
        self.name
    }

    async fn turn(&mut self, now: Timestamp) -> Result<NextTurn, TurnError> {
        match (self.remove)(now).await {
            Ok(true) => Ok(NextTurn::After(PAUSE)),
            // If the database does not answer, the task that asks it tells of it.
            Ok(false) | Err(StoreError::Unavailable(_)) => Ok(NextTurn::After(self.every)),
            Err(StoreError::Absent) => Ok(NextTurn::Never),
            Err(error) => Err(error.into()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn purge(answer: impl Fn() -> Result<bool, StoreError> + Send + Sync + 'static) -> Purge {
        let remove: Remove = Box::new(move |_| Box::pin(std::future::ready(answer())));
        Purge { name: "test", every: EVERY_HOUR, remove }
    }

    #[tokio::test]
    async fn the_next_turn_comes_soon_if_there_is_more_and_never_without_a_database() {
        let now = Timestamp::from_secs(1);
        let away = || Err(StoreError::Unavailable("away".into()));
        for (mut purge, next) in [
            (purge(|| Ok(true)), NextTurn::After(PAUSE)),
            (purge(|| Ok(false)), NextTurn::After(EVERY_HOUR)),
            (purge(away), NextTurn::After(EVERY_HOUR)),
            (purge(|| Err(StoreError::Absent)), NextTurn::Never),
        ] {
            assert_eq!(purge.turn(now).await.unwrap(), next);
        }
        assert!(purge(|| Err(StoreError::Corrupt("x".to_owned()))).turn(now).await.is_err());
    }
}
