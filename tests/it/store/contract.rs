//! What every store promises (the prose of `store::Users`), run on SQLite in a file, SQLite in memory, and MongoDB.

use std::path::Path;
use std::sync::Arc;

use jwt_generator::domain::{Email, PasswordHash, Sessions, Timestamp, User, UserId, Username};
use jwt_generator::store::mongo::Mongo;
use jwt_generator::store::sqlite::Sqlite;
use jwt_generator::store::{IfMissing, Store, StoreError};

use crate::support::mongod;

pub(super) type Shared = Arc<dyn Store>;

pub(super) fn user(n: u8) -> User {
    User {
        id: UserId::from_bytes([1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, n]),
        username: Username::parse(&format!("user {n}")).unwrap(),
        email: Email::parse(&format!("user{n}@example.com")).unwrap(),
        password_hash: hash(n),
        created_at: Timestamp::from_millis(1_795_476_255_975),
        updated_at: Timestamp::from_millis(1_795_476_255_976),
        sessions: Sessions::ALL,
    }
}

pub(super) fn hash(n: u8) -> PasswordHash {
    PasswordHash::from_text(format!("$2b$04$hash-{n}"))
}

async fn a_user_comes_back_as_it_was_given(store: Shared) {
    let given = user(1);
    store.create_user(&given).await.unwrap();
    assert_eq!(store.find_user_by_id(given.id).await.unwrap().as_ref(), Some(&given));
    assert_eq!(store.find_user_by_username(&given.username).await.unwrap().as_ref(), Some(&given));
    assert_eq!(store.find_user_by_email(&given.email).await.unwrap().as_ref(), Some(&given));
}

async fn a_fresh_store_is_empty(store: Shared) {
    assert_eq!(store.list_users(None, 10).await.unwrap(), []);
    assert_eq!(store.find_user_by_id(user(1).id).await.unwrap(), None);
}

async fn whoever_is_not_there_is_not_found(store: Shared) {
    store.create_user(&user(1)).await.unwrap();
    assert_eq!(store.find_user_by_id(user(2).id).await.unwrap(), None);
    assert_eq!(store.find_user_by_username(&user(2).username).await.unwrap(), None);
    assert_eq!(store.find_user_by_email(&user(2).email).await.unwrap(), None);
}

async fn names_are_values_and_never_operators(store: Shared) {
    store.create_user(&user(1)).await.unwrap();
    for text in ["{\"$gt\":\"\"}", "$where", "' OR 1=1 --", "user_1", "user%", "user 1\0", ".*", "/.*/"] {
        assert_eq!(
            store.find_user_by_username(&Username::from_store(text.to_owned())).await.unwrap(),
            None,
            "{text}"
        );
    }
    let odd = User { username: Username::from_store("$a.b'\"%_\u{1f600}".to_owned()), ..user(2) };
    store.create_user(&odd).await.unwrap();
    assert_eq!(store.find_user_by_username(&odd.username).await.unwrap(), Some(odd));
}

async fn id_name_and_address_are_each_unique(store: Shared) {
    store.create_user(&user(1)).await.unwrap();
    for taken in [
        User { id: user(1).id, ..user(2) },
        User { username: user(1).username, ..user(2) },
        User { email: user(1).email, ..user(2) },
    ] {
        assert!(matches!(store.create_user(&taken).await, Err(StoreError::Conflict(_))));
    }
    assert_eq!(store.list_users(None, 10).await.unwrap(), [user(1)], "a conflict leaves nothing behind");
}

