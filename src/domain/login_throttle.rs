//! The rule against password guessing: what is remembered of an account's log-ins, and when the next attempt may come. Failures
//! are counted in a row, as NIST SP 800-63B-4 §3.2.2 counts them, and for each address from which the user logs in apart:
//! an attacker elsewhere cannot lock the user out.

use serde::{Deserialize, Serialize};

use super::failures::{Failures, MAX_FAILURES, millis};
use super::reported_failures::ReportedFailures;
use super::unknown_names::UnknownNames;
use super::{AddressTag, Admission, EventKind, NameTag, Timestamp};

/// Addresses of which one account is known to log in.
const MAX_KNOWN_ADDRESSES: usize = 8;
/// How long an address is known after a log-in, in seconds: 30 days.
const KNOWN_SECS: u64 = 30 * DAY_SECS;
/// A log-in from a known address is noted at most this often, in seconds, so that most log-ins write nothing.
const DAY_SECS: u64 = 86_400;

/// What is remembered of the log-ins to one account.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct LoginThrottle {
    /// The failures from addresses that are not known.
    #[serde(default)]
    elsewhere: Failures,
    /// The addresses from which the user has logged in, the latest log-in first.
    #[serde(default)]
    known: Vec<KnownAddress>,
    /// The failures of the present hour of which there is an event.
    #[serde(default, skip_serializing_if = "ReportedFailures::is_empty")]
    reported: ReportedFailures,
    /// The names that share the record, if it is one for names that no user has.
    #[serde(default, skip_serializing_if = "UnknownNames::is_empty")]
    names: UnknownNames,
}

/// An address from which the user has logged in.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct KnownAddress {
    tag: AddressTag,
    #[serde(with = "millis")]
    logged_in_at: Timestamp,
    failures: Failures,
}

impl LoginThrottle {
    /// Whether an attempt from an address may be made at `now`. `tags` has the address under each server secret that
    /// counts, the newest first; it is empty if the address or the secret is not known.
    pub fn admission(&self, tags: &[AddressTag], now: Timestamp) -> Admission {
        self.failures_of(tags, now).admission(now)
    }

    /// Whether the user has logged in from this address lately. `tags` is as for [`Self::admission`].
    pub fn knows(&self, tags: &[AddressTag], now: Timestamp) -> bool {
        self.known(tags, now).is_some()
    }

    /// This after an attempt with a wrong password, and the event of the failure: what it began, or that it was one of the
    /// first of the hour.
    #[must_use]
    pub fn after_failure(&self, tags: &[AddressTag], now: Timestamp) -> (Self, Option<EventKind>) {
        let mut after = self.clone();
        let known = after.known.iter_mut().find(|known| known.is(tags, now));
        let failures = known.map_or(&mut after.elsewhere, |known| &mut known.failures);
        *failures = failures.and_one_at(now);
        let begun = failures.begun();
        let one_more = after.reported.and_one_at(now);
        if let Some(reported) = one_more {
            after.reported = reported;
        }
        (after, begun.or(one_more.map(|_| EventKind::LoginFailed)))
    }

    /// This after a log-in; `None` if nothing changes that must be stored. The counter of the address begins anew.
    #[must_use]
    pub fn after_login(&self, tags: &[AddressTag], now: Timestamp) -> Option<Self> {
        let Some(newest) = tags.first() else {
            let after = Self { elsewhere: Failures::NONE, ..self.clone() };
            return (after != *self).then_some(after);
        };
        let is_fresh = |known: &KnownAddress| {
            known.tag == *newest
                && known.failures == Failures::NONE
                && now.secs_since(known.logged_in_at) < DAY_SECS
        };
        let this = self.known(tags, now);
        if this.is_some_and(is_fresh) {
            return None;
        }
        // A log-in resets the counter of its own address and no other.
        let elsewhere = if this.is_some() { self.elsewhere.remembered(now) } else { Failures::NONE };
        let others = self.known.iter().filter(|known| known.counts(now) && !tags.contains(&known.tag));
        let noted = KnownAddress { tag: newest.clone(), logged_in_at: now, failures: Failures::NONE };
        let known = std::iter::once(noted).chain(others.cloned()).take(MAX_KNOWN_ADDRESSES).collect();
        Some(Self { elsewhere, known, reported: self.reported, ..Self::default() })
    }

