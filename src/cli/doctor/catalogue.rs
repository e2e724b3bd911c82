//! All checks, in the order in which they are told. `docs/doctor.md` has the same list.

use super::finding::Check;
use super::{aws, caching, connection, cors, health, hosts, key_set, keys, manners, schedule, tls, tokens};

/// Checks that belong together.
#[derive(Debug)]
pub(super) struct Group {
    pub title: &'static str,
    pub checks: &'static [&'static Check],
}

const fn group(title: &'static str, checks: &'static [&'static Check]) -> Group {
    Group { title, checks }
}

pub(super) const GROUPS: &[Group] = &[
    group("Connection", connection::CHECKS),
    group("TLS", tls::CHECKS),
    group("Key set", key_set::CHECKS),
    group("Keys", keys::CHECKS),
    group("Caching", caching::CHECKS),
    group("Schedule", schedule::CHECKS),
    group("Service", health::CHECKS),
    group("Tokens", tokens::CHECKS),
    group("Names", hosts::CHECKS),
    group("Browsers", cors::CHECKS),
    group("Manners", manners::CHECKS),
    group("AWS", aws::CHECKS),
];

/// Every check.
pub(super) fn all() -> impl Iterator<Item = &'static Check> {
    GROUPS.iter().flat_map(|group| group.checks.iter().copied())
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    #[test]
    fn every_id_is_kebab_case_and_there_once() {
        let mut ids = BTreeSet::new();
        for check in super::all() {
            let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
            assert!(check.id.chars().all(plain) && !check.id.starts_with('-'), "{}", check.id);
            assert!(ids.insert(check.id), "{} is there twice", check.id);
            assert!(!check.about.ends_with('.') && !check.remedy.ends_with('.'), "{}", check.id);
        }
    }
}
