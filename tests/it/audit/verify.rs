//! What the check of the trail finds, on exports of real stores.

use std::sync::Arc;

use jwt_generator::audit::{
    CheckpointError, CheckpointKeys, ExportLines, ExportVerification, Finding, Portion, TrailReader,
    Verification, VerificationReport, VerificationSettings,
};
use jwt_generator::clock::Clock;
use jwt_generator::domain::{EventRetention, Timestamp};
use jwt_generator::event_record::{ChainHead, RecordDigest};
use jwt_generator::keys::Keys;
use jwt_generator::store::sqlite::Sqlite;
use serde_json::{Value, json};

use super::{START, World, keys};

const DAY: u64 = 86_400;

/// An export, with the keys that its reader trusts.
#[derive(Clone)]
struct Exported {
    lines: Vec<String>,
    trusted: CheckpointKeys,
}

/// The public half of the active key.
fn trusted(keys: &Keys) -> CheckpointKeys {
    let (ring, mut trusted) = (keys.ring(), CheckpointKeys::default());
    let key = ring.as_ref().unwrap().active().unwrap();
    trusted.add(key.kid().as_str(), key.verifying().clone());
    trusted
}

fn now(secs: u64) -> Timestamp {
    Timestamp::from_secs(START + secs)
}

impl World {
    /// Events up to each of these numbers, and a checkpoint behind each group.
    async fn sealed(groups: &[u32]) -> Self {
        let world = Self::in_memory().await;
        let mut begin = 0;
        for end in groups {
            world.happen(begin..*end).await;
            world.checkpoint(u64::from(*end)).await;
            begin = *end;
        }
        world
    }

    async fn checkpoint(&self, secs: u64) {
        self.checkpointer().make_now(now(secs)).await.unwrap().unwrap();
    }

    async fn reader(&self) -> TrailReader {
        let (events, checkpoints) = (Arc::clone(&self.stores.events), Arc::clone(&self.stores.checkpoints));
        TrailReader::begin(events, checkpoints, None).await.unwrap()
    }

    async fn export(&self, secs: u64) -> Exported {
        let mut reader = self.reader().await;
        let chain = reader.chain();
        let retention = EventRetention::default();
        let mut lines = vec![ExportLines::header(now(secs), &retention, chain.base, false).unwrap()];
        for key in reader.keys().await.unwrap() {
            lines.push(ExportLines::key(&key.jwk).unwrap());
        }
        while let Some(Portion { checkpoints, events }) = reader.next().await.unwrap() {
            lines.extend(
                checkpoints.iter().map(|checkpoint| ExportLines::checkpoint(&checkpoint.jws).unwrap()),
            );
            lines.extend(events.iter().map(|event| ExportLines::event(event, None).unwrap()));
        }
        lines.push(ExportLines::end(chain.head).unwrap());
        Exported { lines, trusted: trusted(&self.keys) }
    }

    /// The check of the store itself.
    async fn verify(&self, secs: u64) -> VerificationReport {
        let mut reader = self.reader().await;
        let chain = reader.chain();
        let (keys, retention) = (trusted(&self.keys), EventRetention::default());
        let mut verification =
            Verification::new(VerificationSettings { keys, retention, now: now(secs) }, chain.base);
        for key in reader.keys().await.unwrap() {
            assert!(verification.add_key(&key.jwk));
        }
        while let Some(Portion { checkpoints, events }) = reader.next().await.unwrap() {
            checkpoints.iter().for_each(|checkpoint| verification.check_checkpoint(&checkpoint.jws));
            events.iter().for_each(|event| verification.check_stored(event));
        }
        verification.finish(Some(chain.head))
    }
}

impl Exported {
    fn settings(&self) -> VerificationSettings {
        let (keys, retention) = (self.trusted.clone(), EventRetention::default());
        VerificationSettings { keys, retention, now: now(0) }
    }

