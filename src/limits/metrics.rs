//! What is counted of limits: each verdict.

use super::{Group, Scope, Verdict};
use crate::telemetry::metrics::{Counter, Descriptor, Kind, Snapshot, Source};

const VERDICTS: Descriptor = Descriptor {
    name: "jwt_limit_verdicts",
    kind: Kind::Counter,
    labels: &["group", "scope", "verdict"],
    help: "Requests that a limit admitted or refused. A request that has several limits is counted for each that was asked.",
};
/// In the order of their numbers in [`LimitMetrics::count`].
const NAMES: [&str; 2] = ["refused", "admitted"];

/// The instruments.
#[derive(Debug, Default)]
pub(super) struct LimitMetrics {
    verdicts: [[[Counter; NAMES.len()]; Scope::COUNT]; Group::COUNT],
}

impl LimitMetrics {
    /// Counts a verdict, and hands it on.
    pub(super) fn count(&self, verdict: Verdict) -> Verdict {
        let counters = &self.verdicts[verdict.group as usize][verdict.scope as usize];
        counters[usize::from(verdict.allowed)].increment();
        verdict
    }

    /// Adds the verdicts of the limits that there are.
    pub(super) fn collect(&self, has: impl Fn(Group, Scope) -> bool, snapshot: &mut Snapshot) {
        let family = snapshot.family(&VERDICTS);
        for (group, scopes) in Group::ALL.into_iter().zip(&self.verdicts) {
            for (scope, counters) in
                Scope::ALL.into_iter().zip(scopes).filter(|(scope, _)| has(group, *scope))
            {
                for (name, counter) in NAMES.iter().zip(counters) {
                    family.add(&[group.name(), scope.name(), name], counter);
                }
            }
        }
    }
}

impl Source for super::RateLimits {
    fn collect(&self, snapshot: &mut Snapshot) {
        self.metrics().collect(|group, scope| self.policies().quota(group, scope).is_some(), snapshot);
    }
}
