//! Checks checkpoints: their signatures, that each follows the one before it, and that the chain of events is the one that they
//! were signed for.

use std::collections::{BTreeMap, HashMap};

use jose::{Jwk, Rejection, Typ, VerifyingKey};

use super::Finding;
use super::finding::Findings;
use crate::domain::Timestamp;
use crate::event_record::{ChainHead, Checkpoint, Digest};

/// The keys with which checkpoints are checked, each with its `kid`.
#[derive(Clone, Debug, Default)]
pub struct CheckpointKeys {
    keys: Vec<(String, VerifyingKey)>,
}

impl CheckpointKeys {
    /// Adds a key.
    pub fn add(&mut self, kid: &str, key: VerifyingKey) {
        self.keys.push((kid.to_owned(), key));
    }

    /// Adds a key in the form of a JWK with a `kid`. False if the text is no such key.
    pub fn add_jwk(&mut self, text: &str) -> bool {
        let Ok(jwk) = Jwk::from_json(text) else { return false };
        let (Some(kid), Ok(key)) = (jwk.kid(), VerifyingKey::from_jwk(&jwk)) else { return false };
        self.add(kid, key);
        true
    }

    fn named<'k>(&'k self, kid: &'k str) -> impl Iterator<Item = &'k VerifyingKey> {
        self.keys.iter().filter(move |(name, _)| name == kid).map(|(_, key)| key)
    }
}

/// A checkpoint whose signature fits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SignedCheckpoint {
    /// What it says.
    pub says: Checkpoint,
    /// The name of the key that signed it.
    pub kid: String,
    /// Whether the key is one of those that were given, and not only one that lies beside the checkpoints.
    pub is_trusted: bool,
}

/// A link that was signed.
#[derive(Clone, Copy, Debug)]
struct SignedLink {
    link: Digest,
    checkpoint: u64,
}

/// The check of all checkpoints.
#[derive(Debug)]
pub(super) struct CheckpointCheck {
    trusted: CheckpointKeys,
    /// The keys that lie beside the checkpoints. A later checkpoint of a trusted key vouches for what they signed.
    beside: CheckpointKeys,
    base: ChainHead,
    /// The links that were signed for events that have not come yet.
    signed: BTreeMap<u64, Vec<SignedLink>>,
    /// The last event whose link was the signed one.
    confirmed: u64,
    last: Option<(SignedCheckpoint, Digest)>,
    count: u64,
    /// Whether the last signed link was another one than that of its event.
    differs: bool,
    /// The checkpoints that were kept elsewhere, before the keys are known.
    unread: Vec<String>,
    /// The checkpoints that were kept elsewhere and have not come yet, by their numbers.
    kept: HashMap<u64, Digest>,
    kept_fitting: u64,
    /// The instant of the last checkpoint before the beginning of the chain.
    before_base: Option<Timestamp>,
}

impl CheckpointCheck {
    pub(super) fn new(trusted: CheckpointKeys, base: ChainHead) -> Self {
        Self {
            trusted,
            beside: CheckpointKeys::default(),
            base,
            signed: BTreeMap::new(),
            confirmed: base.seq,
            last: None,
            count: 0,
            differs: false,
            unread: Vec::new(),
            kept: HashMap::new(),
            kept_fitting: 0,
            before_base: None,
        }
    }

    /// Adds a key that lies beside the checkpoints. False if it cannot be read.
    pub(super) fn add_key(&mut self, jwk: &str) -> bool {
        self.beside.add_jwk(jwk)
    }

    pub(super) fn last(&self) -> Option<&SignedCheckpoint> {
        self.last.as_ref().map(|(last, _)| last)
    }

    /// How many checkpoints there were.
    pub(super) fn count(&self) -> u64 {
        self.count
    }

    /// How many of the checkpoints that were kept elsewhere are the stored ones.
    pub(super) fn kept_fitting(&self) -> u64 {
        self.kept_fitting
    }

    /// The instant of the last checkpoint before the beginning of the chain.
    pub(super) fn before_base(&self) -> Option<Timestamp> {
        self.before_base
    }

    /// Adds a checkpoint that was kept elsewhere. This comes before all others. False if it cannot be read.
    pub(super) fn keep(&mut self, jws: &str) -> bool {
        let is_readable = Checkpoint::read_unverified(jws).is_some();
        self.unread.extend(is_readable.then(|| jws.to_owned()));
        is_readable
    }

    /// Checks those that were kept elsewhere, when all keys are known.
    pub(super) fn check_kept(&mut self, findings: &mut Findings) {
        for jws in std::mem::take(&mut self.unread) {
            if let Some(SignedCheckpoint { says, .. }) = self.verified(&jws, findings) {
                self.expect(&says, findings);
                self.kept.insert(says.number, Checkpoint::digest(&jws));
            }
        }
    }

    /// Checks the next stored checkpoint. It comes before the event that it is about.
    pub(super) fn check(&mut self, jws: &str, head: ChainHead, findings: &mut Findings) {
        self.count += 1;
        let digest = Checkpoint::digest(jws);
        let Some(says) = Checkpoint::read_unverified(jws) else {
            let after = self.last().map_or(0, |last| last.says.number);
            return findings.add(Finding::CheckpointUnreadable { after });
        };
        match self.kept.remove(&says.number) {
            Some(kept) if kept == digest => self.kept_fitting += 1,
            Some(_) => findings.add(Finding::KeptCheckpointDiffers { checkpoint: says.number }),
            None => {}
        }
        let Some(signed) = self.verified(jws, findings) else { return };
        let is_later = self.last().is_none_or(|last| last.says.number < says.number);
        self.check_order(&says, head, findings);
        self.expect(&says, findings);
        if is_later {
            self.last = Some((signed, digest));
        }
    }

