//! The ages and states of keys, as `/api/key-info` lists them: no other answer says more.

use serde_json::Value;

use crate::client::AnswerOrError;
use crate::finding::{Check, Finding, no_answer, quoted};
use crate::instant::Instant;
use crate::key_set::{Keys, kid};

pub(crate) const KEY_INFO: &Check = &Check {
    id: "key-info",
    requirement: "The key set contains each published, active and retired key that `/api/key-info` lists.",
    remedy: "Check that caches obey `max-age` and that all instances share one key ring, because a cache or an instance is stale.",
};
pub(crate) const AGE: &Check = &Check {
    id: "key-age",
    requirement: "The active key has been signing for at most one year.",
    remedy: "Set KEY_ROTATION, for example to 30d. For a key of simple-jwt-generator, rotation is off until you set it.",
};
pub(crate) const SCHEDULE: &Check = &Check {
    id: "key-schedule",
    requirement: "No step of the key schedule is overdue.",
    remedy: "Look for `key` in the log, and check that the service can write to its key custody, because no instance takes the steps.",
};
pub(crate) const LEAD: &Check = &Check {
    id: "key-lead",
    requirement: "A new key is published before it signs for at least as long as caches may keep the key set.",
    remedy: "Do not let a proxy lengthen `max-age`. JWKS_MAX_AGE sets it, and the lead of a new key follows it.",
};

pub(crate) const CHECKS: &[&Check] = &[KEY_INFO, AGE, SCHEDULE, LEAD];

const DAY_SECS: u64 = 86_400;
const YEAR_SECS: u64 = 365 * DAY_SECS;
/// Instances look at the ring each KEY_REFRESH, which is at most one hour, and try a failed step again.
const TOLERANCE_SECS: u64 = 2 * 3_600;

/// A key as `/api/key-info` lists it.
#[derive(Debug)]
pub(crate) struct ListedKey {
    pub kid: String,
    pub status: String,
    pub published_at: Instant,
    pub activates_at: Instant,
    activated_at: Option<Instant>,
    removes_at: Option<Instant>,
}

/// The keys in an answer of `/api/key-info`.
///
/// # Errors
/// A sentence that says why there are none.
pub(crate) fn listed_keys(answer: &AnswerOrError) -> Result<Vec<ListedKey>, String> {
    let answer = answer.as_ref().map_err(|error| no_answer("/api/key-info", error))?;
    if answer.status != 200 {
        return Err(format!("/api/key-info answers with status {}.", answer.status));
    }
    let info = answer.json();
    let keys = info["data"]["keys"].as_array().filter(|keys| !keys.is_empty());
    let keys = keys.and_then(|keys| keys.iter().map(listed_key).collect());
    keys.ok_or_else(|| "/api/key-info does not list the keys.".to_owned())
}

fn listed_key(key: &Value) -> Option<ListedKey> {
    let text = |name: &str| key[name].as_str().map(str::to_owned);
    let at = |name: &str| Instant::from_rfc3339(key[name].as_str()?);
    Some(ListedKey {
        kid: text("kid")?,
        status: text("status")?,
        published_at: at("published_at")?,
        activates_at: at("activates_at")?,
        activated_at: at("activated_at"),
        removes_at: at("removes_at"),
    })
}

/// How long keys are published before they sign, in seconds. The first key of a ring does not show it.
pub(crate) fn lead(listed: &[ListedKey]) -> Option<u64> {
    let newest = listed.iter().max_by_key(|key| key.published_at)?;
    let lead = newest.activates_at.secs_since(newest.published_at);
    (lead > 0).then_some(lead)
}

/// Checks the listed keys against the key set, and against the seconds for which caches may keep it.
pub(crate) fn check(listed: &[ListedKey], keys: &Keys, max_age: Option<u64>, now: Instant) -> Vec<Finding> {
    vec![in_key_set(listed, keys), age(listed, now), overdue(listed, now), lead_against(listed, max_age)]
}

fn in_key_set(listed: &[ListedKey], keys: &Keys) -> Finding {
    let verifies = |key: &&ListedKey| ["published", "active", "retired"].contains(&key.status.as_str());
    let is_missing = |listed: &&ListedKey| !keys.iter().any(|key| kid(key) == Some(&listed.kid));
    match listed.iter().filter(verifies).find(is_missing) {
        Some(key) => {
            KEY_INFO.fail(format!("The {} key {} is missing from the key set.", key.status, quoted(&key.kid)))
        }
        None => KEY_INFO.ok("The key set contains each key that /api/key-info lists for it."),
    }
}

