//! The task that stores an event if this instance has other settings than the one that started before it. The event contains the
//! names of what differs and no value: of each value, it has a keyed hash.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;

use super::task::{NextTurn, Task, TurnError};
use crate::domain::{EventField, EventKind, EventSubject, EventValue, Initiator, Secret, Timestamp};
use crate::entropy::{Entropy, EntropyError};
use crate::event_record::{EventRecord, RecordError};
use crate::server_secret::{CurrentServerSecret, Label, SUBKEY_BYTES, SubKeys, keyed_hash};
use crate::store::{EventFilter, Events, StoreError};

/// Before the next try, while the server secret or the database is missing.
const RETRY: Duration = Duration::from_secs(5);

/// Compares the settings of this start with those of the last event.
pub(super) struct SettingsEvent {
    /// The settings that are not the defaults, by their names.
    settings: BTreeMap<&'static str, Secret<String>>,
    server_secret: CurrentServerSecret,
    events: Arc<dyn Events>,
    entropy: Entropy,
}

/// Why the event could not be stored.
#[derive(Debug, thiserror::Error)]
enum SettingsEventError {
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error(transparent)]
    Record(#[from] RecordError),
    #[error(transparent)]
    Entropy(#[from] EntropyError),
}

impl SettingsEvent {
    pub(super) fn new(
        settings: BTreeMap<&'static str, Secret<String>>,
        server_secret: CurrentServerSecret,
        events: Arc<dyn Events>,
        entropy: Entropy,
    ) -> Self {
        Self { settings, server_secret, events, entropy }
    }

    async fn store(&self, keys: &SubKeys, now: Timestamp) -> Result<(), SettingsEventError> {
        let filter = EventFilter { kinds: vec![EventKind::SettingsChanged], ..EventFilter::default() };
        let last = self.events.list_latest_events(&filter, None, 1).await?.pop();
        let before =
            last.and_then(|event| event.record).map(|record| EventRecord::parse(&record)).transpose()?;
        let before = before.map(|record| (digests_of(&record), version_of(&record)));
        let (digests, version) = before.unwrap_or_default();
        let changed = self.changed(&digests, keys);
        if changed.is_empty() && version == env!("CARGO_PKG_VERSION") {
            return Ok(());
        }
        let now_digests =
            self.settings.iter().map(|(name, value)| line(name, &digest(&keys.newest, name, value)));
        let event =
            self.entropy.event(now, EventKind::SettingsChanged, Initiator::SYSTEM, EventSubject::Settings)?;
        let event = event
            .with(EventField::Settings, EventValue::Texts(changed.into_iter().collect()))
            .with(EventField::Digests, EventValue::Texts(now_digests.collect()))
            .with(EventField::Version, env!("CARGO_PKG_VERSION"));
        self.events.append_event(&event).await?;
        Ok(())
    }

    /// The names of the settings that are not as `before` says. The server secret may be another one than then.
    fn changed(&self, before: &BTreeMap<String, String>, keys: &SubKeys) -> BTreeSet<String> {
        let is_same = |name: &str, value: &Secret<String>| {
            let known = before.get(name);
            keys.all.iter().any(|key| known == Some(&digest(key, name, value)))
        };
        let differ = self.settings.iter().filter(|(name, value)| !is_same(name, value));
        let gone = before.keys().filter(|name| !self.settings.contains_key(name.as_str()));
        differ.map(|(name, _)| (*name).to_owned()).chain(gone.cloned()).collect()
    }
}

fn digest(key: &Secret<[u8; SUBKEY_BYTES]>, name: &str, value: &Secret<String>) -> String {
    let hash = keyed_hash(key, format!("{name}={}", value.expose()).as_bytes());
    format!("{:016x}", u128::from_be_bytes(hash) >> 64)
}

fn line(name: &str, digest: &str) -> String {
    format!("{name}:{digest}")
}

fn digests_of(record: &EventRecord) -> BTreeMap<String, String> {
    let Some(EventValue::Texts(lines)) = record.data.get(EventField::Digests.name()) else {
        return BTreeMap::new();
    };
    let pairs = lines.iter().filter_map(|line| line.split_once(':'));
    pairs.map(|(name, digest)| (name.to_owned(), digest.to_owned())).collect()
}

fn version_of(record: &EventRecord) -> String {
    match record.data.get(EventField::Version.name()) {
        Some(EventValue::Text(version)) => version.clone(),
        _ => String::new(),
    }
}

#[async_trait]
impl Task for SettingsEvent {
    fn name(&self) -> &'static str {
        "settings event"
    }

    async fn turn(&mut self, now: Timestamp) -> Result<NextTurn, TurnError> {
        let Some(keys) = self.server_secret.subkeys(Label::SettingsDigest)? else {
            return Ok(NextTurn::After(RETRY));
        };
        match self.store(&keys, now).await {
            Ok(()) | Err(SettingsEventError::Store(StoreError::Absent)) => Ok(NextTurn::Never),
            // If the database does not answer, the task that asks it tells of it.
            Err(SettingsEventError::Store(StoreError::Unavailable(_))) => Ok(NextTurn::After(RETRY)),
            Err(error) => Err(error.into()),
        }
    }
}
