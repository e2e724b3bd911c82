//! The names that share one record because no user has them. Each has a count of its own, so that the failures of others do not show
//! in it: otherwise an attacker who fails with enough names could tell a name without a user from a user's.

use serde::{Deserialize, Serialize};

use super::failures::{Failures, REMEMBERED_SECS};
use super::{NameTag, Timestamp};

/// Names of which one record counts failures.
const MAX_NAMES: usize = 4;

/// The names and their failures.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct UnknownNames(Vec<UnknownName>);

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct UnknownName {
    name: NameTag,
    failures: Failures,
}

impl UnknownNames {
    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The failures of a name.
    pub(super) fn failures_of(&self, name: &NameTag) -> Failures {
        self.0.iter().find(|known| known.name == *name).map_or(Failures::NONE, |known| known.failures)
    }

    /// These with the failures of a name. If there are too many, the other name with the fewest failures gives way; of several,
    /// the one that failed least lately.
    pub(super) fn with(&self, name: &NameTag, failures: Failures, now: Timestamp) -> Self {
        let is_remembered = |other: &&UnknownName| {
            other.name != *name && now.secs_since(other.failures.last_at) < REMEMBERED_SECS
        };
        let mut others: Vec<_> = self.0.iter().filter(is_remembered).cloned().collect();
        others.sort_by_key(|other| std::cmp::Reverse((other.failures.count, other.failures.last_at)));
        others.truncate(MAX_NAMES - 1);
        others.push(UnknownName { name: name.clone(), failures });
        Self(others)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp::from_secs(1_800_000_000);

    fn tag(n: u8) -> NameTag {
        NameTag::from_hash([n; 16])
    }

    fn failed(count: u32) -> Failures {
        Failures { count, last_at: NOW }
    }

    /// Names 1, 2, … with so many failures.
    fn names(counts: &[u32]) -> UnknownNames {
        let numbered = (1..).zip(counts);
        numbered.fold(UnknownNames::default(), |names, (n, count)| names.with(&tag(n), failed(*count), NOW))
    }

    fn counts(names: &UnknownNames) -> [u32; 6] {
        [1, 2, 3, 4, 5, 6].map(|n| names.failures_of(&tag(n)).count)
    }

    #[test]
    fn each_name_has_failures_of_its_own() {
        let names = names(&[9, 1, 0, 30]);
        assert_eq!(counts(&names), [9, 1, 0, 30, 0, 0]);
        assert_eq!(counts(&names.with(&tag(2), failed(2), NOW)), [9, 2, 0, 30, 0, 0]);
    }

    #[test]
    fn a_new_name_takes_the_place_of_the_one_with_the_fewest_failures_however_many_these_are() {
        assert_eq!(counts(&names(&[9, 7, 8, 30, 1])), [9, 0, 8, 30, 1, 0]);
        assert_eq!(counts(&names(&[9, 7, 8, 30, 1, 1])), [9, 0, 8, 30, 0, 1]);
    }

    #[test]
    fn a_name_is_forgotten_thirty_days_after_its_last_failure() {
        let later = NOW.plus_secs(REMEMBERED_SECS);
        let failed_later = Failures { count: 1, last_at: later };
        assert_eq!(counts(&names(&[9, 7]).with(&tag(2), failed_later, later)), [0, 1, 0, 0, 0, 0]);
    }
}
