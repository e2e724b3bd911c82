//! What every store promises of deliveries (the prose of `store::Deliveries`).

use std::sync::Arc;

use futures_util::future::join_all;
use jwt_generator::domain::{Delivery, DeliveryAttempt, DeliveryQueue, DeliveryState, EventId, Timestamp};
use jwt_generator::store::Deliveries;

use super::contract::contract;
use super::webhooks::id;

const AT: Timestamp = Timestamp::from_millis(1_900_000_000_123);
const LATER: Timestamp = Timestamp::from_millis(1_900_000_060_123);

/// A delivery that is due at [`AT`].
pub fn delivery(webhook: &str, seq: u64, subject: &str) -> Delivery {
    Delivery {
        webhook: id(webhook),
        event: event(seq),
        revision: 1,
        seq,
        kind: "user.registered".to_owned(),
        subject: subject.to_owned(),
        state: DeliveryState::Waiting,
        due_at: AT,
        created_at: AT,
        // A server of MongoDB removes what has expired by its own clock.
        expires_at: Timestamp::from_secs(4_000_000_000),
        tries: 0,
        attempts: Vec::new(),
    }
}

fn event(seq: u64) -> EventId {
    EventId::from_bytes(u128::from(seq).to_be_bytes())
}

pub fn queue(webhook: &str, revision: u64) -> DeliveryQueue {
    DeliveryQueue { revision, ..DeliveryQueue::new(id(webhook)) }
}

fn numbers(deliveries: &[Delivery]) -> Vec<u64> {
    deliveries.iter().map(|delivery| delivery.seq).collect()
}

async fn the_cursor_moves_only_from_where_it_is(deliveries: Arc<dyn Deliveries>) {
    assert_eq!(deliveries.find_delivery_cursor().await.unwrap(), None);
    let moves = async |seen, to| deliveries.create_deliveries_if(seen, to, &[]).await.unwrap();
    assert!(!moves(Some(0), 5).await);
    assert!(moves(None, 5).await);
    assert!(!moves(None, 6).await);
    assert!(!moves(Some(4), 6).await);
    assert!(moves(Some(5), 5).await);
    let racing = join_all((0..8).map(|_| moves(Some(5), 6))).await;
    assert_eq!(racing.into_iter().filter(|moved| *moved).count(), 1);
    assert_eq!(deliveries.find_delivery_cursor().await.unwrap(), Some(6));
}

async fn making_a_delivery_twice_changes_nothing(deliveries: Arc<dyn Deliveries>) {
    let first = delivery("a", 1, "user:1");
    assert!(deliveries.create_deliveries_if(None, 1, std::slice::from_ref(&first)).await.unwrap());
    let delivered = Delivery { revision: 2, state: DeliveryState::Delivered, due_at: AT, ..first.clone() };
    assert!(deliveries.replace_delivery_if(1, &delivered).await.unwrap());
    let both = [first.clone(), delivery("a", 2, "user:1"), delivery("b", 1, "user:1")];
    assert!(deliveries.create_deliveries_if(Some(1), 2, &both).await.unwrap());
    assert_eq!(deliveries.find_delivery(&id("a"), event(1)).await.unwrap(), Some(delivered));
    assert_eq!(numbers(&deliveries.list_deliveries(&id("a"), None, None, 9).await.unwrap()), [2, 1]);
    assert_eq!(numbers(&deliveries.list_deliveries(&id("b"), None, None, 9).await.unwrap()), [1]);
    deliveries.record_deliveries(std::slice::from_ref(&first)).await.unwrap();
    assert_eq!(deliveries.find_delivery(&id("a"), event(1)).await.unwrap(), Some(first), "a replay");
}

