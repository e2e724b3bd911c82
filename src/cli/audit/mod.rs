//! `audit`: commands that read the events, and check that nothing was changed. They use the store of the settings, also while a
//! server runs.

mod checkpoint;
mod export;
mod filter;
mod list;
mod progress;
mod shown;
mod tail;
mod verify;

use clap::Subcommand;

use super::setup;
use super::{Failure, Output};
use crate::app::{IfMissing, Stores};
use crate::config::Config;

#[derive(Debug, Subcommand)]
pub(super) enum Audit {
    /// List the latest events
    List(list::List),
    /// Print the latest events, and each new event as it comes, until Ctrl-C
    Tail(tail::Tail),
    /// Print all events with their checkpoints, for an archive or another system
    Export(export::Export),
    /// Check that no event was changed, removed, added or moved
    Verify(verify::Verify),
    /// Sign a checkpoint of all events now
    Checkpoint,
}

impl Audit {
    pub(super) fn run(self, output: &Output) -> Result<(), Failure> {
        match self {
            Self::List(list) => list.run(output),
            Self::Tail(tail) => tail.run(output),
            Self::Export(export) => export.run(output),
            Self::Verify(verify) => verify.run(output),
            Self::Checkpoint => checkpoint::run(output),
        }
    }
}

/// The settings and the stores, of which these commands make none.
fn open() -> Result<(Config, Stores), Failure> {
    let config = setup::config()?;
    let (stores, _) = setup::stores(&config, IfMissing::Refuse)?;
    Ok((config, stores))
}
