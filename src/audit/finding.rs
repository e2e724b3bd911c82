//! What a check of the trail can find.

use std::fmt;

use serde::Serialize;

/// Something that is not as it must be.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "fault", rename_all = "snake_case")]
#[expect(
    missing_docs,
    reason = "the fields are numbers of events, checkpoints and lines, and the name of a key"
)]
pub enum Finding {
    /// The record, the instant, the kind or the link of an event is another one.
    EventAltered { event: u64 },
    /// Events are missing.
    EventsMissing { first: u64, last: u64 },
    /// An event stands behind later ones.
    EventMisplaced { event: u64 },
    /// There are two events with this number.
    EventTwice { event: u64 },
    /// An event lost its record before its time.
    RecordRemovedEarly { event: u64 },
    /// The beginning of the chain was removed before its time.
    BeginningRemovedEarly { last: u64 },
    /// The link of an event is not the one that was signed.
    EventsRewritten { first: u64, last: u64, checkpoint: u64 },
    /// A checkpoint is about events that are not there.
    EndMissing { first: u64, last: u64, checkpoint: u64 },
    /// There are events and no checkpoint.
    NoCheckpoint,
    /// A checkpoint cannot be read.
    CheckpointUnreadable { after: u64 },
    /// The signature of a checkpoint does not fit.
    CheckpointForged { checkpoint: u64 },
    /// The key that a checkpoint names is not known.
    CheckpointKeyUnknown { checkpoint: u64, kid: String },
    /// The last checkpoint is signed by a key that the key set does not contain.
    CheckpointUntrusted { checkpoint: u64, kid: String },
    /// Checkpoints are missing.
    CheckpointsMissing { first: u64, last: u64 },
    /// A checkpoint does not follow the one before it.
    CheckpointMisplaced { checkpoint: u64 },
    /// A checkpoint that was kept elsewhere is not the one that is stored.
    KeptCheckpointDiffers { checkpoint: u64 },
    /// A line cannot be read.
    LineUnreadable { line: u64 },
    /// The end of an export is missing.
    ExportCutOff,
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::EventAltered { event } => write!(f, "event {event} was changed: its link does not fit"),
            Self::EventsMissing { first, last } if first == last => write!(f, "event {first} is missing"),
            Self::EventsMissing { first, last } => write!(f, "events {first} to {last} are missing"),
            Self::EventMisplaced { event } => write!(f, "event {event} stands behind later events"),
            Self::EventTwice { event } => write!(f, "event {event} is there twice: one of the two was added"),
            Self::RecordRemovedEarly { event } => {
                write!(f, "event {event} has no record, and EVENT_RETENTION keeps records of its age")
            }
            Self::BeginningRemovedEarly { last } => write!(
                f,
                "the events up to {last} were removed, and EVENT_RETENTION keeps events of the age of event {last}"
            ),
            Self::EventsRewritten { first, last, checkpoint } => write!(
                f,
                "checkpoint {checkpoint} was signed for other events: at least one of the events {first} to {last} was changed, added or removed"
            ),
            Self::EndMissing { first, last, checkpoint } => write!(
                f,
                "events {first} to {last} are missing at the end: checkpoint {checkpoint} was signed for them"
            ),
            Self::NoCheckpoint => f.write_str(
                "there is no checkpoint: no signature protects these events. A new service signs the first one within a \
                 minute",
            ),
            Self::CheckpointUnreadable { after } => {
                write!(f, "the checkpoint behind checkpoint {after} is not a signed checkpoint")
            }
            Self::CheckpointForged { checkpoint } => {
                write!(f, "the signature of checkpoint {checkpoint} does not fit")
            }
            Self::CheckpointKeyUnknown { checkpoint, kid } => {
                write!(f, "the key {kid} of checkpoint {checkpoint} is not known")
            }
            Self::CheckpointUntrusted { checkpoint, kid } => write!(
                f,
                "the last checkpoint ({checkpoint}) is signed with the key {kid}, which is not in the key set"
            ),
            Self::CheckpointsMissing { first, last } if first == last => {
                write!(f, "checkpoint {first} is missing")
            }
            Self::CheckpointsMissing { first, last } => {
                write!(f, "checkpoints {first} to {last} are missing")
            }
            Self::CheckpointMisplaced { checkpoint } => {
                write!(f, "checkpoint {checkpoint} does not follow the one before it")
            }
            Self::KeptCheckpointDiffers { checkpoint } => {
                write!(f, "checkpoint {checkpoint} is not the one that was kept elsewhere")
            }
            Self::LineUnreadable { line } => write!(f, "line {line} cannot be read"),
            Self::ExportCutOff => f.write_str("the export has no end: its last lines are missing"),
        }
    }
}

/// Findings, of which the first ones are kept and the others counted.
#[derive(Debug, Default)]
pub(super) struct Findings {
    kept: Vec<Finding>,
    more: u64,
}

impl Findings {
    /// More findings than this are only counted.
    const MAX: usize = 100;

    pub(super) fn add(&mut self, finding: Finding) {
        if self.kept.len() < Self::MAX { self.kept.push(finding) } else { self.more += 1 }
    }

    /// The findings, and the number of those that are not among them.
    pub(super) fn into_parts(self) -> (Vec<Finding>, u64) {
        (self.kept, self.more)
    }
}
