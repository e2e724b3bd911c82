//! Instants, and the forms in which servers write them.

use std::fmt;

use time::format_description::well_known::Rfc3339;
use time::macros::format_description;
use time::{OffsetDateTime, PrimitiveDateTime};

/// An instant: milliseconds since 1970 (UTC).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Instant(u64);

impl Instant {
    pub(crate) const fn from_millis(millis: u64) -> Self {
        Self(millis)
    }

    pub(crate) const fn from_secs(secs: u64) -> Self {
        Self(secs.saturating_mul(1000))
    }

    /// Reads the form of RFC 3339, such as `2026-11-23T23:24:15.975Z`.
    pub(crate) fn from_rfc3339(text: &str) -> Option<Self> {
        Self::from_date(OffsetDateTime::parse(text, &Rfc3339).ok()?)
    }

    /// Reads the form of the header `Date` (RFC 9110 §5.6.7), such as `Sun, 06 Nov 1994 08:49:37 GMT`.
    pub(crate) fn from_http_date(text: &str) -> Option<Self> {
        let format = format_description!(
            "[weekday repr:short], [day] [month repr:short] [year] [hour]:[minute]:[second] GMT"
        );
        Self::from_date(PrimitiveDateTime::parse(text, format).ok()?.assume_utc())
    }

    /// An instant before 1970 has no value here.
    pub(crate) fn from_date(date: OffsetDateTime) -> Option<Self> {
        u64::try_from(date.unix_timestamp_nanos() / 1_000_000).ok().map(Self)
    }

    #[must_use]
    pub(crate) const fn plus_secs(self, secs: u64) -> Self {
        Self(self.0.saturating_add(secs.saturating_mul(1000)))
    }

    #[must_use]
    pub(crate) const fn plus_millis(self, millis: u64) -> Self {
        Self(self.0.saturating_add(millis))
    }

    /// The whole seconds from `earlier` to here; 0 if `earlier` is later.
    pub(crate) const fn secs_since(self, earlier: Self) -> u64 {
        self.0.saturating_sub(earlier.0) / 1000
    }

    /// The milliseconds between the two, whichever is earlier.
    pub(crate) const fn millis_between(self, other: Self) -> u64 {
        self.0.abs_diff(other.0)
    }

    pub(crate) const fn as_secs(self) -> u64 {
        self.0 / 1000
    }
}

/// RFC 3339 with milliseconds in UTC.
impl fmt::Display for Instant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let format =
            format_description!("[year]-[month]-[day]T[hour]:[minute]:[second].[subsecond digits:3]Z");
        let text = OffsetDateTime::from_unix_timestamp_nanos(i128::from(self.0) * 1_000_000)
            .ok()
            .and_then(|instant| instant.format(&format).ok());
        f.write_str(text.as_deref().unwrap_or("a time after the year 9999"))
    }
}

#[cfg(test)]
mod tests {
    use super::Instant;

    #[test]
    fn both_forms_are_read_and_one_is_written() {
        let example = Instant::from_secs(784_111_777);
        assert_eq!(Instant::from_http_date("Sun, 06 Nov 1994 08:49:37 GMT"), Some(example));
        assert_eq!(Instant::from_rfc3339("1994-11-06T09:49:37.000+01:00"), Some(example));
        assert_eq!(example.plus_millis(5).to_string(), "1994-11-06T08:49:37.005Z");
        for other in ["", "soon", "1994-11-06", "Sun, 06 Nov 1994", "1969-12-31T23:59:59Z"] {
            assert_eq!((Instant::from_rfc3339(other), Instant::from_http_date(other)), (None, None));
        }
    }

    #[test]
    fn an_instant_after_the_calendar_is_still_written() {
        assert_eq!(Instant::from_millis(u64::MAX).plus_secs(1).to_string(), "a time after the year 9999");
    }
}
