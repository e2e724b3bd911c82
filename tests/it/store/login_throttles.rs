//! What every store promises of what is remembered of log-ins (the prose of `store::LoginThrottles`).

use std::sync::Arc;

use jwt_generator::domain::{
    AddressTag, EventKind, LoginThrottle, ThrottleRecord, ThrottledAccount, Timestamp,
};
use jwt_generator::store::{LoginThrottles, StoreError};

use super::contract::{Opened, changed, contract, registered, side_by_side, user};

const NOW: Timestamp = Timestamp::from_millis(1_800_000_000_123);

/// After so many failures at [`NOW`] and a log-in before them.
fn throttle(failures: u32) -> LoginThrottle {
    let begin = LoginThrottle::default().after_login(&[AddressTag::from_hash([7; 16])], NOW).unwrap();
    (0..failures).fold(begin, |throttle, _| throttle.after_failure(&[], NOW).0)
}

pub(super) fn record(account: ThrottledAccount, revision: u64) -> ThrottleRecord {
    let throttle = throttle(revision as u32);
    ThrottleRecord { account, revision, forget_at: Some(NOW), throttle }
}

fn alice() -> ThrottledAccount {
    ThrottledAccount::User(user(1).id)
}

async fn a_record_is_found_as_it_was_written_and_each_account_has_its_own(
    throttles: Arc<dyn LoginThrottles>,
) {
    let unknown = ThrottledAccount::UnknownName(99_999);
    assert_eq!(throttles.find_login_throttle(alice()).await.unwrap(), None);
    let kept = ThrottleRecord { forget_at: None, ..record(alice(), 1) };
    for record in [&kept, &record(unknown, 3)] {
        assert!(throttles.replace_login_throttle_if(None, record, None).await.unwrap());
    }
    assert_eq!(throttles.find_login_throttle(alice()).await.unwrap(), Some(kept));
    assert_eq!(throttles.find_login_throttle(unknown).await.unwrap(), Some(record(unknown, 3)));
    assert_eq!(throttles.find_login_throttle(ThrottledAccount::UnknownName(9)).await.unwrap(), None);
}

async fn only_the_revision_that_was_seen_is_replaced(throttles: Arc<dyn LoginThrottles>) {
    let replace = async |seen, revision| {
        throttles.replace_login_throttle_if(seen, &record(alice(), revision), None).await.unwrap()
    };
    assert!(!replace(Some(1), 2).await, "there is no record");
    assert!(replace(None, 1).await);
    assert!(!replace(None, 1).await, "there is one");
    assert!(!replace(Some(2), 3).await);
    assert!(replace(Some(1), 2).await);
    assert!(!replace(Some(1), 2).await);
    assert_eq!(throttles.find_login_throttle(alice()).await.unwrap(), Some(record(alice(), 2)));
}

async fn of_many_changes_at_once_one_is_made(throttles: Arc<dyn LoginThrottles>) {
    for seen in [None, Some(1)] {
        let racers: Vec<_> = (0..16)
            .map(|_| {
                let (throttles, next) = (Arc::clone(&throttles), record(alice(), seen.unwrap_or(0) + 1));
                tokio::spawn(
                    async move { throttles.replace_login_throttle_if(seen, &next, None).await.unwrap() },
                )
            })
            .collect();
        let mut made = 0;
        for racer in racers {
            made += usize::from(racer.await.unwrap());
        }
        assert_eq!(made, 1, "from {seen:?}");
    }
}

async fn records_that_no_longer_count_are_removed_and_no_others(throttles: Arc<dyn LoginThrottles>) {
    let at =
        |place, forget_at| ThrottleRecord { forget_at, ..record(ThrottledAccount::UnknownName(place), 1) };
    let later = NOW.plus_secs(1);
    for record in [at(1, Some(NOW)), at(2, Some(later)), at(3, None)] {
        assert!(throttles.replace_login_throttle_if(None, &record, None).await.unwrap());
    }
    while throttles.purge_login_throttles(later).await.unwrap() {}
    let mut left = Vec::new();
    for place in 1..=3 {
        let found = throttles.find_login_throttle(ThrottledAccount::UnknownName(place)).await.unwrap();
        left.extend(found.map(|_| place));
    }
    assert_eq!(left, [2, 3]);
}

