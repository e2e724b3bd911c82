//! When checkpoints are made, what they say, and where they go.

use std::sync::Arc;

use jose::{Jwk, Rejection, Typ, VerifyingKey};
use jwt_generator::audit::{CheckpointError, CheckpointFile, CheckpointFileError};
use jwt_generator::clock::Clock;
use jwt_generator::domain::Timestamp;
use jwt_generator::entropy::Entropy;
use jwt_generator::event_record::Checkpoint;
use jwt_generator::keys::{Keys, SignError, Signer};
use jwt_generator::store::{EventFilter, StoredCheckpoint};

use super::{START, World, keys};

/// What the stored checkpoints say. Each of them is signed with a key that is stored, and names the one before it.
async fn checked(world: &World) -> Vec<Checkpoint> {
    let stored = world.stores.checkpoints.list_checkpoints(0, 1_000).await.unwrap();
    let keys = world.stores.checkpoints.list_checkpoint_keys().await.unwrap();
    let mut previous = Checkpoint::NO_PREVIOUS;
    let mut all = Vec::new();
    for StoredCheckpoint { number, seq, jws, key } in stored {
        let jwk = &keys.iter().find(|known| known.thumbprint == key).unwrap().jwk;
        let public = VerifyingKey::from_jwk(&Jwk::from_json(jwk).unwrap()).unwrap();
        assert_eq!(public.thumbprint(), key);
        let parts = jose::verify_document(&jws, Typ::AuditCheckpoint, |_, _| Ok(&public)).unwrap();
        let other = jose::verify_document(&jws, Typ::Jwt, |_, _| Ok(&public));
        assert_eq!(other.unwrap_err(), Rejection::InvalidClaim("typ"));
        let says = Checkpoint::parse(&String::from_utf8(parts.payload).unwrap()).unwrap();
        assert_eq!((says.number, says.head.seq, says.previous), (number, seq, previous));
        previous = Checkpoint::digest(&jws);
        all.push(says);
    }
    assert!(all.iter().zip(1..).all(|(says, number)| says.number == number));
    all
}

fn at(secs: u64) -> Timestamp {
    Timestamp::from_secs(START + secs)
}

#[tokio::test]
async fn a_checkpoint_is_due_after_a_minute_or_a_thousand_events_if_there_is_something_new() {
    let world = World::in_memory().await;
    let mut checkpointer = world.checkpointer();
    let mut numbers = Vec::new();
    for (secs, events) in [
        (0, 0..0),
        (1, 0..1),
        (59, 1..2),
        (60, 2..3),
        (119, 3..4),
        (120, 4..4),
        (300, 4..4),
        (301, 4..5),
        (302, 5..1_004),
        (303, 1_004..1_005),
        // The clock is set back by an hour.
        (0, 1_005..1_006),
    ] {
        world.happen(events).await;
        checkpointer.make_due(at(secs)).await.unwrap();
        numbers.push(checked(&world).await.len());
    }
    assert_eq!(numbers, [0, 0, 0, 1, 1, 2, 2, 3, 3, 4, 5]);
    let seqs: Vec<_> = checked(&world).await.iter().map(|says| says.head.seq).collect();
    assert_eq!(seqs, [3, 4, 5, 1_005, 1_006]);
    let events = world.stores.events.list_events(&EventFilter::default(), 0, 5).await.unwrap();
    let third = &checked(&world).await[2];
    assert_eq!((third.at, third.head.link, third.base.seq), (at(301), events[4].link, 0));
}

#[tokio::test]
async fn a_checkpoint_can_be_made_at_once_and_says_nothing_twice() {
    let world = World::in_memory().await;
    let checkpointer = world.checkpointer();
    assert_eq!(checkpointer.make_now(at(0)).await.unwrap(), None, "there are no events");
    world.happen(0..1).await;
    let made = checkpointer.make_now(at(0)).await.unwrap();
    assert_eq!(made.as_ref(), checked(&world).await.first());
    assert_eq!(checkpointer.make_now(at(9)).await.unwrap(), None);
}

#[tokio::test]
async fn another_key_signs_a_checkpoint_soon_and_the_old_one_stays_known() {
    let world = World::in_memory().await;
    world.happen(0..1).await;
    world.checkpointer().make_now(at(0)).await.unwrap().unwrap();
    let folder = tempfile::tempdir().unwrap();
    let other = keys(folder.path(), &world.stores, Clock::manual(at(0))).await;
    let mut checkpointer = world.checkpointer_of(&other);
    checkpointer.make_due(at(59)).await.unwrap();
    assert_eq!(checked(&world).await.len(), 1);
    checkpointer.make_due(at(60)).await.unwrap();
    checkpointer.make_due(at(600)).await.unwrap();
    let all = checked(&world).await;
    assert_eq!(all.iter().map(|says| says.head.seq).collect::<Vec<_>>(), [1, 1]);
    assert_eq!(world.stores.checkpoints.list_checkpoint_keys().await.unwrap().len(), 2);
}