    fn verify_with(&self, kept: Option<&str>) -> VerificationReport {
        let mut verification = ExportVerification::begin(&self.lines[0], self.settings()).unwrap();
        if let Some(kept) = kept {
            verification.compare_with(kept);
        }
        self.lines[1..].iter().for_each(|line| verification.check(line));
        verification.finish()
    }

    fn findings(&self) -> Vec<Finding> {
        self.verify_with(None).findings
    }

    /// The places of the lines of this type.
    fn places(&self, of: &str) -> Vec<usize> {
        let begin = format!("{{\"{of}\":");
        (0..self.lines.len()).filter(|at| self.lines[*at].starts_with(&begin)).collect()
    }

    fn jws(&self) -> Vec<String> {
        let lines = self.places("checkpoint").into_iter().map(|at| &self.lines[at]);
        lines.map(|line| json_of(line)["checkpoint"].as_str().unwrap().to_owned()).collect()
    }

    /// Changes the record of the event with this number, and computes all links from there on anew.
    fn rewrite(&mut self, seq: u64) {
        let mut head = ChainHead::BEGIN;
        for at in self.places("event") {
            let line = json_of(&self.lines[at]);
            let record = record_of(&self.lines[at]).to_owned();
            let is_meant = line["event"]["seq"] == seq;
            let record = if is_meant { record.replace("\"operator\"", "\"system\"") } else { record };
            let parsed = json_of(&record);
            let at_of_event = Timestamp::parse(parsed["at"].as_str().unwrap()).unwrap();
            head = head.next(at_of_event, parsed["kind"].as_str().unwrap(), &RecordDigest::of(&record));
            let link = base64(&head.link);
            self.lines[at] =
                format!("{{\"event\":{{\"seq\":{},\"link\":\"{link}\",\"record\":{record}}}}}", head.seq);
        }
        let end = self.lines.len() - 1;
        self.lines[end] = ExportLines::end(head).unwrap();
    }
}

fn base64(bytes: &[u8]) -> String {
    use ::base64::Engine;
    ::base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(bytes)
}

/// The bytes of the record in a line.
fn record_of(line: &str) -> &str {
    line.split_once("\"record\":").unwrap().1.strip_suffix("}}").unwrap()
}

fn json_of(text: &str) -> Value {
    serde_json::from_str(text).unwrap()
}

/// Whether a finding names this event or this line.
fn names(finding: &Finding, event: u64, line: u64) -> bool {
    match finding {
        Finding::EventAltered { event: named }
        | Finding::EventMisplaced { event: named }
        | Finding::EventTwice { event: named } => *named == event,
        Finding::EventsMissing { first, last } => (*first..=*last).contains(&event),
        Finding::LineUnreadable { line: named } => *named == line,
        _ => false,
    }
}

#[tokio::test]
async fn an_honest_trail_has_no_fault_in_the_store_and_in_an_export() {
    let world = World::sealed(&[3, 7]).await;
    world.happen(7..9).await;
    let exported = world.export(10).await;
    for report in [exported.verify_with(None), world.verify(10).await] {
        assert_eq!(report.findings, []);
        assert_eq!((report.events, report.last_event, report.checkpoints), (9, 9, 2));
        let last = report.last_checkpoint.unwrap();
        assert_eq!((last.says.head.seq, last.is_trusted), (7, true));
    }
    let empty = World::in_memory().await;
    assert_eq!((empty.verify(0).await.findings, empty.export(0).await.findings()), (vec![], vec![]));
}

