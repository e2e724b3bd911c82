//! What every store promises of heartbeats (the prose of `store::Instances`).

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use jwt_generator::domain::{Instance, RingRecord, Timestamp};
use jwt_generator::store::Instances;

use super::contract::contract;

pub(super) fn instance(id: &str, at: u64) -> Instance {
    Instance {
        id: id.to_owned(),
        custody: "directory".to_owned(),
        shares_ring: false,
        signs: "thumbprint".to_owned(),
        verifies: vec!["thumbprint".to_owned()],
        ring_version: RingRecord::AUTHENTICATED_VERSION,
        at: Timestamp::from_secs(at),
    }
}

async fn ids(instances: &dyn Instances) -> Vec<String> {
    instances.list_instances().await.unwrap().into_iter().map(|instance| instance.id).collect()
}

async fn a_heartbeat_takes_the_place_of_the_one_before(instances: Arc<dyn Instances>) {
    assert_eq!(instances.list_instances().await.unwrap(), []);
    instances.record_instance(&instance("b", 100)).await.unwrap();
    instances.record_instance(&instance("a", 101)).await.unwrap();
    let later = Instance { signs: "another".to_owned(), ..instance("b", 115) };
    instances.record_instance(&later).await.unwrap();
    assert_eq!(instances.list_instances().await.unwrap(), [instance("a", 101), later]);
}

async fn instances_whose_last_heartbeat_is_earlier_than_an_instant_are_removed(
    instances: Arc<dyn Instances>,
) {
    for (id, at) in [("a", 99), ("b", 100), ("c", 101)] {
        instances.record_instance(&instance(id, at)).await.unwrap();
    }
    instances.purge_instances(Timestamp::from_secs(100)).await.unwrap();
    assert_eq!(ids(&*instances).await, ["b", "c"]);
}

/// Seen before: one operation deleted the old row and then wrote the new one. So an instance that had paused was missing
/// for a moment, and for ever if the process ended between the two.
async fn an_instance_that_comes_back_after_a_pause_is_never_missing(instances: Arc<dyn Instances>) {
    instances.record_instance(&instance("a", 0)).await.unwrap();
    let over = Arc::new(AtomicBool::new(false));
    let reader = tokio::spawn({
        let (instances, over) = (Arc::clone(&instances), Arc::clone(&over));
        async move {
            while !over.load(Ordering::Relaxed) {
                assert_eq!(ids(&*instances).await, ["a"]);
            }
        }
    });
    for beat in 1..100 {
        let now = Timestamp::from_secs(beat * 100);
        instances.record_instance(&instance("a", beat * 100)).await.unwrap();
        instances.purge_instances(now.minus_secs(60)).await.unwrap();
    }
    over.store(true, Ordering::Relaxed);
    reader.await.unwrap();
}

contract! {
    of instances:
    a_heartbeat_takes_the_place_of_the_one_before,
    instances_whose_last_heartbeat_is_earlier_than_an_instant_are_removed,
    an_instance_that_comes_back_after_a_pause_is_never_missing,
}
