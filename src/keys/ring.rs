//! One immutable snapshot of the keys. Everything that a request needs from it is prepared.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use aws_lc_rs::digest;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use bytes::Bytes;
use jose::{Algorithm, Jwk, JwkSet, ProtectedHeader, Typ, VerifyingKey};

use super::custody::{CustodyError, public_half};
use super::{Private, Schedule};
use crate::domain::{KeyRecord, KeyState, Kid, RingRecord, Timestamp};

/// A key that signs.
#[derive(Debug)]
pub struct ActiveKey {
    kid: Kid,
    private: Private,
    verifying: VerifyingKey,
    headers: Headers,
    carries: u64,
    latest_expiry: Arc<AtomicU64>,
}

/// The encoded protected headers of the tokens of a key, each made once.
#[derive(Debug)]
struct Headers {
    jwt: String,
    at_jwt: String,
    token_introspection: String,
    status_list: String,
    audit_checkpoint: String,
    untyped: String,
}

impl Headers {
    fn of(algorithm: Algorithm, kid: &Kid) -> Self {
        let of = |typ| ProtectedHeader::encode(algorithm, typ, kid.as_str());
        Self {
            jwt: of(Typ::Jwt),
            at_jwt: of(Typ::AtJwt),
            token_introspection: of(Typ::TokenIntrospection),
            status_list: of(Typ::StatusList),
            audit_checkpoint: of(Typ::AuditCheckpoint),
            untyped: of(Typ::Untyped),
        }
    }

    fn get(&self, typ: Typ) -> &str {
        match typ {
            Typ::Jwt => &self.jwt,
            Typ::AtJwt => &self.at_jwt,
            Typ::TokenIntrospection => &self.token_introspection,
            Typ::StatusList => &self.status_list,
            Typ::AuditCheckpoint => &self.audit_checkpoint,
            Typ::Untyped => &self.untyped,
        }
    }
}

impl ActiveKey {
    /// Its id.
    pub fn kid(&self) -> &Kid {
        &self.kid
    }

    /// The signer of the key.
    pub fn private(&self) -> &Private {
        &self.private
    }

    /// Whether a remote service makes its signatures.
    pub fn is_elsewhere(&self) -> bool {
        matches!(self.private, Private::Remote(_))
    }

    /// The public half.
    pub fn verifying(&self) -> &VerifyingKey {
        &self.verifying
    }

    /// The encoded header of every token of this type that it signs.
    pub fn protected_header(&self, typ: Typ) -> &str {
        self.headers.get(typ)
    }

    /// Whether the key certainly stays published for as long as a token with this lifetime in seconds lives.
    pub fn carries(&self, lifetime: u64) -> bool {
        lifetime <= self.carries
    }

    /// Records that a token of this key has this lifetime.
    pub(super) fn note_expiry(&self, expires_at: Timestamp) {
        // Most tokens of a second expire together: reading is cheaper than writing.
        let secs = expires_at.as_secs();
        if self.latest_expiry.load(Ordering::Relaxed) < secs {
            self.latest_expiry.fetch_max(secs, Ordering::Relaxed);
        }
    }
}

/// A document that is published without a change: its bytes and their entity tag (RFC 9110 §8.8.3).
#[derive(Clone, Debug)]
pub struct Published {
    /// The document.
    pub body: Bytes,
    /// A strong entity tag with its quotes.
    pub etag: String,
}

impl Published {
    /// Prepares a document; equal bytes have equal tags on every instance.
    pub fn new(body: impl Into<Bytes>) -> Self {
        let body = body.into();
        let hash = digest::digest(&digest::SHA256, &body);
        let etag = format!("\"{}\"", URL_SAFE_NO_PAD.encode(&hash.as_ref()[..16]));
        Self { body, etag }
    }
}

/// All keys at one moment.
#[derive(Debug)]
pub struct Ring {
    record: RingRecord,
    /// The keys that can sign, one of each algorithm.
    active: Vec<Arc<ActiveKey>>,
    /// The key among them that signs if the caller asks for no algorithm.
    default: Option<Arc<ActiveKey>>,
    privates: HashMap<Kid, Private>,
    expiries: HashMap<Kid, Arc<AtomicU64>>,
    verifying: HashMap<String, VerifyingKey>,
    jwks: Published,
    post_quantum_jwks: Published,
    public_pem: Published,
    schedule: Arc<Schedule>,
}