    /// Compares the link of an event with those that were signed.
    pub(super) fn reach(&mut self, place: ChainHead, findings: &mut Findings) {
        while let Some(entry) = self.signed.first_entry().filter(|entry| *entry.key() <= place.seq) {
            let (seq, links) = entry.remove_entry();
            // An event that is missing cannot be compared.
            if seq < place.seq {
                continue;
            }
            match links.iter().find(|signed| signed.link != place.link) {
                Some(other) if !self.differs => {
                    let first = (self.confirmed + 1).min(seq);
                    findings.add(Finding::EventsRewritten { first, last: seq, checkpoint: other.checkpoint });
                    self.differs = true;
                }
                // Every later link differs, too.
                Some(_) => {}
                None => (self.confirmed, self.differs) = (seq, false),
            }
        }
    }

    /// Ends the check; `head` is the last event.
    pub(super) fn finish(&mut self, head: ChainHead, findings: &mut Findings) {
        if let Some((last, signed)) = self.signed.last_key_value().filter(|(seq, _)| **seq > head.seq) {
            let checkpoint = signed.first().map_or(0, |signed| signed.checkpoint);
            findings.add(Finding::EndMissing { first: head.seq + 1, last: *last, checkpoint });
        }
        let mut gone: Vec<_> = self.kept.keys().copied().collect();
        gone.sort_unstable();
        let last = self.last.as_ref().map_or(0, |(last, _)| last.says.number);
        // Those of the time before the first stored one were removed with their events.
        for number in gone.into_iter().filter(|number| *number > last) {
            findings.add(Finding::CheckpointsMissing { first: number, last: number });
        }
        match &self.last {
            None if self.count == 0 && head.seq > 0 => findings.add(Finding::NoCheckpoint),
            Some((last, _)) if !last.is_trusted => findings
                .add(Finding::CheckpointUntrusted { checkpoint: last.says.number, kid: last.kid.clone() }),
            _ => {}
        }
    }

    /// The checkpoint with the key that signed it; a finding if the signature does not fit.
    fn verified(&self, jws: &str, findings: &mut Findings) -> Option<SignedCheckpoint> {
        let kid = kid_of(jws).unwrap_or_default();
        let says = Checkpoint::read_unverified(jws)?;
        let fits = |key: &VerifyingKey| {
            let choose = |_: Option<&str>, _| Ok::<_, Rejection>(key);
            jose::verify_document(jws, Typ::AuditCheckpoint, choose).is_ok()
        };
        let signed = |is_trusted| SignedCheckpoint { says, kid: kid.clone(), is_trusted };
        if self.trusted.named(&kid).any(fits) {
            return Some(signed(true));
        }
        if self.beside.named(&kid).any(fits) {
            return Some(signed(false));
        }
        let is_known = self.trusted.named(&kid).chain(self.beside.named(&kid)).next().is_some();
        let checkpoint = says.number;
        findings.add(if is_known {
            Finding::CheckpointForged { checkpoint }
        } else {
            Finding::CheckpointKeyUnknown { checkpoint, kid }
        });
        None
    }

    /// Whether the checkpoint is the one behind the last one.
    fn check_order(&mut self, says: &Checkpoint, head: ChainHead, findings: &mut Findings) {
        let misplaced = Finding::CheckpointMisplaced { checkpoint: says.number };
        match &self.last {
            // The first one that is there stands for all that were removed. It was signed before the last removed event came, so
            // its instant tells how old that event is at most.
            None if says.number == 1 || says.head.seq < self.base.seq => {}
            None => {
                findings.add(Finding::CheckpointsMissing { first: 1, last: says.number.saturating_sub(1) });
            }
            Some((last, digest)) => {
                let last = last.says;
                let goes_back = says.head.seq < last.head.seq || says.base.seq < last.base.seq;
                if says.number > last.number + 1 {
                    let (first, last) = (last.number + 1, says.number - 1);
                    findings.add(Finding::CheckpointsMissing { first, last });
                } else if says.number <= last.number || says.previous != *digest || goes_back {
                    findings.add(misplaced.clone());
                }
            }
        }
        let is_late = says.head.seq <= head.seq && says.head.seq > self.base.seq;
        if is_late && (says.head.seq < head.seq || says.head.link != head.link) {
            findings.add(misplaced);
        }
    }

    /// From now on, the chain must have the links that this checkpoint was signed for.
    fn expect(&mut self, says: &Checkpoint, findings: &mut Findings) {
        if says.head.seq < self.base.seq {
            self.before_base = self.before_base.max(Some(says.at));
        }
        let checkpoint = says.number;
        for place in [says.head, says.base] {
            if place.seq == self.base.seq && place.link != self.base.link {
                let (first, last) = (place.seq, place.seq);
                findings.add(Finding::EventsRewritten { first, last, checkpoint });
            }
        }
        if says.head.seq > self.base.seq {
            let signed = SignedLink { link: says.head.link, checkpoint };
            self.signed.entry(says.head.seq).or_default().push(signed);
        }
    }
}

/// The `kid` in the header of a compact JWS.
fn kid_of(jws: &str) -> Option<String> {
    let (header, _) = jose::decode_unverified(jws).ok()?;
    let header: serde_json::Value = serde_json::from_str(&header).ok()?;
    Some(header.get("kid")?.as_str()?.to_owned())
}