    /// This without any failure; `None` if there is none. Known addresses stay known.
    #[must_use]
    pub fn unlocked(&self) -> Option<Self> {
        let cleared = |known: &KnownAddress| KnownAddress { failures: Failures::NONE, ..known.clone() };
        let known = self.known.iter().map(cleared).collect();
        let after = Self { elsewhere: Failures::NONE, known, ..self.clone() };
        (after != *self).then_some(after)
    }

    /// What the record says of one of the names that share it. Failures that an earlier version counted for all of them together
    /// do not count.
    #[must_use]
    pub fn of_name(&self, name: &NameTag) -> Self {
        Self { elsewhere: self.names.failures_of(name), reported: self.reported, ..Self::default() }
    }

    /// The record after `of_name` has become what a name has from now on.
    #[must_use]
    pub fn with_name(&self, name: &NameTag, of_name: &Self, now: Timestamp) -> Self {
        let names = self.names.with(name, of_name.elsewhere, now);
        Self { names, reported: of_name.reported, ..Self::default() }
    }

    /// How many failures are counted, from all addresses together.
    pub fn count_failures(&self) -> u32 {
        let known = self.known.iter().map(|known| known.failures.count);
        known.fold(self.elsewhere.count, u32::saturating_add)
    }

    /// Whether some address is limited: that lasts until an operator ends it.
    pub fn is_limited(&self) -> bool {
        let known = self.known.iter().map(|known| &known.failures);
        std::iter::once(&self.elsewhere).chain(known).any(|failures| failures.count >= MAX_FAILURES)
    }

    fn failures_of(&self, tags: &[AddressTag], now: Timestamp) -> Failures {
        self.known(tags, now).map_or(self.elsewhere, |known| known.failures).remembered(now)
    }

    /// The address, if it is known.
    fn known(&self, tags: &[AddressTag], now: Timestamp) -> Option<&KnownAddress> {
        self.known.iter().find(|known| known.is(tags, now))
    }
}

impl KnownAddress {
    /// Whether this is the address of these tags, and still known.
    fn is(&self, tags: &[AddressTag], now: Timestamp) -> bool {
        self.counts(now) && tags.contains(&self.tag)
    }

    /// Whether the last log-in was not too long ago.
    fn counts(&self, now: Timestamp) -> bool {
        now.secs_since(self.logged_in_at) < KNOWN_SECS
    }
}

#[cfg(test)]
mod tests {
    use super::super::failures::LONGEST_WAIT_SECS;
    use super::*;

    const NOW: Timestamp = Timestamp::from_secs(1_800_000_000);

    fn tag(n: u8) -> Vec<AddressTag> {
        vec![AddressTag::from_hash([n; 16])]
    }

    /// After so many failures, each of them as soon as it was admitted; and the instant of the last one.
    fn failed(
        mut throttle: LoginThrottle,
        tags: &[AddressTag],
        times: u32,
        mut now: Timestamp,
    ) -> (LoginThrottle, Timestamp) {
        for _ in 0..times {
            if let Admission::Wait(secs) = throttle.admission(tags, now) {
                now = now.plus_secs(secs.into());
            }
            assert_eq!(throttle.admission(tags, now), Admission::Admitted);
            throttle = throttle.after_failure(tags, now).0;
        }
        (throttle, now)
    }

