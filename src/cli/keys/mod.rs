//! `keys`: commands for the key ring. They read and change the ring itself, also while servers run, which see a change when
//! they read the ring again.

mod change;
mod export;
mod import;
mod list;
mod moving;
mod plan;
mod secret;
mod show;

use clap::{Args, Subcommand};
use jose::Algorithm;

use super::consent::Consent;
use super::operator::record_command;
use super::setup;
use super::{Failure, Output};
use crate::app::IfMissing;
use crate::domain::{RingRecord, Timestamp};
use crate::keys::schedule::{Action, Schedule};
use crate::keys::{OrderFault, RingService, forecast};

/// The longest line of text for people, in characters.
const LINE_WIDTH: usize = 80;

#[derive(Debug, Subcommand)]
pub(super) enum Keys {
    /// Show an active key: its kid, kind, creation time, thumbprint and public half
    Show(Of),
    /// List all keys, their states and times, and the next step of the schedule
    List,
    /// Show how the schedule follows from the settings, and its steps in the next 90
    /// days
    Plan,
    /// Create a key ring with a new key for each algorithm of JWT_ALGORITHM, unless
    /// there is a key already
    Generate,
    /// Create the next key and publish it; it signs when every verifier can know it
    Rotate(change::Rotate),
    /// Remove a key from the key set at once, for example because it has leaked
    Revoke(change::Revoke),
    /// Add a key from another system: PEM, JWK or JWK Set
    Import(import::Import),
    /// Print public keys or a private key
    Export(export::Export),
    /// Take the steps that are due, forget removed keys, and delete key files that
    /// belong to no key of the ring
    Prune,
    /// Encrypt and authenticate all keys in the database with the first
    /// KEY_ENCRYPTION_KEY
    Reseal(change::Reseal),
    /// Move the key ring and its keys to another custody
    Move(moving::Move),
    /// Print a new random value for KEY_ENCRYPTION_KEY or SERVER_SECRET
    Secret,
}

/// The key of one algorithm.
#[derive(Debug, Args)]
pub(in crate::cli) struct Of {
    /// The algorithm of the key [default: the first one of JWT_ALGORITHM]
    #[arg(long, value_name = "ALGORITHM")]
    algorithm: Option<Algorithm>,
}

impl Of {
    /// The algorithm that the command names, or the default one.
    fn algorithm_or_default(&self, ring_service: &RingService) -> Result<Algorithm, Failure> {
        let default = ring_service.schedule().default_kind().map(|kind| kind.algorithm);
        self.algorithm.or(default).ok_or_else(|| Failure::usage("JWT_ALGORITHM names no algorithm"))
    }
}

impl Keys {
    pub(super) fn run(self, output: &Output) -> Result<(), Failure> {
        if let Self::Secret = self {
            return secret::print(output);
        }
        let config = setup::config()?;
        setup::runtime()?.block_on(async {
            let ring_service = setup::ring_service(&config, self.if_missing())?;
            let changes = self.changes();
            match self {
                Self::Show(of) => show::show(&ring_service, of.algorithm, output).await,
                Self::List => list::list(&ring_service, &config, output).await,
                Self::Plan => plan::plan(&ring_service, output).await,
                Self::Generate => show::generate(&ring_service, output).await,
                Self::Rotate(rotate) => rotate.run(&ring_service, output).await,
                Self::Revoke(revoke) => revoke.run(&ring_service, output).await,
                Self::Import(import) => import.run(&ring_service, output).await,
                Self::Export(export) => export.run(&ring_service, output).await,
                Self::Prune => change::prune(&ring_service, output).await,
                Self::Reseal(reseal) => reseal.run(&ring_service, output).await,
                Self::Move(moving) => moving.run(&ring_service, output).await,
                Self::Secret => Ok(()),
            }?;
            if let Some(command) = changes {
                record_command(&config, command).await;
            }
            Ok(())
        })
    }
}

impl Keys {
    /// The name of the command if it changes keys.
    fn changes(&self) -> Option<&'static str> {
        match self {
            Self::Show(_) | Self::List | Self::Plan | Self::Export(_) | Self::Secret => None,
            Self::Generate => Some("keys generate"),
            Self::Rotate(_) => Some("keys rotate"),
            Self::Revoke(_) => Some("keys revoke"),
            Self::Import(_) => Some("keys import"),
            Self::Prune => Some("keys prune"),
            Self::Reseal(_) => Some("keys reseal"),
            Self::Move(_) => Some("keys move"),
        }
    }

    fn if_missing(&self) -> IfMissing {
        match self {
            Self::Show(_) | Self::List | Self::Plan | Self::Export(_) => IfMissing::Refuse,
            _ => IfMissing::Create,
        }
    }
}

/// How long verifiers may continue to use a key set that they read before a change, as text for people.
fn outlasts(ring_service: &RingService, ring: &RingRecord) -> String {
    length(ring_service.schedule().lead().max(ring.lead))
}

/// What the schedule will do next, in a sentence.
fn what_next(ring: &RingRecord, schedule: &Schedule, now: Timestamp) -> String {
    match forecast::next(ring, schedule, now) {
        Some(event) => format!("next: {}", dated(event.at, &sentence(&event.action, schedule))),
        None => "next: nothing; keys stay as they are (KEY_ROTATION is off)".to_owned(),
    }
}

/// An instant and what happens then, in two lines if they do not fit into one.
fn dated(at: Timestamp, what: &str) -> String {
    let line = format!("{at}  {what}");
    if line.chars().count() > LINE_WIDTH { format!("{at}\n  {what}") } else { line }
}

/// A refused order, or the custody's error with all its causes.
fn refused(fault: OrderFault) -> Failure {
    match fault {
        OrderFault::Refused(why) => Failure::refused(why),
        OrderFault::Custody(error) => Failure::because(error),
    }
}

/// A step, as text for people. It names the algorithm of a new key if there are several.
fn sentence(action: &Action, schedule: &Schedule) -> String {
    match action {
        Action::Begin => "a new key signs at once".to_owned(),
        Action::NoteLead => "the lead changes to that of the settings".to_owned(),
        Action::Carry => "the active keys may sign the longest tokens of the settings".to_owned(),
        Action::Publish { kind, activates_at } => match schedule.kinds.len() {
            1 => format!("a new key is published; it signs from {activates_at} on"),
            _ => format!("a new key for {} is published; it signs from {activates_at} on", kind.algorithm),
        },
        Action::Activate(kid) => format!("{kid} signs, and the previous key only verifies"),
        Action::Drop { alg, at } => format!("the key for {alg} will stop signing at {at}"),
        Action::Keep(alg) => format!("the key for {alg} continues to sign"),
        Action::Retire(alg) => format!("the key for {alg} stops signing and only verifies"),
        Action::Extend(kid, until) => format!("{kid} stays until {until}"),
        Action::Remove(kid) => format!("{kid} leaves the key set"),
        Action::Discard(kid) => format!("the private half of {kid} is destroyed"),
        Action::Forget(kid) => format!("the record of {kid} is dropped"),
    }
}

/// A number of seconds, as text for people: the two largest units.
fn length(secs: u64) -> String {
    let units = [("d", 86_400), ("h", 3_600), ("min", 60), ("s", 1)];
    let mut rest = secs;
    let parts: Vec<_> = units
        .iter()
        .filter_map(|(name, size)| {
            let count = rest / size;
            rest %= size;
            (count > 0).then(|| format!("{count} {name}"))
        })
        .take(2)
        .collect();
    if parts.is_empty() { "0 s".to_owned() } else { parts.join(" ") }
}
