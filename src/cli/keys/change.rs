//! `keys rotate`, `keys revoke`, `keys prune`, `keys reseal`: changes to the ring.

use clap::Args;
use serde_json::json;

use super::super::setup;
use super::{Consent, Failure, Of, Output, length, outlasts, refused, what_next};
use crate::domain::{KeyRecord, Kid, RingRecord};
use crate::keys::custody::{Resealed, public_half};
use crate::keys::orders::{Order, OrderError};
use crate::keys::{Pruned, RingService, refuse_moved};

#[derive(Debug, Args)]
pub(in crate::cli) struct Rotate {
    #[command(flatten)]
    of: Of,
    /// Make the next key active at once; verifiers that do not know it yet refuse its
    /// tokens for a while
    #[arg(long)]
    now: bool,
    #[command(flatten)]
    consent: Consent,
}

impl Rotate {
    pub(super) async fn run(self, ring_service: &RingService, output: &Output) -> Result<(), Failure> {
        let ring = here(ring_service).await?;
        let algorithm = self.of.algorithm_or_default(ring_service)?;
        let order = if self.now {
            let blind = outlasts(ring_service, &ring);
            self.consent.ask(&format!(
                "This makes the next key active at once. Verifiers that cache an older key set refuse its tokens until they \
                 fetch the key set again, at most {blind} later."
            ))?;
            Order::RotateNow(algorithm)
        } else {
            Order::Rotate(algorithm)
        };
        let after = ring_service.order(&order).await.map_err(refused)?;
        let told = match after.next(algorithm.name()) {
            Some(next) if !self.now => {
                format!("{} is published; it signs from {} on", next.kid, next.activates_at)
            }
            _ => match after.active(algorithm.name()) {
                Some(key) => format!("{} signs now", key.kid),
                None => format!("no key signs with {algorithm}"),
            },
        };
        tell(ring_service, &after, algorithm.name(), &told, output);
        Ok(())
    }
}

#[derive(Debug, Args)]
pub(in crate::cli) struct Revoke {
    /// Id of the key
    #[arg(value_parser = kid, allow_hyphen_values = true)]
    kid: Kid,
    #[command(flatten)]
    consent: Consent,
}

impl Revoke {
    pub(super) async fn run(self, ring_service: &RingService, output: &Output) -> Result<(), Failure> {
        let ring = here(ring_service).await?;
        let unknown = || Failure::refused(OrderError::Unknown(self.kid.clone()));
        let key = ring.named(&self.kid).ok_or_else(unknown)?;
        // The other names of the key go with it.
        let kid = &key.kid;
        let signs = if ring.signing().any(|active| active.kid == *kid) {
            "\nThis key is active. The next key becomes active at once, and verifiers that do not know it yet refuse its tokens."
        } else {
            ""
        };
        self.consent.ask(&format!(
            "This removes the key {kid} ({alg}) from the key set. Its tokens become invalid: here within {here}, and for \
             other verifiers when they fetch the key set again, at most {there} later. Users must log in again.{signs}",
            alg = key.alg,
            here = length(ring_service.staleness()),
            there = outlasts(ring_service, &ring),
        ))?;
        let after = ring_service.order(&Order::Revoke(kid.clone())).await.map_err(refused)?;
        tell(ring_service, &after, &key.alg, &format!("{kid} is revoked"), output);
        Ok(())
    }
}

pub(super) async fn prune(ring_service: &RingService, output: &Output) -> Result<(), Failure> {
    let ring = here(ring_service).await?;
    let Pruned { ring, files } = ring_service.prune(ring).await.map_err(refused)?;
    let told = match files.as_slice() {
        [] => "there are no files to delete".to_owned(),
        files => format!("deleted, because no key of the ring uses them: {}", files.join(", ")),
    };
    output.print(
        &json!({ "revision": ring.revision, "files": files }),
        &format!("{told}\n{}", what_next(&ring, ring_service.schedule(), ring_service.now())),
    );
    Ok(())
}

#[derive(Debug, Args)]
pub(in crate::cli) struct Reseal {
    /// Also seal this key, which has no seal; only for a key that you know, after you
    /// have introduced KEY_ENCRYPTION_KEY
    #[arg(long, value_name = "KID", value_parser = kid, allow_hyphen_values = true)]
    accept_unsealed: Vec<Kid>,
}

impl Reseal {
    pub(super) async fn run(self, ring_service: &RingService, output: &Output) -> Result<(), Failure> {
        let resealed = ring_service.reseal(&self.accept_unsealed).await;
        let Some(Resealed { keys, accepted, waits_for }) = resealed.map_err(Failure::because)? else {
            return Err(Failure::refused(
                "there is nothing to seal: only a key ring in the database is sealed",
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

/// The ring, if it has not moved to another custody.
async fn here(ring_service: &RingService) -> Result<RingRecord, Failure> {
    let ring = setup::ring(ring_service).await?;
    refuse_moved(&ring).map_err(Failure::refused)?;
    Ok(ring)
}

/// The change to the keys of an algorithm, and what happens next.
pub(super) fn tell(ring_service: &RingService, ring: &RingRecord, alg: &str, told: &str, output: &Output) {
    let next = what_next(ring, ring_service.schedule(), ring_service.now());
    let value = json!({
        "done": told,
        "revision": ring.revision,
        "active": ring.active(alg).map(|key| &key.kid),
        "published": ring.next(alg).map(|key| &key.kid),
    });
    let seen = length(ring_service.staleness());
    output.print(&value, &format!("{told}\nRunning servers see it within {seen}.\n{next}"));
}

pub(super) fn kid(text: &str) -> Result<Kid, String> {
    Kid::parse(text).map_err(|error| error.to_string())
}
