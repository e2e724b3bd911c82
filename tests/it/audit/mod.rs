//! The audit trail: checkpoints, lists, exports, and the check that finds what was changed.

mod checkpoints;
mod commands;
mod recipes;
mod verify;

use std::path::Path;
use std::sync::Arc;

use jwt_generator::app::{self, IfMissing, Stores};
use jwt_generator::audit::{CheckpointMetrics, Checkpointer};
use jwt_generator::clock::Clock;
use jwt_generator::config::{Config, Sources};
use jwt_generator::domain::{Event, EventId, EventKind, EventSubject, Initiator, Timestamp, UserId};
use jwt_generator::entropy::Entropy;
use jwt_generator::keys::{Keys, RingRefresher, Signer};
use jwt_generator::store::EventRecorder;
use jwt_generator::store::mongo::Mongo;
use jwt_generator::store::sqlite::Sqlite;
use tempfile::TempDir;

use crate::support::mongod;

const START: u64 = 1_900_000_000;

/// Events and keys without a server.
struct World {
    stores: Stores,
    keys: Arc<Keys>,
    folder: TempDir,
}

impl World {
    async fn on(stores: Stores) -> Self {
        let (folder, clock) = (tempfile::tempdir().unwrap(), Clock::manual(Timestamp::from_secs(START)));
        let keys = keys(folder.path(), &stores, clock).await;
        Self { stores, keys, folder }
    }

    async fn in_memory() -> Self {
        Self::on_sqlite(Path::new(":memory:")).await
    }

    async fn on_sqlite(folder: &Path) -> Self {
        let events = Arc::new(EventRecorder::new(Entropy::seeded(1)));
        Self::on(Stores::of(Sqlite::with_events(folder, IfMissing::Create, events).unwrap())).await
    }

    async fn on_mongodb() -> Self {
        let uri = tokio::task::spawn_blocking(mongod::new_database).await.unwrap();
        let events = Arc::new(EventRecorder::new(Entropy::seeded(1)));
        Self::on(Stores::of(Mongo::with_events(&uri, events).unwrap())).await
    }

    fn checkpointer(&self) -> Checkpointer {
        self.checkpointer_of(&self.keys)
    }

    fn checkpointer_of(&self, keys: &Arc<Keys>) -> Checkpointer {
        let (events, checkpoints) = (Arc::clone(&self.stores.events), Arc::clone(&self.stores.checkpoints));
        Checkpointer::new(events, checkpoints, Arc::clone(keys), Arc::<CheckpointMetrics>::default())
    }

    /// Stores the events with these numbers; each is a second later than the one before.
    async fn happen(&self, numbers: std::ops::Range<u32>) {
        for n in numbers {
            assert!(self.stores.events.append_event(&event(n)).await.unwrap());
        }
        while self.stores.events.seal_events().await.unwrap() {}
    }
}

/// The keys of a new ring in a folder.
async fn keys(folder: &Path, stores: &Stores, clock: Clock) -> Arc<Keys> {
    let keys_dir = folder.join("keys").to_str().unwrap().to_owned();
    // In production, the name of a key is its thumbprint.
    let settings = [("KEYS_DIR", keys_dir.as_str()), ("JWT_ALGORITHM", "ES256"), ("NODE_ENV", "production")];
    let settings = settings.map(|(name, value)| (name.to_owned(), value.to_owned()));
    let config = Config::read(&Sources::read(settings, folder).unwrap()).unwrap();
    let keys = Arc::new(Keys::new(Signer::start(false, Entropy::System).unwrap(), clock.clone()));
    let ring_service = app::open_ring_service(&config, stores, clock.clone()).unwrap();
    RingRefresher::new(ring_service, Arc::clone(&keys), clock, Entropy::seeded(1)).start().await.unwrap();
    keys
}

fn event(n: u32) -> Event {
    let at = Timestamp::from_secs(START + u64::from(n));
    let mut random = [0; 10];
    random[6..].copy_from_slice(&n.to_be_bytes());
    let subject = EventSubject::User(UserId::from_bytes([7; 12]));
    Event::new(EventId::new(at, random), at, EventKind::SessionsEnded, Initiator::OPERATOR, subject)
}
