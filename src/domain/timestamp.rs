//! An instant, in the one form that the whole service uses.

use std::fmt;

use serde::{Deserialize, Serialize};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;
use time::macros::format_description;

/// An instant: milliseconds since 1970 (UTC), because the original's user documents contain them. Tokens use
/// [`Timestamp::as_secs`], a NumericDate of RFC 7519 §2.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(from = "u64", into = "u64")]
pub struct Timestamp(u64);

impl Timestamp {
    /// The instant this many milliseconds after 1970.
    pub const fn from_millis(millis: u64) -> Self {
        Self(millis)
    }

    /// The instant this many seconds after 1970.
    pub const fn from_secs(secs: u64) -> Self {
        Self(secs.saturating_mul(1000))
    }

    /// Reads RFC 3339 in any time zone; what is finer than milliseconds is dropped. `None` if the text is no instant since 1970.
    pub fn parse(text: &str) -> Option<Self> {
        let nanos = OffsetDateTime::parse(text, &Rfc3339).ok()?.unix_timestamp_nanos();
        u64::try_from(nanos.div_euclid(1_000_000)).ok().map(Self)
    }

    /// This many seconds later, or the latest instant that exists.
    #[must_use]
    pub const fn plus_secs(self, secs: u64) -> Self {
        Self(self.0.saturating_add(secs.saturating_mul(1000)))
    }

    /// This many seconds earlier, or 1970.
    #[must_use]
    pub const fn minus_secs(self, secs: u64) -> Self {
        Self(self.0.saturating_sub(secs.saturating_mul(1000)))
    }

    /// The whole seconds from `earlier` to this instant; zero if `earlier` is later.
    pub const fn secs_since(self, earlier: Self) -> u64 {
        self.0.saturating_sub(earlier.0) / 1000
    }

    /// The same instant without the fraction of a second.
    #[must_use]
    pub const fn whole_secs(self) -> Self {
        Self::from_secs(self.as_secs())
    }

    /// Milliseconds since 1970.
    pub const fn as_millis(self) -> u64 {
        self.0
    }

    /// Whole seconds since 1970, rounded down.
    pub const fn as_secs(self) -> u64 {
        self.0 / 1000
    }
}

/// Records hold whole seconds.
impl From<u64> for Timestamp {
    fn from(secs: u64) -> Self {
        Self::from_secs(secs)
    }
}

impl From<Timestamp> for u64 {
    fn from(at: Timestamp) -> Self {
        at.as_secs()
    }
}

/// RFC 3339 with milliseconds in UTC, as JavaScript's `toISOString` writes it.
impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let format =
            format_description!("[year]-[month]-[day]T[hour]:[minute]:[second].[subsecond digits:3]Z");
        let text = OffsetDateTime::from_unix_timestamp_nanos(i128::from(self.0) * 1_000_000)
            .ok()
            .and_then(|instant| instant.format(&format).ok());
        f.write_str(text.as_deref().unwrap_or("+275760-09-13T00:00:00.000Z"))
    }
}

#[cfg(test)]
mod tests {
    use super::Timestamp;

    #[test]
    fn is_written_as_javascript_writes_it() {
        assert_eq!(Timestamp::from_millis(1_795_476_255_975).to_string(), "2026-11-23T23:24:15.975Z");
        assert_eq!(Timestamp::from_secs(0).to_string(), "1970-01-01T00:00:00.000Z");
    }

    #[test]
    fn is_read_as_it_is_written_and_in_any_time_zone() {
        let at = Timestamp::from_millis(1_795_476_255_975);
        for text in
            ["2026-11-23T23:24:15.975Z", "2026-11-24T00:24:15.975123+01:00", "2026-11-23t23:24:15.975z"]
        {
            assert_eq!(Timestamp::parse(text), Some(at), "{text}");
        }
        assert_eq!(Timestamp::parse("2026-11-23T23:24:15Z"), Some(Timestamp::from_secs(1_795_476_255)));
        for text in ["", "2026-11-23", "2026-11-23T23:24:15", "1969-12-31T23:59:59Z", "2026-02-30T00:00:00Z"]
        {
            assert_eq!(Timestamp::parse(text), None, "{text}");
        }
    }

    #[test]
    fn an_instant_past_the_calendar_is_still_written() {
        assert_eq!(Timestamp::from_millis(u64::MAX).to_string(), "+275760-09-13T00:00:00.000Z");
    }
}
