//! Details of events: named values. They contain no secrets.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// The name of a detail.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum EventField {
    /// The address of the client of the request.
    Address,
    /// The name of a user.
    Username,
    /// The e-mail address of a user.
    Email,
    /// The JWA name of a key's algorithm.
    Algorithm,
    /// The names of the settings that differ.
    Settings,
    /// The digests of all settings, each behind the name of its setting and a colon.
    Digests,
    /// The version of the program.
    Version,
    /// The filter of the log.
    Filter,
}

impl EventField {
    /// The name that is stored and that others read. It must never change.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Address => "address",
            Self::Username => "username",
            Self::Email => "email",
            Self::Algorithm => "algorithm",
            Self::Settings => "settings",
            Self::Digests => "digests",
            Self::Version => "version",
            Self::Filter => "filter",
        }
    }
}

/// The value of a detail, as JSON has it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum EventValue {
    /// A text.
    Text(String),
    /// A number.
    Number(u64),
    /// A list of texts.
    Texts(Vec<String>),
}

/// The details of an event.
pub type EventData = BTreeMap<EventField, EventValue>;

impl From<String> for EventValue {
    fn from(text: String) -> Self {
        Self::Text(text)
    }
}

impl From<&str> for EventValue {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

impl From<u64> for EventValue {
    fn from(number: u64) -> Self {
        Self::Number(number)
    }
}