#[tokio::test]
async fn a_checkpoint_that_no_key_signs_is_made_later() {
    let world = World::in_memory().await;
    world.happen(0..1).await;
    let unloaded = Arc::new(Keys::new(Signer::start(false, Entropy::System).unwrap(), Clock::System));
    let mut checkpointer = world.checkpointer_of(&unloaded);
    checkpointer.make_due(at(0)).await.unwrap();
    let refused = checkpointer.make_due(at(60)).await;
    assert!(matches!(refused, Err(CheckpointError::Sign(SignError::Unavailable))), "{refused:?}");
    let ring = world.keys.ring();
    let ring = ring.as_ref().unwrap();
    let keys = keys(world.folder.path(), &world.stores, Clock::manual(at(0))).await;
    assert_eq!(keys.ring().as_ref().unwrap().record().keys.len(), ring.record().keys.len());
    world.checkpointer_of(&keys).make_now(at(61)).await.unwrap().unwrap();
    assert_eq!(checked(&world).await.len(), 1);
}

async fn many_at_once_make_one_chain(world: World) {
    let world = Arc::new(world);
    world.happen(0..1).await;
    let racers: Vec<_> = (0..4_u32)
        .map(|racer| {
            let world = Arc::clone(&world);
            tokio::spawn(async move {
                let (checkpointer, mut made) = (world.checkpointer(), 0);
                for n in 0..4 {
                    world.happen(100 * (racer + 1) + n..100 * (racer + 1) + n + 1).await;
                    made += usize::from(checkpointer.make_now(at(1)).await.unwrap().is_some());
                }
                made
            })
        })
        .collect();
    let mut made = 0;
    for racer in racers {
        made += racer.await.unwrap();
    }
    // Of two that seal at once, one seals nothing.
    world.happen(0..0).await;
    let last = usize::from(world.checkpointer().make_now(at(2)).await.unwrap().is_some());
    let all = checked(&world).await;
    assert_eq!(all.len(), made + last);
    assert!(all.is_sorted_by_key(|says| says.head.seq) && all.last().unwrap().head.seq == 17, "{all:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn many_instances_at_once_make_one_chain_of_checkpoints_on_sqlite() {
    many_at_once_make_one_chain(World::in_memory().await).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn many_instances_at_once_make_one_chain_of_checkpoints_on_mongodb() {
    many_at_once_make_one_chain(World::on_mongodb().await).await;
}

#[tokio::test]
async fn the_file_gets_each_checkpoint_once_and_begins_with_the_last_one() {
    let world = World::in_memory().await;
    let path = world.folder.path().join("checkpoints");
    let lines =
        || std::fs::read_to_string(&path).unwrap_or_default().lines().map(str::to_owned).collect::<Vec<_>>();
    let checkpoints = &world.stores.checkpoints;
    let mut file = CheckpointFile::new(path.clone());
    file.append_new(checkpoints).await.unwrap();
    assert_eq!(lines().len(), 0);
    let next = async |n: u32| {
        world.happen(n..n + 1).await;
        world.checkpointer().make_now(at(u64::from(n))).await.unwrap().unwrap();
        checkpoints.find_last_checkpoint().await.unwrap().unwrap().jws
    };
    let mut expected = vec![next(0).await];
    for n in 1..4 {
        file.append_new(checkpoints).await.unwrap();
        file.append_new(checkpoints).await.unwrap();
        assert_eq!(lines(), expected);
        expected.push(next(n).await);
    }
    // Another process continues, and one that has never written begins with the last one.
    CheckpointFile::new(path.clone()).append_new(checkpoints).await.unwrap();
    assert_eq!(lines(), expected);
    let other = world.folder.path().join("other");
    CheckpointFile::new(other.clone()).append_new(checkpoints).await.unwrap();
    assert_eq!(std::fs::read_to_string(&other).unwrap(), format!("{}\n", expected[3]));
    // The file was moved away while the process runs.
    std::fs::remove_file(&path).unwrap();
    let fifth = next(4).await;
    file.append_new(checkpoints).await.unwrap();
    assert_eq!(lines(), [expected[3].clone(), fifth]);
}

#[tokio::test]
async fn a_file_that_differs_from_the_database_is_left_alone() {
    let (world, older) = (World::in_memory().await, World::in_memory().await);
    let path = world.folder.path().join("checkpoints");
    for n in 0..2 {
        world.happen(n..n + 1).await;
        world.checkpointer().make_now(at(9)).await.unwrap().unwrap();
    }
    CheckpointFile::new(path.clone()).append_new(&world.stores.checkpoints).await.unwrap();
    let text = std::fs::read_to_string(&path).unwrap();
    older.happen(0..1).await;
    for n in 1..3 {
        older.checkpointer().make_now(at(9)).await.unwrap();
        let mut file = CheckpointFile::new(path.clone());
        let refused = file.append_new(&older.stores.checkpoints).await;
        assert!(matches!(refused, Err(CheckpointFileError::Differs { number: 2, .. })), "{refused:?}");
        older.happen(n..n + 1).await;
    }
    // Seen: while a process ran, its file silently got nothing more.
    let mut file = CheckpointFile::new(path.clone());
    file.append_new(&world.stores.checkpoints).await.unwrap();
    let refused = file.append_new(&World::in_memory().await.stores.checkpoints).await;
    assert!(matches!(refused, Err(CheckpointFileError::Differs { number: 2, .. })), "{refused:?}");
    std::fs::write(&path, "nonsense\n").unwrap();
    let refused = CheckpointFile::new(path.clone()).append_new(&world.stores.checkpoints).await;
    assert!(refused.unwrap_err().to_string().contains("its last line is no checkpoint"));
    assert!(text.lines().count() == 1);
}