#[tokio::test]
async fn a_changed_byte_of_an_event_or_of_a_checkpoint_is_named() {
    let world = World::sealed(&[3, 6]).await;
    let exported = world.export(10).await;
    let flipped = |line: &str, at: usize| {
        let mut bytes = line.as_bytes().to_vec();
        bytes[at] ^= if at.is_multiple_of(2) { 0x01 } else { 0x20 };
        String::from_utf8(bytes).unwrap()
    };
    for (seq, place) in (1..).zip(exported.places("event")) {
        for at in 0..exported.lines[place].len() {
            let mut changed = exported.clone();
            changed.lines[place] = flipped(&exported.lines[place], at);
            let findings = changed.findings();
            let line = place as u64 + 1;
            assert!(findings.iter().any(|finding| names(finding, seq, line)), "{at}: {findings:?}");
        }
    }
    for (number, place) in (1..).zip(exported.places("checkpoint")) {
        for at in 0..exported.lines[place].len() {
            let mut changed = exported.clone();
            changed.lines[place] = flipped(&exported.lines[place], at);
            let findings = changed.findings();
            let is_named = |finding: &Finding| match finding {
                Finding::CheckpointMisplaced { checkpoint } => *checkpoint == number,
                Finding::CheckpointUnreadable { after } => *after == number - 1,
                Finding::LineUnreadable { line } => *line == place as u64 + 1,
                // The number and the key are those that the changed text names.
                Finding::CheckpointForged { .. } | Finding::CheckpointKeyUnknown { .. } => true,
                _ => false,
            };
            assert!(findings.iter().any(is_named), "{at}: {findings:?}");
        }
    }
}

#[tokio::test]
async fn missing_added_and_moved_events_are_named() {
    let world = World::sealed(&[4, 8]).await;
    let exported = world.export(10).await;
    for (seq, place) in (1..).zip(exported.places("event")) {
        let mut missing = exported.clone();
        missing.lines.remove(place);
        assert_eq!(missing.findings(), [Finding::EventsMissing { first: seq, last: seq }]);
        let mut added = exported.clone();
        added.lines.insert(place, exported.lines[place].replace("operator", "operatox"));
        assert_eq!(added.findings(), [Finding::EventTwice { event: seq }]);
        if let Some(next) = exported.places("event").into_iter().find(|next| *next > place) {
            let mut moved = exported.clone();
            moved.lines.swap(place, next);
            assert!(
                moved.findings().contains(&Finding::EventMisplaced { event: seq }),
                "{:?}",
                moved.findings()
            );
        }
    }
    let mut all_gone = exported.clone();
    all_gone.lines.retain(|line| !line.starts_with("{\"event\""));
    assert!(all_gone.findings().contains(&Finding::EventsMissing { first: 1, last: 8 }));
    let mut cut_off = exported.clone();
    cut_off.lines.truncate(5);
    assert!(cut_off.findings().contains(&Finding::ExportCutOff));
    let mut longer = exported.clone();
    longer.lines.push(exported.lines[4].clone());
    assert_eq!(longer.findings(), [Finding::LineUnreadable { line: exported.lines.len() as u64 + 1 }]);
}

#[tokio::test]
async fn missing_and_exchanged_checkpoints_are_named() {
    let world = World::sealed(&[2, 4, 6, 8]).await;
    let exported = world.export(10).await;
    let places = exported.places("checkpoint");
    let mut without = exported.clone();
    without.lines.remove(places[1]);
    assert_eq!(without.findings(), [Finding::CheckpointsMissing { first: 2, last: 2 }]);
    let mut without = exported.clone();
    without.lines.drain(places[0]..=places[1]);
    assert_eq!(without.findings(), [Finding::CheckpointsMissing { first: 1, last: 2 }]);
    let mut exchanged = exported.clone();
    exchanged.lines.swap(places[1], places[2]);
    assert!(exchanged.findings().contains(&Finding::CheckpointMisplaced { checkpoint: 2 }));
    let mut late = exported.clone();
    let moved = late.lines.remove(places[3]);
    late.lines.insert(late.lines.len() - 1, moved);
    assert_eq!(late.findings(), []);
    let mut none = exported;
    none.lines.retain(|line| !line.starts_with("{\"checkpoint\""));
    assert_eq!(none.findings(), [Finding::NoCheckpoint]);
}

