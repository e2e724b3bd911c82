//! The copy of the clients in memory.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use async_trait::async_trait;
use jwt_generator::domain::{Client, ClientId, Event, EventKind};
use jwt_generator::oauth::{ClientDirectory, ClientsNotLoaded};
use jwt_generator::store::sqlite::Sqlite;
use jwt_generator::store::{Absent, Clients, IfMissing, StoreError};

use crate::store::clients::{client, event};

/// A store that the test takes away.
struct Leaving {
    inner: Sqlite,
    is_away: AtomicBool,
}

#[async_trait]
impl Clients for Leaving {
    async fn create_client(&self, client: &Client, event: &Event) -> Result<bool, StoreError> {
        self.inner.create_client(client, event).await
    }

    async fn find_client(&self, id: &ClientId) -> Result<Option<Client>, StoreError> {
        self.inner.find_client(id).await
    }

    async fn list_clients(&self, after: Option<&ClientId>, limit: usize) -> Result<Vec<Client>, StoreError> {
        if self.is_away.load(Ordering::Relaxed) {
            return Err(StoreError::Unavailable("as the test wants it".into()));
        }
        self.inner.list_clients(after, limit).await
    }

    async fn replace_client_if(&self, seen: u64, client: &Client, event: &Event) -> Result<bool, StoreError> {
        self.inner.replace_client_if(seen, client, event).await
    }

    async fn delete_client(&self, id: &ClientId, event: &Event) -> Result<bool, StoreError> {
        self.inner.delete_client(id, event).await
    }
}

fn leaving() -> Arc<Leaving> {
    let inner = Sqlite::open(":memory:".as_ref(), IfMissing::Create).unwrap();
    Arc::new(Leaving { inner, is_away: AtomicBool::new(true) })
}

/// The revision of a client that the directory finds.
fn found(directory: &ClientDirectory, id: &str) -> Result<Option<u64>, ClientsNotLoaded> {
    directory.find(id).map(|client| client.map(|client| client.revision))
}

#[tokio::test]
async fn it_is_not_known_whether_a_client_exists_before_the_first_read() {
    let store = leaving();
    let directory = ClientDirectory::new(Arc::clone(&store) as Arc<dyn Clients>);
    assert_eq!(found(&directory, "a"), Err(ClientsNotLoaded));
    assert!(directory.refresh().await.is_err());
    assert_eq!((found(&directory, "a"), directory.count()), (Err(ClientsNotLoaded), None));
    store.is_away.store(false, Ordering::Relaxed);
    directory.refresh().await.unwrap();
    assert_eq!((found(&directory, "a"), directory.count()), (Ok(None), Some(0)));
}

#[tokio::test]
async fn the_last_copy_stays_while_the_database_is_away() {
    let store = leaving();
    store.is_away.store(false, Ordering::Relaxed);
    store.create_client(&client("a", 1), &event(EventKind::ClientCreated, "a", 0)).await.unwrap();
    let directory = ClientDirectory::new(Arc::clone(&store) as Arc<dyn Clients>);
    directory.refresh().await.unwrap();
    assert_eq!(found(&directory, "a"), Ok(Some(1)));
    let changed = event(EventKind::ClientChanged, "a", 0);
    assert!(store.replace_client_if(1, &client("a", 2), &changed).await.unwrap());
    store.is_away.store(true, Ordering::Relaxed);
    assert!(directory.refresh().await.is_err());
    assert_eq!(found(&directory, "a"), Ok(Some(1)), "the last copy");
    store.is_away.store(false, Ordering::Relaxed);
    directory.refresh().await.unwrap();
    assert_eq!(found(&directory, "a"), Ok(Some(2)));
    assert!(store.delete_client(&client("a", 2).id, &event(EventKind::ClientDeleted, "a", 0)).await.unwrap());
    directory.refresh().await.unwrap();
    assert_eq!(found(&directory, "a"), Ok(None));
}

#[tokio::test]
async fn more_clients_than_one_page_are_all_read() {
    let store = leaving();
    store.is_away.store(false, Ordering::Relaxed);
    for n in 0..501 {
        let name = format!("client-{n}");
        store.create_client(&client(&name, 1), &event(EventKind::ClientCreated, &name, 0)).await.unwrap();
    }
    let directory = ClientDirectory::new(Arc::clone(&store) as Arc<dyn Clients>);
    directory.refresh().await.unwrap();
    assert_eq!(directory.count(), Some(501));
    assert_eq!(found(&directory, "client-500"), Ok(Some(1)));
}

#[tokio::test]
async fn without_a_database_there_is_no_client() {
    let directory = ClientDirectory::new(Arc::new(Absent));
    directory.refresh().await.unwrap();
    assert_eq!((found(&directory, "a"), directory.is_fixed()), (Ok(None), true));
    directory.install(vec![client("a", 1)]);
    directory.refresh().await.unwrap();
    assert_eq!(found(&directory, "a"), Ok(Some(1)), "those that were installed stay");
}
