//! How events come to endpoints: order, repetition, pauses and the end.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use jwt_generator::domain::{DeliveryState, EventKind, WebhookState};
use jwt_generator::store::sqlite::Sqlite;
use jwt_generator::telemetry::metrics::{Snapshot, Source, TextFormat};
use jwt_generator::webhooks::{Replay, Reply};

use super::world::{BY, Received, START, World, in_order, status};
use crate::store::contract::{changed, registered, user};

const DAY: u64 = 86_400;
/// No test waits this long.
const PATIENCE: Duration = Duration::from_secs(120);

#[tokio::test]
async fn an_endpoint_gets_the_events_of_its_kinds_that_come_after_it() {
    let world = World::new();
    let instance = world.instance();
    world.happens("early").await;
    let all = world.endpoint("all", &[]).await;
    world.endpoint("some", &[EventKind::ClientChanged]).await;
    world.endpoint("other", &[EventKind::UserRegistered]).await;
    let id = world.happens("app").await;
    instance.turn().await;
    let received = world.receivers.take();
    let of =
        |name: &str| received.iter().filter(|one| one.url.starts_with(name)).cloned().collect::<Vec<_>>();
    let kinds: Vec<_> =
        of("https://all").iter().map(|one| one.body["type"].as_str().unwrap().to_owned()).collect();
    assert_eq!(kinds, ["webhook.created", "webhook.created", "webhook.created", "client.changed"]);
    let [one] = of("https://some").try_into().unwrap();
    assert_eq!((one.id.as_str(), one.subject()), (id.to_string().as_str(), "client:app"));
    assert_eq!(one.body["timestamp"], START.to_string());
    assert_eq!(one.body["data"]["details"]["address"], "192.0.2.1");
    assert!(of("https://other").is_empty());
    let delivered = world.registry.find_delivery(&all.id, id).await.unwrap();
    assert_eq!((delivered.state, delivered.tries), (DeliveryState::Delivered, 1));
    instance.turn().await;
    assert!(world.receivers.take().is_empty(), "nothing is sent twice");
}

#[tokio::test]
async fn an_event_whose_record_was_damaged_is_counted_and_holds_up_no_other_event() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join(Sqlite::FILE);
    let world = World::on_sqlite(folder.path());
    let instance = world.instance();
    let endpoint = world.endpoint("a", &[EventKind::ClientChanged]).await;
    let damaged = world.happens("app").await;
    let whole = world.happens("app").await;
    let broken = "UPDATE events SET record = substr(record, 2) WHERE seq = 2";
    assert_eq!(rusqlite::Connection::open(&file).unwrap().execute(broken, ()).unwrap(), 1);
    instance.turn().await;
    let received: Vec<_> = world.receivers.take().into_iter().map(|one| one.id).collect();
    assert_eq!(received, [whole.to_string()]);
    assert!(world.registry.find_delivery(&endpoint.id, damaged).await.is_err());
    let mut snapshot = Snapshot::default();
    world.metrics.collect(&mut snapshot);
    let metrics = TextFormat::Prometheus.write(&snapshot);
    assert!(metrics.contains("jwt_webhook_unreadable_events_total 1\n"), "{metrics}");
    let replayed = world.registry.replay(&endpoint.id, Replay::Since(START)).await.unwrap();
    assert_eq!(replayed, 1, "a replay leaves the damaged event out, too");
}

#[tokio::test]
async fn personal_details_are_sent_until_the_user_is_deleted() {
    let world = World::new();
    let (instance, ada) = (world.instance(), user(1));
    let endpoint = world.endpoint("a", &[EventKind::UserRegistered, EventKind::SessionsEnded]).await;
    world.stores.users.create_user(&ada, &registered(1)).await.unwrap();
    instance.turn().await;
    let [message] = world.receivers.take().try_into().unwrap();
    assert_eq!(message.body["data"]["person"], ada.id.to_string());
    world.happens_to_user(ada.id).await;
    world.receivers.answer_with(|_| Some(status(500)));
    instance.turn().await;
    let [message] = world.receivers.take().try_into().unwrap();
    assert_eq!(message.body["data"]["details"]["address"], "192.0.2.1");
    let deleted = changed(EventKind::UserDeleted, 1);
    assert!(world.stores.users.delete_user(ada.id, &deleted).await.unwrap());
    world.receivers.answer_with(|_| Some(status(200)));
    world.pass(60);
    instance.turn().await;
    let [message] = world.receivers.take().try_into().unwrap();
    assert_eq!((&message.body["data"]["erased"], message.body["data"].get("details")), (&true.into(), None));
    assert_eq!(world.registry.list_deliveries(&endpoint.id, None, 9).await.unwrap().len(), 2);
}

