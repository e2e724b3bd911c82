//! What every store promises of the ring (the prose of `store::Rings`).

use std::sync::Arc;

use jwt_generator::domain::RingRecord;
use jwt_generator::store::Rings;
use serde_json::json;

use super::contract::contract;

pub(super) fn ring(revision: u64, lead: u64) -> RingRecord {
    let rest = json!({ "of_a_newer_program": { "kept": [1, "two"] } }).as_object().unwrap().clone();
    RingRecord { revision, lead, rest, ..RingRecord::empty() }
}

async fn a_ring_comes_back_as_it_was_given(rings: Arc<dyn Rings>) {
    assert_eq!(rings.find_ring().await.unwrap(), None);
    assert!(rings.replace_ring_if(None, &ring(1, 5)).await.unwrap());
    assert_eq!(rings.find_ring().await.unwrap(), Some(ring(1, 5)));
}

async fn a_ring_is_replaced_only_if_the_one_that_was_seen_is_still_there(rings: Arc<dyn Rings>) {
    assert!(!rings.replace_ring_if(Some(1), &ring(2, 0)).await.unwrap(), "there is none");
    assert!(rings.replace_ring_if(None, &ring(1, 0)).await.unwrap());
    assert!(!rings.replace_ring_if(None, &ring(1, 9)).await.unwrap(), "there is one");
    assert!(!rings.replace_ring_if(Some(7), &ring(8, 9)).await.unwrap());
    assert_eq!(rings.find_ring().await.unwrap(), Some(ring(1, 0)));
    assert!(rings.replace_ring_if(Some(1), &ring(2, 3)).await.unwrap());
    assert_eq!(rings.find_ring().await.unwrap(), Some(ring(2, 3)));
}

async fn of_many_rings_at_once_one_takes_the_place(rings: Arc<dyn Rings>) {
    for seen in [None, Some(1), Some(2)] {
        let racers: Vec<_> = (0..32)
            .map(|racer| {
                let rings = Arc::clone(&rings);
                let next = ring(seen.unwrap_or(0) + 1, racer);
                tokio::spawn(async move { rings.replace_ring_if(seen, &next).await.unwrap().then_some(next) })
            })
            .collect();
        let mut replaced = Vec::new();
        for racer in racers {
            replaced.extend(racer.await.unwrap());
        }
        assert_eq!(replaced.len(), 1);
        assert_eq!(rings.find_ring().await.unwrap(), replaced.pop());
    }
}

contract! {
    of rings:
    a_ring_comes_back_as_it_was_given,
    a_ring_is_replaced_only_if_the_one_that_was_seen_is_still_there,
    of_many_rings_at_once_one_takes_the_place,
}
