//! What every store promises of denials (the prose of `store::Denials`).

use std::sync::Arc;

use jwt_generator::domain::{
    ClientId, Denial, Denied, Event, EventId, EventKind, EventSubject, GrantId, Initiator, RegistrationId,
    SessionId, Timestamp,
};
use jwt_generator::store::{Denials, StoreError};

use super::contract::{Opened, contract, user};

const AT: Timestamp = Timestamp::from_millis(1_900_000_000_123);

/// The denial of the n-th token, which was written at this instant.
pub(super) fn denial(n: u8, at: Timestamp) -> Denial {
    of(Denied::Token(format!("jti-{n}")), at)
}

fn of(denied: Denied, at: Timestamp) -> Denial {
    Denial { denied, at, expires_at: at.plus_secs(3600) }
}

/// The event of a denial. Two of the same number have the same id.
pub(super) fn denied(n: u8) -> Event {
    let subject = EventSubject::Client(ClientId::parse("c").unwrap());
    let id = EventId::new(AT, [n; 10]);
    Event::new(id, AT, EventKind::TokenRevoked, Initiator::OPERATOR, subject)
}

async fn all(denials: &Arc<dyn Denials>, since: Timestamp) -> Vec<Denial> {
    denials.list_denials(since, None, 1000).await.unwrap()
}

async fn a_denial_of_each_kind_is_listed_as_it_was_written(denials: Arc<dyn Denials>) {
    let kinds = [
        Denied::Token("a:b".to_owned()),
        Denied::Grant(GrantId::from_bytes([1; 16])),
        Denied::Session(SessionId::from_bytes([2; 16])),
        Denied::User(user(1).id),
        Denied::Registration(RegistrationId::from_bytes([3; 16])),
    ];
    let written: Vec<_> = (0..).zip(kinds).map(|(secs, denied)| of(denied, AT.plus_secs(secs))).collect();
    for (n, denial) in (0..).zip(&written) {
        denials.record_denial(denial, Some(&denied(n))).await.unwrap();
    }
    assert_eq!(all(&denials, Timestamp::from_secs(0)).await, written);
}

async fn denials_are_listed_from_an_instant_page_by_page_in_the_order_of_writing(denials: Arc<dyn Denials>) {
    for n in [3, 1, 2, 0, 4] {
        // Two of them have the same instant.
        let at = AT.plus_secs(u64::from(n / 2));
        denials.record_denial(&denial(n, at), Some(&denied(n))).await.unwrap();
    }
    let (mut pages, mut after) = (Vec::new(), None);
    loop {
        let page = denials.list_denials(AT, after.as_ref(), 2).await.unwrap();
        after = page.last().cloned().or(after);
        if page.is_empty() {
            break;
        }
        pages.push(page.len());
    }
    assert_eq!(pages, [2, 2, 1]);
    let listed = all(&denials, AT).await;
    assert_eq!(listed, (0..5).map(|n| denial(n, AT.plus_secs(u64::from(n / 2)))).collect::<Vec<_>>());
    assert_eq!(all(&denials, AT.plus_secs(1)).await, listed[2..], "the instant itself counts");
    assert_eq!(all(&denials, AT.plus_secs(3)).await, []);
}

async fn the_later_of_two_denials_of_the_same_tokens_counts(denials: Arc<dyn Denials>) {
    let (early, late) = (denial(1, AT), denial(1, AT.plus_secs(5)));
    let long = Denial { expires_at: AT.plus_secs(9_999), ..early.clone() };
    for (n, denial) in [(1, &late), (2, &early), (3, &long)] {
        denials.record_denial(denial, Some(&denied(n))).await.unwrap();
    }
    let expected = Denial { expires_at: long.expires_at, ..late };
    assert_eq!(all(&denials, AT).await, [expected]);
}

async fn denials_that_have_expired_are_removed_and_no_others(denials: Arc<dyn Denials>) {
    for n in 0..3 {
        denials.record_denial(&denial(n, AT.plus_secs(u64::from(n))), Some(&denied(n))).await.unwrap();
    }
    while denials.purge_denials(AT.plus_secs(3601)).await.unwrap() {}
    assert_eq!(all(&denials, AT).await, [denial(1, AT.plus_secs(1)), denial(2, AT.plus_secs(2))]);
}

async fn a_denial_hands_over_its_event_or_is_not_made(Opened { stores, events }: Opened) {
    let denials = stores.denials;
    denials.record_denial(&denial(1, AT), Some(&denied(1))).await.unwrap();
    assert_eq!(events.take_all().await, [denied(1)]);
    denials.record_denial(&denial(1, AT), None).await.unwrap();
    assert_eq!(events.take_all().await, []);
    events.recorded.refuse(true);
    for n in [1, 2] {
        let refused = denials.record_denial(&denial(n, AT.plus_secs(9)), Some(&denied(2))).await;
        assert!(matches!(refused, Err(StoreError::Unavailable(_))), "{refused:?}");
    }
    events.recorded.refuse(false);
    assert_eq!(all(&denials, AT).await, [denial(1, AT)]);
}

mod of_denials {
    use super::contract;
    use super::{
        a_denial_of_each_kind_is_listed_as_it_was_written,
        denials_are_listed_from_an_instant_page_by_page_in_the_order_of_writing,
        denials_that_have_expired_are_removed_and_no_others,
        the_later_of_two_denials_of_the_same_tokens_counts,
    };

    contract! {
        of denials:
        a_denial_of_each_kind_is_listed_as_it_was_written,
        denials_are_listed_from_an_instant_page_by_page_in_the_order_of_writing,
        the_later_of_two_denials_of_the_same_tokens_counts,
        denials_that_have_expired_are_removed_and_no_others,
    }
}

mod of_events {
    use super::a_denial_hands_over_its_event_or_is_not_made;
    use super::contract;

    contract! { of all: a_denial_hands_over_its_event_or_is_not_made }
}