/// A receiver may answer with what it got.
#[tokio::test]
async fn an_answer_that_repeats_personal_details_is_gone_with_the_user() {
    for world in [World::new(), World::on_mongodb().await] {
        let (instance, ada) = (world.instance(), user(1));
        let endpoint = world.endpoint("a", &[EventKind::SessionsEnded, EventKind::ClientChanged]).await;
        world.receivers.answer_with(|message| {
            let body = message.body["data"]["details"].to_string();
            Some(Reply::Answered { status: 200, retry_after: None, body })
        });
        world.stores.users.create_user(&ada, &registered(1)).await.unwrap();
        let of_user = world.happens_to_user(ada.id).await;
        let of_client = world.happens("app").await;
        instance.turn().await;
        let answer = async |event| {
            let delivery = world.registry.find_delivery(&endpoint.id, event).await.unwrap();
            let [attempt] = delivery.attempts.try_into().unwrap();
            (attempt.status, attempt.answer, attempt.person)
        };
        let echo = r#"{"address":"192.0.2.1"}"#.to_owned();
        assert_eq!(answer(of_user).await, (Some(200), echo.clone(), None));
        let stored = world.stores.deliveries.find_delivery(&endpoint.id, of_user).await.unwrap().unwrap();
        assert!(!stored.attempts[0].answer.contains("192.0.2.1"), "{stored:?}");
        assert!(world.stores.users.delete_user(ada.id, &changed(EventKind::UserDeleted, 1)).await.unwrap());
        assert_eq!(answer(of_user).await, (Some(200), String::new(), Some(ada.id.to_string())));
        assert_eq!(answer(of_client).await, (Some(200), echo, None), "no user, no seal");
        // What is tried after the deletion has nothing personal to repeat, and its answer is not kept.
        world.registry.replay(&endpoint.id, Replay::Event(of_user)).await.unwrap();
        world.receivers.answer_with(|_| {
            Some(Reply::Answered { status: 200, retry_after: None, body: "ada".to_owned() })
        });
        instance.turn().await;
        let again = world.stores.deliveries.find_delivery(&endpoint.id, of_user).await.unwrap().unwrap();
        assert_eq!(again.attempts.last().unwrap().answer, "");
    }
}

#[tokio::test]
async fn a_failure_delays_its_own_subject_and_no_other() {
    let world = World::new();
    let instance = world.instance();
    let endpoint = world.endpoint("a", &[EventKind::ClientChanged]).await;
    for subject in ["bad", "good", "bad", "good"] {
        world.happens(subject).await;
    }
    world
        .receivers
        .answer_with(|message| Some(status(if message.subject() == "client:bad" { 400 } else { 200 })));
    instance.turn().await;
    let received = world.receivers.take();
    let accepted: Vec<_> = received.iter().filter(|one| one.accepted).map(Received::number).collect();
    assert_eq!((accepted, received.len()), (vec![3, 5], 3), "the second bad one was not tried");
    world.receivers.answer_with(|_| Some(status(200)));
    instance.turn().await;
    assert!(world.receivers.numbers().is_empty(), "it waits");
    world.pass(10);
    instance.turn().await;
    assert_eq!(world.receivers.numbers(), [2, 4]);
    let states =
        world.registry.list_deliveries(&endpoint.id, Some(DeliveryState::Delivered), 9).await.unwrap();
    assert_eq!(states.len(), 4);
}