async fn of_many_equal_users_at_once_one_is_created(store: Shared) {
    for round in 0..10 {
        let racers: Vec<_> = (0..32u8)
            .map(|racer| {
                let id = UserId::from_bytes([round, racer, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
                let email = Email::parse(&format!("r{round}x{}@example.com", racer % 2)).unwrap();
                let user = User {
                    id,
                    username: Username::parse(&format!("racer {round}")).unwrap(),
                    email,
                    ..user(1)
                };
                let store = Arc::clone(&store);
                tokio::spawn(async move { store.create_user(&user).await })
            })
            .collect();
        let mut created = 0;
        for racer in racers {
            match racer.await.unwrap() {
                Ok(()) => created += 1,
                Err(error) => assert!(matches!(error, StoreError::Conflict(_)), "{error:?}"),
            }
        }
        assert_eq!(created, 1);
    }
}

async fn users_are_listed_in_the_order_of_their_ids_page_by_page(store: Shared) {
    for n in [3, 1, 5, 2, 4] {
        store.create_user(&user(n)).await.unwrap();
    }
    let first = store.list_users(None, 2).await.unwrap();
    assert_eq!(first, [user(1), user(2)]);
    assert_eq!(store.list_users(Some(first[1].id), 2).await.unwrap(), [user(3), user(4)]);
    assert_eq!(store.list_users(Some(user(4).id), 2).await.unwrap(), [user(5)]);
    assert_eq!(store.list_users(Some(user(5).id), 2).await.unwrap(), []);
}

async fn a_hash_is_replaced_only_where_the_old_one_still_stands(store: Shared) {
    store.create_user(&user(1)).await.unwrap();
    let now = Timestamp::from_secs(1_900_000_000);
    assert!(!store.replace_hash_if(user(1).id, &hash(9), &hash(2), now).await.unwrap());
    assert!(!store.replace_hash_if(user(2).id, &hash(1), &hash(2), now).await.unwrap());
    assert!(store.replace_hash_if(user(1).id, &hash(1), &hash(2), now).await.unwrap());
    let expected = User { password_hash: hash(2), updated_at: now, ..user(1) };
    assert_eq!(store.find_user_by_id(user(1).id).await.unwrap(), Some(expected));
}

async fn of_many_replacements_at_once_one_succeeds(store: Shared) {
    store.create_user(&user(1)).await.unwrap();
    let racers: Vec<_> = (10..42)
        .map(|n| {
            let store = Arc::clone(&store);
            tokio::spawn(async move {
                store.replace_hash_if(user(1).id, &hash(1), &hash(n), Timestamp::from_secs(1)).await.unwrap()
            })
        })
        .collect();
    let mut replaced = 0;
    for racer in racers {
        replaced += usize::from(racer.await.unwrap());
    }
    assert_eq!(replaced, 1);
}

async fn a_deleted_user_is_gone_and_can_come_again(store: Shared) {
    store.create_user(&user(1)).await.unwrap();
    assert!(store.delete_user(user(1).id).await.unwrap());
    assert!(!store.delete_user(user(1).id).await.unwrap());
    assert_eq!(store.find_user_by_email(&user(1).email).await.unwrap(), None);
    store.create_user(&user(1)).await.unwrap();
}

async fn it_answers_when_it_is_asked_whether_it_is_there(store: Shared) {
    store.ping().await.unwrap();
}

pub(super) async fn in_a_file(folder: &Path) -> Shared {
    Arc::new(Sqlite::open(folder, IfMissing::Create).unwrap())
}

pub(super) async fn in_memory(_: &Path) -> Shared {
    Arc::new(Sqlite::open(Path::new(":memory:"), IfMissing::Create).unwrap())
}

pub(super) async fn on_mongodb(_: &Path) -> Shared {
    let uri = tokio::task::spawn_blocking(mongod::new_database).await.unwrap();
    Arc::new(Mongo::new(&uri).unwrap())
}

/// A test for each promise and each store.
macro_rules! contract {
    ($($promise:ident),* $(,)?) => {
        contract! { @on sqlite_in_a_file, in_a_file: $($promise),* }
        contract! { @on sqlite_in_memory, in_memory: $($promise),* }
        contract! { @on mongodb, on_mongodb: $($promise),* }
    };
    (@on $module:ident, $open:ident: $($promise:ident),*) => {
        mod $module {
            $(
                #[tokio::test(flavor = "multi_thread")]
                async fn $promise() {
                    let folder = tempfile::tempdir().unwrap();
                    super::$promise(crate::store::contract::$open(folder.path()).await).await;
                }
            )*
        }
    };
}

pub(super) use contract;

contract! {
    a_fresh_store_is_empty,
    a_user_comes_back_as_it_was_given,
    whoever_is_not_there_is_not_found,
    names_are_values_and_never_operators,
    id_name_and_address_are_each_unique,
    of_many_equal_users_at_once_one_is_created,
    users_are_listed_in_the_order_of_their_ids_page_by_page,
    a_hash_is_replaced_only_where_the_old_one_still_stands,
    of_many_replacements_at_once_one_succeeds,
    a_deleted_user_is_gone_and_can_come_again,
    it_answers_when_it_is_asked_whether_it_is_there,
}
