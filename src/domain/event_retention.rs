//! `EVENT_RETENTION`: for how long events are kept.

use std::fmt;

use super::EventClass;

const SECS_PER_DAY: u64 = 86_400;

/// For how long events are kept: a length of time for each class.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EventRetention {
    security_days: u32,
    other_days: u32,
}

/// A text that is not `EVENT_RETENTION`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("must be days for each class, such as `security=400d, other=30d`; each 1 to 36500 days")]
pub struct EventRetentionError;

impl Default for EventRetention {
    fn default() -> Self {
        Self { security_days: 400, other_days: 30 }
    }
}

impl EventRetention {
    const MAX_DAYS: u32 = 36_500;

    /// Reads `security=400d, other=30d`; a class that is missing keeps its default.
    ///
    /// # Errors
    /// [`EventRetentionError`].
    pub fn parse(text: &str) -> Result<Self, EventRetentionError> {
        let mut retention = Self::default();
        let mut seen = Vec::new();
        for part in text.split(',') {
            let (class, days) = part.split_once('=').ok_or(EventRetentionError)?;
            let class = EventClass::ALL.into_iter().find(|known| known.name() == class.trim());
            let class = class.filter(|class| !seen.contains(class)).ok_or(EventRetentionError)?;
            seen.push(class);
            let days = days.trim().strip_suffix('d').ok_or(EventRetentionError)?;
            let is_number = !days.is_empty() && days.bytes().all(|byte| byte.is_ascii_digit());
            let days: Option<u32> = days.parse().ok().filter(|_| is_number);
            let days = days.filter(|days| (1..=Self::MAX_DAYS).contains(days));
            *retention.days_mut(class) = days.ok_or(EventRetentionError)?;
        }
        Ok(retention)
    }

    /// For how many seconds events of a class are kept.
    pub fn secs(&self, class: EventClass) -> u64 {
        let days = match class {
            EventClass::Security => self.security_days,
            EventClass::Other => self.other_days,
        };
        u64::from(days) * SECS_PER_DAY
    }

    fn days_mut(&mut self, class: EventClass) -> &mut u32 {
        match class {
            EventClass::Security => &mut self.security_days,
            EventClass::Other => &mut self.other_days,
        }
    }
}

impl fmt::Display for EventRetention {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "security={}d, other={}d", self.security_days, self.other_days)
    }
}

#[cfg(test)]
mod tests {
    use super::{EventRetention, EventRetentionError};
    use crate::domain::EventClass;

    #[test]
    fn a_retention_is_read_as_it_is_written_and_what_is_missing_keeps_its_default() {
        for text in ["security=400d, other=30d", "security=1d, other=36500d"] {
            assert_eq!(EventRetention::parse(text).unwrap().to_string(), text);
        }
        assert_eq!(EventRetention::parse("other=7d").unwrap().to_string(), "security=400d, other=7d");
        assert_eq!(EventRetention::parse(" security = 2d ").unwrap().secs(EventClass::Security), 172_800);
        for text in [
            "",
            "400d",
            "security=400",
            "security=0d",
            "security=36501d",
            "security=+1d",
            "security=d",
            "secret=1d",
            "other=1d,other=2d",
            "other=1d,",
            "security=400d;other=30d",
        ] {
            assert_eq!(EventRetention::parse(text), Err(EventRetentionError), "{text}");
        }
    }
}
