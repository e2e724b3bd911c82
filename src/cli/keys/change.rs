//! `keys rotate`, `keys revoke`, `keys prune`, `keys reseal`: changes to the ring.

use clap::Args;
use serde_json::json;

use super::super::setup;
use super::{Consent, Failure, Output, length, outlasts, what_next};
use crate::domain::{KeyRecord, KeyState, Kid, NewKey, RingRecord};
use crate::keys::custody::{Resealed, RingStore, public_half};
use crate::keys::{RingService, orders};

/// Races against running servers that a command may lose.
const PATIENCE: usize = 16;

#[derive(Debug, Args)]
pub(in crate::cli) struct Rotate {
    /// Let the next key sign at once: verifiers that do not know it yet refuse its tokens for a while
    #[arg(long)]
    now: bool,
    #[command(flatten)]
    consent: Consent,
}

impl Rotate {
    pub(super) async fn run(self, ring_service: &RingService, output: &Output) -> Result<(), Failure> {
        let ring = here(ring_service).await?;
        if self.now {
            let blind = outlasts(ring_service, &ring);
            self.consent.ask(&format!(
                "The next key would sign at once. Verifiers that fetched the key set before it was published refuse its \
                 tokens till they fetch it again: up to {blind}."
            ))?;
        } else {
            orders::under_way(&ring).map_err(Failure::refused)?;
        }
        let new = if ring.next().is_some() { None } else { Some(make(ring_service).await?) };
        let now = self.now;
        let ordered = change(ring_service, new, |ring, new| {
            let (schedule, at) = (ring_service.schedule(ring), ring_service.now());
            match new {
                Some(new) if !now => orders::rotate(ring, &schedule, new, at).map_err(Failure::refused),
                new => orders::rotate_now(ring, &schedule, new, at).map_err(Failure::refused),
            }
        });
        let after = ordered.await?;
        let told = match after.next() {
            Some(next) if !now => {
                format!("{} is published; it signs from {} on", next.kid, next.activates_at)
            }
            _ => format!("{} signs now", after.active().map_or("nobody", |key| key.kid.as_str())),
        };
        tell(ring_service, &after, &told, output);
        Ok(())
    }
}

#[derive(Debug, Args)]
pub(in crate::cli) struct Revoke {
    /// The key's kid
    #[arg(value_parser = kid, allow_hyphen_values = true)]
    kid: Kid,
    #[command(flatten)]
    consent: Consent,
}

impl Revoke {
    pub(super) async fn run(self, ring_service: &RingService, output: &Output) -> Result<(), Failure> {
        let ring = here(ring_service).await?;
        let key = ring
            .named(&self.kid)
            .ok_or_else(|| Failure::refused(orders::OrderError::Unknown(self.kid.clone())))?;
        // Its other names go with it.
        let kid = &key.kid;
        let signs = if ring.active().is_some_and(|active| active.kid == *kid) {
            "\nIt is the key that signs: the next one signs at once, which verifiers refuse that do not know it yet."
        } else {
            ""
        };
        self.consent.ask(&format!(
            "{kid} ({alg}) would leave the key set at once, and no token of it would pass any more: here within {here}, \
             at verifiers when they fetch the key set again, up to {there}. Users must log in again.{signs}",
            alg = key.alg,
            here = length(ring_service.staleness()),
            there = outlasts(ring_service, &ring),
        ))?;
        let new = if orders::needs_successor(&ring, kid) { Some(make(ring_service).await?) } else { None };
        let after = change(ring_service, new, |ring, new| {
            orders::revoke(ring, &ring_service.schedule(ring), kid, new, ring_service.now())
                .map_err(Failure::refused)
        });
        let after = after.await?;
        tell(ring_service, &after, &format!("{kid} is revoked"), output);
        Ok(())
    }
}

pub(super) async fn prune(ring_service: &RingService, output: &Output) -> Result<(), Failure> {
    let ring = here(ring_service).await?;
    let (ring, failed) = ring_service.settle(ring, &[]).await;
    if let Some(error) = failed {
        return Err(Failure::because(error));
    }
    let ring = match ring.keys.iter().any(|key| key.state == KeyState::Removed) {
        true => change(ring_service, None, |ring, _| Ok(orders::forget(ring))).await?,
        false => ring,
    };
    // Where the ring is elsewhere, servers that have not followed it yet may still open what lies in the folder.
    let (custody, folder) = (ring_service.custody(), ring_service.custody().folder());
    let orphans = if custody.ring_store().place() == folder.place() {
        folder.orphans(&ring, ring_service.now()).await.map_err(Failure::because)?
    } else {
        Vec::new()
    };
    for home in &orphans {
        ring_service.custody().discard(home).await.map_err(Failure::because)?;
    }
    let files: Vec<_> = orphans.iter().map(|home| home.place().to_owned()).collect();
    let told = match files.as_slice() {
        [] => "nothing is left to take away".to_owned(),
        files => format!("taken away, for no key of the ring has them: {}", files.join(", ")),
    };
    output.print(
        &json!({ "revision": ring.revision, "files": files }),
        &format!("{told}\n{}", what_next(&ring, &ring_service.schedule(&ring), ring_service.now())),
    );
    Ok(())
}