/// The receiver is down for an hour. Meanwhile events come all the time, and two instances share the work.
#[tokio::test]
async fn after_an_hour_without_the_receiver_everything_arrives_in_the_order_of_each_subject() {
    let world = World::new();
    let instances = [world.instance(), world.instance()];
    world.endpoint("a", &[EventKind::ClientChanged]).await;
    let mut happened = BTreeSet::new();
    let is_down = Arc::new(AtomicBool::new(true));
    let down = Arc::clone(&is_down);
    world.receivers.answer_with(move |_| {
        Some(if down.load(Ordering::SeqCst) { Reply::Failed("refused".to_owned()) } else { status(200) })
    });
    for second in (0..3_600).step_by(5) {
        for n in 0..3 {
            happened.insert(world.happens(&format!("app-{}", (second / 5 + n * 7) % 20)).await.to_string());
        }
        let [one, other] = &instances;
        tokio::join!(one.turn(), other.turn());
        world.pass(5);
    }
    let tried = world.receivers.take();
    assert!(tried.iter().all(|one| !one.accepted) && tried.len() < 100, "{} attempts", tried.len());
    is_down.store(false, Ordering::SeqCst);
    let accepted = || {
        let received = world.receivers.received.lock().unwrap();
        received.iter().filter(|one| one.accepted).map(|one| one.id.clone()).collect::<BTreeSet<_>>()
    };
    let mut seconds = 0;
    while accepted() != happened {
        assert!(seconds < 3_600, "{} of {} after an hour", accepted().len(), happened.len());
        let [one, other] = &instances;
        tokio::join!(one.turn(), other.turn());
        world.pass(5);
        seconds += 5;
    }
    let received = world.receivers.take();
    in_order(&received);
    println!(
        "{} events, all there {seconds} s after the return, {} messages",
        happened.len(),
        received.len()
    );
}

/// Four instances work at the same time, and no instance fails: so no event comes twice.
async fn many_instances_share_the_work(world: World) {
    for name in ["a", "b", "c"] {
        world.endpoint(name, &[EventKind::ClientChanged]).await;
    }
    let instances: Vec<_> = (0..4).map(|_| world.instance()).collect();
    for round in 0..20 {
        for n in 0..5 {
            world.happens(&format!("app-{}", (round + n) % 7)).await;
        }
        let turns =
            instances.iter().cloned().map(|instance| tokio::spawn(async move { instance.turn().await }));
        for turn in turns.collect::<Vec<_>>() {
            turn.await.unwrap();
        }
    }
    // An instance that lost a race for a queue has left its work to the next turn.
    for instance in &instances {
        instance.turn().await;
    }
    let received = world.receivers.take();
    in_order(&received);
    assert_eq!(received.len(), 300);
    assert_eq!(received.iter().map(|one| (&one.url, &one.id)).collect::<BTreeSet<_>>().len(), 300);
}

