//! The promises of every store about events: a change hands over the event that it causes, once; a refused
//! change hands over nothing, and a refused event refuses the change.

use std::sync::Arc;

use jwt_generator::domain::{Event, EventKind, Timestamp, User, UserClaims, UserId};
use jwt_generator::store::{StoreError, Users};

use super::contract::{Opened, changed, contract, event, hash, registered, user};

const FROM: Timestamp = Timestamp::from_secs(1_900_000_001);

async fn each_change_hands_over_its_event(Opened { stores, events }: Opened) {
    let users = stores.users;
    users.create_user(&user(1), &registered(1)).await.unwrap();
    assert_eq!(events.take_all().await, [registered(1)]);

    let strengthened = changed(EventKind::HashStrengthened, 1);
    assert!(users.replace_hash_if(user(1).id, &hash(1), &hash(2), &strengthened).await.unwrap());
    assert_eq!(events.take_all().await, [strengthened]);

    let changed_password = changed(EventKind::PasswordChanged, 1);
    assert!(
        users.replace_password_if(user(1).id, &hash(2), &hash(3), FROM, &changed_password).await.unwrap()
    );
    assert_eq!(events.take_all().await, [changed_password]);

    let ended = changed(EventKind::SessionsEnded, 1);
    assert!(users.end_sessions(user(1).id, FROM, &ended).await.unwrap());
    assert_eq!(events.take_all().await, [ended]);

    let claims = changed(EventKind::UserClaimsChanged, 1);
    assert!(users.record_user_claims(user(1).id, &UserClaims::none(FROM), &claims).await.unwrap());
    assert_eq!(events.take_all().await, [claims]);

    let deleted = changed(EventKind::UserDeleted, 1);
    assert!(users.delete_user(user(1).id, &deleted).await.unwrap());
    assert_eq!(events.take_all().await, [deleted]);
}

async fn what_is_refused_hands_over_no_event(Opened { stores, events }: Opened) {
    let users = stores.users;
    users.create_user(&user(1), &registered(1)).await.unwrap();
    events.take_all().await;
    for taken in [
        User { id: user(1).id, ..user(2) },
        User { username: user(1).username, ..user(2) },
        User { email: user(1).email, ..user(2) },
    ] {
        let refused = users.create_user(&taken, &registered(2)).await;
        assert!(matches!(refused, Err(StoreError::Conflict(_))), "{refused:?}");
    }
    let change = changed(EventKind::PasswordChanged, 1);
    // The first is a user with another hash, the second is not there.
    for n in [1, 2] {
        assert!(!users.replace_hash_if(user(n).id, &hash(9), &hash(3), &change).await.unwrap());
        assert!(!users.replace_password_if(user(n).id, &hash(9), &hash(3), FROM, &change).await.unwrap());
    }
    assert!(!users.end_sessions(user(2).id, FROM, &change).await.unwrap());
    assert!(!users.record_user_claims(user(2).id, &UserClaims::none(FROM), &change).await.unwrap());
    assert!(!users.delete_user(user(2).id, &change).await.unwrap());
    assert_eq!(events.take_all().await, []);
}

async fn questions_hand_over_no_event(Opened { stores, events }: Opened) {
    let users = stores.users;
    users.create_user(&user(1), &registered(1)).await.unwrap();
    events.take_all().await;
    users.find_user_by_id(user(1).id).await.unwrap();
    users.find_user_by_username(&user(1).username).await.unwrap();
    users.find_user_by_email(&user(1).email).await.unwrap();
    users.list_users(None, 10).await.unwrap();
    stores.database.ping().await.unwrap();
    assert_eq!(events.take_all().await, []);
}

async fn a_refused_event_refuses_the_change(Opened { stores, events }: Opened) {
    let users = stores.users;
    users.create_user(&user(1), &registered(1)).await.unwrap();
    events.take_all().await;
    events.recorded.refuse(true);
    let change = changed(EventKind::PasswordChanged, 1);
    let id = user(1).id;
    for refused in [
        users.create_user(&user(2), &registered(2)).await.map(|()| true),
        users.replace_hash_if(id, &hash(1), &hash(2), &change).await,
        users.replace_password_if(id, &hash(1), &hash(2), FROM, &change).await,
        users.end_sessions(id, FROM, &change).await,
        users.delete_user(id, &change).await,
    ] {
        assert!(matches!(refused, Err(StoreError::Unavailable(_))), "{refused:?}");
    }
    assert_eq!(users.list_users(None, 10).await.unwrap(), [user(1)]);
    events.recorded.refuse(false);
    assert_eq!(events.take_all().await, []);
    users.create_user(&user(2), &registered(2)).await.unwrap();
    assert_eq!(events.take_all().await, [registered(2)], "nothing was left of the first try");
}

/// Runs `change` 16 times at once; returns the events of the calls that made the change.
async fn race<F: Future<Output = bool> + Send + 'static>(
    users: &Arc<dyn Users>,
    change: impl Fn(Arc<dyn Users>, Event, u8) -> F,
    event_of: impl Fn(u8) -> Event,
) -> Vec<Event> {
    let racers: Vec<_> = (0..16)
        .map(|racer| {
            let event = event_of(racer);
            (event.clone(), tokio::spawn(change(Arc::clone(users), event, racer)))
        })
        .collect();
    let mut made = Vec::new();
    for (event, racer) in racers {
        if racer.await.unwrap() {
            made.push(event);
        }
    }
    made
}

async fn of_many_changes_at_once_those_that_are_made_hand_over_theirs(Opened { stores, events }: Opened) {
    let users = stores.users;
    let at = |racer: u8| Timestamp::from_secs(1_900_000_000 + u64::from(racer));
    let create = |users: Arc<dyn Users>, registered: Event, racer: u8| async move {
        let id = UserId::from_bytes([racer; 12]);
        users.create_user(&User { id, ..user(1) }, &registered).await.is_ok()
    };
    let made = race(&users, create, |racer| event(EventKind::UserRegistered, 1, at(racer))).await;
    assert_eq!((made.len(), events.take_all().await), (1, made));

    let winner = users.find_user_by_email(&user(1).email).await.unwrap().unwrap().id;
    let replace = |users: Arc<dyn Users>, changed: Event, racer: u8| async move {
        let (old, new) = (hash(1), hash(100 + racer));
        users.replace_password_if(winner, &old, &new, changed.at, &changed).await.unwrap()
    };
    let made = race(&users, replace, |racer| event(EventKind::PasswordChanged, 1, at(racer))).await;
    assert_eq!((made.len(), events.take_all().await), (1, made));

    let delete = |users: Arc<dyn Users>, deleted: Event, _| async move {
        users.delete_user(winner, &deleted).await.unwrap()
    };
    let made = race(&users, delete, |racer| event(EventKind::UserDeleted, 1, at(racer))).await;
    assert_eq!((made.len(), events.take_all().await), (1, made));
}

contract! {
    of all:
    each_change_hands_over_its_event,
    what_is_refused_hands_over_no_event,
    a_refused_event_refuses_the_change,
    questions_hand_over_no_event,
    of_many_changes_at_once_those_that_are_made_hand_over_theirs,
}
