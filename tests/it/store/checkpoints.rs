//! What every store promises of checkpoints (the prose of `store::Checkpoints`).

use std::sync::Arc;

use futures_util::future::join_all;
use jwt_generator::store::{CheckpointKey, Checkpoints, StoredCheckpoint};

use super::contract::contract;

/// A checkpoint about the events up to `seq`.
pub(super) fn checkpoint(number: u64, seq: u64) -> StoredCheckpoint {
    StoredCheckpoint { number, seq, jws: format!("a.{number}.{seq}"), key: "a".to_owned() }
}

pub(super) fn key(thumbprint: &str) -> CheckpointKey {
    CheckpointKey { thumbprint: thumbprint.to_owned(), jwk: format!("{{\"kid\":\"{thumbprint}\"}}") }
}

async fn create(checkpoints: &Arc<dyn Checkpoints>, number: u64, seq: u64) -> bool {
    checkpoints.create_checkpoint(&checkpoint(number, seq), &key("a")).await.unwrap()
}

async fn numbers(checkpoints: &Arc<dyn Checkpoints>) -> Vec<u64> {
    let all = checkpoints.list_checkpoints(0, 10_000).await.unwrap();
    all.iter().map(|checkpoint| checkpoint.number).collect()
}

async fn a_checkpoint_is_added_behind_the_last_one_and_nowhere_else(checkpoints: Arc<dyn Checkpoints>) {
    assert_eq!(checkpoints.find_last_checkpoint().await.unwrap(), None);
    assert!(!create(&checkpoints, 2, 5).await, "there is no first one");
    assert!(create(&checkpoints, 1, 5).await);
    assert!(!create(&checkpoints, 1, 6).await, "there is one");
    assert!(!create(&checkpoints, 3, 9).await, "there is no second one");
    assert!(create(&checkpoints, 2, 5).await);
    assert_eq!(checkpoints.find_last_checkpoint().await.unwrap(), Some(checkpoint(2, 5)));
    let all = checkpoints.list_checkpoints(0, 10).await.unwrap();
    assert_eq!(all, [checkpoint(1, 5), checkpoint(2, 5)]);
    assert_eq!(checkpoints.list_checkpoints(0, 1).await.unwrap(), [checkpoint(1, 5)]);
    assert_eq!(checkpoints.list_checkpoints(1, 10).await.unwrap(), [checkpoint(2, 5)]);
}

async fn each_key_is_kept_once(checkpoints: Arc<dyn Checkpoints>) {
    assert_eq!(checkpoints.list_checkpoint_keys().await.unwrap(), []);
    for (number, by) in [(1, "b"), (2, "a"), (3, "b")] {
        let by = StoredCheckpoint { key: by.to_owned(), ..checkpoint(number, number) };
        assert!(checkpoints.create_checkpoint(&by, &key(&by.key)).await.unwrap());
    }
    assert_eq!(checkpoints.list_checkpoint_keys().await.unwrap(), [key("a"), key("b")]);
}

async fn of_many_checkpoints_at_once_one_takes_the_place(checkpoints: Arc<dyn Checkpoints>) {
    for number in 1..=3 {
        let racers = (0..32).map(|seq| {
            let checkpoints = Arc::clone(&checkpoints);
            tokio::spawn(async move { create(&checkpoints, number, seq).await.then_some(seq) })
        });
        let added = join_all(racers).await.into_iter().filter_map(|seq| seq.unwrap()).collect::<Vec<_>>();
        assert_eq!(added.len(), 1);
        let last = checkpoints.find_last_checkpoint().await.unwrap();
        assert_eq!(last, Some(checkpoint(number, added[0])));
    }
}

async fn old_checkpoints_are_removed_except_the_one_that_stands_for_them(checkpoints: Arc<dyn Checkpoints>) {
    assert!(!checkpoints.purge_checkpoints(9).await.unwrap(), "there are none");
    for (number, seq) in (1..).zip([5, 10, 10, 20, 30]) {
        assert!(create(&checkpoints, number, seq).await);
    }
    for (base, left) in [
        (0, vec![1, 2, 3, 4, 5]),
        (4, vec![1, 2, 3, 4, 5]),
        (9, vec![1, 2, 3, 4, 5]),
        (10, vec![1, 2, 3, 4, 5]),
        (11, vec![3, 4, 5]),
        (29, vec![4, 5]),
        (30, vec![4, 5]),
        (99, vec![5]),
    ] {
        assert!(!checkpoints.purge_checkpoints(base).await.unwrap());
        assert_eq!(numbers(&checkpoints).await, left, "{base}");
    }
    assert!(create(&checkpoints, 6, 31).await, "the numbers go on");
    assert_eq!(checkpoints.list_checkpoint_keys().await.unwrap(), [key("a")]);
}

async fn many_old_checkpoints_are_removed_in_portions(checkpoints: Arc<dyn Checkpoints>) {
    for number in 1..=1_002 {
        assert!(create(&checkpoints, number, number).await);
    }
    assert!(checkpoints.purge_checkpoints(1_002).await.unwrap(), "one may be left");
    assert!(!checkpoints.purge_checkpoints(1_002).await.unwrap());
    assert_eq!(numbers(&checkpoints).await, [1_001, 1_002]);
}

contract! {
    of checkpoints:
    a_checkpoint_is_added_behind_the_last_one_and_nowhere_else,
    each_key_is_kept_once,
    of_many_checkpoints_at_once_one_takes_the_place,
    old_checkpoints_are_removed_except_the_one_that_stands_for_them,
    many_old_checkpoints_are_removed_in_portions,
}
