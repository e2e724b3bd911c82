//! Counts the verdicts of budgets.

use super::{Group, RateLimits, Scope, Verdict};
use crate::telemetry::metrics::{Counter, Descriptor, Kind, Snapshot, Source};

const VERDICTS: Descriptor = Descriptor {
    name: "jwt_rate_limit_verdicts",
    kind: Kind::Counter,
    labels: &["group", "scope", "verdict"],
    help: "Requests that a rate limit admitted or refused. A request counts once for each limit that was asked.",
};

/// The verdicts of each group and scope: first those that admit a request.
#[derive(Debug, Default)]
pub(super) struct Verdicts([[[Counter; 2]; Scope::COUNT]; Group::COUNT]);

impl Verdicts {
    /// Counts a verdict.
    pub(super) fn count(&self, verdict: &Verdict) {
        self.of(verdict.group, verdict.scope)[usize::from(!verdict.allowed)].increment();
    }

    fn of(&self, group: Group, scope: Scope) -> &[Counter; 2] {
        &self.0[group as usize][scope as usize]
    }
}

impl Source for RateLimits {
    /// Only the limits that exist have values.
    fn collect(&self, snapshot: &mut Snapshot) {
        let family = snapshot.family(&VERDICTS);
        for group in Group::ALL {
            for scope in Scope::ALL.into_iter().filter(|scope| self.policies().quota(group, *scope).is_some())
            {
                let [admitted, refused] = self.verdicts().of(group, scope);
                family.add(&[group.name(), scope.name(), "admitted"], admitted);
                family.add(&[group.name(), scope.name(), "refused"], refused);
            }
        }
    }
}
