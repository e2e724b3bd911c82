//! The ages and states of keys, as `/api/key-info` tells them: from outside nobody knows more.

use serde_json::Value;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use super::client::Answered;
use super::finding::{Check, Finding};
use super::key_set::{Keys, kid};
use crate::domain::Timestamp;

pub(super) const KEY_INFO: &Check = &Check {
    id: "key-info",
    about: "Each key that may verify by `/api/key-info` is in the key set",
    remedy: "a cache or an instance is stale: see that caches obey `max-age`, and that all instances share one ring",
};
pub(super) const AGE: &Check = &Check {
    id: "key-age",
    about: "The key that signs does so for less than a year",
    remedy: "set KEY_ROTATION, such as 30d; it is off for a key of the original until it is set",
};
pub(super) const SCHEDULE: &Check = &Check {
    id: "key-schedule",
    about: "No step of the keys' schedule is overdue",
    remedy: "no instance takes the steps: look for `key` in the log, and see that the custody can be written",
};
pub(super) const LEAD: &Check = &Check {
    id: "key-lead",
    about: "A new key is published for longer before it signs than the key set may be kept",
    remedy: "let no proxy lengthen `max-age`; JWKS_MAX_AGE sets it, and the lead with it",
};

pub(super) const CHECKS: &[&Check] = &[KEY_INFO, AGE, SCHEDULE, LEAD];

const DAY: u64 = 86_400;
const YEAR: u64 = 365 * DAY;
/// An instance looks at the ring each KEY_REFRESH, an hour at most; a step that fails is tried again.
const LATE: u64 = 2 * 3_600;

/// A key as it is told of.
#[derive(Debug)]
pub(super) struct Told {
    pub kid: String,
    pub status: String,
    pub published_at: Timestamp,
    pub activates_at: Timestamp,
    activated_at: Option<Timestamp>,
    removes_at: Option<Timestamp>,
}

/// The keys that an answer of `/api/key-info` tells of.
pub(super) fn told(answered: &Answered) -> Result<Vec<Told>, String> {
    let answer = answered.as_ref().map_err(Clone::clone)?;
    if answer.status != 200 {
        return Err(format!("/api/key-info answered {}", answer.status));
    }
    let info = answer.json();
    let keys = info["data"]["keys"].as_array().filter(|keys| !keys.is_empty());
    let keys = keys.and_then(|keys| keys.iter().map(one).collect());
    keys.ok_or_else(|| "/api/key-info does not tell of each key".to_owned())
}

fn one(key: &Value) -> Option<Told> {
    let text = |name: &str| key[name].as_str().map(str::to_owned);
    let at = |name: &str| instant(key[name].as_str()?);
    Some(Told {
        kid: text("kid")?,
        status: text("status")?,
        published_at: at("published_at")?,
        activates_at: at("activates_at")?,
        activated_at: at("activated_at"),
        removes_at: at("removes_at"),
    })
}

/// An instant of RFC 3339.
pub(super) fn instant(text: &str) -> Option<Timestamp> {
    let at = OffsetDateTime::parse(text, &Rfc3339).ok()?;
    let millis = u64::try_from(at.unix_timestamp_nanos() / 1_000_000).ok()?;
    Some(Timestamp::from_millis(millis))
}

/// How long, in seconds, keys are published before they sign. The first key of a ring says nothing of it.
pub(super) fn lead(told: &[Told]) -> Option<u64> {
    let newest = told.iter().max_by_key(|key| key.published_at)?;
    let lead = newest.activates_at.secs_since(newest.published_at);
    (lead > 0).then_some(lead)
}

/// Of the keys that are told of, against the key set and how long it may be kept.
pub(super) fn look(told: &[Told], keys: &Keys, max_age: Option<u64>, now: Timestamp) -> Vec<Finding> {
    vec![listed(told, keys), age(told, now), overdue(told, now), ahead(told, max_age)]
}

fn listed(told: &[Told], keys: &Keys) -> Finding {
    let verifies = |key: &&Told| ["published", "active", "retired"].contains(&key.status.as_str());
    let lacking =
        told.iter().filter(verifies).find(|told| !keys.iter().any(|key| kid(key) == Some(&told.kid)));
    match lacking {
        Some(key) => KEY_INFO.fail(format!("{} ({}) is not in the key set", key.kid, key.status)),
        None => KEY_INFO.ok("they agree"),
    }
}

fn age(told: &[Told], now: Timestamp) -> Finding {
    let Some(active) = told.iter().find(|key| key.status == "active") else {
        return AGE.skip("no key is told to be active");
    };
    let age = now.secs_since(active.activated_at.unwrap_or(active.activates_at));
    let seen = format!("{} signs for {} days", active.kid, age / DAY);
    if age <= YEAR { AGE.ok(seen) } else { AGE.warn(seen) }
}

fn overdue(told: &[Told], now: Timestamp) -> Finding {
    let due = |key: &Told| match key.status.as_str() {
        "published" => Some((key.activates_at, "signs")),
        "retired" => key.removes_at.map(|at| (at, "leaves")),
        _ => None,
    };
    let next = told.iter().filter_map(|key| due(key).map(|(at, what)| (at, what, &key.kid))).min();
    match next {
        None => SCHEDULE.ok("no step is known to come"),
        Some((at, what, kid)) if now > at.plus_secs(LATE) => {
            SCHEDULE.fail(format!("{kid} was due at {at}, when it {what}"))
        }
        Some((at, what, kid)) => SCHEDULE.ok(format!("next, {kid} {what} at {at}")),
    }
}

fn ahead(told: &[Told], max_age: Option<u64>) -> Finding {
    match (lead(told), max_age) {
        (None, _) => LEAD.skip("there was no change of keys yet that shows it"),
        (_, None) => LEAD.skip("the key set does not say how long it may be kept"),
        (Some(lead), Some(most)) if lead >= most => LEAD.ok(format!("{lead} s, and it may be kept {most} s")),
        (Some(lead), Some(most)) => LEAD.fail(format!("{lead} s only, and it may be kept {most} s")),
    }
}
