//! What every store promises of the ring and the instances (the prose of `store::Rings`).

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use jwt_generator::domain::{Instance, RingRecord, Timestamp};
use jwt_generator::store::{Absent, Rings, StoreError};
use serde_json::json;

use super::contract::{Shared, contract};

fn ring(revision: u64, lead: u64) -> RingRecord {
    let rest = json!({ "of_a_newer_program": { "kept": [1, "two"] } }).as_object().unwrap().clone();
    RingRecord { revision, lead, rest, ..RingRecord::empty() }
}

fn instance(id: &str, at: u64) -> Instance {
    Instance {
        id: id.to_owned(),
        custody: "directory".to_owned(),
        signs: "thumbprint".to_owned(),
        verifies: vec!["thumbprint".to_owned()],
        ring_version: RingRecord::AUTHENTICATED_VERSION,
        at: Timestamp::from_secs(at),
    }
}

async fn ids(store: &Shared) -> Vec<String> {
    store.list_instances().await.unwrap().into_iter().map(|instance| instance.id).collect()
}

async fn a_ring_comes_back_as_it_was_given(store: Shared) {
    assert_eq!(store.find_ring().await.unwrap(), None);
    assert!(store.replace_ring_if(None, &ring(1, 5)).await.unwrap());
    assert_eq!(store.find_ring().await.unwrap(), Some(ring(1, 5)));
}

async fn a_ring_is_replaced_only_where_the_one_that_was_seen_still_stands(store: Shared) {
    assert!(!store.replace_ring_if(Some(1), &ring(2, 0)).await.unwrap(), "there is none");
    assert!(store.replace_ring_if(None, &ring(1, 0)).await.unwrap());
    assert!(!store.replace_ring_if(None, &ring(1, 9)).await.unwrap(), "there is one");
    assert!(!store.replace_ring_if(Some(7), &ring(8, 9)).await.unwrap());
    assert_eq!(store.find_ring().await.unwrap(), Some(ring(1, 0)));
    assert!(store.replace_ring_if(Some(1), &ring(2, 3)).await.unwrap());
    assert_eq!(store.find_ring().await.unwrap(), Some(ring(2, 3)));
}

async fn of_many_rings_at_once_one_takes_the_place(store: Shared) {
    for seen in [None, Some(1), Some(2)] {
        let racers: Vec<_> = (0..32)
            .map(|racer| {
                let store = Arc::clone(&store);
                let next = ring(seen.unwrap_or(0) + 1, racer);
                tokio::spawn(async move { store.replace_ring_if(seen, &next).await.unwrap().then_some(next) })
            })
            .collect();
        let mut replaced = Vec::new();
        for racer in racers {
            replaced.extend(racer.await.unwrap());
        }
        assert_eq!(replaced.len(), 1);
        assert_eq!(store.find_ring().await.unwrap(), replaced.pop());
    }
}

async fn an_instance_is_noted_in_the_place_of_what_was_noted_before(store: Shared) {
    assert_eq!(store.list_instances().await.unwrap(), []);
    store.note_instance(&instance("b", 100)).await.unwrap();
    store.note_instance(&instance("a", 101)).await.unwrap();
    let later = Instance { signs: "another".to_owned(), ..instance("b", 115) };
    store.note_instance(&later).await.unwrap();
    assert_eq!(store.list_instances().await.unwrap(), [instance("a", 101), later]);
}

async fn instances_that_were_last_noted_before_an_instant_are_forgotten(store: Shared) {
    for (id, at) in [("a", 99), ("b", 100), ("c", 101)] {
        store.note_instance(&instance(id, at)).await.unwrap();
    }
    store.purge_instances(Timestamp::from_secs(100)).await.unwrap();
    assert_eq!(ids(&store).await, ["b", "c"]);
}

/// As it was found: one verb deleted what is old and then wrote what is new, so an instance that had paused was gone for
/// a moment, and for good where the process ended in between.
async fn an_instance_that_comes_back_after_a_pause_is_never_missing(store: Shared) {
    store.note_instance(&instance("a", 0)).await.unwrap();
    let over = Arc::new(AtomicBool::new(false));
    let reader = tokio::spawn({
        let (store, over) = (Arc::clone(&store), Arc::clone(&over));
        async move {
            while !over.load(Ordering::Relaxed) {
                assert_eq!(ids(&store).await, ["a"]);
            }
        }
    });
    for beat in 1..100 {
        let now = Timestamp::from_secs(beat * 100);
        store.note_instance(&instance("a", beat * 100)).await.unwrap();
        store.purge_instances(now.minus_secs(60)).await.unwrap();
    }
    over.store(true, Ordering::Relaxed);
    reader.await.unwrap();
}

contract! {
    a_ring_comes_back_as_it_was_given,
    a_ring_is_replaced_only_where_the_one_that_was_seen_still_stands,
    of_many_rings_at_once_one_takes_the_place,
    an_instance_is_noted_in_the_place_of_what_was_noted_before,
    instances_that_were_last_noted_before_an_instant_are_forgotten,
    an_instance_that_comes_back_after_a_pause_is_never_missing,
}

#[tokio::test]
async fn without_a_database_each_verb_says_so() {
    let now = Timestamp::from_secs(1);
    let answers = [
        Absent.find_ring().await.map(drop),
        Absent.replace_ring_if(None, &ring(1, 1)).await.map(drop),
        Absent.note_instance(&instance("a", 1)).await,
        Absent.list_instances().await.map(drop),
        Absent.purge_instances(now).await,
    ];
    assert!(answers.iter().all(|answer| matches!(answer, Err(StoreError::Absent))), "{answers:?}");
}