#[derive(Debug, Args)]
pub(in crate::cli) struct Reseal {
    /// Seal this key, too, though it has no seal: only for a key that you know, where KEY_ENCRYPTION_KEY is new
    #[arg(long, value_name = "KID", value_parser = kid, allow_hyphen_values = true)]
    accept_unsealed: Vec<Kid>,
}

impl Reseal {
    pub(super) async fn run(self, ring_service: &RingService, output: &Output) -> Result<(), Failure> {
        let resealed = ring_service.custody().ring_store().reseal(&self.accept_unsealed).await;
        let Some(Resealed { keys, accepted, waits_for }) = resealed.map_err(Failure::because)? else {
            return Err(Failure::refused(
                "nothing is sealed here: a ring of keys is sealed where it is in the database",
            ));
        };
        let mut lines: Vec<_> = accepted.iter().map(accepted_line).collect();
        lines.push(format!("{keys} keys are sealed with the first KEY_ENCRYPTION_KEY."));
        if waits_for.is_empty() {
            lines.push(
                "The ring is authenticated as a whole. Programs of earlier versions cannot read it."
                    .to_owned(),
            );
        } else {
            lines.push("The ring is not authenticated as a whole yet: an earlier version is running, which could not read it.".to_owned());
            lines.extend(waits_for.iter().map(|other| {
                format!("  instance {} (keys: {}), last heard of at {}", other.id, other.custody, other.at)
            }));
            lines.push("Run `keys reseal` again a minute after it has stopped.".to_owned());
        }
        let accepted: Vec<_> = accepted.iter().map(|key| &key.kid).collect();
        let value = json!({ "resealed": keys, "accepted": accepted, "authenticated": waits_for.is_empty() });
        output.print(&value, &lines.join("\n"));
        Ok(())
    }
}

fn accepted_line(key: &KeyRecord) -> String {
    let thumbprint = public_half(key).map_or_else(|error| error.to_string(), |public| public.thumbprint());
    format!("{} had no seal and was accepted; its thumbprint is {thumbprint}", key.kid)
}

/// Changes the ring, on top of whatever servers do to it meanwhile. A key that was made for it and is not needed is
/// destroyed.
pub(super) async fn change(
    ring_service: &RingService,
    new: Option<NewKey>,
    order: impl Fn(&RingRecord, Option<NewKey>) -> Result<RingRecord, Failure>,
) -> Result<RingRecord, Failure> {
    let mut refused = Failure::refused("other programs change the ring all the time; try again");
    let mut ring = RingRecord::empty();
    for _ in 0..PATIENCE {
        ring = ring_service.to_change().await.map_err(Failure::because)?;
        match not_moved(&ring).and_then(|()| order(&ring, new.clone())) {
            Err(failure) => {
                refused = failure;
                break;
            }
            Ok(after) => {
                if ring_service.commit(&ring, &after).await.map_err(Failure::because)? {
                    ring_service.discard_unless_in(&after, new).await;
                    return Ok(after);
                }
            }
        }
    }
    ring_service.discard_unless_in(&ring, new).await;
    Err(refused)
}

/// The ring, if it is to be changed here.
async fn here(ring_service: &RingService) -> Result<RingRecord, Failure> {
    let ring = setup::ring(ring_service).await?;
    not_moved(&ring).map(|()| ring)
}

fn not_moved(ring: &RingRecord) -> Result<(), Failure> {
    match &ring.moved {
        Some(moved) => Err(Failure::refused(format!("these keys have moved: set KEY_CUSTODY={}", moved.to))),
        None => Ok(()),
    }
}

pub(super) async fn make(ring_service: &RingService) -> Result<NewKey, Failure> {
    ring_service.custody().make(ring_service.settings().kind).await.map_err(Failure::because)
}

/// What was done, and what happens next.
pub(super) fn tell(ring_service: &RingService, ring: &RingRecord, told: &str, output: &Output) {
    let next = what_next(ring, &ring_service.schedule(ring), ring_service.now());
    let value = json!({
        "done": told,
        "revision": ring.revision,
        "active": ring.active().map(|key| &key.kid),
        "published": ring.next().map(|key| &key.kid),
    });
    let seen = length(ring_service.staleness());
    output.print(&value, &format!("{told}\nRunning servers see it within {seen}.\n{next}"));
}

pub(super) fn kid(text: &str) -> Result<Kid, String> {
    Kid::parse(text).map_err(|error| error.to_string())
}