async fn a_queue_is_due_with_its_deliveries_and_changes_only_by_comparison(deliveries: Arc<dyn Deliveries>) {
    let due = async |now| deliveries.list_due_queues(now, 9).await.unwrap();
    assert_eq!(due(LATER).await, []);
    let later = Delivery { due_at: LATER, ..delivery("b", 1, "user:1") };
    assert!(deliveries.create_deliveries_if(None, 1, &[delivery("a", 1, "user:1"), later]).await.unwrap());
    assert_eq!(due(Timestamp::from_millis(AT.as_millis() - 1)).await, []);
    let [mut a] = due(AT).await.try_into().unwrap();
    assert_eq!((a.webhook.as_str(), a.due_at, a.failures), ("a", Some(AT), 0));
    assert_eq!(due(LATER).await.iter().map(|queue| queue.webhook.as_str()).collect::<Vec<_>>(), ["a", "b"]);
    assert_eq!(deliveries.list_due_queues(LATER, 0).await.unwrap(), [], "0 lists nothing");
    assert_eq!(deliveries.list_due_deliveries(&id("a"), LATER, 0).await.unwrap(), []);
    assert_eq!(deliveries.list_deliveries(&id("a"), None, None, 0).await.unwrap(), []);
    let seen = a.revision;
    (a.revision, a.leased_until, a.lease, a.failures) = (seen + 1, LATER, u64::MAX >> 1, 3);
    let racing = join_all((0..8).map(|_| deliveries.replace_delivery_queue_if(seen, &a))).await;
    assert_eq!(racing.into_iter().filter(|made| *made.as_ref().unwrap()).count(), 1);
    assert_eq!(deliveries.find_delivery_queue(&id("a")).await.unwrap(), Some(a.clone()));
    assert_eq!(due(AT).await, [], "it is leased");
    assert_eq!(due(LATER).await.len(), 2, "the lease has ended");
    assert!(deliveries.create_deliveries_if(Some(1), 2, &[delivery("a", 2, "user:1")]).await.unwrap());
    let asleep = DeliveryQueue { revision: a.revision + 1, due_at: None, ..a.clone() };
    let slept = deliveries.replace_delivery_queue_if(a.revision, &asleep).await.unwrap();
    assert!(!slept, "a delivery has arrived");
    let woken = deliveries.find_delivery_queue(&id("a")).await.unwrap().unwrap();
    assert_eq!(DeliveryQueue { revision: woken.revision, ..a }, woken, "nothing else has changed");
    let rests =
        DeliveryQueue { revision: woken.revision + 1, rest_until: LATER, leased_until: AT, ..woken.clone() };
    assert!(deliveries.replace_delivery_queue_if(woken.revision, &rests).await.unwrap());
    assert_eq!(due(AT).await, [], "it rests");
    assert!(!deliveries.replace_delivery_queue_if(1, &queue("c", 2)).await.unwrap(), "there is no queue");
}

async fn a_sleeping_queue_is_woken_by_a_delivery(deliveries: Arc<dyn Deliveries>) {
    assert!(deliveries.create_deliveries_if(None, 1, &[delivery("a", 1, "user:1")]).await.unwrap());
    assert!(deliveries.replace_delivery_queue_if(1, &queue("a", 2)).await.unwrap());
    assert_eq!(deliveries.list_due_queues(LATER, 9).await.unwrap(), []);
    assert!(deliveries.create_deliveries_if(Some(1), 2, &[delivery("a", 2, "user:1")]).await.unwrap());
    let woken = deliveries.list_due_queues(AT, 9).await.unwrap();
    assert_eq!(woken, [DeliveryQueue { due_at: Some(AT), ..queue("a", 3) }]);
}

