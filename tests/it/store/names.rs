//! What every store promises about users who must not be taken for one another.

use std::sync::Arc;

use jwt_generator::domain::{Email, Taken, User, UserId, Username};
use jwt_generator::store::StoreError;

use super::contract::{Shared, contract, user};

/// A user of this name, with an address of its own.
fn named(n: u8, name: &str) -> User {
    User { username: Username::from_store(name.to_owned()), ..user(n) }
}

/// A user of this address, with a name of its own.
fn addressed(n: u8, address: &str) -> User {
    User { email: Email::from_store(address.to_owned()), ..user(n) }
}

async fn is_taken(store: &Shared, user: &User, what: Taken) {
    match store.create_user(user).await {
        Err(StoreError::Conflict(taken)) => assert_eq!(taken, what, "{}", user.username),
        other => panic!("{}: {other:?}", user.username),
    }
    assert_eq!(store.find_user_by_id(user.id).await.unwrap(), None, "a conflict leaves nothing behind");
}

async fn a_conflict_says_what_is_taken(store: Shared) {
    store.create_user(&user(1)).await.unwrap();
    is_taken(&store, &User { username: user(1).username, ..user(2) }, Taken::Username).await;
    is_taken(&store, &User { email: user(1).email, ..user(2) }, Taken::Email).await;
    match store.create_user(&User { id: user(1).id, ..user(2) }).await {
        Err(StoreError::Conflict(Taken::Id)) => {}
        other => panic!("{other:?}"),
    }
    store.create_user(&user(2)).await.unwrap();
}

async fn ascii_names_are_unique_by_lower_case(store: Shared) {
    store.create_user(&named(1, "Admin")).await.unwrap();
    for name in ["admin", "ADMIN", "Admin"] {
        is_taken(&store, &named(2, name), Taken::Username).await;
    }
    store.create_user(&named(2, "adm1n")).await.unwrap();
}

async fn ascii_names_are_not_compared_by_their_looks(store: Shared) {
    for (n, name) in (1..).zip(["modern", "modem", "burn", "bum", "Ivan", "lvan"]) {
        store.create_user(&named(n, name)).await.unwrap();
    }
}

/// The look-alikes are all Cyrillic.
async fn other_names_look_like_no_existing_name_whichever_came_first(store: Shared) {
    store.create_user(&named(1, "copa")).await.unwrap();
    is_taken(&store, &named(2, "\u{441}\u{43e}\u{440}\u{430}"), Taken::Username).await;
    store.create_user(&named(2, "\u{422}\u{41e}\u{41c}")).await.unwrap();
    for name in ["TOM", "tom", "\u{422}\u{41e}\u{41c}"] {
        is_taken(&store, &named(3, name), Taken::Username).await;
    }
    store.create_user(&named(3, "\u{438}\u{432}\u{430}\u{43d}")).await.unwrap();
    is_taken(&store, &named(4, "\u{418}\u{412}\u{410}\u{41d}"), Taken::Username).await;
}

async fn addresses_are_unique_by_composed_lower_case(store: Shared) {
    store.create_user(&addressed(1, "rene\u{301}e@example.com")).await.unwrap();
    is_taken(&store, &addressed(2, "ren\u{e9}e@example.com"), Taken::Email).await;
    is_taken(&store, &addressed(2, "Ren\u{e9}e@Example.com"), Taken::Email).await;
    store.create_user(&addressed(2, "renee@example.com")).await.unwrap();
}

async fn a_name_is_found_in_any_case_and_an_address_in_any_spelling(store: Shared) {
    let (admin, renee) = (named(1, "Admin"), addressed(2, "rene\u{301}e@example.com"));
    store.create_user(&admin).await.unwrap();
    store.create_user(&renee).await.unwrap();
    for name in ["Admin", "admin", "ADMIN"] {
        let found = store.find_user_by_username(&Username::from_store(name.to_owned())).await.unwrap();
        assert_eq!(found.as_ref(), Some(&admin), "{name}");
    }
    for address in ["rene\u{301}e@example.com", "ren\u{e9}e@example.com"] {
        let found = store.find_user_by_email(&Email::from_store(address.to_owned())).await.unwrap();
        assert_eq!(found.as_ref(), Some(&renee), "{address}");
    }
    store.delete_user(admin.id).await.unwrap();
    assert_eq!(store.find_user_by_username(&Username::from_store("admin".to_owned())).await.unwrap(), None);
    store.create_user(&named(3, "admin")).await.unwrap();
}

/// Of names that differ in case one is created; of names that only look alike at most one.
async fn of_many_who_clash_at_once_no_two_are_created(store: Shared) {
    for round in 0..10 {
        let names =
            [format!("tom {round}"), format!("TOM {round}"), format!("\u{422}\u{41e}\u{41c} {round}")];
        let racers: Vec<_> = (0..12u8)
            .map(|racer| {
                let id = UserId::from_bytes([round, racer, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
                let email = Email::parse(&format!("r{round}x{racer}@example.com")).unwrap();
                let user = User { id, email, ..named(1, &names[usize::from(racer) % names.len()]) };
                let store = Arc::clone(&store);
                tokio::spawn(async move { store.create_user(&user).await })
            })
            .collect();
        let mut created = 0;
        for racer in racers {
            match racer.await.unwrap() {
                Ok(()) => created += 1,
                Err(error) => {
                    assert!(matches!(error, StoreError::Conflict(Taken::Username)), "{error:?}");
                }
            }
        }
        assert!(created <= 1, "{created}");
    }
}

contract! {
    a_conflict_says_what_is_taken,
    ascii_names_are_unique_by_lower_case,
    ascii_names_are_not_compared_by_their_looks,
    other_names_look_like_no_existing_name_whichever_came_first,
    addresses_are_unique_by_composed_lower_case,
    a_name_is_found_in_any_case_and_an_address_in_any_spelling,
    of_many_who_clash_at_once_no_two_are_created,
}
