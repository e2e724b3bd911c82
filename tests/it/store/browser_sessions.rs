//! What every store promises of browser sessions (the prose of `store::BrowserSessions`).

use std::sync::Arc;

use jwt_generator::domain::{
    BrowserSession, EventKind, SessionDetails, SessionId, SessionKey, Timestamp, UserId,
};
use jwt_generator::store::{BrowserSessions, StoreError};

use super::contract::{Opened, changed, contract, registered, side_by_side, user};

const NOW: Timestamp = Timestamp::from_secs(1_800_000_000);

/// The session `n` of a user, after `revision - 1` changes. Sessions of a higher number expire later.
pub(super) fn session(n: u8, of_user: u8) -> BrowserSession {
    BrowserSession {
        key: SessionKey([n; 32]),
        revision: 1,
        user: user(of_user).id,
        expires_at: Timestamp::from_millis(NOW.as_millis() + 1000 * u64::from(n) + 123),
        details: SessionDetails {
            id: SessionId::from_bytes([n; 16]),
            auth_time: NOW.as_secs(),
            amr: vec!["pwd".to_owned()],
            created_at: NOW,
            used_at: NOW,
            user_agent: "$Mozilla/5.0".to_owned(),
        },
    }
}

fn used(n: u8, revision: u64) -> BrowserSession {
    let mut used = BrowserSession { revision, expires_at: NOW.plus_secs(100), ..session(n, 1) };
    used.details.used_at = NOW.plus_secs(revision);
    used
}

async fn create(sessions: &Arc<dyn BrowserSessions>, session: &BrowserSession) {
    sessions.create_browser_session(session, &changed(EventKind::BrowserSessionStarted, 1)).await.unwrap();
}

/// The session with this key, whether its user is stored or not.
async fn found(sessions: &Arc<dyn BrowserSessions>, key: u8) -> Option<BrowserSession> {
    let found = sessions.find_browser_session(SessionKey([key; 32])).await.unwrap();
    found.map(|(session, _)| session)
}

async fn a_session_is_found_by_its_key_until_it_ends(sessions: Arc<dyn BrowserSessions>) {
    let ended = changed(EventKind::BrowserSessionEnded, 1);
    assert_eq!(found(&sessions, 1).await, None);
    create(&sessions, &session(1, 1)).await;
    create(&sessions, &session(2, 1)).await;
    assert_eq!(found(&sessions, 1).await, Some(session(1, 1)));
    assert!(sessions.end_browser_session(SessionKey([1; 32]), &ended).await.unwrap());
    assert!(!sessions.end_browser_session(SessionKey([1; 32]), &ended).await.unwrap());
    assert_eq!(found(&sessions, 1).await, None);
    assert_eq!(found(&sessions, 2).await, Some(session(2, 1)));
}

async fn only_the_revision_that_was_seen_is_replaced(sessions: Arc<dyn BrowserSessions>) {
    let replace =
        async |seen, revision| sessions.replace_browser_session_if(seen, &used(1, revision)).await.unwrap();
    assert!(!replace(1, 2).await, "there is no session");
    create(&sessions, &session(1, 1)).await;
    assert!(!replace(2, 3).await);
    assert!(replace(1, 2).await);
    assert!(!replace(1, 2).await);
    assert_eq!(found(&sessions, 1).await, Some(used(1, 2)));
}

async fn a_session_goes_on_under_another_key(sessions: Arc<dyn BrowserSessions>) {
    let started = changed(EventKind::BrowserSessionStarted, 1);
    let replace = async |seen: u8, key: u8| {
        let next = BrowserSession { key: SessionKey([key; 32]), ..used(1, 1) };
        sessions.replace_browser_session_key_if(SessionKey([seen; 32]), &next, &started).await.unwrap()
    };
    assert!(!replace(1, 7).await, "there is no session");
    create(&sessions, &session(1, 1)).await;
    create(&sessions, &session(2, 1)).await;
    assert!(replace(1, 7).await);
    assert!(!replace(1, 8).await);
    let found = async |key| found(&sessions, key).await;
    let next = BrowserSession { key: SessionKey([7; 32]), ..used(1, 1) };
    assert_eq!((found(1).await, found(8).await, found(7).await), (None, None, Some(next)));
    assert_eq!(found(2).await, Some(session(2, 1)));
    let racers: Vec<_> = (10..42)
        .map(|key| {
            let (sessions, started) = (Arc::clone(&sessions), started.clone());
            let next = BrowserSession { key: SessionKey([key; 32]), ..used(1, 1) };
            tokio::spawn(async move {
                let replaced = sessions.replace_browser_session_key_if(SessionKey([7; 32]), &next, &started);
                replaced.await.unwrap()
            })
        })
        .collect();
    let mut made = 0;
    for racer in racers {
        made += usize::from(racer.await.unwrap());
    }
    assert_eq!((made, sessions.list_browser_sessions(user(1).id, 99).await.unwrap().len()), (1, 2));
}

async fn of_64_changes_at_once_one_is_made(sessions: Arc<dyn BrowserSessions>) {
    create(&sessions, &session(1, 1)).await;
    let racers: Vec<_> = (0..64)
        .map(|_| {
            let sessions = Arc::clone(&sessions);
            tokio::spawn(async move { sessions.replace_browser_session_if(1, &used(1, 2)).await.unwrap() })
        })
        .collect();
    let mut made = 0;
    for racer in racers {
        made += usize::from(racer.await.unwrap());
    }
    assert_eq!(made, 1);
}