fn age(listed: &[ListedKey], now: Instant) -> Finding {
    let Some(active) = listed.iter().find(|key| key.status == "active") else {
        return AGE.skip("/api/key-info lists no active key.");
    };
    let age = now.secs_since(active.activated_at.unwrap_or(active.activates_at));
    let days = age / DAY_SECS;
    let sentence = format!("The active key {} has been signing for {days} days.", quoted(&active.kid));
    if age <= YEAR_SECS { AGE.ok(sentence) } else { AGE.warn(sentence) }
}

fn overdue(listed: &[ListedKey], now: Instant) -> Finding {
    let due = |key: &ListedKey| match key.status.as_str() {
        "published" => Some((key.activates_at, "sign")),
        "retired" => key.removes_at.map(|at| (at, "leave the key set")),
        _ => None,
    };
    let next = listed.iter().filter_map(|key| due(key).map(|(at, what)| (at, what, &key.kid))).min();
    match next {
        None => SCHEDULE.ok("The key schedule has no next step yet."),
        Some((at, what, kid)) if now > at.plus_secs(TOLERANCE_SECS) => {
            SCHEDULE.fail(format!("The key {} was due to {what} at {at}, but did not.", quoted(kid)))
        }
        Some((at, what, kid)) => SCHEDULE.ok(format!("The key {} is due to {what} at {at}.", quoted(kid))),
    }
}

fn lead_against(listed: &[ListedKey], max_age: Option<u64>) -> Finding {
    match (lead(listed), max_age) {
        (None, _) => LEAD.skip("No key has been replaced yet, so the lead of a new key is not known."),
        (_, None) => LEAD.skip("The key set does not say how long caches may keep it."),
        (Some(lead), Some(max_age)) if lead >= max_age => LEAD.ok(format!(
            "A new key is published {lead} s before it signs, and caches may keep the key set for {max_age} s."
        )),
        (Some(lead), Some(max_age)) => LEAD.fail(format!(
            "A new key is published only {lead} s before it signs, but caches may keep the key set for {max_age} s."
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::finding::Status;

    fn key(status: &str, published_at: u64, activates_at: u64) -> ListedKey {
        let (published_at, activates_at) =
            (Instant::from_secs(published_at), Instant::from_secs(activates_at));
        let (kid, status) = ("k".to_owned(), status.to_owned());
        ListedKey { kid, status, published_at, activates_at, activated_at: None, removes_at: None }
    }

    #[test]
    fn a_step_is_overdue_two_hours_after_it_was_due() {
        let of = |now| overdue(&[key("published", 0, 1_000)], Instant::from_secs(now));
        assert_eq!(of(1_000 + TOLERANCE_SECS).status, Status::Ok);
        let late = of(1_000 + TOLERANCE_SECS + 1);
        assert_eq!(late.status, Status::Fail);
        assert_eq!(late.sentence, "The key \"k\" was due to sign at 1970-01-01T00:16:40.000Z, but did not.");
        assert_eq!(overdue(&[key("active", 0, 0)], Instant::from_secs(u64::MAX)).status, Status::Ok);
    }

    #[test]
    fn an_active_key_is_old_after_one_year() {
        let of = |now| age(&[key("active", 0, 0)], Instant::from_secs(now)).status;
        assert_eq!((of(YEAR_SECS), of(YEAR_SECS + 1)), (Status::Ok, Status::Warn));
        assert_eq!(age(&[key("retired", 0, 0)], Instant::from_secs(0)).status, Status::Skip);
    }

    #[test]
    fn the_lead_is_that_of_the_newest_key() {
        let listed = [key("active", 0, 50), key("published", 100, 160)];
        assert_eq!(lead(&listed), Some(60));
        assert_eq!(lead(&[key("active", 5, 5)]), None, "the first key of a ring");
        let against = |max_age| lead_against(&listed, max_age).status;
        assert_eq!(
            (against(Some(60)), against(Some(61)), against(None)),
            (Status::Ok, Status::Fail, Status::Skip)
        );
    }
}
