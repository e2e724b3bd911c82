//! What every store promises about the sessions of its users.

use jwt_generator::domain::{Sessions, Timestamp, User};

use super::contract::{Shared, contract, hash, user};

async fn valid_from(store: &Shared, n: u8) -> u64 {
    let found = store.find_user_by_id(user(n).id).await.unwrap().unwrap();
    assert_eq!(store.find_user_by_email(&found.email).await.unwrap().as_ref(), Some(&found));
    assert_eq!(store.list_users(None, 10).await.unwrap().last(), Some(&found));
    assert!(found.sessions.accept(found.sessions.valid_from.as_secs()), "no change is under way");
    found.sessions.valid_from.as_secs()
}

async fn each_call_ends_the_sessions_that_began_before_it(store: Shared) {
    store.create_user(&user(1)).await.unwrap();
    assert_eq!(valid_from(&store, 1).await, 0);
    for (given, then) in [(100, 100), (50, 101), (101, 102), (200, 200)] {
        assert!(store.end_sessions(user(1).id, Timestamp::from_secs(given)).await.unwrap());
        assert_eq!(valid_from(&store, 1).await, then);
    }
    assert!(!store.end_sessions(user(2).id, Timestamp::from_secs(1)).await.unwrap());
}

async fn another_password_ends_sessions_and_another_hash_does_not(store: Shared) {
    store.create_user(&user(1)).await.unwrap();
    let (now, from) = (Timestamp::from_secs(1_900_000_000), Timestamp::from_secs(1_900_000_001));
    assert!(store.replace_hash_if(user(1).id, &hash(1), &hash(2), now).await.unwrap());
    assert_eq!(valid_from(&store, 1).await, 0);
    assert!(!store.replace_password_if(user(1).id, &hash(1), &hash(3), now, from).await.unwrap());
    assert_eq!(valid_from(&store, 1).await, 0, "a change that did not take place ends nothing");
    assert!(store.replace_password_if(user(1).id, &hash(2), &hash(3), now, from).await.unwrap());
    let sessions = Sessions { valid_from: from, ..Sessions::ALL };
    let expected = User { password_hash: hash(3), updated_at: now, sessions, ..user(1) };
    assert_eq!(store.find_user_by_id(user(1).id).await.unwrap(), Some(expected));
    assert!(store.replace_password_if(user(1).id, &hash(3), &hash(4), now, from).await.unwrap());
    assert_eq!(valid_from(&store, 1).await, 1_900_000_002, "within one second, too");
    assert!(!store.replace_password_if(user(2).id, &hash(2), &hash(3), now, from).await.unwrap());
}

async fn a_deleted_user_leaves_no_sessions_behind(store: Shared) {
    store.create_user(&user(1)).await.unwrap();
    store.end_sessions(user(1).id, Timestamp::from_secs(100)).await.unwrap();
    store.delete_user(user(1).id).await.unwrap();
    store.create_user(&user(1)).await.unwrap();
    assert_eq!(valid_from(&store, 1).await, 0);
}

contract! {
    each_call_ends_the_sessions_that_began_before_it,
    another_password_ends_sessions_and_another_hash_does_not,
    a_deleted_user_leaves_no_sessions_behind,
}
