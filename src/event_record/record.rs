//! The record of an event: the JSON that is stored, exported and hashed. It is made once and never written anew.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use super::{PersonKey, SealError};
use crate::domain::{Event, EventField, EventId, EventValue};
use crate::entropy::Entropy;

/// The record of an event.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct EventRecord {
    /// The event's id: a UUID of version 7.
    pub id: String,
    /// When it happened (RFC 3339, in milliseconds).
    pub at: String,
    /// The name of the kind.
    pub kind: String,
    /// `user:` and an id, `operator` or `system`.
    pub actor: String,
    /// What it concerns: a kind, a colon and an id.
    pub subject: String,
    /// The id of the OAuth client that it concerns.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub client: Option<String>,
    /// The id of the request.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub request_id: Option<String>,
    /// The details that are not sealed.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub data: BTreeMap<String, EventValue>,
    /// The id of the user to whom the sealed details belong.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub person: Option<String>,
    /// The sealed details, as JSON.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sealed: Option<String>,
}

/// Why a record cannot be made or read.
#[derive(Debug, thiserror::Error)]
pub enum RecordError {
    /// The text is not a record.
    #[error("the record of an event cannot be read: {0}")]
    Malformed(#[from] serde_json::Error),
    /// The personal data cannot be sealed or opened.
    #[error("the personal data of an event: {0}")]
    Seal(#[from] SealError),
}

impl EventRecord {
    /// The record of `event`. Its personal fields are sealed under `key`. If the event has a person and there is no key, the
    /// person is no user any more, and the record does not contain them.
    ///
    /// # Errors
    /// [`RecordError::Seal`], and [`RecordError::Malformed`] if a value is no JSON.
    pub fn of(event: &Event, key: Option<&PersonKey>, entropy: &Entropy) -> Result<Self, RecordError> {
        let (personal, plain): (BTreeMap<_, _>, BTreeMap<_, _>) = details(event)
            .partition(|(field, _)| event.person.is_some() && event.kind.personal_fields().contains(field));
        let sealed = match key {
            Some(key) if !personal.is_empty() => {
                let text = Zeroizing::new(serde_json::to_string(&named(personal))?);
                Some(key.seal(event.id, &text, entropy)?)
            }
            _ => None,
        };
        Ok(Self {
            id: event.id.to_string(),
            at: event.at.to_string(),
            kind: event.kind.name().to_owned(),
            actor: event.initiator.actor.to_string(),
            subject: event.subject.to_string(),
            client: event.client.as_ref().map(ToString::to_string),
            request_id: event.initiator.request_id.as_ref().map(ToString::to_string),
            data: named(plain),
            person: event.person.map(|person| person.to_string()),
            sealed,
        })
    }

    /// Reads a record; members that a later version has added do not count.
    ///
    /// # Errors
    /// [`RecordError::Malformed`].
    pub fn parse(text: &str) -> Result<Self, RecordError> {
        Ok(serde_json::from_str(text)?)
    }

    /// The text that is stored.
    ///
    /// # Errors
    /// [`RecordError::Malformed`].
    pub fn to_text(&self) -> Result<String, RecordError> {
        Ok(serde_json::to_string(self)?)
    }

    /// The sealed details; none if nothing is sealed.
    ///
    /// # Errors
    /// [`RecordError`] if this is not the key with which they were sealed.
    pub fn open(&self, key: &PersonKey) -> Result<BTreeMap<String, EventValue>, RecordError> {
        let Some(sealed) = &self.sealed else { return Ok(BTreeMap::new()) };
        let id = EventId::parse(&self.id).ok_or(SealError::Altered)?;
        Ok(serde_json::from_str(&key.open(id, sealed)?)?)
    }
}

/// All details of an event, with the address of the request among them.
fn details(event: &Event) -> impl Iterator<Item = (EventField, EventValue)> {
    let address = event.initiator.address.map(|address| (EventField::Address, address.to_string().into()));
    address.into_iter().chain(event.data.clone())
}

fn named(details: BTreeMap<EventField, EventValue>) -> BTreeMap<String, EventValue> {
    details.into_iter().map(|(field, value)| (field.name().to_owned(), value)).collect()
}

#[cfg(test)]
mod tests {
    use super::{EventRecord, PersonKey};
    use crate::domain::{
        Actor, ClientId, Event, EventField, EventId, EventKind, EventSubject, EventValue, Initiator,
        RequestId, Timestamp, UserId,
    };
    use crate::entropy::Entropy;

    fn registered() -> Event {
        let (at, user) = (Timestamp::from_millis(1_800_000_000_123), UserId::from_bytes([7; 12]));
        let initiator = Initiator {
            actor: Actor::User(user),
            address: Some([192, 0, 2, 1].into()),
            request_id: Some(RequestId::numbered(1, 2)),
        };
        let (id, subject) = (EventId::new(at, [1; 10]), EventSubject::User(user));
        Event::new(id, at, EventKind::UserRegistered, initiator, subject).with(EventField::Username, "ada")
    }

    #[test]
    fn a_record_seals_what_is_personal_and_opens_with_the_key_of_the_person() {
        let entropy = Entropy::seeded(1);
        let key = PersonKey::random(&entropy).unwrap();
        let record = EventRecord::of(&registered(), Some(&key), &entropy).unwrap();
        let text = record.to_text().unwrap();
        assert!(!text.contains("ada") && !text.contains("192.0.2.1"), "{text}");
        let begin = r#"{"id":"01a3185c-507b-7101-8101-010101010101","at":"2027-01-15T08:00:00.123Z","kind":"user.registered","actor":"user:070707070707070707070707","subject":"user:070707070707070707070707","request_id":"00000001-00000002","person":"070707070707070707070707","sealed":""#;
        assert!(text.starts_with(begin), "{text}");
        let read = EventRecord::parse(&text).unwrap();
        assert_eq!(read, record);
        let opened: Vec<_> = read.open(&key).unwrap().into_iter().collect();
        let expected = [("address", "192.0.2.1"), ("username", "ada")];
        assert_eq!(opened, expected.map(|(name, value)| (name.to_owned(), EventValue::from(value))));
        assert!(read.open(&PersonKey::random(&entropy).unwrap()).is_err());
    }

    #[test]
    fn without_a_key_a_record_has_no_personal_data() {
        let record = EventRecord::of(&registered(), None, &Entropy::seeded(1)).unwrap();
        let text = record.to_text().unwrap();
        assert!(text.ends_with(r#""person":"070707070707070707070707"}"#), "{text}");
    }

    #[test]
    fn without_a_person_the_address_is_a_detail_like_others() {
        let (at, client) = (Timestamp::from_secs(1), ClientId::parse("app").unwrap());
        let initiator =
            Initiator { actor: Actor::System, address: Some([192, 0, 2, 1].into()), request_id: None };
        let subject = EventSubject::Client(client);
        let event = Event::new(EventId::new(at, [0; 10]), at, EventKind::TokenRevoked, initiator, subject);
        let text = EventRecord::of(&event, None, &Entropy::seeded(1)).unwrap().to_text().unwrap();
        let end = r#""actor":"system","subject":"client:app","client":"app","data":{"address":"192.0.2.1"}}"#;
        assert!(text.ends_with(end), "{text}");
    }
}
