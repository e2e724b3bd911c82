//! The list of all checks, in the order of the report. `docs/doctor.md` has the same list.

use serde_json::{Value, json};

use crate::finding::Check;
use crate::wrapping::wrapped;
use crate::{
    aws, caching, connection, cors, health, host_names, key_schedule, key_set, keys, oauth, responses, tls,
    tokens, unusual_requests,
};

/// Checks of one subject.
#[derive(Debug)]
pub(crate) struct Group {
    pub title: &'static str,
    pub checks: &'static [&'static Check],
}

const fn group(title: &'static str, checks: &'static [&'static Check]) -> Group {
    Group { title, checks }
}

pub(crate) const GROUPS: &[Group] = &[
    group("Connection", connection::CHECKS),
    group("TLS", tls::CHECKS),
    group("Key set", key_set::CHECKS),
    group("Keys", keys::CHECKS),
    group("Caching", caching::CHECKS),
    group("Key schedule", key_schedule::CHECKS),
    group("Service", health::CHECKS),
    group("Tokens", tokens::CHECKS),
    group("OAuth", oauth::CHECKS),
    group("Host names", host_names::CHECKS),
    group("Browsers", cors::CHECKS),
    group("Responses", responses::CHECKS),
    group("Unusual requests", unusual_requests::CHECKS),
    group("AWS", aws::CHECKS),
];

/// Every check.
fn all() -> impl Iterator<Item = &'static Check> {
    GROUPS.iter().flat_map(|group| group.checks.iter().copied())
}

/// The length of the longest id.
pub(crate) fn longest_id() -> usize {
    all().map(|check| check.id.len()).max().unwrap_or(0)
}

/// Every check with its `id`, `group`, `about` (what must be true) and `remedy`, as JSON.
pub fn list_as_json() -> Value {
    let of_group = |group: &Group| -> Vec<Value> {
        let one = |check: &&Check| json!({ "id": check.id, "group": group.title, "about": check.requirement, "remedy": check.remedy });
        group.checks.iter().map(one).collect()
    };
    GROUPS.iter().flat_map(of_group).collect()
}

/// Every check with what must be true, as text for a terminal.
pub fn list_as_text() -> String {
    let mut text = String::new();
    for group in GROUPS {
        text.push_str(&format!("{}\n", group.title));
        for check in group.checks {
            let start = format!("  {:width$}  ", check.id, width = longest_id());
            text.push_str(&wrapped(&start, check.requirement));
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::all;

    #[test]
    fn every_id_is_kebab_case_and_there_once() {
        let mut ids = BTreeSet::new();
        for check in all() {
            let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
            assert!(check.id.chars().all(plain) && !check.id.starts_with('-'), "{}", check.id);
            assert!(ids.insert(check.id), "{} is there twice", check.id);
        }
    }

    #[test]
    fn every_requirement_and_every_remedy_is_a_sentence() {
        for text in all().flat_map(|check| [check.requirement, check.remedy]) {
            assert!(text.starts_with(|c: char| c.is_ascii_uppercase() || c == '`'), "{text}");
            assert!(text.ends_with('.'), "{text}");
            assert!(
                !text.starts_with("It ") && !text.starts_with("They "),
                "{text} does not stand by itself"
            );
        }
    }
}
