//! What every store promises about users who must not be taken for one another.

use std::sync::Arc;

use jwt_generator::domain::{Email, EventKind, Taken, User, UserId, Username};
use jwt_generator::store::{StoreError, Users};

use super::contract::{changed, contract, registered, user};

/// A user of this name, with an address of its own.
fn named(n: u8, name: &str) -> User {
    User { username: Username::from_store(name.to_owned()), ..user(n) }
}

/// A user of this address, with a name of its own.
fn addressed(n: u8, address: &str) -> User {
    User { email: Email::from_store(address.to_owned()), ..user(n) }
}

async fn is_taken(users: &dyn Users, user: &User, what: Taken) {
    match users.create_user(user, &registered(2)).await {
        Err(StoreError::Conflict(taken)) => assert_eq!(taken, what, "{}", user.username),
        other => panic!("{}: {other:?}", user.username),
    }
    assert_eq!(users.find_user_by_id(user.id).await.unwrap(), None, "a conflict leaves nothing behind");
}

async fn a_conflict_says_what_is_taken(users: Arc<dyn Users>) {
    users.create_user(&user(1), &registered(1)).await.unwrap();
    is_taken(&*users, &User { username: user(1).username, ..user(2) }, Taken::Username).await;
    is_taken(&*users, &User { email: user(1).email, ..user(2) }, Taken::Email).await;
    match users.create_user(&User { id: user(1).id, ..user(2) }, &registered(2)).await {
        Err(StoreError::Conflict(Taken::UserId)) => {}
        other => panic!("{other:?}"),
    }
    users.create_user(&user(2), &registered(2)).await.unwrap();
}

async fn ascii_names_are_unique_by_lower_case(users: Arc<dyn Users>) {
    users.create_user(&named(1, "Admin"), &registered(1)).await.unwrap();
    for name in ["admin", "ADMIN", "Admin"] {
        is_taken(&*users, &named(2, name), Taken::Username).await;
    }
    users.create_user(&named(2, "adm1n"), &registered(2)).await.unwrap();
}

async fn ascii_names_are_not_compared_by_their_looks(users: Arc<dyn Users>) {
    for (n, name) in (1..).zip(["modern", "modem", "burn", "bum", "Ivan", "lvan"]) {
        users.create_user(&named(n, name), &registered(n)).await.unwrap();
    }
}

/// The look-alikes are all Cyrillic.
async fn other_names_look_like_no_existing_name_whichever_came_first(users: Arc<dyn Users>) {
    users.create_user(&named(1, "copa"), &registered(1)).await.unwrap();
    is_taken(&*users, &named(2, "\u{441}\u{43e}\u{440}\u{430}"), Taken::Username).await;
    users.create_user(&named(2, "\u{422}\u{41e}\u{41c}"), &registered(2)).await.unwrap();
    for name in ["TOM", "tom", "\u{422}\u{41e}\u{41c}"] {
        is_taken(&*users, &named(3, name), Taken::Username).await;
    }
    users.create_user(&named(3, "\u{438}\u{432}\u{430}\u{43d}"), &registered(3)).await.unwrap();
    is_taken(&*users, &named(4, "\u{418}\u{412}\u{410}\u{41d}"), Taken::Username).await;
}

async fn addresses_are_unique_by_composed_lower_case(users: Arc<dyn Users>) {
    users.create_user(&addressed(1, "rene\u{301}e@example.com"), &registered(1)).await.unwrap();
    is_taken(&*users, &addressed(2, "ren\u{e9}e@example.com"), Taken::Email).await;
    is_taken(&*users, &addressed(2, "Ren\u{e9}e@Example.com"), Taken::Email).await;
    users.create_user(&addressed(2, "renee@example.com"), &registered(2)).await.unwrap();
}

async fn a_name_is_found_in_any_case_and_an_address_in_any_spelling(users: Arc<dyn Users>) {
    let (admin, renee) = (named(1, "Admin"), addressed(2, "rene\u{301}e@example.com"));
    users.create_user(&admin, &registered(1)).await.unwrap();
    users.create_user(&renee, &registered(2)).await.unwrap();
    for name in ["Admin", "admin", "ADMIN"] {
        let found = users.find_user_by_username(&Username::from_store(name.to_owned())).await.unwrap();
        assert_eq!(found.as_ref(), Some(&admin), "{name}");
    }
    for address in ["rene\u{301}e@example.com", "ren\u{e9}e@example.com"] {
        let found = users.find_user_by_email(&Email::from_store(address.to_owned())).await.unwrap();
        assert_eq!(found.as_ref(), Some(&renee), "{address}");
    }
    users.delete_user(admin.id, &changed(EventKind::UserDeleted, 1)).await.unwrap();
    assert_eq!(users.find_user_by_username(&Username::from_store("admin".to_owned())).await.unwrap(), None);
    users.create_user(&named(3, "admin"), &registered(3)).await.unwrap();
}

/// If names differ only in case, exactly one user is created. If names only look alike, at most one user is created.
async fn of_many_who_clash_at_once_no_two_are_created(users: Arc<dyn Users>) {
    for round in 0..10 {
        let names =
            [format!("tom {round}"), format!("TOM {round}"), format!("\u{422}\u{41e}\u{41c} {round}")];
        let racers: Vec<_> = (0..12u8)
            .map(|racer| {
                let id = UserId::from_bytes([round, racer, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
                let email = Email::parse(&format!("r{round}x{racer}@example.com")).unwrap();
                let user = User { id, email, ..named(1, &names[usize::from(racer) % names.len()]) };
                let users = Arc::clone(&users);
                tokio::spawn(async move { users.create_user(&user, &registered(1)).await })
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
    of users:
    a_conflict_says_what_is_taken,
    ascii_names_are_unique_by_lower_case,
    ascii_names_are_not_compared_by_their_looks,
    other_names_look_like_no_existing_name_whichever_came_first,
    addresses_are_unique_by_composed_lower_case,
    a_name_is_found_in_any_case_and_an_address_in_any_spelling,
    of_many_who_clash_at_once_no_two_are_created,
}
