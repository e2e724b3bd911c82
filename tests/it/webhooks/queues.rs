//! What the work on one queue costs, and what it leaves for others.

use jwt_generator::domain::{Delivery, DeliveryState, EventKind};
use jwt_generator::webhooks::{Replay, Reply};

use super::world::{BY, Received, World, in_order, status};

const DAY: u64 = 86_400;

/// More deliveries than some lookups read.
const MANY: u64 = 200;

#[tokio::test]
async fn a_failure_writes_nothing_to_the_deliveries_behind_it_which_hide_no_other_subject() {
    let world = World::new();
    let instance = world.instance();
    let endpoint = world.endpoint("a", &[EventKind::ClientChanged]).await;
    for _ in 1..MANY {
        world.happens("busy").await;
    }
    let last = world.happens("busy").await;
    world.happens("other").await;
    world
        .receivers
        .answer_with(|message| Some(status(if message.subject() == "client:busy" { 500 } else { 200 })));
    instance.turn().await;
    let received = world.receivers.take();
    let accepted: Vec<_> = received.iter().filter(|one| one.accepted).map(Received::number).collect();
    assert_eq!((accepted, received.len()), (vec![MANY + 2], 2));
    let behind = async || world.registry.find_delivery(&endpoint.id, last).await.unwrap();
    let held = behind().await;
    assert!(held.is_held(), "{held:?}");
    for _ in 0..5 {
        world.pass(900);
        instance.turn().await;
        assert_eq!(world.receivers.take().len(), 1);
    }
    assert_eq!(behind().await, held, "five more failures");
    world.receivers.answer_with(|_| Some(status(200)));
    world.pass(900);
    instance.turn().await;
    let received = world.receivers.take();
    in_order(&received);
    assert_eq!(received.len() as u64, MANY);
}

#[tokio::test]
async fn a_delivery_whose_predecessor_has_expired_is_sent() {
    let world = World::new();
    let instance = world.instance();
    let endpoint = world.endpoint("a", &[EventKind::ClientChanged]).await;
    world.happens("app").await;
    world.receivers.answer_with(|_| Some(status(500)));
    instance.turn().await;
    world.pass(DAY);
    world.happens("app").await;
    world.happens("app").await;
    instance.turn().await;
    let stored = &world.stores.deliveries;
    let held = stored.list_held_deliveries(&endpoint.id, 9).await.unwrap();
    assert_eq!(held.iter().map(|one| one.seq).collect::<Vec<_>>(), [3, 4]);
    let [first] = stored.list_deliveries(&endpoint.id, None, Some(3), 9).await.unwrap().try_into().unwrap();
    let now = world.clock.now();
    let expired = Delivery { expires_at: now, ..first.clone() };
    stored.record_deliveries(&[expired]).await.unwrap();
    assert!(!stored.purge_deliveries(now.plus_secs(1)).await.unwrap());
    world.receivers.take();
    world.receivers.answer_with(|_| Some(status(200)));
    world.pass(900);
    instance.turn().await;
    assert_eq!(world.receivers.numbers(), [3, 4]);
}

#[tokio::test]
async fn what_other_messages_of_a_batch_got_counts_if_one_of_them_is_answered_with_gone() {
    let world = World::new();
    let instance = world.instance();
    let endpoint = world.endpoint("a", &[EventKind::ClientChanged]).await;
    for subject in ["a", "b", "c", "d"] {
        world.happens(subject).await;
    }
    world
        .receivers
        .answer_with(|message| Some(status(if message.subject() == "client:a" { 410 } else { 200 })));
    instance.turn().await;
    assert_eq!(world.receivers.take().len(), 4);
    let of = async |state| world.registry.list_deliveries(&endpoint.id, Some(state), 9).await.unwrap().len();
    assert_eq!((of(DeliveryState::Delivered).await, of(DeliveryState::Dead).await), (3, 1));
}

#[tokio::test]
async fn a_slow_endpoint_with_much_to_do_lets_others_go_first() {
    let world = World::new();
    let instance = world.instance();
    world.endpoint("slow", &[EventKind::ClientChanged]).await;
    for n in 0..100 {
        world.happens(&format!("app-{n}")).await;
    }
    world.pass(1);
    world.endpoint("quick", &[EventKind::ClientChanged]).await;
    instance.make_deliveries().await;
    world.pass(1);
    world.happens("app").await;
    let clock = world.clock.clone();
    world.receivers.answer_with(move |message| {
        if message.url.starts_with("https://slow") {
            clock.set(clock.now().plus_secs(3));
        }
        Some(status(200))
    });
    instance.turn().await;
    let received = world.receivers.take();
    let quick = received.iter().position(|message| message.url.starts_with("https://quick"));
    assert_eq!((quick, received.len()), (Some(4), 102), "after the first four");
}

#[tokio::test]
async fn a_resumption_sends_what_has_failed_at_once_and_a_replay_counts_nothing_that_waits() {
    let world = World::new();
    let instance = world.instance();
    let endpoint = world.endpoint("a", &[EventKind::ClientChanged]).await;
    let since = world.clock.now();
    let first = world.happens("app").await;
    world.happens("app").await;
    let busy = Reply::Answered { status: 503, retry_after: Some("600".to_owned()), body: String::new() };
    world.receivers.answer_with(move |_| Some(busy.clone()));
    instance.turn().await;
    world.happens("new").await;
    instance.make_deliveries().await;
    assert_eq!(world.receivers.take().len(), 1);
    for which in [Replay::Event(first), Replay::Since(since)] {
        assert_eq!(world.registry.replay(&endpoint.id, which).await.unwrap(), 0, "{which:?}");
    }
    world.receivers.answer_with(|_| Some(status(200)));
    world.pass(1);
    world.registry.resume(&endpoint.id, &BY).await.unwrap();
    instance.turn().await;
    let mut numbers = world.receivers.numbers();
    numbers.sort_unstable();
    assert_eq!(numbers, [2, 3, 4]);
}
