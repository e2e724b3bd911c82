//! The check of a trail: its chain, its checkpoints, and what is missing before its time.

use super::chain_check::ChainCheck;
use super::checked_event::CheckedEvent;
use super::checkpoint_check::{CheckpointCheck, CheckpointKeys, SignedCheckpoint};
use super::finding::{Finding, Findings};
use crate::domain::{EventClass, EventKind, EventRetention, Timestamp};
use crate::event_record::ChainHead;
use crate::store::StoredEvent;

const SECS_PER_DAY: u64 = 86_400;

/// What a check needs besides the trail.
#[derive(Clone, Debug)]
pub struct VerificationSettings {
    /// The keys that are trusted: those of a key set.
    pub keys: CheckpointKeys,
    /// For how long records are kept.
    pub retention: EventRetention,
    /// When the trail was read.
    pub now: Timestamp,
}

/// The check of a trail, which is read from its beginning to its end.
#[derive(Debug)]
pub struct Verification {
    settings: VerificationSettings,
    base: ChainHead,
    chain: ChainCheck,
    checkpoints: CheckpointCheck,
    findings: Findings,
    events: u64,
    without_record: u64,
    has_kept: bool,
}

/// The result of a check.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VerificationReport {
    /// The events that were checked.
    pub events: u64,
    /// Those among them that have lost their record.
    pub without_record: u64,
    /// The last event that was removed from the beginning.
    pub removed_up_to: u64,
    /// The number of the last event.
    pub last_event: u64,
    /// The stored checkpoints.
    pub checkpoints: u64,
    /// The last one of them.
    pub last_checkpoint: Option<SignedCheckpoint>,
    /// Checkpoints of another place that are the stored ones; `None` if there was no other place.
    pub kept_fitting: Option<u64>,
    /// What is not as it must be.
    pub findings: Vec<Finding>,
    /// How many more findings there were.
    pub more_findings: u64,
}

impl Verification {
    /// A check of the events behind `base`.
    pub fn new(settings: VerificationSettings, base: ChainHead) -> Self {
        let (chain, checkpoints) = (ChainCheck::new(base), CheckpointCheck::new(settings.keys.clone(), base));
        Self {
            settings,
            base,
            chain,
            checkpoints,
            findings: Findings::default(),
            events: 0,
            without_record: 0,
            has_kept: false,
        }
    }

    /// Compares the trail with checkpoints that were kept elsewhere: one compact JWS a line. This comes first.
    pub fn compare_with(&mut self, text: &str) {
        self.has_kept = true;
        let mut lines =
            (1..).zip(text.lines().map(str::trim)).filter(|(_, line)| !line.is_empty()).peekable();
        while let Some((number, line)) = lines.next() {
            // A crash has cut a line off, and then the checkpoint was written again.
            let was_cut_off = lines.peek().is_some_and(|(_, next)| next.starts_with(line) && *next != line);
            if !self.checkpoints.keep(line) && !was_cut_off {
                self.unreadable(number);
            }
        }
    }

    /// Adds a key that lies beside the checkpoints, as a JWK. This comes before the first checkpoint. False if the text is no key.
    pub fn add_key(&mut self, jwk: &str) -> bool {
        self.checkpoints.add_key(jwk)
    }

    /// Checks a checkpoint. It comes before the event that it is about.
    pub fn check_checkpoint(&mut self, jws: &str) {
        self.checkpoints.check_kept(&mut self.findings);
        self.checkpoints.check(jws, self.chain.head(), &mut self.findings);
    }

    /// Checks the next event of a store.
    pub fn check_stored(&mut self, event: &StoredEvent) {
        self.check(CheckedEvent::of_stored(event));
    }

    pub(super) fn check(&mut self, event: CheckedEvent) {
        self.checkpoints.check_kept(&mut self.findings);
        self.events += 1;
        if !event.has_record {
            self.without_record += 1;
            self.check_age(&event);
        }
        let checkpoints = &mut self.checkpoints;
        let mut reached = |place, findings: &mut Findings| checkpoints.reach(place, findings);
        self.chain.check(event, &mut self.findings, &mut reached);
    }

    /// Notes a line that cannot be read.
    pub(super) fn unreadable(&mut self, line: u64) {
        self.findings.add(Finding::LineUnreadable { line });
    }

    pub(super) fn find(&mut self, finding: Finding) {
        self.findings.add(finding);
    }

    /// Ends the check. `end` is the last event, if that is known.
    pub fn finish(self, end: Option<ChainHead>) -> VerificationReport {
        let Self { settings, base, chain, mut checkpoints, mut findings, .. } = self;
        checkpoints.check_kept(&mut findings);
        let mut reached = |place, findings: &mut Findings| checkpoints.reach(place, findings);
        let head = chain.finish(end, &mut findings, &mut reached);
        // The events up to the end that is known are missing already.
        let last = end.filter(|end| end.seq > head.seq).unwrap_or(head);
        checkpoints.finish(last, &mut findings);
        if checkpoints.before_base().is_some_and(|at| was_early(&settings, at)) {
            findings.add(Finding::BeginningRemovedEarly { last: base.seq });
        }
        let (kept, more_findings) = findings.into_parts();
        VerificationReport {
            events: self.events,
            without_record: self.without_record,
            removed_up_to: base.seq,
            last_event: head.seq,
            checkpoints: checkpoints.count(),
            last_checkpoint: checkpoints.last().cloned(),
            kept_fitting: self.has_kept.then(|| checkpoints.kept_fitting()),
            findings: kept,
            more_findings,
        }
    }

    /// Whether an event may have lost its record already.
    fn check_age(&mut self, event: &CheckedEvent) {
        // A later version has kinds that this one does not know.
        let Some(kind) = EventKind::from_name(&event.kind) else { return };
        let age = self.settings.now.secs_since(event.at);
        if age < self.settings.retention.secs(kind.class()) {
            self.findings.add(Finding::RecordRemovedEarly { event: event.seq });
        }
    }
}

/// Whether an event that was stored after `sealed_at` was removed before its time, whatever its class. Clocks and queues of
/// events may differ by less than a day.
fn was_early(settings: &VerificationSettings, sealed_at: Timestamp) -> bool {
    let shortest = EventClass::ALL.map(|class| settings.retention.secs(class)).into_iter().min().unwrap_or(0);
    settings.now.secs_since(sealed_at) + SECS_PER_DAY < shortest
}