async fn the_sessions_of_a_user_are_listed_those_that_expire_last_first(sessions: Arc<dyn BrowserSessions>) {
    for n in [2, 3, 1] {
        create(&sessions, &session(n, 1)).await;
    }
    create(&sessions, &session(4, 2)).await;
    let list = async |user: UserId, limit| sessions.list_browser_sessions(user, limit).await.unwrap();
    assert_eq!(list(user(1).id, 9).await, [session(3, 1), session(2, 1), session(1, 1)]);
    assert_eq!(list(user(1).id, 1).await, [session(3, 1)]);
    assert_eq!(list(user(3).id, 9).await, []);
}

async fn sessions_that_have_expired_are_removed_and_no_others(sessions: Arc<dyn BrowserSessions>) {
    for n in [1, 2] {
        create(&sessions, &session(n, 1)).await;
    }
    assert!(!sessions.purge_browser_sessions(session(2, 1).expires_at).await.unwrap());
    assert_eq!(sessions.list_browser_sessions(user(1).id, 9).await.unwrap(), [session(2, 1)]);
}

async fn many_sessions_are_removed_by_several_calls(sessions: Arc<dyn BrowserSessions>) {
    let create = async |n: u16| {
        let mut key = [0; 32];
        key[..2].copy_from_slice(&n.to_be_bytes());
        create(&sessions, &BrowserSession { key: SessionKey(key), ..session(1, 1) }).await;
    };
    side_by_side((0..1_001).map(create)).await;
    let later = NOW.plus_secs(100);
    assert!(sessions.purge_browser_sessions(later).await.unwrap(), "one is left");
    assert!(!sessions.purge_browser_sessions(later).await.unwrap());
    assert_eq!(sessions.list_browser_sessions(user(1).id, 9).await.unwrap(), []);
}

async fn a_user_who_is_deleted_leaves_no_sessions(Opened { stores, events: _ }: Opened) {
    let (users, sessions) = (stores.users, stores.browser_sessions);
    users.create_user(&user(1), &registered(1)).await.unwrap();
    create(&sessions, &session(1, 1)).await;
    create(&sessions, &session(2, 2)).await;
    for (n, user) in [(1, Some(user(1))), (2, None)] {
        let found = sessions.find_browser_session(SessionKey([n; 32])).await.unwrap();
        assert_eq!(found, Some((session(n, n), user)));
    }
    users.delete_user(user(1).id, &changed(EventKind::UserDeleted, 1)).await.unwrap();
    assert_eq!(found(&sessions, 1).await, None);
    assert_eq!(sessions.list_browser_sessions(user(1).id, 9).await.unwrap(), []);
    assert_eq!(sessions.list_browser_sessions(user(2).id, 9).await.unwrap(), [session(2, 2)]);
}

async fn a_change_hands_over_its_event_or_is_not_made(Opened { stores, events }: Opened) {
    let sessions = stores.browser_sessions;
    let started = changed(EventKind::BrowserSessionStarted, 1);
    let ended = changed(EventKind::BrowserSessionEnded, 1);
    events.recorded.refuse(true);
    let refused = sessions.create_browser_session(&session(1, 1), &started).await;
    assert!(matches!(refused, Err(StoreError::Unavailable(_))), "{refused:?}");
    assert_eq!(found(&sessions, 1).await, None);
    events.recorded.refuse(false);
    sessions.create_browser_session(&session(1, 1), &started).await.unwrap();
    assert_eq!(events.take_all().await, std::slice::from_ref(&started));
    events.recorded.refuse(true);
    let refused = sessions.end_browser_session(SessionKey([1; 32]), &ended).await;
    assert!(matches!(refused, Err(StoreError::Unavailable(_))), "{refused:?}");
    assert!(found(&sessions, 1).await.is_some());
    events.recorded.refuse(false);
    assert!(sessions.end_browser_session(SessionKey([1; 32]), &ended).await.unwrap());
    assert_eq!(events.take_all().await, std::slice::from_ref(&ended));
    assert!(!sessions.end_browser_session(SessionKey([1; 32]), &ended).await.unwrap());
    assert_eq!(events.take_all().await, []);
}

mod of_sessions {
    use super::contract;
    use super::{
        a_session_goes_on_under_another_key, a_session_is_found_by_its_key_until_it_ends,
        many_sessions_are_removed_by_several_calls, of_64_changes_at_once_one_is_made,
        only_the_revision_that_was_seen_is_replaced, sessions_that_have_expired_are_removed_and_no_others,
        the_sessions_of_a_user_are_listed_those_that_expire_last_first,
    };

    contract! {
        of browser_sessions:
        a_session_goes_on_under_another_key,
        a_session_is_found_by_its_key_until_it_ends,
        only_the_revision_that_was_seen_is_replaced,
        of_64_changes_at_once_one_is_made,
        the_sessions_of_a_user_are_listed_those_that_expire_last_first,
        sessions_that_have_expired_are_removed_and_no_others,
        many_sessions_are_removed_by_several_calls,
    }
}

mod of_events {
    use super::contract;
    use super::{a_change_hands_over_its_event_or_is_not_made, a_user_who_is_deleted_leaves_no_sessions};

    contract! {
        of all:
        a_user_who_is_deleted_leaves_no_sessions,
        a_change_hands_over_its_event_or_is_not_made,
    }
}
