//! Lengths of time in the notation of the original's token library: `1h`, `30 minutes`, `2w`, or plain
//! seconds.

use std::fmt;
use std::str::FromStr;

/// A length of time in whole seconds, from one second to a hundred years.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Lifetime(u64);

/// A text that is not a length of time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("must be a length of time above zero, such as 3600 (seconds), 90s, 15m, 1h, 7 days or 2w")]
pub struct LifetimeError;

const YEAR: f64 = 365.25 * 86_400.0;

impl Lifetime {
    const MAX_SECS: u64 = 100 * 31_557_600;

    /// A length of time in seconds.
    ///
    /// # Errors
    /// [`LifetimeError`] for zero, and for more than a hundred years.
    pub const fn from_secs(secs: u64) -> Result<Self, LifetimeError> {
        if secs == 0 || secs > Self::MAX_SECS { Err(LifetimeError) } else { Ok(Self(secs)) }
    }

    /// A length of time in hours; zero becomes one.
    pub const fn hours(hours: u16) -> Self {
        Self(if hours == 0 { 3_600 } else { hours as u64 * 3_600 })
    }

    /// Its length in seconds.
    pub const fn as_secs(self) -> u64 {
        self.0
    }
}

/// An optional `+`, a number, a unit (seconds if it is missing), and an optional `from now`, in upper or
/// lower case.
impl FromStr for Lifetime {
    type Err = LifetimeError;

    fn from_str(text: &str) -> Result<Self, LifetimeError> {
        let text = text.to_ascii_lowercase();
        let text =
            text.strip_prefix('+').map_or(text.as_str(), |rest| rest.strip_prefix(' ').unwrap_or(rest));
        let text = text.strip_suffix(" from now").unwrap_or(text);
        let end = text.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(text.len());
        let (number, unit) = text.split_at(end);
        let unit = unit.strip_prefix(' ').unwrap_or(unit);
        let plain = number.split('.').all(|digits| !digits.is_empty());
        let number: f64 = number.parse().ok().filter(|_| plain).ok_or(LifetimeError)?;
        let secs = (number * seconds_of(unit).ok_or(LifetimeError)?).round();
        if secs <= Self::MAX_SECS as f64 { Self::from_secs(secs as u64) } else { Err(LifetimeError) }
    }
}

impl fmt::Display for Lifetime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}s", self.0)
    }
}

fn seconds_of(unit: &str) -> Option<f64> {
    Some(match unit {
        "" | "s" | "sec" | "secs" | "second" | "seconds" => 1.0,
        "m" | "min" | "mins" | "minute" | "minutes" => 60.0,
        "h" | "hr" | "hrs" | "hour" | "hours" => 3_600.0,
        "d" | "day" | "days" => 86_400.0,
        "w" | "week" | "weeks" => 604_800.0,
        "y" | "yr" | "yrs" | "year" | "years" => YEAR,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::{Lifetime, LifetimeError};

    #[test]
    fn all_that_the_originals_library_takes_is_taken() {
        for (text, secs) in [
            ("1h", 3_600),
            ("30m", 1_800),
            ("30 minutes", 1_800),
            ("2w", 1_209_600),
            ("7 days", 604_800),
            ("3600", 3_600),
            ("90 secs", 90),
            ("1.5h", 5_400),
            ("1 Hour from now", 3_600),
            ("+ 2d", 172_800),
            ("1y", 31_557_600),
            ("10 yrs", 315_576_000),
        ] {
            assert_eq!(text.parse::<Lifetime>().map(Lifetime::as_secs), Ok(secs), "{text}");
        }
    }

    #[test]
    fn anything_else_is_refused() {
        for text in [
            "",
            " ",
            "0",
            "0s",
            "-1h",
            "1h ago",
            "1 fortnight",
            "h",
            "1.h",
            ".5h",
            "1..5h",
            "1h 30m",
            "1e3",
            "99999999999h",
            "101y",
            "١h",
            "1\u{a0}h",
            "NaN",
            "inf",
        ] {
            assert_eq!(text.parse::<Lifetime>(), Err(LifetimeError), "{text:?}");
        }
    }
}
