//! The chain of hashes over all events. Each event has a number and a link; the link depends on the event, on its number
//! and on the link before. So a change of an event, an event that is missing, and another order change every later link.

use std::fmt;

use aws_lc_rs::digest::{Context, SHA256};

use crate::domain::Timestamp;

/// The bytes of SHA-256.
pub type Digest = [u8; 32];

/// Sets the links apart from all other hashes. It must never change.
const LINK_LABEL: &[u8] = b"jwt-generator event chain 1";

/// The SHA-256 of an event's record, which stays when the record itself was removed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RecordDigest(pub Digest);

/// The last event of a chain: its number and its link.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct ChainHead {
    /// The number of the last event; the first event has the number 1.
    pub seq: u64,
    /// The link of the last event.
    pub link: Digest,
}

impl RecordDigest {
    /// The digest of this record.
    pub fn of(record: &str) -> Self {
        Self(sha256([record.as_bytes()]))
    }
}

impl ChainHead {
    /// Before the first event.
    pub const BEGIN: Self = Self { seq: 0, link: [0; 32] };

    /// The head after one more event.
    #[must_use]
    pub fn next(&self, at: Timestamp, kind: &str, record: &RecordDigest) -> Self {
        let seq = self.seq.saturating_add(1);
        let kind_bytes = (kind.len() as u32).to_be_bytes();
        let link = sha256([
            LINK_LABEL,
            &seq.to_be_bytes(),
            &at.as_millis().to_be_bytes(),
            &kind_bytes,
            kind.as_bytes(),
            &record.0,
            &self.link,
        ]);
        Self { seq, link }
    }
}

impl fmt::Debug for ChainHead {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ChainHead({}, ", self.seq)?;
        self.link.iter().try_for_each(|byte| write!(f, "{byte:02x}"))?;
        f.write_str(")")
    }
}

fn sha256<const N: usize>(parts: [&[u8]; N]) -> Digest {
    let mut context = Context::new(&SHA256);
    parts.iter().for_each(|part| context.update(part));
    let mut digest = [0; 32];
    digest.iter_mut().zip(context.finish().as_ref()).for_each(|(to, from)| *to = *from);
    digest
}

#[cfg(test)]
mod tests {
    use super::{ChainHead, RecordDigest};
    use crate::domain::Timestamp;

    const AT: Timestamp = Timestamp::from_millis(1_800_000_000_123);

    fn chain(events: &[(u64, &str, &str)]) -> ChainHead {
        events.iter().fold(ChainHead::BEGIN, |head, (at, kind, record)| {
            head.next(Timestamp::from_millis(*at), kind, &RecordDigest::of(record))
        })
    }

    /// Computed with another program: Python's hashlib over the bytes that docs/adr/0056 describes.
    #[test]
    fn a_link_is_the_hash_that_the_description_gives() {
        let head = ChainHead::BEGIN.next(AT, "user.registered", &RecordDigest::of(r#"{"id":"x"}"#));
        let shown = format!("{head:?}");
        assert_eq!(shown, "ChainHead(1, ede697deb4b385c1a7fc9de568999ff8035bdce77c4f125746cc2ec45f5eb97c)");
    }

    #[test]
    fn the_last_link_depends_on_each_part_of_each_event_and_on_their_order() {
        let events = [(1, "a.b", "one"), (2, "a.c", "two"), (3, "a.d", "three")];
        let head = chain(&events);
        for (n, changed) in [(0, (9, "a.b", "one")), (1, (2, "a.x", "two")), (2, (3, "a.d", "other"))] {
            let mut other = events;
            other[n] = changed;
            assert_ne!(chain(&other), head, "event {n}");
        }
        assert_ne!(chain(&events[..2]), head);
        assert_ne!(chain(&events[1..]), head);
        assert_ne!(chain(&[events[1], events[0], events[2]]), head);
        assert_eq!((chain(&events), head.seq), (head, 3));
    }
}
