//! What follows from an attempt: when a delivery is tried again, when it ends, and when its endpoint rests. Pure functions of their
//! arguments; callers bring the time and the random numbers.

use std::time::Duration;

use time::OffsetDateTime;
use time::macros::format_description;

use super::sender::Reply;
use crate::domain::Timestamp;

/// For how long a delivery is tried.
pub const GIVE_UP_AFTER_SECS: u64 = 3 * 86_400;
/// For how long the record of a delivery is kept after its end.
pub const KEEP_DELIVERED_SECS: u64 = 3 * 86_400;
/// The same for one that was given up, so that a replay finds it.
pub const KEEP_DEAD_SECS: u64 = 14 * 86_400;
/// The longest pause before the second attempt, in seconds. It doubles with each further attempt.
const FIRST_PAUSE_SECS: u64 = 5;
/// The longest pause of all.
const LAST_PAUSE_SECS: u64 = 3 * 3600;
/// The shortest pause, in milliseconds.
const SHORTEST_PAUSE_MS: u64 = 1_000;
/// So many attempts that fail in a row open the circuit breaker of an endpoint.
pub const BREAKER_FAILURES: u32 = 5;
/// The longest rest after them, in seconds. It doubles with each further failure.
const FIRST_REST_SECS: u64 = 30;
/// The longest rest of all.
const LAST_REST_SECS: u64 = 15 * 60;
/// A `Retry-After` counts up to this long.
const LONGEST_RETRY_AFTER_SECS: u64 = 86_400;

/// What an answer means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// The endpoint has accepted the message.
    Delivered,
    /// The endpoint wants no messages any more (410).
    Gone,
    /// Try again; the endpoint may have said not before when.
    Failed {
        /// Not before so many seconds have passed.
        not_before: Option<u64>,
        /// Whether this concerns all messages to the endpoint (429, or any answer with `Retry-After`).
        all: bool,
    },
}

/// What the reply to an attempt at `now` means.
pub fn verdict(reply: &Reply, now: Timestamp) -> Verdict {
    let Reply::Answered { status, retry_after, .. } = reply else {
        return Verdict::Failed { not_before: None, all: false };
    };
    match status {
        200..=299 => Verdict::Delivered,
        410 => Verdict::Gone,
        status => {
            let not_before = retry_after.as_deref().and_then(|text| seconds_of(text, now));
            Verdict::Failed { not_before, all: *status == 429 || not_before.is_some() }
        }
    }
}

/// The seconds of a `Retry-After` (RFC 9110 §10.2.3): a number, or a date.
fn seconds_of(text: &str, now: Timestamp) -> Option<u64> {
    let text = text.trim();
    let secs = if !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit()) {
        text.parse().unwrap_or(u64::MAX)
    } else {
        let format = format_description!(
            "[weekday repr:short], [day] [month repr:short] [year] [hour]:[minute]:[second] GMT"
        );
        let at = time::PrimitiveDateTime::parse(text, &format).ok()?;
        let at =
            u64::try_from(at.assume_utc().unix_timestamp() - OffsetDateTime::UNIX_EPOCH.unix_timestamp())
                .ok()?;
        at.saturating_sub(now.as_secs())
    };
    Some(secs.min(LONGEST_RETRY_AFTER_SECS))
}

/// The pause after attempt number `tries`: random, up to a length that doubles with each attempt ("full jitter").
pub fn pause(tries: u32, random: u64) -> Duration {
    jittered(FIRST_PAUSE_SECS, tries.saturating_sub(1), LAST_PAUSE_SECS, random)
}

/// For how long an endpoint rests after so many failures in a row; `None` if it does not.
pub fn rest(failures: u32, random: u64) -> Option<Duration> {
    let further = failures.checked_sub(BREAKER_FAILURES)?;
    Some(jittered(FIRST_REST_SECS, further, LAST_REST_SECS, random))
}

fn jittered(first_secs: u64, doublings: u32, last_secs: u64, random: u64) -> Duration {
    let longest_secs = first_secs.saturating_mul(1 << doublings.min(32)).min(last_secs);
    let millis = random % (longest_secs * 1000 + 1);
    Duration::from_millis(millis.max(SHORTEST_PAUSE_MS))
}

/// `at` and so much time later.
pub fn later(at: Timestamp, pause: Duration) -> Timestamp {
    Timestamp::from_millis(at.as_millis().saturating_add(pause.as_millis() as u64))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answered(status: u16, retry_after: Option<&str>) -> Reply {
        Reply::Answered { status, retry_after: retry_after.map(ToOwned::to_owned), body: String::new() }
    }

    #[test]
    fn each_status_has_its_meaning() {
        let now = Timestamp::from_secs(784_111_777);
        let failed = |not_before, all| Verdict::Failed { not_before, all };
        for (reply, meaning) in [
            (answered(200, None), Verdict::Delivered),
            (answered(204, None), Verdict::Delivered),
            (answered(410, None), Verdict::Gone),
            (answered(301, None), failed(None, false)),
            (answered(400, None), failed(None, false)),
            (answered(500, None), failed(None, false)),
            (answered(429, None), failed(None, true)),
            (answered(429, Some("120")), failed(Some(120), true)),
            (answered(503, Some(" 7 ")), failed(Some(7), true)),
            (answered(503, Some("99999999999999999999999")), failed(Some(86_400), true)),
            (answered(503, Some("Sun, 06 Nov 1994 08:50:37 GMT")), failed(Some(60), true)),
            (answered(503, Some("Sun, 06 Nov 1994 08:49:30 GMT")), failed(Some(0), true)),
            (answered(503, Some("soon")), failed(None, false)),
            (answered(503, Some("-1")), failed(None, false)),
            (Reply::Failed("refused".to_owned()), failed(None, false)),
        ] {
            assert_eq!(verdict(&reply, now), meaning, "{reply:?}");
        }
    }

    #[test]
    fn pauses_are_random_up_to_a_length_that_doubles_until_it_is_three_hours() {
        let longest = |tries| (0..200_000).map(|n| pause(tries, n * 7_919)).max().unwrap();
        assert!((4_900..=5_000).contains(&(longest(1).as_millis() as u64)));
        assert!((9_900..=10_000).contains(&(longest(2).as_millis() as u64)));
        for tries in [12, 13, 64, u32::MAX] {
            let longest = pause(tries, LAST_PAUSE_SECS * 1000);
            assert!(longest <= Duration::from_secs(LAST_PAUSE_SECS), "{longest:?}");
        }
        assert_eq!(pause(30, LAST_PAUSE_SECS * 1000), Duration::from_secs(LAST_PAUSE_SECS));
        assert_eq!(pause(5, 0), Duration::from_secs(1));
    }

    #[test]
    fn an_endpoint_rests_after_five_failures_in_a_row() {
        assert_eq!(rest(4, u64::MAX), None);
        assert!(rest(5, 30_000).is_some_and(|rest| rest == Duration::from_secs(30)));
        assert!(rest(6, 60_000).is_some_and(|rest| rest == Duration::from_secs(60)));
        assert!(rest(u32::MAX, 900_000).is_some_and(|rest| rest == Duration::from_secs(900)));
    }
}