    #[test]
    fn after_five_failures_the_wait_doubles_up_to_a_quarter_of_an_hour() {
        let mut waits = Vec::new();
        for times in 1..=20 {
            let (throttle, at) = failed(LoginThrottle::default(), &[], times, NOW);
            waits.push(match throttle.admission(&[], at) {
                Admission::Admitted => 0,
                Admission::Wait(secs) => secs,
                Admission::Limited => panic!("limited after {times}"),
            });
        }
        let expected = [0, 0, 0, 0, 1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 900, 900, 900, 900, 900, 900];
        assert_eq!(waits, expected);
    }

    #[test]
    fn a_wait_is_told_in_whole_seconds_that_are_not_too_few() {
        let (throttle, at) = failed(LoginThrottle::default(), &[], 6, NOW);
        let after = |millis| throttle.admission(&[], Timestamp::from_millis(at.as_millis() + millis));
        assert_eq!(after(1), Admission::Wait(2));
        assert_eq!(after(1_001), Admission::Wait(1));
        assert_eq!(after(1_999), Admission::Wait(1));
        assert_eq!(after(2_000), Admission::Admitted);
    }

    #[test]
    fn after_a_hundred_failures_only_known_addresses_may_try() {
        let throttle = LoginThrottle::default().after_login(&tag(1), NOW).unwrap();
        let (nearly, at) = failed(throttle, &tag(2), 99, NOW);
        assert!(!nearly.is_limited());
        let later = at.plus_secs(LONGEST_WAIT_SECS);
        let (limited, begun) = nearly.after_failure(&tag(2), later);
        assert_eq!(begun, Some(EventKind::LoginLimited));
        assert!(limited.is_limited());
        assert_eq!(limited.admission(&tag(2), later.plus_secs(KNOWN_SECS / 2)), Admission::Limited);
        assert_eq!(limited.admission(&tag(1), later), Admission::Admitted);
        let logged_in = limited.after_login(&tag(1), later.plus_secs(DAY_SECS)).unwrap();
        assert!(logged_in.is_limited(), "a log-in elsewhere does not end it");
        let unlocked = limited.unlocked().unwrap();
        assert_eq!(unlocked.admission(&tag(2), later), Admission::Admitted);
        assert!(unlocked.known(&tag(1), later).is_some(), "what is known stays known");
        assert_eq!(unlocked.unlocked(), None);
    }

    /// Seen: failures from elsewhere were counted forever, because the owner logged in at home again and again.
    #[test]
    fn failures_are_forgotten_thirty_days_after_the_last_one_unless_the_account_is_limited() {
        let home = LoginThrottle::default().after_login(&tag(1), NOW).unwrap();
        let (failed_often, at) = failed(home.clone(), &tag(2), 9, NOW);
        let day = |days: u64| at.plus_secs(days * DAY_SECS);
        let at_home = (1..30).fold(failed_often, |throttle, days| {
            throttle.after_login(&tag(1), day(days)).unwrap_or(throttle)
        });
        assert_eq!(at_home.elsewhere.count, 9);
        let (after_one, _) = at_home.after_failure(&tag(2), day(30));
        assert_eq!(after_one.elsewhere, Failures { count: 1, last_at: day(30) });
        assert_eq!(at_home.after_login(&tag(1), day(30)).unwrap().elsewhere, Failures::NONE);
        let limited = LoginThrottle { elsewhere: Failures { count: MAX_FAILURES, last_at: NOW }, ..home };
        assert_eq!(limited.admission(&tag(2), day(40)), Admission::Limited);
        assert!(limited.after_login(&tag(1), day(29)).unwrap().is_limited());
    }

