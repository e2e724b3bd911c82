//! The audit trail: checkpoints sign the chain of events.

mod checkpoint_file;
mod checkpoint_metrics;
mod checkpointer;

pub use checkpoint_file::{CheckpointFile, CheckpointFileError};
pub use checkpoint_metrics::CheckpointMetrics;
pub use checkpointer::{CheckpointError, Checkpointer};
