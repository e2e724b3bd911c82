//! What every store promises about the ring's document and the instances (the prose of `store::Rings`).

use std::sync::Arc;

use jwt_generator::domain::{Instance, RingRecord, Timestamp};
use serde_json::json;

use super::contract::{Shared, contract};

/// A ring of this revision, with a member that this program does not know.
fn ring(revision: u64, writer: u64) -> RingRecord {
    let mut record = serde_json::to_value(RingRecord::empty()).unwrap();
    record["revision"] = json!(revision);
    record["from_a_newer_program"] = json!({ "writer": writer });
    serde_json::from_value(record).unwrap()
}

fn instance(id: &str, at: u64) -> Instance {
    Instance {
        id: id.to_owned(),
        custody: "directory".to_owned(),
        signs: format!("signs-{at}"),
        verifies: vec!["one".to_owned(), "two".to_owned()],
        at: Timestamp::from_secs(at),
    }
}

async fn a_ring_comes_back_as_it_was_given_with_members_that_are_not_known(store: Shared) {
    assert_eq!(store.find_ring().await.unwrap(), None);
    assert!(store.replace_ring_if(None, &ring(1, 7)).await.unwrap());
    assert_eq!(store.find_ring().await.unwrap(), Some(ring(1, 7)));
}

async fn a_ring_is_replaced_only_where_the_seen_revision_still_stands(store: Shared) {
    assert!(!store.replace_ring_if(Some(1), &ring(2, 0)).await.unwrap(), "there is none yet");
    assert!(store.replace_ring_if(None, &ring(1, 0)).await.unwrap());
    assert!(!store.replace_ring_if(None, &ring(1, 1)).await.unwrap(), "there is one already");
    assert!(store.replace_ring_if(Some(1), &ring(2, 2)).await.unwrap());
    assert!(!store.replace_ring_if(Some(1), &ring(2, 3)).await.unwrap(), "it was replaced meanwhile");
    assert_eq!(store.find_ring().await.unwrap(), Some(ring(2, 2)));
}

async fn of_many_who_replace_the_ring_at_once_one_succeeds(store: Shared) {
    for revision in 0..10 {
        let seen = (revision > 0).then_some(revision);
        let racers: Vec<_> = (0..16)
            .map(|writer| {
                let store = Arc::clone(&store);
                let write = async move { store.replace_ring_if(seen, &ring(revision + 1, writer)).await };
                tokio::spawn(async move { write.await.unwrap().then_some(writer) })
            })
            .collect();
        let mut winners = Vec::new();
        for racer in racers {
            winners.extend(racer.await.unwrap());
        }
        assert_eq!(winners.len(), 1, "{winners:?}");
        assert_eq!(store.find_ring().await.unwrap(), Some(ring(revision + 1, winners[0])));
    }
}

async fn instances_are_listed_as_they_were_last_noted_in_the_order_of_their_ids(store: Shared) {
    assert_eq!(store.list_instances().await.unwrap(), []);
    let since = Timestamp::from_secs(1);
    for noted in [instance("b", 100), instance("a", 101), instance("b", 102)] {
        store.note_instance(&noted, since).await.unwrap();
    }
    assert_eq!(store.list_instances().await.unwrap(), [instance("a", 101), instance("b", 102)]);
}

async fn instances_that_were_last_noted_before_are_forgotten(store: Shared) {
    for noted in [instance("a", 100), instance("b", 101), instance("c", 102)] {
        store.note_instance(&noted, Timestamp::from_secs(1)).await.unwrap();
    }
    store.note_instance(&instance("d", 160), Timestamp::from_secs(101)).await.unwrap();
    let left = [instance("b", 101), instance("c", 102), instance("d", 160)];
    assert_eq!(store.list_instances().await.unwrap(), left);
}

contract! {
    a_ring_comes_back_as_it_was_given_with_members_that_are_not_known,
    a_ring_is_replaced_only_where_the_seen_revision_still_stands,
    of_many_who_replace_the_ring_at_once_one_succeeds,
    instances_are_listed_as_they_were_last_noted_in_the_order_of_their_ids,
    instances_that_were_last_noted_before_are_forgotten,
}
