//! What decides to which custody a ring moves, and what is logged about a move.

use std::path::Path;
use std::sync::Arc;

use jwt_generator::clock::Clock;
use jwt_generator::domain::Timestamp;
use jwt_generator::keys::RingService;
use jwt_generator::keys::custody::{Custody, Directory, KeyBackend};
use jwt_generator::workers::Workers;

use super::asleep::{START, settings};
use super::key_events::Log;

/// The ring of this folder, in a custody of this name.
fn ring_service(name: &'static str, folder: &Path) -> RingService {
    let files = Directory::new(folder, Workers::start("make-key", 1, 4, 0).unwrap());
    let backend: Arc<dyn KeyBackend> = Arc::new(files.clone());
    let custody = Custody::new(name, Arc::new(files.clone()), vec![backend], files);
    RingService::new(custody, Clock::manual(Timestamp::from_secs(START)), settings())
}

#[tokio::test]
async fn a_move_is_told_once_and_its_keys_are_not_told_as_new() {
    let root = tempfile::tempdir().unwrap();
    let (from, to) =
        (ring_service("one", &root.path().join("from")), ring_service("two", &root.path().join("to")));
    from.begin().await.unwrap();
    let log = Log::default();
    let listening = log.listen();
    let moved = from.relocate(&to).await.unwrap();
    from.relocate(&to).await.unwrap();
    drop(listening);
    assert_eq!(log.of_keys(), [""; 0]);
    let lines = log.lines();
    let events: Vec<_> = lines.iter().filter(|line| line.contains("the ring has moved")).collect();
    assert_eq!(events.len(), 1, "{lines:#?}");
    assert!(events[0].contains("two") && events[0].contains(&moved.until.to_string()), "{lines:#?}");
}

#[tokio::test]
async fn a_ring_of_other_keys_is_not_taken_for_the_moved_one_though_its_custody_has_the_same_name() {
    let root = tempfile::tempdir().unwrap();
    let (from, to) =
        (ring_service("one", &root.path().join("from")), ring_service("two", &root.path().join("to")));
    let other = ring_service("two", &root.path().join("other"));
    from.begin().await.unwrap();
    let theirs = other.begin().await.unwrap().ring;
    from.relocate(&to).await.unwrap();
    let refused = from.relocate(&other).await.unwrap_err().to_string();
    assert!(refused.contains("another ring is there already"), "{refused}");
    assert_eq!(other.load().await.unwrap(), Some(theirs));
}

#[tokio::test]
async fn a_ring_does_not_move_to_where_it_is_though_the_custody_has_another_name() {
    let root = tempfile::tempdir().unwrap();
    let (from, same) = (ring_service("one", root.path()), ring_service("two", root.path()));
    let ring = from.begin().await.unwrap().ring;
    let refused = from.relocate(&same).await.unwrap_err().to_string();
    assert!(refused.contains("it serves two as well"), "{refused}");
    assert_eq!(from.load().await.unwrap(), Some(ring));
}
