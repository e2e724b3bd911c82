//! What every store promises of status lists (the prose of `store::StatusLists`).

use std::collections::BTreeSet;
use std::sync::Arc;

use futures_util::future::join_all;
use jwt_generator::domain::{
    ClientId, Denial, Denied, GrantId, Kid, RegistrationId, SessionId, StatusEntry, StatusLease, StatusPlace,
    Timestamp,
};
use jwt_generator::store::StatusLists;

use super::contract::{contract, user};

const AT: Timestamp = Timestamp::from_secs(1_900_000_000);

/// The entry of the n-th token: a grant of user `n`, signed by the key `k`.
pub(super) fn entry(n: u8) -> StatusEntry {
    StatusEntry {
        place: StatusPlace { list: 1, index: u32::from(n) },
        jti: format!("jti-{n}"),
        kid: Kid::parse("k").unwrap(),
        client: ClientId::parse("app").unwrap(),
        registration: Some(RegistrationId::from_bytes([n; 16])),
        user: Some(user(n).id),
        grant: Some(GrantId::from_bytes([n; 16])),
        session: Some(SessionId::from_bytes([n; 16])),
        issued_at: AT,
        expires_at: AT.plus_secs(3600),
    }
}

fn denial(denied: Denied) -> Denial {
    Denial { denied, at: AT.plus_secs(1), expires_at: AT.plus_secs(3600) }
}

async fn denied(lists: &Arc<dyn StatusLists>, denials: &[Denial]) -> Vec<u32> {
    let mut found: Vec<_> =
        lists.list_denied_places(denials).await.unwrap().iter().map(|place| place.index).collect();
    found.sort_unstable();
    found
}

async fn leases_go_through_a_list_and_then_begin_the_next_one(lists: Arc<dyn StatusLists>) {
    assert_eq!(lists.list_status_lists().await.unwrap(), []);
    let leases = StatusPlace::PER_LIST / StatusLease::POSITIONS;
    for n in 0..leases {
        let lease = lists.lease_status_positions("a", AT).await.unwrap();
        assert_eq!(lease, StatusLease { list: 1, first: n * StatusLease::POSITIONS });
    }
    let next = lists.lease_status_positions("a", AT.plus_secs(9)).await.unwrap();
    assert_eq!(next, StatusLease { list: 2, first: 0 });
    let listed: Vec<_> =
        lists.list_status_lists().await.unwrap().iter().map(|list| (list.number, list.live_until)).collect();
    assert_eq!(listed, [(1, AT), (2, AT.plus_secs(9))]);
}

async fn of_many_leases_at_once_each_has_other_positions(lists: Arc<dyn StatusLists>) {
    let leased = join_all((0..64).map(|_| lists.lease_status_positions("a", AT))).await;
    let leased: BTreeSet<_> =
        leased.into_iter().map(|lease| lease.unwrap()).map(|lease| (lease.list, lease.first)).collect();
    assert_eq!(leased.len(), 64);
}

async fn a_list_has_one_key_and_lives_for_as_long_as_its_longest_lease(lists: Arc<dyn StatusLists>) {
    for (key, secs, number, first) in [
        ("a", 60, 1, 0),
        ("b", 60, 2, 0),
        ("a", 10, 1, StatusLease::POSITIONS),
        ("b", 90, 2, StatusLease::POSITIONS),
    ] {
        let lease = lists.lease_status_positions(key, AT.plus_secs(secs)).await.unwrap();
        assert_eq!(lease, StatusLease { list: number, first });
    }
    let listed = lists.list_status_lists().await.unwrap();
    let listed: Vec<_> = listed.iter().map(|list| list.live_until).collect();
    assert_eq!(listed, [AT.plus_secs(60), AT.plus_secs(90)]);
}

async fn a_place_is_taken_once(lists: Arc<dyn StatusLists>) {
    let first = entry(1);
    let second = StatusEntry { jti: "another".to_owned(), ..first.clone() };
    assert!(lists.create_status_entry(&first).await.unwrap());
    assert!(!lists.create_status_entry(&second).await.unwrap());
    assert_eq!(denied(&lists, &[denial(Denied::Token("another".to_owned()))]).await, [0_u32; 0]);
    assert_eq!(denied(&lists, &[denial(Denied::Token(first.jti))]).await, [1]);
}

