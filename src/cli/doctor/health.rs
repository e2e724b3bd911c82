//! What the service says of itself, and its clock.

use time::PrimitiveDateTime;
use time::macros::format_description;

use super::client::Answer;
use super::finding::{Check, Finding};
use super::schedule::instant;
use crate::domain::Timestamp;

pub(super) const HEALTH: &Check = &Check {
    id: "health",
    about: "`/health` says that the service lives",
    remedy: "route /health to the service; where it is kept from outside on purpose, this is to be expected",
};
pub(super) const DATABASE: &Check = &Check {
    id: "database",
    about: "The database answers",
    remedy: "see the log and MONGODB_URI; with SKIP_DATABASE=true this is to be expected",
};
pub(super) const SIGNING: &Check = &Check {
    id: "signing",
    about: "Tokens can be signed",
    remedy: "see the log: the keys cannot be read, or the custody does not answer (docs/keys.md)",
};
pub(super) const CLOCK: &Check = &Check {
    id: "clock",
    about: "The service's clock and this one differ by five seconds at most",
    remedy: "set both by NTP: by so much tokens expire early or late; more than CLOCK_SKEW breaks the keys' schedule",
};

pub(super) const CHECKS: &[&Check] = &[HEALTH, DATABASE, SIGNING, CLOCK];

/// From here on a difference is worth a word, in milliseconds.
const NOTABLE: u64 = 5_000;

/// Of an answer of `/health`.
pub(super) fn look(answer: &Answer) -> Vec<Finding> {
    let body = answer.json();
    if answer.status != 200 || body["success"] != true {
        return vec![HEALTH.warn(format!("answered {}, and not what the service says", answer.status))];
    }
    let told = |name: &str| body[name].as_bool();
    let version = body["version"].as_str().unwrap_or("unknown");
    let database = match told("database_connected") {
        Some(true) => DATABASE.ok("it does"),
        Some(false) => DATABASE.warn("it does not"),
        None => DATABASE.skip("/health does not say"),
    };
    let signing = match told("signing") {
        Some(true) => SIGNING.ok("they can"),
        Some(false) => SIGNING.fail("they cannot"),
        None => SIGNING.skip("/health does not say"),
    };
    vec![HEALTH.ok(format!("version {version}")), database, signing]
}

/// The service's time at the middle of the answer: its own word, else that of whoever set `Date`.
pub(super) fn time(answer: &Answer) -> Option<Timestamp> {
    answer.json()["timestamp"].as_str().and_then(instant).or_else(|| date(answer))
}

/// `Date` (RFC 9110 §6.6.1): a whole second that may be nearly over.
fn date(answer: &Answer) -> Option<Timestamp> {
    let format = format_description!(
        "[weekday repr:short], [day] [month repr:short] [year] [hour]:[minute]:[second] GMT"
    );
    let at = PrimitiveDateTime::parse(answer.header("date")?, format).ok()?.assume_utc();
    let secs: u64 = at.unix_timestamp().try_into().ok()?;
    Some(Timestamp::from_millis(secs * 1000 + 500))
}

/// Of the clocks, by an answer that no cache keeps: as far as they must differ, the way of the answer and the half second
/// of `Date` taken off.
pub(super) fn clock(answer: &Answer, skew: u64) -> Finding {
    let stale = answer.header("age").is_some();
    let said = answer.json()["timestamp"].as_str().and_then(instant);
    let way = answer.took.as_millis() as u64 / 2;
    let off =
        |at: Timestamp, blur: u64| at.as_millis().abs_diff(answer.at.as_millis()).saturating_sub(way + blur);
    let differences =
        [said.map(|at| ("its own time", off(at, 1))), date(answer).map(|at| ("Date", off(at, 500)))];
    let worst = differences.into_iter().flatten().max_by_key(|(_, off)| *off);
    let Some((whose, off)) = worst.filter(|_| !stale) else { return CLOCK.skip("no answer tells the time") };
    let seen = format!("they differ by {}.{:03} s ({whose})", off / 1000, off % 1000);
    match off {
        ..NOTABLE => CLOCK.ok(seen),
        _ if off <= skew * 1000 => CLOCK.warn(seen),
        _ => CLOCK.fail(seen),
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use http::HeaderMap;

    use super::super::finding::Status;
    use super::*;

    fn answer(date: &str, timestamp: &str, took: u64) -> Answer {
        let mut headers = HeaderMap::new();
        headers.insert("date", date.parse().unwrap());
        let body = format!(r#"{{"timestamp":"{timestamp}"}}"#).into_bytes();
        // 1994-11-06T08:49:37Z, RFC 9110's example.
        let at = Timestamp::from_secs(784_111_777);
        Answer { status: 200, headers, body, whole: true, took: Duration::from_millis(took), at }
    }

    #[test]
    fn clocks_are_compared_by_either_word_and_the_way_is_taken_off() {
        let of = |date: &str, timestamp: &str, took| clock(&answer(date, timestamp, took), 60).status;
        let (right, ten_off, hour_off) = ("08:49:37", "08:49:47", "09:49:37");
        let date = |time: &str| format!("Sun, 06 Nov 1994 {time} GMT");
        let own = |time: &str| format!("1994-11-06T{time}.000Z");
        assert_eq!(of(&date(right), &own(right), 10), Status::Ok);
        assert_eq!(of(&date(ten_off), &own(right), 10), Status::Warn);
        assert_eq!(of(&date(right), &own(ten_off), 10), Status::Warn);
        assert_eq!(of(&date(right), &own(ten_off), 12_000), Status::Ok);
        assert_eq!(of(&date(hour_off), &own(right), 10), Status::Fail);
        assert_eq!(of("soon", "soon", 10), Status::Skip);
    }
}
