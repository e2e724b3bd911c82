//! The promises of every store about stored events: their order, their chain, the keys of persons, and their end.

use std::sync::Arc;

use jwt_generator::domain::{
    ClientId, Event, EventField, EventId, EventKind, EventRetention, EventValue, Timestamp, UserId,
};
use jwt_generator::event_record::{ChainHead, EventRecord, RecordDigest};
use jwt_generator::store::{Chain, EventCount, EventFilter, Events, StoredEvent};

use super::browser_sessions::session;
use super::clients::{client, event as client_event};
use super::consents::consent;
use super::contract::{Opened, contract, event, hash, registered, user};
use super::denials::{denial, denied};
use super::grants::grant;
use super::login_throttles::record;

const DAY: u64 = 86_400;
/// Later than every change of these tests by more than a change takes.
const LATER: Timestamp = Timestamp::from_secs(4_000_000_000);

/// Collects and seals everything.
pub(super) async fn collect(events: &dyn Events) {
    while events.relay_events(LATER).await.unwrap() {}
    while events.seal_events().await.unwrap() {}
}

/// All events, after they were collected. Their numbers have no gap, and each link fits.
pub(super) async fn all(events: &dyn Events) -> Vec<StoredEvent> {
    collect(events).await;
    assert_eq!(events.find_oldest_unsealed_event().await.unwrap(), None);
    let all = events.list_events(&EventFilter::default(), 0, 100_000).await.unwrap();
    let Chain { base, head } = events.find_chain().await.unwrap();
    assert_eq!(all.iter().fold(base, linked), head);
    all
}

/// The head of the chain after one more event, which must have the next number and the right link.
fn linked(head: ChainHead, event: &StoredEvent) -> ChainHead {
    let next = head.next(event.at, &event.kind, &event.digest);
    assert_eq!(next, ChainHead { seq: event.seq, link: event.link });
    if let Some(record) = &event.record {
        assert_eq!(RecordDigest::of(record), event.digest);
        let record = EventRecord::parse(record).unwrap();
        let of_columns = (event.id.to_string(), event.at.to_string(), event.kind.clone());
        assert_eq!((record.id, record.at, record.kind), of_columns);
    }
    next
}

fn ids(events: &[StoredEvent]) -> Vec<String> {
    events.iter().map(|event| event.id.to_string()).collect()
}

fn ids_of(events: &[Event]) -> Vec<String> {
    events.iter().map(|event| event.id.to_string()).collect()
}

fn records(events: &[StoredEvent]) -> Vec<Option<EventRecord>> {
    events.iter().map(|event| event.record.as_ref().map(|text| EventRecord::parse(text).unwrap())).collect()
}

/// An event of the user `n` in the second `secs`.
fn at(kind: EventKind, n: u8, secs: u64) -> Event {
    event(kind, n, Timestamp::from_secs(1_900_000_000 + secs))
}

async fn the_event_of_each_change_is_in_the_chain_once(Opened { stores, .. }: Opened) {
    let events = stores.events.as_ref();
    assert_eq!(events.find_chain().await.unwrap(), Chain { base: ChainHead::BEGIN, head: ChainHead::BEGIN });
    assert_eq!(all(events).await, []);
    let mut expected = vec![registered(1)];
    stores.users.create_user(&user(1), &registered(1)).await.unwrap();
    assert!(stores.users.create_user(&user(1), &registered(2)).await.is_err());
    let strengthened = at(EventKind::HashStrengthened, 1, 1);
    assert!(stores.users.replace_hash_if(user(1).id, &hash(1), &hash(2), &strengthened).await.unwrap());
    let changed_password = at(EventKind::PasswordChanged, 1, 2);
    let (id, from) = (user(1).id, changed_password.at);
    assert!(stores.users.replace_password_if(id, &hash(2), &hash(3), from, &changed_password).await.unwrap());
    assert!(
        !stores
            .users
            .replace_password_if(id, &hash(2), &hash(4), from, &at(EventKind::PasswordChanged, 1, 3))
            .await
            .unwrap()
    );
    let ended = at(EventKind::SessionsEnded, 1, 4);
    assert!(stores.users.end_sessions(id, from, &ended).await.unwrap());
    expected.extend([strengthened, changed_password, ended]);
    assert_eq!(ids(&all(events).await), ids_of(&expected));
    let deleted = at(EventKind::UserDeleted, 1, 5);
    assert!(stores.users.delete_user(id, &deleted).await.unwrap());
    assert!(!stores.users.delete_user(id, &at(EventKind::UserDeleted, 1, 6)).await.unwrap());
    expected.push(deleted);
    assert_eq!(ids(&all(events).await), ids_of(&expected));
    assert_eq!(ids(&all(events).await), ids_of(&expected), "collecting again changes nothing");
}

