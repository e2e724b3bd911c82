//! The audit trail: checkpoints sign the chain of events, readers list and export it, and a check finds what was changed.

mod cef;
mod chain_check;
mod checked_event;
mod checkpoint_check;
mod checkpoint_file;
mod checkpoint_metrics;
mod checkpointer;
mod entry;
mod export;
mod finding;
mod reader;
mod seen_checkpoint;
mod verification;

pub use crate::store::{EventFilter, StoredEvent};
pub use cef::cef_line;
pub use checkpoint_check::{CheckpointKeys, SignedCheckpoint};
pub use checkpoint_file::{CheckpointFile, CheckpointFileError};
pub use checkpoint_metrics::CheckpointMetrics;
pub use checkpointer::{CheckpointError, Checkpointer};
pub use entry::{Addresses, Entry, OpenRecord, Personal, open_entries, value_text};
pub use export::{ExportError, ExportLines, ExportVerification};
pub use finding::Finding;
pub use reader::{Portion, TrailReader};
pub use verification::{Verification, VerificationReport, VerificationSettings};