/// The attacker can write to the database and knows how links are computed.
#[tokio::test]
async fn a_history_with_links_that_were_computed_anew_differs_from_the_checkpoints() {
    let world = World::sealed(&[3, 6]).await;
    world.happen(6..8).await;
    let exported = world.export(10).await;
    for (seq, expected) in [(1, Some((1, 3, 1))), (5, Some((4, 6, 2))), (8, None)] {
        let mut rewritten = exported.clone();
        rewritten.rewrite(seq);
        assert_ne!(rewritten.lines, exported.lines);
        let findings = rewritten.findings();
        let expected =
            expected.map(|(first, last, checkpoint)| Finding::EventsRewritten { first, last, checkpoint });
        assert_eq!(findings, expected.into_iter().collect::<Vec<_>>(), "{seq}");
    }
    let mut unchanged = exported.clone();
    unchanged.rewrite(99);
    assert_eq!(unchanged.lines, exported.lines, "the test computes links as the store does");
}

/// The attacker also has the signing key: only what was kept elsewhere shows it.
#[tokio::test]
async fn a_history_that_was_signed_anew_differs_from_the_checkpoints_that_were_kept_elsewhere() {
    let (world, forged) = (World::sealed(&[3, 6]).await, World::in_memory().await);
    let kept = world.export(10).await.jws().join("\n");
    let forged = World { keys: Arc::clone(&world.keys), ..forged };
    forged.happen(1..4).await;
    forged.checkpoint(3).await;
    let exported = forged.export(10).await;
    assert_eq!(exported.findings(), [], "the signatures fit");
    let report = exported.verify_with(Some(&kept));
    assert_eq!(
        report.findings,
        [
            Finding::KeptCheckpointDiffers { checkpoint: 1 },
            Finding::EventsRewritten { first: 1, last: 3, checkpoint: 1 },
            Finding::EndMissing { first: 4, last: 6, checkpoint: 2 },
            Finding::CheckpointsMissing { first: 2, last: 2 },
        ]
    );
    assert_eq!(report.kept_fitting, Some(0));
}

#[tokio::test]
async fn what_was_kept_elsewhere_fits_an_honest_trail_and_shows_a_missing_end() {
    let world = World::sealed(&[3, 6]).await;
    let exported = world.export(10).await;
    let jws = exported.jws();
    let cut_off = format!("{}\n{}\n{}\n\n", jws[0], &jws[1][..50], jws[1]);
    let report = exported.verify_with(Some(&cut_off));
    assert_eq!((report.findings, report.kept_fitting), (vec![], Some(2)));
    // The last events and their checkpoint are gone, and the end was written anew.
    let mut short = exported.clone();
    let gone = [&exported.places("checkpoint")[1..], &exported.places("event")[3..]].concat();
    gone.iter().rev().for_each(|place| drop(short.lines.remove(*place)));
    let third =
        world.stores.events.list_events(&jwt_generator::audit::EventFilter::default(), 2, 1).await.unwrap();
    let end = short.lines.len() - 1;
    short.lines[end] = ExportLines::end(ChainHead { seq: 3, link: third[0].link }).unwrap();
    assert_eq!(short.findings(), [], "nothing in it shows what is missing");
    let findings = short.verify_with(Some(&jws.join("\n"))).findings;
    let end = Finding::EndMissing { first: 4, last: 6, checkpoint: 2 };
    assert_eq!(findings, [end, Finding::CheckpointsMissing { first: 2, last: 2 }]);
    let nonsense = exported.verify_with(Some("nonsense\n"));
    assert_eq!(nonsense.findings, [Finding::LineUnreadable { line: 1 }]);
}

#[tokio::test]
async fn a_rotation_leaves_the_past_verifiable_and_a_strange_key_is_not_trusted() {
    let world = World::sealed(&[3, 6]).await;
    let folder = tempfile::tempdir().unwrap();
    let other = keys(folder.path(), &world.stores, Clock::manual(now(0))).await;
    let old = trusted(&world.keys);
    world.checkpointer_of(&other).make_now(now(7)).await.unwrap().unwrap();
    let mut exported = world.export(10).await;
    // The reader has today's key set only.
    exported.trusted = trusted(&other);
    assert_eq!(exported.findings(), []);
    // The last key is one that an attacker has put beside the checkpoints.
    exported.trusted = old;
    let findings = exported.findings();
    assert!(matches!(findings[..], [Finding::CheckpointUntrusted { checkpoint: 3, .. }]), "{findings:?}");
    exported.lines.retain(|line| !line.starts_with("{\"key\""));
    let findings = exported.findings();
    assert!(matches!(findings[..], [Finding::CheckpointKeyUnknown { checkpoint: 3, .. }]), "{findings:?}");
}