async fn each_kind_of_denial_finds_its_tokens_and_no_others(lists: Arc<dyn StatusLists>) {
    let of_itself = StatusEntry { user: None, grant: None, session: None, ..entry(3) };
    // The subject of a generated token may be the id of a user.
    let generated = StatusEntry { user: Some(user(1).id), grant: None, session: None, ..entry(4) };
    for entry in [entry(1), entry(2), of_itself, generated] {
        assert!(lists.create_status_entry(&entry).await.unwrap());
    }
    let app = ClientId::parse("app").unwrap();
    for (of, found) in [
        (Denied::Token("jti-1".to_owned()), &[1][..]),
        (Denied::Grant(GrantId::from_bytes([1; 16])), &[1]),
        (Denied::Session(SessionId::from_bytes([2; 16])), &[2]),
        (Denied::Registration(RegistrationId::from_bytes([3; 16])), &[3]),
        (Denied::User(user(1).id), &[1, 4]),
        (Denied::Access(user(1).id, app), &[1]),
        (Denied::Access(user(1).id, ClientId::parse("other").unwrap()), &[]),
        (Denied::Token("jti-9".to_owned()), &[]),
        (Denied::User(user(9).id), &[]),
    ] {
        assert_eq!(denied(&lists, &[denial(of.clone())]).await, found, "{of:?}");
    }
    let several = [Denied::Token("jti-1".to_owned()), Denied::Grant(GrantId::from_bytes([2; 16]))];
    assert_eq!(denied(&lists, &several.map(denial)).await, [1, 2]);
    assert_eq!(denied(&lists, &[]).await, [0_u32; 0]);
}

async fn a_denial_of_a_user_spares_tokens_that_were_issued_later(lists: Arc<dyn StatusLists>) {
    let later = StatusEntry { issued_at: AT.plus_secs(1), ..entry(1) };
    assert!(lists.create_status_entry(&later).await.unwrap());
    for of in [Denied::User(user(1).id), Denied::Access(user(1).id, ClientId::parse("app").unwrap())] {
        let at = |at| Denial { at, ..denial(of.clone()) };
        assert_eq!(denied(&lists, &[at(Timestamp::from_millis(AT.as_millis() + 999))]).await, [0_u32; 0]);
        assert_eq!(denied(&lists, &[at(AT.plus_secs(1))]).await, [1], "the second itself counts");
    }
}

async fn the_tokens_of_a_key_are_found(lists: Arc<dyn StatusLists>) {
    for entry in [entry(3), StatusEntry { kid: Kid::parse("other").unwrap(), ..entry(2) }, entry(1), entry(4)]
    {
        assert!(lists.create_status_entry(&entry).await.unwrap());
    }
    let of_key =
        async |after, limit| lists.list_places_of_key(&Kid::parse("k").unwrap(), after, limit).await.unwrap();
    let mut places = [entry(1).place, entry(3).place, entry(4).place];
    places.sort_by_key(|place| place.to_number());
    assert_eq!(of_key(None, 9).await, places);
    assert_eq!(of_key(None, 2).await, places[..2]);
    assert_eq!(of_key(Some(places[1]), 2).await, places[2..]);
}

async fn what_has_expired_is_removed_and_the_newest_list_stays(lists: Arc<dyn StatusLists>) {
    for (key, secs) in [("a", 1), ("b", 60), ("c", 1)] {
        lists.lease_status_positions(key, AT.plus_secs(secs)).await.unwrap();
    }
    for n in [1, 2] {
        let expires_at = AT.plus_secs(u64::from(n));
        assert!(lists.create_status_entry(&StatusEntry { expires_at, ..entry(n) }).await.unwrap());
    }
    while lists.purge_status_entries(AT.plus_secs(2)).await.unwrap() {}
    let of = |n: u8| denial(Denied::Token(format!("jti-{n}")));
    assert_eq!(denied(&lists, &[of(1), of(2)]).await, [2]);
    let numbers = |listed: Vec<jwt_generator::domain::StatusListRecord>| {
        listed.iter().map(|list| list.number).collect::<Vec<_>>()
    };
    assert_eq!(numbers(lists.list_status_lists().await.unwrap()), [2, 3]);
    while lists.purge_status_entries(AT.plus_secs(600)).await.unwrap() {}
    assert_eq!(numbers(lists.list_status_lists().await.unwrap()), [3]);
    let next = lists.lease_status_positions("d", AT).await.unwrap();
    assert_eq!(next.list, 4, "no number is given twice");
}

contract! {
    of status_lists:
    leases_go_through_a_list_and_then_begin_the_next_one,
    of_many_leases_at_once_each_has_other_positions,
    a_list_has_one_key_and_lives_for_as_long_as_its_longest_lease,
    a_place_is_taken_once,
    each_kind_of_denial_finds_its_tokens_and_no_others,
    a_denial_of_a_user_spares_tokens_that_were_issued_later,
    the_tokens_of_a_key_are_found,
    what_has_expired_is_removed_and_the_newest_list_stays,
}
