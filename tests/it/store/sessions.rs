//! What every store promises about the sessions of its users.

use std::sync::Arc;

use jwt_generator::domain::{EventKind, Sessions, Timestamp, User};
use jwt_generator::store::Users;

use super::contract::{changed, contract, hash, registered, user};

async fn valid_from(users: &dyn Users, n: u8) -> u64 {
    let found = users.find_user_by_id(user(n).id).await.unwrap().unwrap();
    assert_eq!(users.find_user_by_email(&found.email).await.unwrap().as_ref(), Some(&found));
    assert_eq!(users.list_users(None, 10).await.unwrap().last(), Some(&found));
    assert!(found.sessions.accept(found.sessions.valid_from.as_secs()), "no change is under way");
    found.sessions.valid_from.as_secs()
}

async fn each_call_ends_the_sessions_that_began_before_it(users: Arc<dyn Users>) {
    users.create_user(&user(1), &registered(1)).await.unwrap();
    assert_eq!(valid_from(&*users, 1).await, 0);
    for (given, then) in [(100, 100), (50, 101), (101, 102), (200, 200)] {
        assert!(
            users
                .end_sessions(user(1).id, Timestamp::from_secs(given), &changed(EventKind::SessionsEnded, 1))
                .await
                .unwrap()
        );
        assert_eq!(valid_from(&*users, 1).await, then);
    }
    assert!(
        !users
            .end_sessions(user(2).id, Timestamp::from_secs(1), &changed(EventKind::SessionsEnded, 2))
            .await
            .unwrap()
    );
}

async fn another_password_ends_sessions_and_another_hash_does_not(users: Arc<dyn Users>) {
    users.create_user(&user(1), &registered(1)).await.unwrap();
    let from = Timestamp::from_secs(1_900_000_001);
    let strengthened = changed(EventKind::HashStrengthened, 1);
    let change = changed(EventKind::PasswordChanged, 1);
    assert!(users.replace_hash_if(user(1).id, &hash(1), &hash(2), &strengthened).await.unwrap());
    assert_eq!(valid_from(&*users, 1).await, 0);
    assert!(!users.replace_password_if(user(1).id, &hash(1), &hash(3), from, &change).await.unwrap());
    assert_eq!(valid_from(&*users, 1).await, 0, "a change that did not take place ends nothing");
    assert!(users.replace_password_if(user(1).id, &hash(2), &hash(3), from, &change).await.unwrap());
    let sessions = Sessions { valid_from: from, ..Sessions::ALL };
    let expected = User { password_hash: hash(3), updated_at: change.at, sessions, ..user(1) };
    assert_eq!(users.find_user_by_id(user(1).id).await.unwrap(), Some(expected));
    assert!(users.replace_password_if(user(1).id, &hash(3), &hash(4), from, &change).await.unwrap());
    assert_eq!(valid_from(&*users, 1).await, 1_900_000_002, "within one second, too");
    assert!(!users.replace_password_if(user(2).id, &hash(2), &hash(3), from, &change).await.unwrap());
}

async fn a_deleted_user_leaves_no_sessions_behind(users: Arc<dyn Users>) {
    users.create_user(&user(1), &registered(1)).await.unwrap();
    users
        .end_sessions(user(1).id, Timestamp::from_secs(100), &changed(EventKind::SessionsEnded, 1))
        .await
        .unwrap();
    users.delete_user(user(1).id, &changed(EventKind::UserDeleted, 1)).await.unwrap();
    users.create_user(&user(1), &registered(1)).await.unwrap();
    assert_eq!(valid_from(&*users, 1).await, 0);
}

contract! {
    of users:
    each_call_ends_the_sessions_that_began_before_it,
    another_password_ends_sessions_and_another_hash_does_not,
    a_deleted_user_leaves_no_sessions_behind,
}
