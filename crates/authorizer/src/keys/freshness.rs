//! When keys are read again: functions of ages.

use std::time::Duration;

use crate::clock::Moment;

/// Keys are fresh for at least this time, whatever the answer says: a request has to wait for each reading.
const LEAST: Duration = Duration::from_secs(30);
/// For keys that come without `max-age`.
const USUAL: Duration = Duration::from_secs(5 * 60);
/// The pause between a failure and the next try, if there are no keys.
const RETRY: Duration = Duration::from_secs(5);

/// The limits that an operator sets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ages {
    /// `AUTHORIZER_JWKS_MAX_AGE`: no response makes keys fresh for longer.
    pub most: Duration,
    /// `AUTHORIZER_JWKS_STALE`: how much longer they are used if no others can be read.
    pub stale: Duration,
    /// `AUTHORIZER_JWKS_COOLDOWN`: between two reads that an unknown key causes.
    pub cooldown: Duration,
}

/// Whether keys of a given age may be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// They are used as they are.
    Fresh,
    /// They must be read again. They are used if that fails.
    Due,
    /// They must not be used any more.
    Expired,
}

/// Why keys would be read again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Need {
    /// They are old, or there are none.
    Age,
    /// A token names a key that is not among them.
    UnknownKey,
}

/// A finished read.
#[derive(Clone, Copy, Debug)]
pub struct Attempt {
    /// When it ended. A request that came before this moment waited for it. The next pause begins here.
    pub ended: Moment,
    /// Whether it returned no keys.
    pub failed: bool,
}

impl Ages {
    /// Whether keys of this age that came with this lifetime may be used.
    pub fn standing(&self, age: Duration, lifetime: Duration) -> Standing {
        if age < lifetime {
            Standing::Fresh
        } else if age < lifetime.saturating_add(self.stale) {
            Standing::Due
        } else {
            Standing::Expired
        }
    }

    /// Whether a request that came at `asked` may read the keys again. `serving` says whether there are keys to use meanwhile.
    pub fn may_read(&self, last: Attempt, asked: Moment, need: Need, serving: bool) -> bool {
        let pause = match need {
            Need::UnknownKey => self.cooldown,
            Need::Age if !last.failed => Duration::ZERO,
            Need::Age if serving => self.cooldown,
            Need::Age => RETRY,
        };
        asked.since(last.ended) >= pause
    }

    /// For how long keys are fresh that come with these headers (RFC 9111 §4.2, §5.1, §5.2.2).
    pub fn lifetime(&self, cache_control: &[String], age: Option<&str>) -> Duration {
        let directives = || cache_control.iter().flat_map(|value| value.split(',')).map(str::trim);
        let named = |name: &str| directives().any(|directive| directive.eq_ignore_ascii_case(name));
        let max_age =
            directives().filter_map(|directive| directive.split_once('=')).find_map(|(name, value)| {
                name.trim().eq_ignore_ascii_case("max-age").then(|| seconds(value)).flatten()
            });
        let said = match max_age {
            _ if named("no-store") || named("no-cache") => Duration::ZERO,
            Some(max_age) => max_age.saturating_sub(age.and_then(seconds).unwrap_or_default()),
            None => USUAL,
        };
        said.max(LEAST).min(self.most)
    }
}

fn seconds(text: &str) -> Option<Duration> {
    text.trim().trim_matches('"').parse().ok().map(Duration::from_secs)
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn s(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    const AGES: Ages = Ages { most: s(3_600), stale: s(600), cooldown: s(30) };

    #[test]
    fn keys_are_fresh_then_due_then_expired() {
        for (age, standing) in [
            (0, Standing::Fresh),
            (99, Standing::Fresh),
            (100, Standing::Due),
            (699, Standing::Due),
            (700, Standing::Expired),
        ] {
            assert_eq!(AGES.standing(s(age), s(100)), standing, "{age}");
        }
    }

    #[test]
    fn the_answer_says_how_long_within_bounds() {
        let of = |values: &[&str], age| {
            let values: Vec<String> = values.iter().map(|value| (*value).to_owned()).collect();
            AGES.lifetime(&values, age)
        };
        assert_eq!(of(&[], None), s(300));
        assert_eq!(of(&["public"], Some("100")), s(300));
        assert_eq!(of(&["public, max-age=900"], None), s(900));
        assert_eq!(of(&["public", "Max-Age=900, must-revalidate"], Some("200")), s(700));
        assert_eq!(of(&["max-age=\"900\""], None), s(900));
        assert_eq!(of(&["max-age=86400"], None), s(3_600), "the operator's bound");
        assert_eq!(of(&["max-age=1"], None), s(30), "the least");
        assert_eq!(of(&["max-age=900"], Some("901")), s(30));
        assert_eq!(of(&["max-age=900, no-store"], None), s(30));
        assert_eq!(of(&["max-age=soon"], None), s(300));
        let strict = Ages { most: s(10), ..AGES };
        assert_eq!(strict.lifetime(&[], None), s(10), "the operator's bound is above all");
    }

    #[test]
    fn another_reading_waits_for_its_pause() {
        let at = |unix| Moment { unix, steady: Duration::ZERO };
        let may = |failed, after, need, serving| {
            AGES.may_read(Attempt { ended: at(1_000), failed }, at(1_000u64 + after), need, serving)
        };
        assert!(!may(false, 29, Need::UnknownKey, true));
        assert!(may(false, 30, Need::UnknownKey, true));
        assert!(!may(true, 29, Need::UnknownKey, true), "failures count");
        assert!(may(false, 0, Need::Age, true));
        assert!(!may(true, 29, Need::Age, true), "until then, the old keys are used");
        assert!(may(true, 30, Need::Age, true));
        assert!(!may(true, 4, Need::Age, false));
        assert!(may(true, 5, Need::Age, false), "without keys, every request is denied");
    }
}