async fn due_deliveries_come_in_their_order_and_each_subject_has_a_first(deliveries: Arc<dyn Deliveries>) {
    let mut all = vec![
        delivery("a", 3, "user:1"),
        delivery("a", 1, "user:1"),
        delivery("a", 2, "user:2"),
        delivery("b", 1, "user:1"),
    ];
    all[2].due_at = LATER;
    assert!(deliveries.create_deliveries_if(None, 3, &all).await.unwrap());
    let due =
        async |now, limit| numbers(&deliveries.list_due_deliveries(&id("a"), now, limit).await.unwrap());
    assert_eq!(
        (due(AT, 9).await, due(LATER, 9).await, due(LATER, 1).await),
        (vec![1, 3], vec![1, 3, 2], vec![1])
    );
    let subjects = ["user:1", "user:2", "user:3"].map(str::to_owned);
    let first = async || {
        let mut first = numbers(&deliveries.list_first_deliveries(&id("a"), &subjects).await.unwrap());
        first.sort_unstable();
        first
    };
    assert_eq!(first().await, [1, 2]);
    assert_eq!(
        deliveries.list_due_deliveries(&id("b"), AT, 9).await.unwrap().len(),
        1,
        "of another endpoint"
    );
}

async fn a_held_delivery_is_not_due_until_the_one_before_it_has_ended(deliveries: Arc<dyn Deliveries>) {
    let all = [1, 2, 4, 5].map(|seq| delivery("a", seq, "user:1"));
    assert!(deliveries.create_deliveries_if(None, 5, &all).await.unwrap());
    let others = [delivery("a", 3, "user:2"), delivery("b", 2, "user:1")];
    assert!(deliveries.create_deliveries_if(Some(5), 5, &others).await.unwrap());
    let end = async |seq, state, due_at| {
        let stored = deliveries.find_delivery(&id("a"), event(seq)).await.unwrap().unwrap();
        let revision = stored.revision + 1;
        let ended = Delivery { revision, state, due_at, ..stored.clone() };
        assert!(deliveries.replace_delivery_if(stored.revision, &ended).await.unwrap());
    };
    let due = async |now| numbers(&deliveries.list_due_deliveries(&id("a"), now, 9).await.unwrap());
    let held = async |limit| numbers(&deliveries.list_held_deliveries(&id("a"), limit).await.unwrap());
    end(5, DeliveryState::Dead, AT).await;
    deliveries.record_held_deliveries(&id("a"), &[2, 3, 4, 5, 9].map(event)).await.unwrap();
    assert_eq!((due(LATER).await, held(9).await, held(2).await), (vec![1], vec![2, 3, 4], vec![2, 3]));
    let waiting = deliveries.find_delivery(&id("a"), event(2)).await.unwrap().unwrap();
    assert!(waiting.is_held() && waiting.revision == 2, "{waiting:?}");
    end(1, DeliveryState::Waiting, LATER).await;
    assert_eq!((due(LATER).await, held(9).await), (vec![1], vec![2, 3, 4]), "it failed");
    end(1, DeliveryState::Delivered, LATER).await;
    assert_eq!((due(AT).await, due(LATER).await, held(9).await), (vec![], vec![2], vec![3, 4]));
    assert!(
        !deliveries
            .replace_delivery_if(1, &Delivery { state: DeliveryState::Dead, ..waiting })
            .await
            .unwrap()
    );
    end(2, DeliveryState::Dead, AT).await;
    assert_eq!((due(AT).await, held(9).await), (vec![4], vec![3]), "of the same subject");
    end(4, DeliveryState::Dead, AT).await;
    assert_eq!((due(LATER).await, held(9).await), (vec![], vec![3]), "nothing of the subject waits");
    let other = deliveries.find_delivery(&id("b"), event(2)).await.unwrap();
    assert_eq!(other.map(|other| other.revision), Some(1), "of another endpoint");
}

async fn a_delivery_is_replaced_only_in_the_revision_that_was_seen(deliveries: Arc<dyn Deliveries>) {
    let attempt = |status| DeliveryAttempt {
        person: None,
        at: AT.whole_secs(),
        took_ms: 12,
        status,
        error: status.is_none().then(|| "no answer, $1".to_owned()),
        answer: "Größe \u{0}$".to_owned(),
    };
    let first = delivery("a", 1, "user:1");
    let tried = Delivery {
        revision: 2,
        due_at: LATER,
        tries: 2,
        attempts: vec![attempt(None), attempt(Some(500))],
        ..first.clone()
    };
    assert!(!deliveries.replace_delivery_if(1, &tried).await.unwrap(), "there is no delivery");
    assert!(deliveries.create_deliveries_if(None, 1, std::slice::from_ref(&first)).await.unwrap());
    assert!(!deliveries.replace_delivery_if(2, &tried).await.unwrap());
    assert!(deliveries.replace_delivery_if(1, &tried).await.unwrap());
    assert!(!deliveries.replace_delivery_if(1, &tried).await.unwrap());
    assert_eq!(deliveries.find_delivery(&id("a"), event(1)).await.unwrap(), Some(tried));
}