#[tokio::test(flavor = "multi_thread")]
async fn many_instances_deliver_each_event_in_order_on_sqlite() {
    many_instances_share_the_work(World::new()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn many_instances_deliver_each_event_in_order_on_mongodb() {
    many_instances_share_the_work(World::on_mongodb().await).await;
}

/// The task of the instance is cut off while the receiver has the message and has not answered.
#[tokio::test]
async fn an_instance_that_is_killed_in_the_middle_of_a_delivery_loses_nothing() {
    let world = World::new();
    world.endpoint("a", &[EventKind::ClientChanged]).await;
    for _ in 0..3 {
        world.happens("app").await;
    }
    world.receivers.answer_with(|_| None);
    let killed = world.instance();
    let task = tokio::spawn(async move { killed.turn().await });
    while world.receivers.received.lock().unwrap().is_empty() {
        tokio::task::yield_now().await;
    }
    task.abort();
    assert!(task.await.unwrap_err().is_cancelled());
    assert_eq!(world.receivers.numbers(), [2]);
    world.receivers.answer_with(|_| Some(status(200)));
    let other = world.instance();
    world.pass(59);
    other.turn().await;
    assert!(world.receivers.numbers().is_empty(), "the lease has not ended");
    world.pass(1);
    other.turn().await;
    assert_eq!(world.receivers.numbers(), [2, 3, 4]);
}

/// One endpoint of a thousand never answers.
#[tokio::test(flavor = "multi_thread")]
async fn a_dead_receiver_of_a_thousand_costs_the_others_nothing() {
    let world = World::new();
    for n in 0..1_000 {
        world.endpoint(&format!("e{n}"), &[EventKind::ClientChanged]).await;
    }
    world.receivers.answer_with(|one| (one.url != "https://e500.example/").then(|| status(200)));
    for n in 0..3 {
        world.happens(&format!("app-{n}")).await;
    }
    let instance = world.instance();
    instance.make_deliveries().await;
    let mut workers = tokio::task::JoinSet::new();
    for _ in 0..4 {
        let dispatcher = instance.dispatcher.clone();
        workers.spawn(async move { dispatcher.work().await });
    }
    for _ in 0..3 {
        let ended = tokio::time::timeout(PATIENCE, workers.join_next()).await;
        ended.expect("only one worker waits for the dead receiver").unwrap().unwrap().unwrap();
    }
    let received = world.receivers.take();
    assert_eq!(received.iter().filter(|one| one.accepted).count(), 3 * 999);
    assert_eq!(received.iter().filter(|one| !one.accepted).count(), 3, "at most four at once");
}

#[tokio::test]
async fn an_endpoint_that_fails_five_times_in_a_row_rests_and_is_then_probed_with_one_message() {
    let world = World::new();
    let instance = world.instance();
    world.endpoint("a", &[EventKind::ClientChanged]).await;
    for n in 0..50 {
        world.happens(&format!("app-{n}")).await;
    }
    world.receivers.answer_with(|_| Some(status(500)));
    instance.turn().await;
    let first = world.receivers.take().len();
    assert!((5..=8).contains(&first), "{first} attempts before the rest");
    instance.turn().await;
    assert!(world.receivers.take().is_empty());
    for _ in 0..20 {
        world.pass(900);
        instance.turn().await;
        assert_eq!(world.receivers.take().len(), 1);
    }
    world.receivers.answer_with(|_| Some(status(200)));
    world.pass(900);
    instance.turn().await;
    assert!(world.receivers.take().len() > 40);
}

#[tokio::test]
async fn retry_after_is_obeyed_for_all_messages_to_the_endpoint() {
    let world = World::new();
    let instance = world.instance();
    world.endpoint("a", &[EventKind::ClientChanged]).await;
    world.happens("app").await;
    let busy = Reply::Answered { status: 429, retry_after: Some("600".to_owned()), body: "busy".to_owned() };
    world.receivers.answer_with(move |_| Some(busy.clone()));
    instance.turn().await;
    assert_eq!(world.receivers.take().len(), 1);
    world.receivers.answer_with(|_| Some(status(200)));
    world.happens("other").await;
    for seconds in [300, 299] {
        world.pass(seconds);
        instance.turn().await;
        assert!(world.receivers.take().is_empty(), "not yet");
    }
    world.pass(1);
    instance.turn().await;
    let mut numbers = world.receivers.numbers();
    numbers.sort_unstable();
    assert_eq!(numbers, [2, 3]);
}

#[tokio::test]
async fn an_endpoint_that_is_gone_gets_nothing_until_an_operator_resumes_it() {
    let world = World::new();
    let instance = world.instance();
    let endpoint = world.endpoint("a", &[EventKind::ClientChanged]).await;
    world.happens("app").await;
    world.happens("app").await;
    world.receivers.answer_with(|_| Some(status(410)));
    instance.turn().await;
    assert_eq!(world.receivers.take().len(), 1);
    let gone = world.registry.find(&endpoint.id).await.unwrap();
    assert_eq!((gone.state, gone.revision), (WebhookState::Gone, 2));
    world.receivers.answer_with(|_| Some(status(200)));
    world.happens("while-gone").await;
    world.pass(60);
    instance.turn().await;
    assert!(world.receivers.take().is_empty());
    world.registry.resume(&endpoint.id, &BY).await.unwrap();
    instance.turn().await;
    assert_eq!(world.receivers.numbers(), [3], "what waited before; the first one was given up");
    assert_eq!(world.registry.replay(&endpoint.id, Replay::Dead).await.unwrap(), 1);
    instance.turn().await;
    assert_eq!(world.receivers.numbers(), [2]);
}

#[tokio::test]
async fn events_wait_for_an_endpoint_that_is_paused() {
    let world = World::new();
    let instance = world.instance();
    let endpoint = world.endpoint("a", &[EventKind::ClientChanged]).await;
    world.registry.pause(&endpoint.id, &BY).await.unwrap();
    world.happens("app").await;
    for _ in 0..3 {
        instance.turn().await;
        world.pass(60);
    }
    assert!(world.receivers.take().is_empty());
    assert_eq!(instance.dispatcher.count_due(9).await.unwrap(), 0, "no instance looks at it again and again");
    world.registry.resume(&endpoint.id, &BY).await.unwrap();
    instance.turn().await;
    assert_eq!(world.receivers.take().len(), 1);
}

#[tokio::test]
async fn after_three_days_a_delivery_is_given_up_and_the_next_of_its_subject_is_sent() {
    let world = World::new();
    let instance = world.instance();
    let endpoint = world.endpoint("a", &[EventKind::ClientChanged]).await;
    let first = world.happens("app").await;
    world.receivers.answer_with(|_| Some(status(500)));
    for _ in 0..(3 * 24 * 4) {
        instance.turn().await;
        world.pass(900);
    }
    let tries = world.receivers.take().len();
    assert!((20..200).contains(&tries), "{tries} tries in three days");
    world.happens("app").await;
    world.receivers.answer_with(|_| Some(status(200)));
    world.pass(3 * 3600);
    instance.turn().await;
    let dead = world.registry.find_delivery(&endpoint.id, first).await.unwrap();
    assert_eq!((dead.state, dead.attempts.len()), (DeliveryState::Dead, 10));
    assert_eq!(dead.attempts.last().and_then(|attempt| attempt.status), Some(500));
    assert_eq!(world.receivers.numbers(), [3]);
    world.pass(10 * DAY);
    assert!(!world.stores.deliveries.purge_deliveries(world.clock.now()).await.unwrap());
    assert_eq!(world.registry.list_deliveries(&endpoint.id, None, 9).await.unwrap().len(), 1, "the dead one");
    assert_eq!(world.registry.replay(&endpoint.id, Replay::Event(first)).await.unwrap(), 1);
    instance.turn().await;
    assert_eq!(world.receivers.numbers(), [2]);
}

#[tokio::test]
async fn a_replay_since_an_instant_sends_each_wanted_event_again_under_its_id() {
    let world = World::new();
    let instance = world.instance();
    let early = world.happens("early").await;
    world.pass(60);
    let since = world.clock.now();
    let before = world.happens("before").await;
    let endpoint = world.endpoint("a", &[EventKind::ClientChanged]).await;
    let after = world.happens("after").await;
    instance.turn().await;
    let [first] = world.receivers.take().try_into().unwrap();
    assert_eq!(world.registry.replay(&endpoint.id, Replay::Since(since)).await.unwrap(), 2);
    instance.turn().await;
    let mut ids: Vec<_> = world.receivers.take().into_iter().map(|one| one.id).collect();
    ids.sort();
    let mut expected = [before, after].map(|id| id.to_string());
    expected.sort();
    assert_eq!((ids, first.id), (expected.to_vec(), after.to_string()));
    assert!(world.registry.find_delivery(&endpoint.id, early).await.is_err());
}

#[tokio::test]
async fn what_is_left_of_a_deleted_endpoint_is_removed_by_the_instance_that_finds_it() {
    let world = World::new();
    let instance = world.instance();
    let endpoint = world.endpoint("a", &[EventKind::ClientChanged]).await;
    world.happens("app").await;
    instance.make_deliveries().await;
    let deleted = changed(EventKind::UserDeleted, 1);
    // A crash comes between the two steps of the deletion.
    assert!(world.stores.webhooks.delete_webhook(&endpoint.id, &deleted).await.unwrap());
    instance.turn().await;
    assert!(world.receivers.take().is_empty());
    assert_eq!(world.stores.deliveries.find_delivery_queue(&endpoint.id).await.unwrap(), None);
    assert!(world.stores.deliveries.list_deliveries(&endpoint.id, None, None, 9).await.unwrap().is_empty());
}