    #[test]
    fn a_known_address_has_a_counter_of_its_own_with_the_same_rule() {
        let throttle = LoginThrottle::default().after_login(&tag(1), NOW).unwrap();
        let (throttle, at) = failed(throttle, &tag(1), 6, NOW);
        assert_eq!(throttle.admission(&tag(1), at), Admission::Wait(2));
        assert_eq!(throttle.admission(&tag(2), at), Admission::Admitted, "another one is not hindered");
        let after = throttle.after_login(&tag(1), at).unwrap();
        assert_eq!(after.admission(&tag(1), at), Admission::Admitted, "a log-in begins the count anew");
        let (limited, at) = failed(after, &tag(1), 100, at);
        assert_eq!(limited.admission(&tag(1), at), Admission::Limited);
        assert_eq!(limited.admission(&tag(2), at), Admission::Admitted);
    }

    #[test]
    fn a_log_in_resets_the_count_of_its_own_address_and_no_other() {
        let home = LoginThrottle::default().after_login(&tag(1), NOW).unwrap();
        let (attacked, at) = failed(home, &tag(2), 8, NOW);
        assert_eq!(attacked.after_login(&tag(1), at), None, "nothing is to be written for a known address");
        let elsewhere = attacked.after_login(&tag(3), at).unwrap();
        assert_eq!(elsewhere.admission(&tag(2), at), Admission::Admitted);
    }

    #[test]
    fn an_address_is_known_for_thirty_days_and_eight_are() {
        let known = |throttle: &LoginThrottle, n, at| throttle.known(&tag(n), at).is_some();
        let mut throttle = LoginThrottle::default();
        for n in 1..=9 {
            throttle = throttle.after_login(&tag(n), NOW.plus_secs(n.into())).unwrap();
        }
        let now = NOW.plus_secs(9);
        assert!(!known(&throttle, 1, now) && known(&throttle, 2, now) && known(&throttle, 9, now));
        let last = now.plus_secs(KNOWN_SECS - 1);
        assert!(!known(&throttle, 8, last) && known(&throttle, 9, last));
        let again = throttle.after_login(&tag(9), now.plus_secs(DAY_SECS)).unwrap();
        assert!(known(&again, 9, last.plus_secs(DAY_SECS)), "a log-in counts from its own day");
    }

    #[test]
    fn an_address_under_an_older_secret_is_known_and_gets_its_tag_under_the_newest() {
        let throttle = LoginThrottle::default().after_login(&tag(1), NOW).unwrap();
        let both = [tag(2), tag(1)].concat();
        let after = throttle.after_login(&both, NOW).unwrap();
        assert!(after.known(&tag(2), NOW).is_some() && after.known(&tag(1), NOW).is_none());
    }

    #[test]
    fn without_a_server_secret_failures_count_and_no_address_becomes_known() {
        assert_eq!(LoginThrottle::default().after_login(&[], NOW), None);
        let (throttle, at) = failed(LoginThrottle::default(), &[], 6, NOW);
        assert_eq!(throttle.admission(&[], at), Admission::Wait(2));
        let after = throttle.after_login(&[], at).unwrap();
        assert_eq!(after.elsewhere, Failures::NONE);
        assert_eq!(after.after_login(&[], at), None);
    }

    #[test]
    fn a_failure_from_far_ahead_makes_no_attempt_wait() {
        let (throttle, at) = failed(LoginThrottle::default(), &[], 20, NOW);
        assert_eq!(throttle.admission(&[], at.minus_secs(900)), Admission::Wait(1800));
        assert_eq!(throttle.admission(&[], at.minus_secs(86_400)), Admission::Admitted);
    }

    #[test]
    fn the_record_is_written_in_milliseconds_and_read_back() {
        let at = Timestamp::from_millis(1_800_000_000_123);
        let throttle = LoginThrottle::default().after_login(&tag(1), at).unwrap();
        let (throttle, _) = throttle.after_failure(&tag(2), at);
        let text = serde_json::to_string(&throttle).unwrap();
        assert!(text.contains("1800000000123"), "{text}");
        assert_eq!(serde_json::from_str::<LoginThrottle>(&text).unwrap(), throttle);
        assert_eq!(serde_json::from_str::<LoginThrottle>("{}").unwrap(), LoginThrottle::default());
    }
}
