//! What an instance can do now, derived from what its parts know.

use std::sync::Arc;

use super::capability::Since;
use super::{Capability, Finding, Status, Tasks};
use crate::clock::Clock;
use crate::domain::Timestamp;
use crate::keys::{Keys, NotReady};
use crate::store::Health;
use crate::telemetry::metrics::{Descriptor, Kind, Snapshot, Source};

const CAPABILITY: Descriptor = Descriptor {
    name: "jwt_capability",
    kind: Kind::Gauge,
    labels: &["capability", "status"],
    help: "What the instance can do: 1 for the status that the capability has now, 0 for the others.",
};

/// The tasks without which events are not complete.
const EVENT_TASKS: [&str; 4] = ["events", "checkpoints", "key events", "event counts"];

/// How an instance fares.
pub struct InstanceHealth {
    keys: Arc<Keys>,
    database: Health,
    /// Whether there is a database.
    accounts: bool,
    tasks: Tasks,
    clock: Clock,
    since: [Since; Capability::ALL.len()],
}

impl InstanceHealth {
    /// The health of an instance of these parts. Without `accounts` it has no database, and no user can log in.
    pub fn new(keys: Arc<Keys>, database: Health, accounts: bool, tasks: Tasks, clock: Clock) -> Self {
        Self { keys, database, accounts, tasks, clock, since: Default::default() }
    }

    /// The background tasks.
    pub fn tasks(&self) -> &Tasks {
        &self.tasks
    }

    /// Whether the database answered when it was last asked.
    pub fn is_database_connected(&self) -> bool {
        self.database.is_connected()
    }

    /// Whether the start of this process has succeeded.
    ///
    /// # Errors
    /// [`NotReady`]
    pub fn has_started(&self) -> Result<(), NotReady> {
        self.keys.has_started()
    }

    /// Whether this instance can verify tokens and publish the key set. A load balancer takes an instance away that cannot;
    /// so what every instance needs alike, such as the database, does not count.
    ///
    /// # Errors
    /// [`NotReady`]
    pub fn is_ready(&self) -> Result<(), NotReady> {
        self.keys.publishes()
    }

    /// Every capability that this instance is meant to have, what was found about it, and since when. The log has what has
    /// changed since the last look.
    pub fn capabilities(&self) -> Vec<(Capability, Finding, Timestamp)> {
        let now = self.clock.now();
        let noted = self.findings().map(|(capability, finding)| {
            let (since, is_news) = self.since[capability as usize].note(finding.status, now);
            if is_news {
                tell(capability, finding);
            }
            (capability, finding, since)
        });
        noted.collect()
    }

    fn findings(&self) -> impl Iterator<Item = (Capability, Finding)> {
        let has = move |capability: &Capability| self.accounts || !capability.needs_accounts();
        Capability::ALL.into_iter().filter(has).map(move |capability| (capability, self.finding(capability)))
    }

    fn finding(&self, capability: Capability) -> Finding {
        match capability {
            Capability::Mint => self.minting(),
            Capability::Verify => self.verifying(),
            Capability::Publish => self.publishing(),
            Capability::Login | Capability::Refresh | Capability::Events if !self.database.is_connected() => {
                Finding::down("the database does not answer")
            }
            Capability::Login | Capability::Refresh => self.minting(),
            Capability::Events => self.recording(),
        }
    }

    fn recording(&self) -> Finding {
        let failing = self.tasks.failing();
        if EVENT_TASKS.iter().any(|task| failing.contains(task)) {
            Finding::degraded("a task that stores or signs events fails")
        } else {
            Finding::OK
        }
    }

    fn minting(&self) -> Finding {
        if self.keys.ring().is_none() {
            Finding::down("the keys are not loaded")
        } else if !self.keys.may_sign() {
            Finding::down("no key may sign now")
        } else if !self.keys.signs() {
            Finding::down("the service that keeps the active key does not sign")
        } else {
            self.refreshing()
        }
    }

    fn verifying(&self) -> Finding {
        match self.keys.publishes() {
            Ok(()) => self.refreshing(),
            Err(NotReady::TooOld) => Finding::degraded("the keys were read too long ago"),
            Err(NotReady::NotLoaded | NotReady::CannotSign) => Finding::down("the keys are not loaded"),
        }
    }

    fn publishing(&self) -> Finding {
        match self.keys.publishes() {
            Ok(()) => self.refreshing(),
            Err(NotReady::TooOld) => Finding::down("the keys were read too long ago"),
            Err(NotReady::NotLoaded | NotReady::CannotSign) => Finding::down("the keys are not loaded"),
        }
    }

    fn refreshing(&self) -> Finding {
        if self.keys.is_refreshed() {
            Finding::OK
        } else {
            Finding::degraded("the latest look at the ring of keys failed")
        }
    }
}

fn tell(capability: Capability, Finding { status, reason }: Finding) {
    let (capability, status) = (capability.name(), status.name());
    match reason {
        Some(reason) => {
            tracing::warn!(capability, status, reason, "a capability of this instance has changed");
        }
        None => tracing::info!(capability, status, "a capability of this instance is back"),
    }
}

impl Source for InstanceHealth {
    fn collect(&self, snapshot: &mut Snapshot) {
        let family = snapshot.family(&CAPABILITY);
        for (capability, finding) in self.findings() {
            for status in Status::ALL {
                family.add(&[capability.name(), status.name()], u64::from(status == finding.status));
            }
        }
    }
}