async fn the_events_of_all_other_aggregates_are_in_the_chain(Opened { stores, .. }: Opened) {
    let events = stores.events.as_ref();
    stores.users.create_user(&user(1), &registered(1)).await.unwrap();
    let throttled = at(EventKind::LoginThrottled, 1, 1);
    let account = jwt_generator::domain::ThrottledAccount::User(user(1).id);
    let throttles = &stores.login_throttles;
    assert!(throttles.replace_login_throttle_if(None, &record(account, 1), Some(&throttled)).await.unwrap());
    let created = client_event(EventKind::ClientCreated, "a", 1);
    assert!(stores.clients.create_client(&client("a", 1), &created).await.unwrap());
    stores.denials.record_denial(&denial(1, Timestamp::from_secs(9)), Some(&denied(1))).await.unwrap();
    stores.grants.create_grant(&grant(1, 1), None).await.unwrap();
    let revoked = at(EventKind::GrantRevoked, 1, 2);
    let ended = grant(1, 1).ended(revoked.at).unwrap();
    assert!(stores.grants.replace_grant_if(ended.revision - 1, &ended, Some(&revoked)).await.unwrap());
    let started = at(EventKind::BrowserSessionStarted, 1, 3);
    stores.browser_sessions.create_browser_session(&session(1, 1), &started).await.unwrap();
    let given = at(EventKind::ConsentGiven, 1, 4);
    stores.consents.record_consent(&consent(1, "app", "openid"), &given).await.unwrap();
    let kinds = async || {
        let mut kinds: Vec<_> = all(events).await.into_iter().map(|event| event.kind).collect();
        kinds.sort();
        kinds
    };
    let mut expected: Vec<_> = [registered(1), throttled, created, denied(1), revoked, started, given]
        .map(|event| event.kind.name().to_owned())
        .into();
    expected.sort();
    assert_eq!(kinds().await, expected);
    // What is removed leaves its events.
    let deleted = client_event(EventKind::ClientDeleted, "a", 2);
    assert!(stores.clients.delete_client(&client("a", 1).id, &deleted).await.unwrap());
    let ended = at(EventKind::BrowserSessionEnded, 1, 5);
    assert!(stores.browser_sessions.end_browser_session(session(1, 1).key, &ended).await.unwrap());
    let (app, withdrawn) = (ClientId::parse("app").unwrap(), at(EventKind::ConsentWithdrawn, 1, 6));
    assert!(stores.consents.delete_consent(user(1).id, &app, &withdrawn).await.unwrap());
    expected.extend([deleted, ended, withdrawn].map(|event| event.kind.name().to_owned()));
    expected.sort();
    assert_eq!(kinds().await, expected);
}

async fn an_event_without_a_change_is_stored_once(Opened { stores, .. }: Opened) {
    let events = stores.events.as_ref();
    let client = client_event(EventKind::ClientChanged, "a", 1);
    assert!(events.append_event(&client).await.unwrap());
    assert!(!events.append_event(&client).await.unwrap());
    let stored = all(events).await;
    assert_eq!(ids(&stored), ids_of(&[client]));
    assert!(!events.append_event(&client_event(EventKind::ClientChanged, "a", 1)).await.unwrap());
    assert_eq!(all(events).await, stored);
}

