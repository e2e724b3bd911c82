//! What every store promises of users (the prose of `store::Users`). `names`, `sessions` and `events` hold the rest of it.

use std::sync::Arc;

use jwt_generator::domain::{Email, EventKind, User, UserId, Username};
use jwt_generator::store::{StoreError, Users};

use super::contract::{changed, contract, hash, registered, user};

async fn a_user_comes_back_as_it_was_given(users: Arc<dyn Users>) {
    let given = user(1);
    users.create_user(&given, &registered(1)).await.unwrap();
    assert_eq!(users.find_user_by_id(given.id).await.unwrap().as_ref(), Some(&given));
    assert_eq!(users.find_user_by_username(&given.username).await.unwrap().as_ref(), Some(&given));
    assert_eq!(users.find_user_by_email(&given.email).await.unwrap().as_ref(), Some(&given));
}

async fn a_fresh_store_is_empty(users: Arc<dyn Users>) {
    assert_eq!(users.list_users(None, 10).await.unwrap(), []);
    assert_eq!(users.find_user_by_id(user(1).id).await.unwrap(), None);
}

async fn a_user_who_is_not_there_is_not_found(users: Arc<dyn Users>) {
    users.create_user(&user(1), &registered(1)).await.unwrap();
    assert_eq!(users.find_user_by_id(user(2).id).await.unwrap(), None);
    assert_eq!(users.find_user_by_username(&user(2).username).await.unwrap(), None);
    assert_eq!(users.find_user_by_email(&user(2).email).await.unwrap(), None);
}

async fn names_are_values_and_never_operators(users: Arc<dyn Users>) {
    users.create_user(&user(1), &registered(1)).await.unwrap();
    for text in ["{\"$gt\":\"\"}", "$where", "' OR 1=1 --", "user_1", "user%", "user 1\0", ".*", "/.*/"] {
        assert_eq!(
            users.find_user_by_username(&Username::from_store(text.to_owned())).await.unwrap(),
            None,
            "{text}"
        );
    }
    let odd = User { username: Username::from_store("$a.b'\"%_\u{1f600}".to_owned()), ..user(2) };
    users.create_user(&odd, &registered(2)).await.unwrap();
    assert_eq!(users.find_user_by_username(&odd.username).await.unwrap(), Some(odd));
}

async fn id_name_and_address_are_each_unique(users: Arc<dyn Users>) {
    users.create_user(&user(1), &registered(1)).await.unwrap();
    for taken in [
        User { id: user(1).id, ..user(2) },
        User { username: user(1).username, ..user(2) },
        User { email: user(1).email, ..user(2) },
    ] {
        assert!(matches!(users.create_user(&taken, &registered(2)).await, Err(StoreError::Conflict(_))));
    }
    assert_eq!(users.list_users(None, 10).await.unwrap(), [user(1)], "a conflict leaves nothing behind");
}

async fn of_many_equal_users_at_once_one_is_created(users: Arc<dyn Users>) {
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
                let users = Arc::clone(&users);
                tokio::spawn(async move { users.create_user(&user, &registered(1)).await })
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

async fn users_are_listed_in_the_order_of_their_ids_page_by_page(users: Arc<dyn Users>) {
    for n in [3, 1, 5, 2, 4] {
        users.create_user(&user(n), &registered(n)).await.unwrap();
    }
    let first = users.list_users(None, 2).await.unwrap();
    assert_eq!(first, [user(1), user(2)]);
    assert_eq!(users.list_users(Some(first[1].id), 2).await.unwrap(), [user(3), user(4)]);
    assert_eq!(users.list_users(Some(user(4).id), 2).await.unwrap(), [user(5)]);
    assert_eq!(users.list_users(Some(user(5).id), 2).await.unwrap(), []);
}

async fn a_hash_is_replaced_only_if_the_old_one_is_still_there(users: Arc<dyn Users>) {
    users.create_user(&user(1), &registered(1)).await.unwrap();
    let change = changed(EventKind::HashStrengthened, 1);
    assert!(!users.replace_hash_if(user(1).id, &hash(9), &hash(2), &change).await.unwrap());
    assert!(!users.replace_hash_if(user(2).id, &hash(1), &hash(2), &change).await.unwrap());
    assert!(users.replace_hash_if(user(1).id, &hash(1), &hash(2), &change).await.unwrap());
    let expected = User { password_hash: hash(2), updated_at: change.at, ..user(1) };
    assert_eq!(users.find_user_by_id(user(1).id).await.unwrap(), Some(expected));
}

async fn of_many_replacements_at_once_one_succeeds(users: Arc<dyn Users>) {
    users.create_user(&user(1), &registered(1)).await.unwrap();
    let racers: Vec<_> = (10..42)
        .map(|n| {
            let users = Arc::clone(&users);
            tokio::spawn(async move {
                let change = changed(EventKind::HashStrengthened, 1);
                users.replace_hash_if(user(1).id, &hash(1), &hash(n), &change).await.unwrap()
            })
        })
        .collect();
    let mut replaced = 0;
    for racer in racers {
        replaced += usize::from(racer.await.unwrap());
    }
    assert_eq!(replaced, 1);
}

async fn a_deleted_user_is_gone_and_can_come_again(users: Arc<dyn Users>) {
    users.create_user(&user(1), &registered(1)).await.unwrap();
    assert!(users.delete_user(user(1).id, &changed(EventKind::UserDeleted, 1)).await.unwrap());
    assert!(!users.delete_user(user(1).id, &changed(EventKind::UserDeleted, 1)).await.unwrap());
    assert_eq!(users.find_user_by_email(&user(1).email).await.unwrap(), None);
    users.create_user(&user(1), &registered(1)).await.unwrap();
}

contract! {
    of users:
    a_fresh_store_is_empty,
    a_user_comes_back_as_it_was_given,
    a_user_who_is_not_there_is_not_found,
    names_are_values_and_never_operators,
    id_name_and_address_are_each_unique,
    of_many_equal_users_at_once_one_is_created,
    users_are_listed_in_the_order_of_their_ids_page_by_page,
    a_hash_is_replaced_only_if_the_old_one_is_still_there,
    of_many_replacements_at_once_one_succeeds,
    a_deleted_user_is_gone_and_can_come_again,
}
