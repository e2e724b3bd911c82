//! Carries out the steps of the schedule: prepares what a step needs, and then writes the step.

use super::custody::{CustodyError, RecordFault, public_half};
use super::key_event::Cause;
use super::ring_change::{Changed, LOST_RACES};
use super::schedule::{Action, Outstanding, Step};
use super::{Private, RingService, SignError};
use crate::domain::{KeyRecord, KeyState, NewKey, RingRecord};

/// The test message that a remote key signs.
const TRIAL: &[u8] = b"a key whose turn has come";

impl RingService {
    /// Takes every step that is due, one after the other. Returns the ring after them, and why a step failed:
    /// then the existing keys continue as before. A step that cannot be prepared does not block the others.
    pub async fn take_due_steps(
        &self,
        ring: RingRecord,
        outstanding: Outstanding<'_>,
    ) -> (RingRecord, Option<CustodyError>) {
        let (mut ring, mut failed, mut outrun) = (ring, None, false);
        let mut passed_over = Vec::new();
        for _ in 0..LOST_RACES {
            let step = Step::next(&ring, self.schedule(), outstanding, &passed_over, self.now());
            let Some(step) = step else { return (ring, failed) };
            let made = match self.prepare(&ring, &step).await {
                Ok(made) => made,
                Err(error) => {
                    passed_over.push(step.action().clone());
                    failed = failed.or(Some(error));
                    continue;
                }
            };
            let written = self.write_step(&ring, &step, made).await;
            outrun = matches!(written, Ok(None));
            match written {
                Ok(Some(after)) => ring = after,
                Ok(None) => match self.load().await {
                    Ok(Some(newer)) => ring = newer,
                    Ok(None) => return (ring, None),
                    Err(error) => return (ring, Some(error)),
                },
                Err(error) => return (ring, Some(error)),
            }
        }
        let outrun =
            outrun.then(|| CustodyError::Unavailable("other programs change the ring all the time".into()));
        (ring, outrun)
    }

    /// Makes the keys that a step needs, and calls the services that it depends on.
    async fn prepare(&self, ring: &RingRecord, step: &Step) -> Result<Vec<NewKey>, CustodyError> {
        match step.action() {
            // The old key stops signing in this step, so the service first proves that it can sign with the new one.
            Action::Activate(kid) => {
                if let Some(key) = ring.find(kid.as_str()) {
                    self.prove(key).await?;
                }
            }
            Action::Discard(kid) => {
                let home = ring.find(kid.as_str()).and_then(|key| key.home.as_ref());
                let shared =
                    |home| ring.keys.iter().filter(|key| key.home.as_ref() == Some(home)).count() > 1;
                if let Some(home) = home.filter(|home| !shared(home)) {
                    self.custody.discard(home).await?;
                }
            }
            _ => {}
        }
        self.make(ring, step.makes()).await
    }

    /// Writes a step for which `made` is ready. `None` if another program has changed the ring first.
    async fn write_step(
        &self,
        ring: &RingRecord,
        step: &Step,
        made: Vec<NewKey>,
    ) -> Result<Option<RingRecord>, CustodyError> {
        let written = self.change(ring, Cause::Due, |now| {
            let (_, mut after) = step.take(ring, self.schedule(), made.clone(), now);
            self.give_up_removed(ring, &mut after);
            Ok(after)
        });
        match written.await.and_then(Changed::or_unwritable) {
            Ok(Some(after)) => {
                tell(step.action(), &after);
                Ok(Some(after))
            }
            Ok(None) => {
                if let Some(newer) = self.load().await? {
                    self.discard_unless_in(&newer, made).await;
                }
                Ok(None)
            }
            Err(error) => {
                self.keep_spare(made).await;
                Err(error)
            }
        }
    }

    /// Drops the private halves of keys that leave the key set, if they are in the document of the ring
    /// itself: this needs no other service.
    fn give_up_removed(&self, before: &RingRecord, after: &mut RingRecord) {
        let left = |key: &KeyRecord| {
            let was = before.find(key.kid.as_str()).map(|key| key.state);
            key.state == KeyState::Removed && was != Some(KeyState::Removed)
        };
        for key in after.keys.iter_mut().filter(|key| left(key)) {
            key.home = key.home.take().filter(|home| !self.custody.lies_in_ring(home));
        }
    }

    /// Checks that a key can be opened and, if it is remote, that it signs.
    async fn prove(&self, key: &KeyRecord) -> Result<(), CustodyError> {
        if let Private::Remote(remote) = self.open(key).await? {
            let signature = remote.sign(TRIAL).await.map_err(|error| match error {
                SignError::TooLarge | SignError::Failed => CustodyError::Refused(error.into()),
                passing => CustodyError::Unavailable(passing.into()),
            })?;
            if !public_half(key)?.verify(TRIAL, &signature) {
                let fault = "its signature does not fit it".to_owned();
                return Err(RecordFault::Damaged { kid: key.kid.clone(), fault }.into());
            }
        }
        Ok(())
    }
}

/// Logs a step that changes no state of a key; the events report the others.
fn tell(action: &Action, after: &RingRecord) {
    match action {
        Action::NoteLead => {
            tracing::info!(lead = after.lead, "keys are published this many seconds before they sign");
        }
        Action::Carry => tracing::debug!("the active keys carry longer tokens"),
        Action::Drop { alg, .. } => {
            let at = after.dropped.get(alg).map(ToString::to_string);
            tracing::info!(
                alg,
                at,
                "JWT_ALGORITHM no longer lists an algorithm: its key stops signing at this time"
            );
        }
        Action::Keep(alg) => {
            tracing::info!(alg, "JWT_ALGORITHM lists this algorithm: its key continues to sign");
        }
        Action::Discard(kid) => tracing::info!(%kid, "the private half of this key is destroyed"),
        _ => {}
    }
}