async fn deliveries_are_listed_by_state_from_the_latest(deliveries: Arc<dyn Deliveries>) {
    let all: Vec<_> = (1..=5).map(|seq| delivery("a", seq, "user:1")).collect();
    assert!(deliveries.create_deliveries_if(None, 5, &all).await.unwrap());
    for seq in [2, 4] {
        let dead = Delivery { revision: 2, state: DeliveryState::Dead, ..delivery("a", seq, "user:1") };
        assert!(deliveries.replace_delivery_if(1, &dead).await.unwrap());
    }
    let listed = async |state, before, limit| {
        numbers(&deliveries.list_deliveries(&id("a"), state, before, limit).await.unwrap())
    };
    assert_eq!(listed(None, None, 9).await, [5, 4, 3, 2, 1]);
    assert_eq!(listed(None, Some(4), 2).await, [3, 2]);
    assert_eq!(listed(Some(DeliveryState::Dead), None, 9).await, [4, 2]);
    assert_eq!(listed(Some(DeliveryState::Dead), Some(4), 9).await, [2]);
    assert_eq!(listed(Some(DeliveryState::Waiting), None, 9).await, [5, 3, 1]);
    assert!(listed(Some(DeliveryState::Delivered), None, 9).await.is_empty());
}

async fn deliveries_of_a_removed_endpoint_and_expired_ones_are_removed_in_portions(
    deliveries: Arc<dyn Deliveries>,
) {
    let expired = Timestamp::from_secs(3_999_999_999);
    let mut all: Vec<_> = (1..=1_001).map(|seq| delivery("a", seq, "user:1")).collect();
    all.push(delivery("b", 1, "user:1"));
    all.push(Delivery { expires_at: expired, ..delivery("b", 2, "user:1") });
    assert!(deliveries.create_deliveries_if(None, 1_001, &all).await.unwrap());
    assert!(deliveries.delete_deliveries(&id("a")).await.unwrap(), "some may be left");
    assert!(deliveries.find_delivery_queue(&id("a")).await.unwrap().is_some());
    assert!(!deliveries.delete_deliveries(&id("a")).await.unwrap());
    assert_eq!(deliveries.list_deliveries(&id("a"), None, None, 9).await.unwrap(), []);
    assert_eq!(deliveries.find_delivery_queue(&id("a")).await.unwrap(), None);
    assert!(!deliveries.purge_deliveries(expired).await.unwrap());
    assert_eq!(numbers(&deliveries.list_deliveries(&id("b"), None, None, 9).await.unwrap()), [2, 1]);
    assert!(!deliveries.purge_deliveries(expired.plus_secs(1)).await.unwrap());
    assert_eq!(numbers(&deliveries.list_deliveries(&id("b"), None, None, 9).await.unwrap()), [1]);
}

contract! {
    of deliveries:
    the_cursor_moves_only_from_where_it_is,
    making_a_delivery_twice_changes_nothing,
    a_queue_is_due_with_its_deliveries_and_changes_only_by_comparison,
    a_sleeping_queue_is_woken_by_a_delivery,
    due_deliveries_come_in_their_order_and_each_subject_has_a_first,
    a_held_delivery_is_not_due_until_the_one_before_it_has_ended,
    a_delivery_is_replaced_only_in_the_revision_that_was_seen,
    deliveries_are_listed_by_state_from_the_latest,
    deliveries_of_a_removed_endpoint_and_expired_ones_are_removed_in_portions,
}