async fn a_refused_event_leaves_no_gap(Opened { stores, events: recorded }: Opened) {
    let events = stores.events.as_ref();
    stores.users.create_user(&user(1), &registered(1)).await.unwrap();
    recorded.recorded.refuse(true);
    let refused = at(EventKind::SessionsEnded, 1, 1);
    assert!(stores.users.end_sessions(user(1).id, refused.at, &refused).await.is_err());
    assert!(events.append_event(&refused).await.is_err());
    recorded.recorded.refuse(false);
    let ended = at(EventKind::SessionsEnded, 1, 2);
    assert!(stores.users.end_sessions(user(1).id, ended.at, &ended).await.unwrap());
    assert_eq!(ids(&all(events).await), ids_of(&[registered(1), ended]));
}

async fn personal_data_opens_with_the_key_of_its_person_until_the_user_is_deleted(
    Opened { stores, .. }: Opened,
) {
    let events = stores.events.as_ref();
    for n in [1, 2] {
        let registered = registered(n).with(EventField::Username, user(n).username.as_str());
        stores.users.create_user(&user(n), &registered).await.unwrap();
        let ended = at(EventKind::SessionsEnded, n, u64::from(n));
        assert!(stores.users.end_sessions(user(n).id, ended.at, &ended).await.unwrap());
    }
    let before = all(events).await;
    let persons = [user(1).id, user(2).id, UserId::from_bytes([9; 12])];
    let keys = events.list_person_keys(&persons).await.unwrap();
    assert_eq!(keys.len(), 2, "each user has one key, and there is no third user");
    let sealed: Vec<_> =
        records(&before).into_iter().flatten().filter(|record| record.sealed.is_some()).collect();
    assert_eq!(sealed.len(), 2);
    for record in &sealed {
        let person = UserId::parse(record.person.as_ref().unwrap()).unwrap();
        let (_, key) = keys.iter().find(|(of, _)| *of == person).unwrap();
        let name = if person == user(1).id { "user 1" } else { "user 2" };
        assert_eq!(record.open(key).unwrap()["username"], EventValue::from(name));
        assert!(keys.iter().filter(|(of, _)| *of != person).all(|(_, other)| record.open(other).is_err()));
    }

    let deleted = at(EventKind::UserDeleted, 1, 9);
    assert!(stores.users.delete_user(user(1).id, &deleted).await.unwrap());
    let left = events.list_person_keys(&persons).await.unwrap();
    assert_eq!(left.iter().map(|(person, _)| *person).collect::<Vec<_>>(), [user(2).id]);
    let after = all(events).await;
    assert_eq!(after[..4], before, "the records and the chain are as they were");
    // An instance may know nothing of the deletion yet.
    let late = at(EventKind::SessionsEnded, 1, 10).with(EventField::Username, "user 1");
    let late = Event { kind: EventKind::UserRegistered, ..late };
    assert!(events.append_event(&late).await.unwrap());
    let last = records(&all(events).await).pop().flatten().unwrap();
    assert_eq!((last.sealed, last.data.len()), (None, 0), "without a key there is no personal data");
    assert_eq!(events.list_person_keys(&persons).await.unwrap().len(), 1);
}

/// Seen on MongoDB: of 102 deletions, two left the key and the names, because the last event was moved between two writes.
async fn a_deletion_leaves_no_key_however_its_events_are_moved(Opened { stores, .. }: Opened) {
    let users = || (1..=40).map(user);
    for n in 1..=40 {
        stores.users.create_user(&user(n), &registered(n)).await.unwrap();
    }
    let deletions = users().zip(1_u64..).map(|(user, n)| {
        let (store, deleted) = (stores.users.clone(), at(EventKind::UserDeleted, n as u8, n));
        tokio::spawn(async move { store.delete_user(user.id, &deleted).await.unwrap() })
    });
    let deletions: Vec<_> = deletions.collect();
    while !deletions.iter().all(tokio::task::JoinHandle::is_finished) {
        stores.events.relay_events(Timestamp::from_secs(1_900_000_000)).await.unwrap();
    }
    for deletion in deletions {
        assert!(deletion.await.unwrap());
    }
    let persons: Vec<_> = users().map(|user| user.id).collect();
    assert_eq!(stores.events.list_person_keys(&persons).await.unwrap().len(), 0);
    assert_eq!(all(stores.events.as_ref()).await.len(), 80);
}

