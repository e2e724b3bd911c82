//! The session of a user in one browser.

use serde::{Deserialize, Serialize};

use super::{SessionId, Timestamp, UserId};

/// The SHA-256 of the value of a session's cookie, which has 256 random bits. The value itself is not stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct SessionKey(pub [u8; 32]);

impl SessionKey {
    /// A part of the key that tells one log-in from another. It opens no session.
    pub fn mark(self) -> [u8; 16] {
        let (mark, _) = self.0.split_at(16);
        mark.try_into().unwrap_or_default()
    }
}

/// A browser in which a user has logged in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BrowserSession {
    /// The key by which it is found.
    pub key: SessionKey,
    /// Counts the changes; a change replaces the revision that it was made from.
    pub revision: u64,
    /// The user.
    pub user: UserId,
    /// When it ends by itself and may be removed: the earlier of its two ages.
    pub expires_at: Timestamp,
    /// The rest.
    pub details: SessionDetails,
}

/// What is known of a session besides its key and its user.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SessionDetails {
    /// Its public id, the claim `sid`.
    pub id: SessionId,
    /// When the user last proved who they are, in seconds since 1970.
    pub auth_time: u64,
    /// The methods of that proof (RFC 8176).
    pub amr: Vec<String>,
    /// When the session began.
    pub created_at: Timestamp,
    /// When it was last used; written at most once in some minutes.
    pub used_at: Timestamp,
    /// The browser as it named itself, cut to a bounded length, for the page of the user's sessions.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub user_agent: String,
}

/// How long a session lasts, in seconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BrowserSessionLifetimes {
    /// From the log-in, however often it is used.
    pub absolute: u64,
    /// From its last use.
    pub idle: u64,
}

impl BrowserSessionLifetimes {
    /// The use of a session is written at most once in so many seconds.
    const USE_PRECISION_SECS: u64 = 300;

    /// When a session that began and was used at these instants ends.
    pub fn until(self, created_at: Timestamp, used_at: Timestamp) -> Timestamp {
        created_at.plus_secs(self.absolute).min(used_at.plus_secs(self.idle))
    }
}

impl BrowserSession {
    /// A new session, which begins at `details.created_at`.
    pub fn begin(
        key: SessionKey,
        user: UserId,
        details: SessionDetails,
        lifetimes: BrowserSessionLifetimes,
    ) -> Self {
        let expires_at = lifetimes.until(details.created_at, details.used_at);
        Self { key, revision: 1, user, expires_at, details }
    }

    /// Whether it counts at `now`. The settings may have become shorter since it was written.
    pub fn is_live(&self, lifetimes: BrowserSessionLifetimes, now: Timestamp) -> bool {
        now < self.expires_at.min(lifetimes.until(self.details.created_at, self.details.used_at))
    }

    /// The session after a use at `now`, if that use must be written.
    #[must_use]
    pub fn used(&self, lifetimes: BrowserSessionLifetimes, now: Timestamp) -> Option<Self> {
        let precision = BrowserSessionLifetimes::USE_PRECISION_SECS.min(lifetimes.idle / 10);
        let is_old = now >= self.details.used_at.plus_secs(precision);
        is_old.then(|| Self {
            revision: self.revision + 1,
            expires_at: lifetimes.until(self.details.created_at, now),
            details: SessionDetails { used_at: now, ..self.details.clone() },
            ..self.clone()
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const BEGUN: Timestamp = Timestamp::from_secs(1_800_000_000);
    const LIFETIMES: BrowserSessionLifetimes = BrowserSessionLifetimes { absolute: 50_000, idle: 10_000 };

    fn at(secs: u64) -> Timestamp {
        BEGUN.plus_secs(secs)
    }

    fn session() -> BrowserSession {
        let details = SessionDetails {
            id: SessionId::from_bytes([1; 16]),
            auth_time: BEGUN.as_secs(),
            amr: vec!["pwd".to_owned()],
            created_at: BEGUN,
            used_at: BEGUN,
            user_agent: String::new(),
        };
        BrowserSession::begin(SessionKey([1; 32]), UserId::from_bytes([2; 12]), details, LIFETIMES)
    }

    #[test]
    fn a_session_ends_when_it_is_not_used_and_when_it_has_its_age() {
        assert!(session().is_live(LIFETIMES, at(9_999)) && !session().is_live(LIFETIMES, at(10_000)));
        let late = session().used(LIFETIMES, at(45_000)).unwrap();
        assert_eq!((late.revision, late.expires_at), (2, at(50_000)));
        assert!(late.is_live(LIFETIMES, at(49_999)) && !late.is_live(LIFETIMES, at(50_000)));
        let shorter = BrowserSessionLifetimes { idle: 100, ..LIFETIMES };
        assert!(!session().is_live(shorter, at(100)), "the setting counts at once");
        let longer = BrowserSessionLifetimes { idle: 20_000, ..LIFETIMES };
        assert!(!session().is_live(longer, at(10_000)), "it may have been removed");
    }

    #[test]
    fn a_use_is_written_once_in_five_minutes_or_a_tenth_of_the_idle_age() {
        assert_eq!(session().used(LIFETIMES, at(299)), None);
        let used = session().used(LIFETIMES, at(300)).unwrap();
        assert_eq!((used.details.used_at, used.expires_at), (at(300), at(10_300)));
        let short = BrowserSessionLifetimes { idle: 100, ..LIFETIMES };
        assert!(session().used(short, at(9)).is_none() && session().used(short, at(10)).is_some());
    }
}
