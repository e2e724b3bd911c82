//! The form of an export: JSON, one object a line. An event keeps the bytes of its record, so that its link can be computed.

use std::collections::BTreeMap;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use super::Finding;
use super::checked_event::CheckedEvent;
use super::verification::{Verification, VerificationReport, VerificationSettings};
use crate::domain::{EventRetention, EventValue, Timestamp};
use crate::event_record::{ChainHead, Digest};
use crate::store::StoredEvent;

/// The version of the form.
const VERSION: u32 = 1;

/// A line of an export.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
enum Line<'l> {
    Header(Header),
    /// A public key that has signed checkpoints, as a JWK.
    #[serde(borrow)]
    Key(&'l RawValue),
    /// A checkpoint, as a compact JWS.
    Checkpoint(&'l str),
    #[serde(borrow)]
    Event(EventLine<'l>),
    End(Place),
}

/// The first line.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Header {
    version: u32,
    exported_at: String,
    retention: String,
    /// The last event before the first one of the export.
    behind: Place,
    /// Whether only some of the events are there.
    filtered: bool,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Place {
    seq: u64,
    link: String,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct EventLine<'l> {
    seq: u64,
    link: &'l str,
    #[serde(borrow, skip_serializing_if = "Option::is_none")]
    record: Option<&'l RawValue>,
    /// These three belong to an event that has lost its record.
    #[serde(skip_serializing_if = "Option::is_none")]
    at: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    kind: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    digest: Option<String>,
    /// The personal data of the record, opened. No link depends on it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    personal: Option<BTreeMap<String, EventValue>>,
}

/// Writes the lines of an export.
#[derive(Debug)]
pub struct ExportLines;

impl ExportLines {
    /// The first line. `behind` is the last event before the first one of the export.
    ///
    /// # Errors
    /// [`serde_json::Error`], which does not happen for these texts.
    pub fn header(
        now: Timestamp,
        retention: &EventRetention,
        behind: ChainHead,
        filtered: bool,
    ) -> Result<String, serde_json::Error> {
        let (exported_at, retention) = (now.to_string(), retention.to_string());
        line(&Line::Header(Header {
            version: VERSION,
            exported_at,
            retention,
            behind: place(behind),
            filtered,
        }))
    }

    /// A key of checkpoints.
    ///
    /// # Errors
    /// [`serde_json::Error`] if the JWK is no JSON.
    pub fn key(jwk: &str) -> Result<String, serde_json::Error> {
        line(&Line::Key(serde_json::from_str(jwk)?))
    }

    /// A checkpoint.
    ///
    /// # Errors
    /// [`serde_json::Error`], which does not happen for a compact JWS.
    pub fn checkpoint(jws: &str) -> Result<String, serde_json::Error> {
        line(&Line::Checkpoint(jws))
    }

    /// An event, with its personal data if that is given.
    ///
    /// # Errors
    /// [`serde_json::Error`] if the record is no JSON.
    pub fn event(
        event: &StoredEvent,
        personal: Option<BTreeMap<String, EventValue>>,
    ) -> Result<String, serde_json::Error> {
        let link = encoded(&event.link);
        let record = event.record.as_deref().map(serde_json::from_str::<&RawValue>).transpose()?;
        let expired = record.is_none();
        line(&Line::Event(EventLine {
            seq: event.seq,
            link: &link,
            record,
            at: expired.then(|| event.at.to_string()),
            kind: expired.then(|| event.kind.clone()),
            digest: expired.then(|| encoded(&event.digest.0)),
            personal,
        }))
    }

    /// The last line.
    ///
    /// # Errors
    /// [`serde_json::Error`], which does not happen for numbers and texts.
    pub fn end(last: ChainHead) -> Result<String, serde_json::Error> {
        line(&Line::End(place(last)))
    }
}

/// Why an export cannot be checked at all.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ExportError {
    /// The first line is no header.
    #[error("this is no export of `audit export`: its first line is not a header")]
    NoHeader,
    /// Another version of the program has another form.
    #[error("this export has the version {0}, and this program reads version {VERSION}")]
    Version(u32),
    /// The export has only some of the events.
    #[error("this export was filtered: only an export of all events can be checked")]
    Filtered,
}

/// The check of an export, line by line.
#[derive(Debug)]
pub struct ExportVerification {
    verification: Verification,
    /// The number of the line that was read last.
    line: u64,
    end: Option<ChainHead>,
}

impl ExportVerification {
    /// Begins with the first line. The retention and the instant of the settings give way to those of the export.
    ///
    /// # Errors
    /// [`ExportError`].
    pub fn begin(first: &str, settings: VerificationSettings) -> Result<Self, ExportError> {
        let Ok(Line::Header(header)) = serde_json::from_str(first) else { return Err(ExportError::NoHeader) };
        if header.version != VERSION {
            return Err(ExportError::Version(header.version));
        }
        if header.filtered {
            return Err(ExportError::Filtered);
        }
        let base = head(&header.behind).ok_or(ExportError::NoHeader)?;
        let now = Timestamp::parse(&header.exported_at).ok_or(ExportError::NoHeader)?;
        let retention = EventRetention::parse(&header.retention).map_err(|_| ExportError::NoHeader)?;
        let settings = VerificationSettings { now, retention, ..settings };
        Ok(Self { verification: Verification::new(settings, base), line: 1, end: None })
    }

    /// As [`Verification::compare_with`].
    pub fn compare_with(&mut self, text: &str) {
        self.verification.compare_with(text);
    }

    /// Checks the next line.
    pub fn check(&mut self, line: &str) {
        self.line += 1;
        if self.try_check(line).is_none() {
            self.verification.unreadable(self.line);
        }
    }

    /// `None` if the line cannot be read, or if it stands behind the end.
    fn try_check(&mut self, line: &str) -> Option<()> {
        if self.end.is_some() {
            return None;
        }
        match serde_json::from_str(line).ok()? {
            Line::Header(_) => return None,
            Line::Key(jwk) => return self.verification.add_key(jwk.get()).then_some(()),
            Line::Checkpoint(jws) => self.verification.check_checkpoint(jws),
            Line::Event(event) => self.verification.check(checked(event)?),
            Line::End(place) => self.end = Some(head(&place)?),
        }
        Some(())
    }

    /// Ends the check.
    pub fn finish(mut self) -> VerificationReport {
        if self.end.is_none() {
            self.verification.find(Finding::ExportCutOff);
        }
        self.verification.finish(self.end)
    }
}

fn checked(event: EventLine<'_>) -> Option<CheckedEvent> {
    let link = decoded(event.link)?;
    match event {
        EventLine { record: Some(record), at: None, kind: None, digest: None, .. } => {
            CheckedEvent::of_record(event.seq, record.get(), link)
        }
        EventLine { record: None, at: Some(at), kind: Some(kind), digest: Some(digest), .. } => {
            Some(CheckedEvent::expired(event.seq, Timestamp::parse(&at)?, kind, decoded(&digest)?, link))
        }
        _ => None,
    }
}

fn line(line: &Line<'_>) -> Result<String, serde_json::Error> {
    serde_json::to_string(line)
}

fn place(head: ChainHead) -> Place {
    Place { seq: head.seq, link: encoded(&head.link) }
}

fn head(place: &Place) -> Option<ChainHead> {
    Some(ChainHead { seq: place.seq, link: decoded(&place.link)? })
}

fn encoded(digest: &Digest) -> String {
    URL_SAFE_NO_PAD.encode(digest)
}

fn decoded(text: &str) -> Option<Digest> {
    URL_SAFE_NO_PAD.decode(text).ok()?.try_into().ok()
}