#[tokio::test]
async fn what_is_left_after_the_retention_can_still_be_checked() {
    let world = World::sealed(&[3, 6, 9]).await;
    let events = &world.stores.events;
    let retention = EventRetention::default();
    let expired = 400 * DAY + 5;
    while events.purge_events(now(expired), &retention).await.unwrap() {}
    let base = events.find_chain().await.unwrap().base.seq;
    assert_eq!(base, 5);
    let mut checkpointer = world.checkpointer();
    checkpointer.make_due(now(expired)).await.unwrap();
    for report in [world.verify(expired).await, world.export(expired).await.verify_with(None)] {
        assert_eq!(report.findings, []);
        assert_eq!((report.removed_up_to, report.events, report.checkpoints), (5, 4, 4));
    }
    checkpointer.make_due(now(expired + 60)).await.unwrap();
    // The same long before its time.
    let findings = world.verify(20 * DAY).await.findings;
    assert_eq!(findings, [Finding::BeginningRemovedEarly { last: 5 }]);
    while events.purge_events(now(expired + 60), &retention).await.unwrap() {}
    checkpointer.make_due(now(expired + 120)).await.unwrap();
    let report = world.verify(expired + 120).await;
    assert_eq!((report.findings, report.events, report.removed_up_to), (vec![], 0, 9));
    assert!(report.checkpoints >= 1);
}

/// Seen: if the history began exactly where a checkpoint ends, and the older checkpoints were gone, the check found no fault.
#[tokio::test]
async fn a_beginning_that_was_moved_to_a_checkpoint_is_named_and_the_running_server_notices_it() {
    let folder = tempfile::tempdir().unwrap();
    let world = World::on_sqlite(folder.path()).await;
    let mut checkpointer = world.checkpointer();
    for n in 0..3 {
        world.happen(3 * n..3 * n + 3).await;
        checkpointer.make_now(now(u64::from(n))).await.unwrap().unwrap();
    }
    checkpointer.make_due(now(3)).await.unwrap();
    let database = rusqlite::Connection::open(folder.path().join(Sqlite::FILE)).unwrap();
    let moved = "INSERT OR REPLACE INTO event_chain_base SELECT 'base', seq, link FROM events WHERE seq = 6;
        DELETE FROM events WHERE seq <= 6; DELETE FROM checkpoints WHERE number < 2";
    database.execute_batch(moved).unwrap();
    assert_eq!(world.verify(4).await.findings, [Finding::CheckpointsMissing { first: 1, last: 1 }]);
    checkpointer.make_due(now(5)).await.unwrap();
    database.execute_batch("DELETE FROM checkpoints").unwrap();
    let refused = checkpointer.make_due(now(100)).await.unwrap_err();
    assert!(matches!(refused, CheckpointError::Vanished(3)), "{refused}");
    assert_eq!(world.stores.checkpoints.find_last_checkpoint().await.unwrap(), None, "it signs nothing");
}

#[tokio::test]
async fn a_record_that_is_missing_before_its_time_is_named() {
    let world = World::sealed(&[4]).await;
    let exported = world.export(10).await;
    let mut without = exported.clone();
    let place = exported.places("event")[1];
    let line = json_of(&exported.lines[place]);
    let record = record_of(&exported.lines[place]);
    let expired = json!({ "event": {
        "seq": 2, "link": line["event"]["link"], "at": line["event"]["record"]["at"],
        "kind": line["event"]["record"]["kind"], "digest": base64(&RecordDigest::of(record).0),
    }});
    without.lines[place] = expired.to_string();
    assert_eq!(without.findings(), [Finding::RecordRemovedEarly { event: 2 }]);
}
