//! Events as readers see them: with their personal data, as far as the keys of the persons exist.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::net::IpAddr;

use ipnet::IpNet;
use serde::Serialize;

use crate::domain::{EventField, EventValue, Timestamp, UserId};
use crate::event_record::{EventRecord, PersonKey};
use crate::store::{Events, StoreError, StoredEvent};

/// An event with everything that is known of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Entry {
    /// Its number.
    pub seq: u64,
    /// Its id.
    pub id: String,
    /// When it happened (RFC 3339).
    pub at: String,
    /// The name of its kind.
    pub kind: String,
    /// The actor, the subject and the other members of the record; `None` if it has lost its record.
    #[serde(flatten)]
    pub record: Option<OpenRecord>,
}

/// The readable content of a record.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct OpenRecord {
    /// The actor.
    pub actor: String,
    /// What it concerns.
    pub subject: String,
    /// The OAuth client that it concerns.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub client: Option<String>,
    /// The id of the request.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub request_id: Option<String>,
    /// The user whose personal data it has.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub person: Option<String>,
    /// All details, with the personal ones among them if they could be opened.
    pub data: BTreeMap<String, EventValue>,
    /// What became of the personal data.
    pub personal: Personal,
    /// The names of the details that were sealed.
    #[serde(skip)]
    pub sealed: BTreeSet<String>,
}

/// What became of the personal data of an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Personal {
    /// The event has none.
    None,
    /// It is among the details.
    Open,
    /// The key of the person does not exist any more.
    Erased,
    /// The key of the person does not fit.
    Unreadable,
}

impl OpenRecord {
    /// The details that were sealed; `None` if they could not be opened, or if there are none.
    pub fn personal_data(&self) -> Option<BTreeMap<String, EventValue>> {
        let sealed = self.data.iter().filter(|(name, _)| self.sealed.contains(*name));
        let sealed = sealed.map(|(name, value)| (name.clone(), value.clone()));
        (self.personal == Personal::Open).then(|| sealed.collect())
    }

    /// The address of the client of the request.
    pub fn address(&self) -> Option<IpAddr> {
        match self.data.get(EventField::Address.name()) {
            Some(EventValue::Text(address)) => address.parse().ok(),
            _ => None,
        }
    }
}

/// Opens events.
///
/// # Errors
/// [`StoreError`] if the keys cannot be read, or if a record is no record.
pub async fn open_entries(events: &dyn Events, stored: &[StoredEvent]) -> Result<Vec<Entry>, StoreError> {
    let mut records = Vec::new();
    for event in stored {
        let record = event.record.as_deref().map(EventRecord::parse).transpose();
        records.push(record.map_err(|error| StoreError::Corrupt(format!("event {}: {error}", event.seq)))?);
    }
    let persons = records.iter().flatten().filter(|record| record.sealed.is_some());
    let persons: BTreeSet<UserId> =
        persons.filter_map(|record| UserId::parse(record.person.as_deref()?)).collect();
    let keys = match persons.is_empty() {
        true => HashMap::new(),
        false => keys_of(events, &persons.into_iter().collect::<Vec<_>>()).await?,
    };
    let entry = |(event, record): (&StoredEvent, Option<EventRecord>)| Entry {
        seq: event.seq,
        id: event.id.to_string(),
        at: event.at.to_string(),
        kind: event.kind.clone(),
        record: record.map(|record| opened(record, &keys)),
    };
    Ok(stored.iter().zip(records).map(entry).collect())
}

async fn keys_of(events: &dyn Events, persons: &[UserId]) -> Result<HashMap<String, PersonKey>, StoreError> {
    let keys = events.list_person_keys(persons).await?;
    Ok(keys.into_iter().map(|(person, key)| (person.to_string(), key)).collect())
}

fn opened(record: EventRecord, keys: &HashMap<String, PersonKey>) -> OpenRecord {
    let key = record.person.as_ref().and_then(|person| keys.get(person));
    let (more, personal) = match (&record.sealed, key) {
        (None, _) => (BTreeMap::new(), Personal::None),
        (Some(_), None) => (BTreeMap::new(), Personal::Erased),
        (Some(_), Some(key)) => match record.open(key) {
            Ok(opened) => (opened, Personal::Open),
            Err(_) => (BTreeMap::new(), Personal::Unreadable),
        },
    };
    let EventRecord { actor, subject, client, request_id, person, mut data, .. } = record;
    let sealed = more.keys().cloned().collect();
    data.extend(more);
    OpenRecord { actor, subject, client, request_id, person, data, personal, sealed }
}

/// Addresses that a reader looks for: a network, or one address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Addresses(IpNet);

impl Addresses {
    /// Reads an address, or a network such as `203.0.113.0/24`. `None` if the text is neither.
    pub fn parse(text: &str) -> Option<Self> {
        let address = || text.parse::<IpAddr>().ok().map(IpNet::from);
        text.parse().ok().or_else(address).map(Self)
    }

    /// Whether the request of an event came from there, as far as its personal data could be opened.
    pub fn contains(&self, entry: &Entry) -> bool {
        let address = entry.record.as_ref().and_then(OpenRecord::address);
        address.is_some_and(|address| self.0.contains(&address))
    }
}

/// A detail as text.
pub fn value_text(value: &EventValue) -> String {
    match value {
        EventValue::Text(text) => text.clone(),
        EventValue::Number(number) => number.to_string(),
        EventValue::Texts(texts) => texts.join(", "),
    }
}

/// The instant of an entry in milliseconds since 1970.
pub(super) fn millis(entry: &Entry) -> u64 {
    Timestamp::parse(&entry.at).map_or(0, Timestamp::as_millis)
}
