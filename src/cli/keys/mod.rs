//! `keys`: what signs, what will, and what did. The commands work on the keys' store itself, beside any number of
//! running servers, which see what was done at their next look.

mod change;
mod export;
mod import;
mod list;
mod moving;
mod plan;
mod secret;
mod show;

use clap::Subcommand;

use super::consent::Consent;
use super::setup;
use super::{Failure, Output};
use crate::app::IfMissing;
use crate::domain::{RingRecord, Timestamp};
use crate::keys::schedule::{Action, Schedule};
use crate::keys::{RingService, forecast};

#[derive(Debug, Subcommand)]
pub(super) enum Keys {
    /// Show the key that signs: its kid, kind, age, thumbprint and public half
    Show,
    /// List all keys: their states, their instants, and what happens next
    List,
    /// Show how the schedule follows from the settings, and what it will do in the next 90 days
    Plan,
    /// Begin with a new key, unless there is one
    Generate,
    /// Publish the next key now; it signs when every verifier can know it
    Rotate(change::Rotate),
    /// Take a key out of the key set at once, such as one that has leaked
    Revoke(change::Revoke),
    /// Take in a key from elsewhere: PEM, JWK or JWK Set
    Import(import::Import),
    /// Print public keys, or a private one
    Export(export::Export),
    /// Do what is due now, drop what has left, and take away files that no key has
    Prune,
    /// Seal all keys in the database with the first KEY_ENCRYPTION_KEY
    Reseal(change::Reseal),
    /// Take the ring and its keys to another custody
    Move(moving::Move),
    /// Print a new KEY_ENCRYPTION_KEY
    Secret,
}

impl Keys {
    pub(super) fn run(self, output: &Output) -> Result<(), Failure> {
        if let Self::Secret = self {
            return secret::print(output);
        }
        let config = setup::config()?;
        setup::runtime()?.block_on(async {
            let ring_service = setup::ring_service(&config, self.if_missing())?;
            match self {
                Self::Show => show::show(&ring_service, output).await,
                Self::List => list::list(&ring_service, output).await,
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
            }
        })
    }
}

impl Keys {
    fn if_missing(&self) -> IfMissing {
        match self {
            Self::Show | Self::List | Self::Plan | Self::Export(_) => IfMissing::Refuse,
            _ => IfMissing::Create,
        }
    }
}

/// How long verifiers may go on with a key set of before a change, for people.
fn outlasts(ring_service: &RingService, ring: &RingRecord) -> String {
    length(ring_service.schedule(ring).lead().max(ring.lead))
}

/// What the schedule will do next, in a sentence.
fn what_next(ring: &RingRecord, schedule: &Schedule, now: Timestamp) -> String {
    match forecast::next(ring, schedule, now) {
        Some(event) => format!("next: {} {}", event.at, sentence(&event.action)),
        None => "next: nothing; keys stay as they are (KEY_ROTATION is off)".to_owned(),
    }
}

/// A step, for people.
fn sentence(action: &Action) -> String {
    match action {
        Action::Begin => "a new key signs at once".to_owned(),
        Action::SettleLead => "the lead follows the settings".to_owned(),
        Action::Carry => "the active key carries the longest tokens of the settings".to_owned(),
        Action::Publish { activates_at } => {
            format!("a new key is published; it signs from {activates_at} on")
        }
        Action::Activate(kid) => format!("{kid} signs; the one before verifies on"),
        Action::Extend(kid, until) => format!("{kid} stays till {until}"),
        Action::Remove(kid) => format!("{kid} leaves the key set"),
        Action::Discard(kid) => format!("the private half of {kid} is destroyed"),
        Action::Forget(kid) => format!("the record of {kid} is dropped"),
    }
}

/// A number of seconds, for people: the two largest units.
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