async fn many_records_are_removed_by_several_calls(throttles: Arc<dyn LoginThrottles>) {
    let create = async |place| {
        let record = record(ThrottledAccount::UnknownName(place), 1);
        assert!(throttles.replace_login_throttle_if(None, &record, None).await.unwrap());
    };
    side_by_side((0..1_001).map(create)).await;
    while throttles.purge_login_throttles(NOW.plus_secs(1)).await.unwrap() {}
    let find = |place| throttles.find_login_throttle(ThrottledAccount::UnknownName(place));
    let found = side_by_side((0..1_001).map(find)).await;
    assert!(found.into_iter().all(|found| found.unwrap().is_none()));
}

async fn a_user_who_is_deleted_leaves_no_record(Opened { stores, events: _ }: Opened) {
    let (users, throttles) = (stores.users, stores.login_throttles);
    users.create_user(&user(1), &registered(1)).await.unwrap();
    let throttled = changed(EventKind::LoginThrottled, 1);
    for event in [None, Some(&throttled)] {
        assert!(throttles.replace_login_throttle_if(None, &record(alice(), 1), event).await.unwrap());
        users.delete_user(user(1).id, &changed(EventKind::UserDeleted, 1)).await.unwrap();
        assert_eq!(throttles.find_login_throttle(alice()).await.unwrap(), None);
    }
    let again = throttles.replace_login_throttle_if(None, &record(alice(), 1), None).await;
    assert!(again.unwrap(), "what keeps the events is no record");
}

async fn a_change_hands_over_its_event_or_is_not_made(Opened { stores, events }: Opened) {
    let throttles = stores.login_throttles;
    let (throttled, limited) = (changed(EventKind::LoginThrottled, 1), changed(EventKind::LoginLimited, 1));
    let replace = async |seen, revision, event| {
        throttles.replace_login_throttle_if(seen, &record(alice(), revision), event).await
    };
    assert!(replace(None, 1, Some(&throttled)).await.unwrap());
    assert_eq!(events.take_all().await, std::slice::from_ref(&throttled));
    assert!(replace(Some(1), 2, None).await.unwrap());
    assert!(!replace(Some(1), 2, Some(&limited)).await.unwrap(), "another change came first");
    assert_eq!(events.take_all().await, []);
    events.recorded.refuse(true);
    let refused = replace(Some(2), 3, Some(&limited)).await;
    assert!(matches!(refused, Err(StoreError::Unavailable(_))), "{refused:?}");
    events.recorded.refuse(false);
    assert_eq!(throttles.find_login_throttle(alice()).await.unwrap(), Some(record(alice(), 2)));
    assert!(replace(Some(2), 3, Some(&limited)).await.unwrap());
    assert_eq!(events.take_all().await, std::slice::from_ref(&limited));
}

mod of_records {
    use super::contract;
    use super::{
        a_record_is_found_as_it_was_written_and_each_account_has_its_own,
        many_records_are_removed_by_several_calls, of_many_changes_at_once_one_is_made,
        only_the_revision_that_was_seen_is_replaced, records_that_no_longer_count_are_removed_and_no_others,
    };

    contract! {
        of login_throttles:
        a_record_is_found_as_it_was_written_and_each_account_has_its_own,
        only_the_revision_that_was_seen_is_replaced,
        of_many_changes_at_once_one_is_made,
        records_that_no_longer_count_are_removed_and_no_others,
        many_records_are_removed_by_several_calls,
    }
}

mod of_events {
    use super::contract;
    use super::{a_change_hands_over_its_event_or_is_not_made, a_user_who_is_deleted_leaves_no_record};

    contract! {
        of all:
        a_user_who_is_deleted_leaves_no_record,
        a_change_hands_over_its_event_or_is_not_made,
    }
}
