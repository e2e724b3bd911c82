//! An event as the check sees it.

use std::borrow::Cow;

use serde::Deserialize;

use crate::domain::Timestamp;
use crate::event_record::{ChainHead, Digest, RecordDigest};
use crate::store::StoredEvent;

/// An event with what its link depends on.
#[derive(Clone, Debug)]
pub(super) struct CheckedEvent {
    pub(super) seq: u64,
    pub(super) at: Timestamp,
    pub(super) kind: String,
    pub(super) digest: RecordDigest,
    pub(super) link: Digest,
    pub(super) has_record: bool,
    /// Whether the record is what is stored beside it.
    pub(super) is_consistent: bool,
}

/// The members of a record on which the link depends.
#[derive(Deserialize)]
struct Head<'r> {
    #[serde(borrow)]
    at: Cow<'r, str>,
    #[serde(borrow)]
    kind: Cow<'r, str>,
}

impl CheckedEvent {
    /// An event with its record; `None` if that is no record.
    pub(super) fn of_record(seq: u64, record: &str, link: Digest) -> Option<Self> {
        let Head { at, kind } = serde_json::from_str(record).ok()?;
        let (at, digest) = (Timestamp::parse(&at)?, RecordDigest::of(record));
        Some(Self { seq, at, kind: kind.into_owned(), digest, link, has_record: true, is_consistent: true })
    }

    /// An event without its record.
    pub(super) fn expired(seq: u64, at: Timestamp, kind: String, digest: Digest, link: Digest) -> Self {
        let digest = RecordDigest(digest);
        Self { seq, at, kind, digest, link, has_record: false, is_consistent: true }
    }

    /// An event of the store.
    pub(super) fn of_stored(event: &StoredEvent) -> Self {
        let of_columns = Self {
            seq: event.seq,
            at: event.at,
            kind: event.kind.clone(),
            digest: event.digest,
            link: event.link,
            has_record: event.record.is_some(),
            is_consistent: event.record.is_none(),
        };
        let Some(record) = &event.record else { return of_columns };
        let is_consistent = Self::of_record(event.seq, record, event.link).is_some_and(|of_record| {
            (of_record.at, &of_record.kind, of_record.digest) == (event.at, &event.kind, event.digest)
        });
        Self { is_consistent, ..of_columns }
    }

    /// Whether this is the event behind `head`.
    pub(super) fn follows(&self, head: ChainHead) -> bool {
        self.is_consistent && head.next(self.at, &self.kind, &self.digest) == self.place()
    }

    /// Its place in the chain, as far as it says itself.
    pub(super) fn place(&self) -> ChainHead {
        ChainHead { seq: self.seq, link: self.link }
    }
}
