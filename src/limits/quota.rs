//! So many requests in a length of time.

use std::fmt;

/// The requests that a bucket admits in one window, at once or one after another. A bucket is refilled evenly.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Quota {
    requests: u32,
    unit: Unit,
}

/// The length of a window.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Unit {
    Second,
    Minute,
    Hour,
    Day,
}

/// The text is no quota.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "is no limit: a limit is such as 10/m, a whole number of requests in a second (s), a minute (m), an hour (h) or a day \
     (d), from 1/d to {MAX_PER_SECOND}/s"
)]
pub struct QuotaError;

/// The fastest rate. A faster one would be a few ticks of a bucket for each request, and so would not be exact.
const MAX_PER_SECOND: u32 = 10_000;

impl Quota {
    /// So many requests in a second.
    pub const fn per_second(requests: u32) -> Self {
        Self { requests, unit: Unit::Second }
    }

    /// So many requests in a minute.
    pub const fn per_minute(requests: u32) -> Self {
        Self { requests, unit: Unit::Minute }
    }

    /// So many requests in an hour.
    pub const fn per_hour(requests: u32) -> Self {
        Self { requests, unit: Unit::Hour }
    }

    /// Reads a text such as `10/m`.
    ///
    /// # Errors
    /// [`QuotaError`]
    pub fn parse(text: &str) -> Result<Self, QuotaError> {
        let (requests, unit) = text.split_once('/').ok_or(QuotaError)?;
        let unit = Unit::ALL.into_iter().find(|known| known.letter() == unit).ok_or(QuotaError)?;
        let digits = requests.bytes().all(|byte| byte.is_ascii_digit());
        let requests: u32 = requests.parse().map_err(|_| QuotaError)?;
        let quota = Self { requests, unit };
        let is_possible = digits && requests > 0 && requests <= MAX_PER_SECOND.saturating_mul(quota.window());
        is_possible.then_some(quota).ok_or(QuotaError)
    }

    /// Whether it admits more than `factor` of `other` together: in the long run, and at once.
    pub(super) fn is_more_than(self, other: Self, factor: u32) -> bool {
        let rate = |one: Self, by: Self| u64::from(one.requests) * u64::from(by.window());
        let factor = u64::from(factor);
        rate(self, other) > factor * rate(other, self)
            && u64::from(self.requests) > factor * u64::from(other.requests)
    }

    /// The requests of one window.
    pub fn requests(self) -> u32 {
        self.requests
    }

    /// The length of the window, in seconds.
    pub fn window(self) -> u32 {
        match self.unit {
            Unit::Second => 1,
            Unit::Minute => 60,
            Unit::Hour => 3_600,
            Unit::Day => 86_400,
        }
    }
}

impl Unit {
    const ALL: [Self; 4] = [Self::Second, Self::Minute, Self::Hour, Self::Day];

    fn letter(self) -> &'static str {
        match self {
            Self::Second => "s",
            Self::Minute => "m",
            Self::Hour => "h",
            Self::Day => "d",
        }
    }
}

impl fmt::Display for Quota {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.requests, self.unit.letter())
    }
}

#[cfg(test)]
mod tests {
    use super::{Quota, QuotaError};

    #[test]
    fn a_quota_is_a_number_and_a_unit() {
        for (text, requests, window) in
            [("10/m", 10, 60), ("10000/s", 10_000, 1), ("1/d", 1, 86_400), ("60/h", 60, 3_600)]
        {
            let quota = Quota::parse(text).unwrap();
            assert_eq!(
                (quota.requests(), quota.window(), quota.to_string()),
                (requests, window, text.to_owned())
            );
        }
    }

    #[test]
    fn what_is_no_quota_is_refused() {
        for text in [
            "",
            "10",
            "10/",
            "/m",
            "0/m",
            "-1/m",
            "+1/m",
            "1.5/m",
            "10/min",
            "10 /m",
            "10/M",
            "10001/s",
            "4294967296/d",
        ] {
            assert_eq!(Quota::parse(text), Err(QuotaError), "{text}");
        }
    }
}
