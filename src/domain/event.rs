//! An event: the store receives it together with the change that it describes.

use std::fmt;

use uuid::{Builder, Uuid};

use super::{
    ClientId, EventData, EventField, EventKind, EventValue, GrantId, Initiator, Kid, NameTag, SessionId,
    Timestamp, UserId, WebhookId,
};

/// What happened: when, of what kind, by which actor, and what it concerns.
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
    /// The OAuth client that the change concerns besides its subject.
    pub client: Option<ClientId>,
    /// The user to whom the personal fields belong.
    pub person: Option<UserId>,
    /// Details of the kind.
    pub data: EventData,
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
    /// A name that no user has.
    UnknownName(NameTag),
    /// The token with this `jti`.
    Token(String),
    /// What this user permits this client.
    Consent(UserId, ClientId),
    /// The key with this name.
    Key(Kid),
    /// The settings of an instance.
    Settings,
    /// A command of an operator, such as `keys rotate`.
    Command(&'static str),
    /// This endpoint for webhooks.
    Webhook(WebhookId),
}

impl Event {
    /// An event without details. If its subject has a user or a client, it also concerns that person or client.
    pub fn new(
        id: EventId,
        at: Timestamp,
        kind: EventKind,
        initiator: Initiator,
        subject: EventSubject,
    ) -> Self {
        let (mut client, mut person) = (None, None);
        match &subject {
            EventSubject::User(user) => person = Some(*user),
            EventSubject::Client(id) => client = Some(id.clone()),
            EventSubject::Consent(user, id) => (client, person) = (Some(id.clone()), Some(*user)),
            EventSubject::Grant(_)
            | EventSubject::Session(_)
            | EventSubject::UnknownName(_)
            | EventSubject::Token(_)
            | EventSubject::Key(_)
            | EventSubject::Settings
            | EventSubject::Command(_)
            | EventSubject::Webhook(_) => {}
        }
        Self { id, at, kind, initiator, subject, client, person, data: EventData::new() }
    }

    /// The same; it also concerns this client.
    #[must_use]
    pub fn of_client(self, client: &ClientId) -> Self {
        Self { client: Some(client.clone()), ..self }
    }

    /// The same; its personal fields are data of this user.
    #[must_use]
    pub fn of_person(self, person: UserId) -> Self {
        Self { person: Some(person), ..self }
    }

    /// The same, with one more detail.
    #[must_use]
    pub fn with(mut self, field: EventField, value: impl Into<EventValue>) -> Self {
        self.data.insert(field, value.into());
        self
    }
}

/// The kind, a colon, and the id, as it is stored.
impl fmt::Display for EventSubject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::User(id) => write!(f, "user:{id}"),
            Self::Client(id) => write!(f, "client:{id}"),
            Self::Grant(id) => write!(f, "grant:{id}"),
            Self::Session(id) => write!(f, "session:{id}"),
            Self::UnknownName(tag) => write!(f, "name:{tag}"),
            Self::Token(jti) => write!(f, "token:{jti}"),
            Self::Consent(user, client) => write!(f, "consent:{user}:{client}"),
            Self::Key(kid) => write!(f, "key:{kid}"),
            Self::Settings => f.write_str("settings"),
            Self::Command(command) => write!(f, "command:{command}"),
            Self::Webhook(id) => write!(f, "webhook:{id}"),
        }
    }
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

    /// The id of these bytes.
    pub const fn from_bytes(bytes: [u8; 16]) -> Self {
        Self(Uuid::from_bytes(bytes))
    }

    /// Reads the text of an id; any other text is not an id.
    pub fn parse(text: &str) -> Option<Self> {
        Uuid::try_parse(text).ok().map(Self)
    }

    /// The 16 bytes of the id.
    pub fn as_bytes(&self) -> &[u8; 16] {
        self.0.as_bytes()
    }
}

impl fmt::Display for EventId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
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
        assert_eq!(id.to_string(), "017f22e2-79b0-7cc3-98c4-dc0c0c07398f");
        assert_eq!(EventId::parse(&id.to_string()), Some(id));
        assert_eq!(EventId::from_bytes(*id.as_bytes()), id);
        assert_eq!(EventId::parse("017f22e2"), None);
    }

    #[test]
    fn an_id_of_a_later_millisecond_is_greater_whatever_is_random_in_it() {
        let earlier = EventId::new(Timestamp::from_millis(1_800_000_000_000), [0xff; 10]);
        let later = EventId::new(Timestamp::from_millis(1_800_000_000_001), [0; 10]);
        assert!(earlier < later);
    }
}