async fn a_refused_registration_leaves_no_key(Opened { stores, .. }: Opened) {
    let refused = jwt_generator::domain::User { username: user(1).username, ..user(2) };
    stores.users.create_user(&user(1), &registered(1)).await.unwrap();
    assert!(stores.users.create_user(&refused, &registered(2)).await.is_err());
    assert_eq!(stores.events.list_person_keys(&[refused.id]).await.unwrap().len(), 0);
}

async fn events_are_listed_by_time_kind_user_and_client_in_both_directions(Opened { stores, .. }: Opened) {
    let events = stores.events.as_ref();
    let mut made = Vec::new();
    for n in 1..=20_u8 {
        let kind = if n % 2 == 0 { EventKind::SessionsEnded } else { EventKind::LoginThrottled };
        let of_user = Event { person: Some(user(n % 4).id), ..at(kind, n, u64::from(n)) };
        let event = if n % 5 == 0 { of_user.of_client(&ClientId::parse("app").unwrap()) } else { of_user };
        assert!(events.append_event(&event).await.unwrap());
        made.push(event);
    }
    assert_eq!(ids(&all(events).await), ids_of(&made));
    let time = |secs: u64| Some(Timestamp::from_secs(1_900_000_000 + secs));
    let filter = EventFilter::default;
    for (filter, matches) in [
        (EventFilter { since: time(18), ..filter() }, vec![18, 19, 20]),
        (EventFilter { until: time(3), ..filter() }, vec![1, 2]),
        (EventFilter { since: time(5), until: time(7), ..filter() }, vec![5, 6]),
        (EventFilter { since: time(50), ..filter() }, vec![]),
        (
            EventFilter { kinds: vec![EventKind::SessionsEnded], since: time(16), ..filter() },
            vec![16, 18, 20],
        ),
        (EventFilter { user: Some(user(1).id), ..filter() }, vec![1, 5, 9, 13, 17]),
        (EventFilter { client: ClientId::parse("app").ok(), ..filter() }, vec![5, 10, 15, 20]),
        (EventFilter { client: ClientId::parse("app").ok(), user: Some(user(2).id), ..filter() }, vec![10]),
        (EventFilter { kinds: vec![EventKind::UserDeleted], ..filter() }, vec![]),
    ] {
        let seqs = |events: Vec<StoredEvent>| events.into_iter().map(|event| event.seq).collect::<Vec<_>>();
        assert_eq!(seqs(events.list_events(&filter, 0, 100).await.unwrap()), matches, "{filter:?}");
        let reversed: Vec<u64> = matches.iter().rev().copied().collect();
        assert_eq!(
            seqs(events.list_latest_events(&filter, None, 100).await.unwrap()),
            reversed,
            "{filter:?}"
        );
        if let [first, second, ..] = matches[..] {
            assert_eq!(seqs(events.list_events(&filter, first, 1).await.unwrap()), [second], "{filter:?}");
            let before = events.list_latest_events(&filter, Some(second), 100).await.unwrap();
            assert_eq!(seqs(before), [first], "{filter:?}");
        }
    }
}

async fn many_sealers_at_once_leave_no_gap_and_seal_nothing_twice(Opened { stores, .. }: Opened) {
    let events = Arc::clone(&stores.events);
    let racers: Vec<_> = (0..8_u8)
        .map(|racer| {
            let events = Arc::clone(&events);
            tokio::spawn(async move {
                for n in 0..25 {
                    let event =
                        client_event(EventKind::ClientChanged, &format!("{racer}-{n}"), 25 * racer + n);
                    assert!(events.append_event(&event).await.unwrap());
                    events.seal_events().await.unwrap();
                    events.relay_events(LATER).await.unwrap();
                }
            })
        })
        .collect();
    // A reader who remembers the last number misses no event.
    let (mut read, mut last) = (Vec::new(), 0);
    while read.len() < 200 {
        if racers.iter().all(tokio::task::JoinHandle::is_finished) {
            collect(events.as_ref()).await;
        }
        for event in events.list_events(&EventFilter::default(), last, 100).await.unwrap() {
            assert_eq!(event.seq, last + 1);
            last = event.seq;
            read.push(event);
        }
    }
    for racer in racers {
        racer.await.unwrap();
    }
    assert_eq!(read, all(events.as_ref()).await);
    let mut distinct = ids(&read);
    distinct.sort();
    distinct.dedup();
    assert_eq!(distinct.len(), 200);
}

