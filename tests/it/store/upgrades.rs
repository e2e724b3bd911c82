//! A database of every earlier version of the tables (`tests/data/sqlite`) is upgraded, and keeps its content.

use std::path::Path;

use jwt_generator::domain::{Email, EventKind, Sessions, Taken, User, UserId, Username};
use jwt_generator::store::sqlite::Sqlite;
use jwt_generator::store::{Database, IfMissing, Rings, StoreError, Users};
use rusqlite::Connection;

use super::contract::{changed, registered, user};
use crate::support::read;

fn database(folder: &Path) -> Connection {
    Connection::open(folder.join(Sqlite::FILE)).unwrap()
}

fn version(connection: &Connection) -> u32 {
    connection.query_row("PRAGMA user_version", [], |row| row.get(0)).unwrap()
}

/// Each table and index with its columns: SQLite keeps the statements' own text, comments included.
fn shape(connection: &Connection) -> Vec<String> {
    let query =
        "SELECT m.type || ' ' || m.name || ' ' || coalesce(c.name || ' ' || c.type || ' ' || c.\"notnull\"
                    || ' ' || coalesce(c.dflt_value, '') || ' ' || c.pk, i.name, '') FROM sqlite_schema AS m
                 LEFT JOIN pragma_table_xinfo(m.name) AS c ON m.type = 'table'
                 LEFT JOIN pragma_index_info(m.name) AS i ON m.type = 'index' ORDER BY 1";
    let mut statement = connection.prepare(query).unwrap();
    statement.query_map([], |row| row.get(0)).unwrap().map(Result::unwrap).collect()
}

async fn fresh() -> (u32, Vec<String>) {
    let folder = tempfile::tempdir().unwrap();
    Sqlite::open(folder.path(), IfMissing::Create).unwrap().ping().await.unwrap();
    let connection = database(folder.path());
    (version(&connection), shape(&connection))
}

async fn upgraded(from: u32) -> (tempfile::TempDir, Sqlite) {
    let folder = tempfile::tempdir().unwrap();
    let connection = database(folder.path());
    connection.execute_batch(&read(&format!("tests/data/sqlite/v{from}.sql"))).unwrap();
    assert_eq!(version(&connection), from);
    let store = Sqlite::open(folder.path(), IfMissing::Create).unwrap();
    store.ping().await.unwrap();
    assert_eq!(version(&connection), from.max(2), "the tables wait for a start that succeeds");
    store.prepare().await.unwrap();
    (folder, store)
}

async fn named(store: &Sqlite, name: &str) -> Option<UserId> {
    let found = store.find_user_by_username(&Username::from_store(name.to_owned())).await.unwrap();
    found.map(|user| {
        assert_eq!(user.sessions, Sessions::ALL);
        user.id
    })
}

async fn addressed(store: &Sqlite, address: &str) -> Option<UserId> {
    let found = store.find_user_by_email(&Email::from_store(address.to_owned())).await.unwrap();
    found.map(|user| user.id)
}

#[tokio::test]
async fn a_database_of_every_earlier_version_has_todays_shape_and_still_its_users() {
    let (today, shape_today) = fresh().await;
    for from in 1..today {
        let (folder, store) = upgraded(from).await;
        let connection = database(folder.path());
        assert_eq!((version(&connection), shape(&connection)), (today, shape_today.clone()), "from {from}");
        let id = |last: u8| {
            let mut bytes = *UserId::parse("6b04cb1f00400f2ea8d6fe50").unwrap().as_bytes();
            bytes[11] = last;
            Some(UserId::from_bytes(bytes))
        };
        for (last, name) in [(0x51, "admin"), (0x52, "Admin"), (0x53, "\u{430}dmin"), (0x54, "Grace")] {
            assert_eq!(named(&store, name).await, id(last), "{name} of {from}");
        }
        assert_eq!(named(&store, "grace").await, id(0x54), "of {from}");
        assert_eq!(named(&store, "ADMIN").await, None, "two are meant: neither is found");
        for (last, address) in [(0x52, "ren\u{e9}e@example.com"), (0x53, "rene\u{301}e@example.com")] {
            assert_eq!(addressed(&store, address).await, id(last), "{address} of {from}");
        }
        let ring = store.find_ring().await.unwrap().map(|ring| ring.revision);
        assert_eq!(ring, (from >= 2).then_some(3), "the ring of {from}");
    }
}

#[tokio::test]
async fn users_who_clash_already_stay_and_no_other_user_gets_their_name() {
    let (_folder, store) = upgraded(1).await;
    let name = |text: &str| User { username: Username::from_store(text.to_owned()), ..user(1) };
    let address = |text: &str| User { email: Email::from_store(text.to_owned()), ..user(1) };
    for (taken, newcomer) in [
        (Taken::Username, name("aDMIN")),
        (Taken::Username, name("GRACE")),
        (Taken::Email, address("Rene\u{301}e@example.com")),
    ] {
        match store.create_user(&newcomer, &registered(1)).await {
            Err(StoreError::Conflict(what)) => assert_eq!(what, taken),
            other => panic!("{other:?}"),
        }
    }
    // One of the two is deleted. From then on, every spelling finds the other.
    assert!(
        store
            .delete_user(named(&store, "admin").await.unwrap(), &changed(EventKind::UserDeleted, 1))
            .await
            .unwrap()
    );
    assert_eq!(named(&store, "ADMIN").await, named(&store, "Admin").await);
    assert!(matches!(
        store.create_user(&name("admin"), &registered(1)).await,
        Err(StoreError::Conflict(Taken::Username))
    ));
}
