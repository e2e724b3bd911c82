//! An event: the store receives it together with the change that it describes.

use uuid::{Builder, Uuid};

use super::{ClientId, GrantId, Initiator, SessionId, Timestamp, UserId};

/// A change of the stored data: when it happened, what kind of change it is, who made it, and what it concerns.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Event {
    /// The id of this event and of no other.
    pub id: EventId,
    /// When it happened, by the clock of the instance that made the change.
    pub at: Timestamp,
    /// The kind of change.
    pub kind: EventKind,
    /// The actor that made the change, and the request.
    pub initiator: Initiator,
    /// What changed.
    pub subject: EventSubject,
}

/// What a change concerns.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum EventSubject {
    /// The record of this user.
    User(UserId),
    /// The record of this OAuth client.
    Client(ClientId),
    /// This grant.
    Grant(GrantId),
    /// The session of a user in one browser.
    Session(SessionId),
}

/// What can happen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EventKind {
    /// The user was added.
    UserRegistered,
    /// The user has another password; the sessions of the user ended.
    PasswordChanged,
    /// The hash of the same password was replaced by one of a higher cost.
    HashStrengthened,
    /// The user's sessions ended; the password is the same.
    SessionsEnded,
    /// The user was removed.
    UserDeleted,
    /// So many log-ins failed in a row that the next ones must wait.
    LoginThrottled,
    /// So many log-ins failed in a row that only known addresses may try, until an operator unlocks the user.
    LoginLimited,
    /// An operator unlocked the user: all failures are forgotten.
    LoginUnlocked,
    /// The client was added.
    ClientCreated,
    /// The client's metadata changed.
    ClientChanged,
    /// The client has another secret.
    ClientSecretRotated,
    /// The client was removed.
    ClientDeleted,
    /// A client revoked one of its tokens.
    TokenRevoked,
    /// The user logged in in a browser.
    BrowserSessionStarted,
    /// The session in one browser ended.
    BrowserSessionEnded,
    /// The user permitted a client something.
    ConsentGiven,
    /// The user withdrew what a client was permitted.
    ConsentWithdrawn,
    /// The client, the user or an operator ended a grant.
    GrantRevoked,
    /// A code was used a second time: its grant ended.
    CodeReused,
    /// A refresh token was used again after it had been replaced: its grant ended.
    RefreshTokenReused,
}

/// An event's id: a UUID of version 7 (RFC 9562 §5.7). An id of a later millisecond is greater; the order of two ids of the
/// same millisecond is random.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct EventId(Uuid);

impl EventId {
    /// The id of an event that happened at `at`; `random` distinguishes it from others of the same
    /// millisecond.
    pub fn new(at: Timestamp, random: [u8; 10]) -> Self {
        Self(Builder::from_unix_timestamp_millis(at.as_millis(), &random).into_uuid())
    }

    /// The 16 bytes of the id.
    pub fn as_bytes(&self) -> &[u8; 16] {
        self.0.as_bytes()
    }
}

#[cfg(test)]
mod tests {
    use super::EventId;
    use crate::domain::Timestamp;

    /// The example of RFC 9562, appendix A.6.
    #[test]
    fn an_id_is_a_uuid_of_version_7() {
        let random = [0x0c, 0xc3, 0x18, 0xc4, 0xdc, 0x0c, 0x0c, 0x07, 0x39, 0x8f];
        let id = EventId::new(Timestamp::from_millis(0x017f_22e2_79b0), random);
        assert_eq!(id.0.to_string(), "017f22e2-79b0-7cc3-98c4-dc0c0c07398f");
    }

    #[test]
    fn an_id_of_a_later_millisecond_is_greater_whatever_is_random_in_it() {
        let earlier = EventId::new(Timestamp::from_millis(1_800_000_000_000), [0xff; 10]);
        let later = EventId::new(Timestamp::from_millis(1_800_000_000_001), [0; 10]);
        assert!(earlier < later);
    }
}