async fn an_expired_event_loses_its_record_and_the_beginning_of_the_chain_goes(
    Opened { stores, .. }: Opened,
) {
    let events = stores.events.as_ref();
    let retention = EventRetention::parse("security=400d, other=30d").unwrap();
    let kinds = [
        EventKind::HashStrengthened,
        EventKind::HashStrengthened,
        EventKind::SessionsEnded,
        EventKind::HashStrengthened,
        EventKind::SessionsEnded,
    ];
    for (n, kind) in (1..).zip(kinds) {
        assert!(events.append_event(&at(kind, n, u64::from(n))).await.unwrap());
    }
    let whole = all(events).await;
    let purge = async |days: u64| {
        let now = Timestamp::from_secs(1_900_000_010 + days * DAY);
        while events.purge_events(now, &retention).await.unwrap() {}
        let left = all(events).await;
        let has_record: Vec<_> = left.iter().map(|event| (event.seq, event.record.is_some())).collect();
        (events.find_chain().await.unwrap().base.seq, has_record)
    };
    assert_eq!(purge(29).await, (0, (1..=5).map(|seq| (seq, true)).collect()));
    assert_eq!(purge(30).await, (2, vec![(3, true), (4, false), (5, true)]));
    let base = events.find_chain().await.unwrap().base;
    assert_eq!(base.link, whole[1].link);
    let of_user = EventFilter { user: Some(user(4).id), ..EventFilter::default() };
    assert_eq!(events.list_events(&of_user, 0, 9).await.unwrap(), [], "nothing says whose it was");
    assert_eq!(purge(400).await, (5, vec![]));
    let next = at(EventKind::SessionsEnded, 1, 9);
    assert!(events.append_event(&next).await.unwrap());
    let left = all(events).await;
    assert_eq!((left.len(), left[0].seq), (1, 6), "the chain goes on");
}

async fn counts_add_up_and_end_with_the_time_for_other_events(Opened { stores, .. }: Opened) {
    let events = stores.events.as_ref();
    let count = |minute: u64, client: Option<&str>, count| EventCount {
        minute: Timestamp::from_secs(60 * minute),
        kind: EventKind::TokenRevoked,
        client: client.map(|client| ClientId::parse(client).unwrap()),
        count,
    };
    let add = async |batch: u8, counts: &[EventCount]| {
        events.add_event_counts(EventId::from_bytes([batch; 16]), counts).await.unwrap();
    };
    add(1, &[count(1, None, 1), count(1, Some("a"), 2)]).await;
    add(2, &[count(2, Some("a"), 4)]).await;
    add(3, &[count(1, Some("a"), 8)]).await;
    add(4, &[]).await;
    let list = async |since: u64, until: u64| {
        let (since, until) = (Timestamp::from_secs(60 * since), Timestamp::from_secs(60 * until));
        events.list_event_counts(since, until).await.unwrap()
    };
    assert_eq!(list(0, 9).await, [count(1, None, 1), count(1, Some("a"), 10), count(2, Some("a"), 4)]);
    assert_eq!(list(2, 9).await, [count(2, Some("a"), 4)]);
    assert_eq!(list(0, 1).await, []);
    let now = Timestamp::from_secs(30 * DAY + 90);
    while events.purge_events(now, &EventRetention::default()).await.unwrap() {}
    assert_eq!(list(0, 9).await, [count(2, Some("a"), 4)]);
}

contract! {
    of storing:
    the_event_of_each_change_is_in_the_chain_once,
    the_events_of_all_other_aggregates_are_in_the_chain,
    an_event_without_a_change_is_stored_once,
    a_refused_event_leaves_no_gap,
    personal_data_opens_with_the_key_of_its_person_until_the_user_is_deleted,
    a_deletion_leaves_no_key_however_its_events_are_moved,
    a_refused_registration_leaves_no_key,
    events_are_listed_by_time_kind_user_and_client_in_both_directions,
    many_sealers_at_once_leave_no_gap_and_seal_nothing_twice,
    an_expired_event_loses_its_record_and_the_beginning_of_the_chain_goes,
    counts_add_up_and_end_with_the_time_for_other_events,
}