impl Ring {
    /// The ring of `record`, with the private halves that could be opened. The new ring takes over from
    /// `before`, the ring that it replaces, what is known about the tokens.
    ///
    /// # Errors
    /// [`CustodyError`] if the public half in a record is damaged.
    pub fn new(
        record: RingRecord,
        privates: HashMap<Kid, Private>,
        schedule: &Arc<Schedule>,
        before: Option<&Self>,
    ) -> Result<Self, CustodyError> {
        let mut verifying = HashMap::new();
        let mut key_set = Vec::new();
        for key in in_order(&record, schedule) {
            let public = public_half(key)?;
            for kid in std::iter::once(&key.kid).chain(&key.aliases) {
                verifying.insert(kid.to_string(), public.clone());
                key_set.push((kid, public.clone()));
            }
        }
        let expiries: HashMap<_, _> =
            record.keys.iter().map(|key| (key.kid.clone(), expiry(before, key))).collect();
        let active: Vec<_> = record
            .signing()
            .filter_map(|key| {
                let verifying = verifying.get(key.kid.as_str())?.clone();
                Some(Arc::new(ActiveKey {
                    kid: key.kid.clone(),
                    private: privates.get(&key.kid)?.clone(),
                    headers: Headers::of(verifying.algorithm(), &key.kid),
                    verifying,
                    carries: key.carries,
                    latest_expiry: expiries.get(&key.kid)?.clone(),
                }))
            })
            .collect();
        let by_default = schedule.default_key(&record);
        let default = by_default.and_then(|key| active.iter().find(|active| active.kid == key.kid)).cloned();
        let public_pem =
            by_default.or(schedule.next_default(&record)).map(|key| key.public.clone()).unwrap_or_default();
        let (post_quantum, classical): (Vec<_>, Vec<_>) =
            key_set.into_iter().partition(|(_, public)| public.algorithm().is_post_quantum());
        Ok(Self {
            active,
            default,
            privates,
            expiries,
            verifying,
            jwks: jwks_document(&classical),
            post_quantum_jwks: jwks_document(&post_quantum),
            public_pem: Published::new(public_pem),
            schedule: Arc::clone(schedule),
            record,
        })
    }

    /// The record of the ring.
    pub fn record(&self) -> &RingRecord {
        &self.record
    }

    /// The key that signs if the caller asks for no algorithm; `None` if its private half cannot be reached.
    pub fn active(&self) -> Option<&Arc<ActiveKey>> {
        self.default.as_ref()
    }

    /// The key that signs with `algorithm`; `None` if there is no such key, or if its private half cannot be
    /// reached.
    pub fn active_of(&self, algorithm: Algorithm) -> Option<&Arc<ActiveKey>> {
        self.active.iter().find(|active| active.verifying.algorithm() == algorithm)
    }

    /// The record of the key that signs if the caller asks for no algorithm.
    pub fn default_record(&self) -> Option<&KeyRecord> {
        self.schedule.default_key(&self.record)
    }

    /// The keys that can sign, one of each algorithm.
    pub(super) fn all_active(&self) -> &[Arc<ActiveKey>] {
        &self.active
    }

    /// Whether each key that should sign can sign.
    pub(super) fn is_whole(&self) -> bool {
        self.active.len() == self.record.signing().count()
    }

    /// The private half of exactly this key, if it was opened.
    pub(super) fn private(&self, key: &KeyRecord) -> Option<&Private> {
        let same = self.record.find(key.kid.as_str()).filter(|old| old.public == key.public)?;
        self.privates.get(&same.kid)
    }

    /// The key with which to verify, by the `kid` in the header of a token.
    pub fn verifying(&self, kid: &str) -> Option<&VerifyingKey> {
        self.verifying.get(kid)
    }

    /// The JSON Web Key Set (RFC 7517 §5). The active keys come first, and the default one before the others;
    /// then the published ones, then the retired ones.
    ///
    /// It contains no post-quantum key: some verifiers refuse a whole set for a `kty` that they do not know.
    pub fn jwks(&self) -> &Published {
        &self.jwks
    }

    /// The key set with only the post-quantum keys, in the same order; an empty set if there are none.
    pub fn post_quantum_jwks(&self) -> &Published {
        &self.post_quantum_jwks
    }

    /// The public half of the default active key as PEM (SPKI).
    pub fn public_pem(&self) -> &Published {
        &self.public_pem
    }

    /// How long, in seconds, caches may keep what is published (RFC 9111 §5.2.2.1) if the ring was read `age`
    /// seconds ago; `None` if it must not be served any more.
    pub(super) fn max_age(&self, age: u64) -> Option<u64> {
        self.schedule.max_age(&self.record, age)
    }

    /// When the last of the tokens that this process has signed with each key expires.
    pub(super) fn outstanding(&self) -> Vec<(Kid, Timestamp)> {
        let known = self.expiries.iter().map(|(kid, at)| (kid.clone(), at.load(Ordering::Relaxed)));
        known.filter(|(_, at)| *at > 0).map(|(kid, at)| (kid, Timestamp::from_secs(at))).collect()
    }
}

/// A key set in its published form. Each name of a key appears as a key of its own.
fn jwks_document(keys: &[(&Kid, VerifyingKey)]) -> Published {
    let keys: Vec<Jwk> = keys.iter().map(|(kid, public)| public.to_jwk(kid.as_str())).collect();
    Published::new(serde_json::to_vec(&JwkSet { keys }).unwrap_or_default())
}

/// The keys of the key set, beginning with the most useful.
fn in_order<'a>(record: &'a RingRecord, schedule: &Schedule) -> Vec<&'a KeyRecord> {
    let default = schedule.default_key(record).map(|key| &key.kid);
    let mut keys: Vec<_> = record.verifying().collect();
    keys.sort_by_key(|key| match key.state {
        _ if Some(&key.kid) == default => 0,
        KeyState::Active => 1,
        KeyState::Published => 2,
        _ => 3,
    });
    keys
}

fn expiry(before: Option<&Ring>, key: &KeyRecord) -> Arc<AtomicU64> {
    before.and_then(|ring| ring.expiries.get(&key.kid)).cloned().unwrap_or_default()
}
