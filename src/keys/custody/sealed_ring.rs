//! The document of the ring in a database that others may read and write. There are two forms. In the first,
//! each record of a key is sealed by itself; programs before 0.2 know only this form. In the second, the
//! document is also authenticated as a whole, so that no record of an earlier document can be put into it.

use aws_lc_rs::digest::{SHA256, digest};
use serde_json::{Map, Value};

use super::sealer::{Sealer, SealerError};
use crate::domain::{Home, KeyRecord, KeyState, Kid, RingRecord, ServerSecretFault, ServerSecretRecord};

/// The scheme of a sealed place.
const SCHEME: &str = "sealed";
/// The member with the document's authentication code.
const CODE: &str = "mac";
/// The member with the name of the ring: each ring gets a new name when it begins.
const ID: &str = "ring_id";

/// A document in the form in which it is stored.
pub(super) struct Closed {
    pub(super) stored: RingRecord,
    pub(super) digest: Digest,
}

/// A document that was not changed since it was written.
pub(super) struct Opened {
    pub(super) ring: RingRecord,
    /// The name of the ring; `None` in a ring of a program that gave no names.
    pub(super) id: Option<String>,
    pub(super) digest: Digest,
    /// The keys that had no seal and were accepted all the same.
    pub(super) accepted: Vec<KeyRecord>,
}

/// The SHA-256 of everything that is stored except the code. It distinguishes two documents with the same
/// revision.
pub(super) type Digest = [u8; 32];

/// How the document is protected. Its `version` contains this.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum RingForm {
    /// Each record is sealed.
    SealedRecords,
    /// Each record is sealed, and the document as a whole is authenticated.
    Authenticated,
}

/// Why a ring from a database is not used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SealingError {
    /// The value of the setting is wrong.
    #[error("{0}")]
    Setting(SealerError),
    /// The record was sealed with a key that is not in `KEY_ENCRYPTION_KEY`.
    #[error(
        "{what} was sealed with another KEY_ENCRYPTION_KEY (fingerprint {sealed_with}; yours: {yours}); \
         nothing has been changed: set the key that sealed it; if it is an older key, add it after a comma"
    )]
    OtherKey {
        /// What was sealed.
        what: String,
        /// The fingerprint of the sealing key.
        sealed_with: String,
        /// The fingerprints of the keys that are set.
        yours: String,
    },
    /// A record was changed after it was sealed.
    #[error(
        "the record of key {0} in the database has been altered: its seal does not fit; the ring is not used: \
         restore the database from a backup"
    )]
    RecordAltered(Kid),
    /// The document was changed after it was written.
    #[error(
        "the ring of keys in the database has been altered: its authentication code does not fit; it is not used: restore the database from a backup"
    )]
    RingAltered,
    /// The server secret was changed after it was sealed.
    #[error(
        "the server secret in the database has been altered: its seal does not fit; the ring is not used: restore \
         the database from a backup"
    )]
    SecretAltered,
    /// The seal is missing.
    #[error(
        "the record of key {0} in the database is not sealed, so anything that can write there may have added it; the ring is not used: restore the database from a backup; only if KEY_ENCRYPTION_KEY is new here and you know this \
         key, seal it with `keys reseal --accept-unsealed {0}`"
    )]
    Unsealed(Kid),
    /// A member could not be read back as it is written.
    #[error(
        "the ring of keys has a member that cannot be kept as it is, such as a fraction; nothing was written"
    )]
    Unstable,
    /// The crypto library refused.
    #[error("the cryptographic library could not seal")]
    Failed,
}

impl RingForm {
    /// The `version` of a stored document of this form; outside a database, its version is `plain`.
    pub(super) fn version(self, plain: u32) -> u32 {
        match self {
            Self::SealedRecords => plain,
            Self::Authenticated => plain + 1,
        }
    }

    /// The form of a stored document with this `version`; `None` if a newer program wrote it.
    pub(super) fn of(version: u32) -> Option<Self> {
        Self::split(version).map(|(form, _)| form)
    }

    /// The form, and the version outside a database.
    fn split(version: u32) -> Option<(Self, u32)> {
        [Self::SealedRecords, Self::Authenticated].into_iter().find_map(|form| {
            let plain = version.checked_sub(form.version(0))?;
            RingRecord::is_known_form(plain).then_some((form, plain))
        })
    }
}

/// `ring`, with the name `id`, in the form in which it is stored.
pub(super) fn close(
    ring: &RingRecord,
    form: RingForm,
    id: &str,
    sealer: &Sealer,
) -> Result<Closed, SealingError> {
    let mut stored = RingRecord { version: form.version(ring.version), ..ring.clone() };
    stored.rest.remove(CODE);
    stored.rest.insert(ID.to_owned(), Value::String(id.to_owned()));
    for key in stored.keys.iter_mut().filter(|key| is_sealed_in(form, key)) {
        let secret = key.home.as_ref().map_or("", Home::expose).as_bytes();
        let sealed = sealer.seal(&bound(form, key)?, secret).map_err(|_| SealingError::Failed)?;
        key.home = Some(Home::new(SCHEME, &sealed));
    }
    if let Some(secret) = &mut stored.server_secret {
        let bound = bound_secret(id, secret)?;
        let sealed =
            sealer.seal(&bound, secret.home.expose().as_bytes()).map_err(|_| SealingError::Failed)?;
        secret.home = Home::new(SCHEME, &sealed);
    } else {
        stored.server_secret = ring.server_secret_fault.as_ref().and_then(|fault| fault.sealed().cloned());
    }
    let document = canonical(&stored)?;
    if !comes_back(&document) {
        return Err(SealingError::Unstable);
    }
    if form == RingForm::Authenticated {
        let code = sealer.authenticate(&document).map_err(|_| SealingError::Failed)?;
        stored.rest.insert(CODE.to_owned(), Value::String(code));
    }
    Ok(Closed { stored, digest: digest_of(&document) })
}

/// The stored ring, if it was not changed since it was written. Only the keys in `unsealed` may have a record
/// without a seal.
pub(super) fn open(
    stored: RingRecord,
    form: RingForm,
    sealer: &Sealer,
    unsealed: &[Kid],
) -> Result<Opened, SealingError> {
    let mut ring = stored;
    let code = ring.rest.remove(CODE);
    let document = canonical(&ring)?;
    if form == RingForm::Authenticated {
        let code = code.as_ref().and_then(Value::as_str).ok_or(SealingError::RingAltered)?;
        let fault = |error| fault(error, || "the ring of keys".to_owned(), || SealingError::RingAltered);
        sealer.verify(&document, code).map_err(fault)?;
    }
    let mut accepted = Vec::new();
    for key in ring.keys.iter_mut().filter(|key| is_sealed_in(form, key)) {
        if key.home.as_ref().is_some_and(|home| home.scheme() == SCHEME) {
            key.home = open_record(key, form, sealer)?;
        } else if form == RingForm::SealedRecords && unsealed.contains(&key.kid) {
            accepted.push(key.clone());
        } else {
            return Err(SealingError::Unsealed(key.kid.clone()));
        }
    }
    // Without a code, a ring of no keys contains nothing that shows its origin.
    if form == RingForm::SealedRecords && sealed_keys(&ring, form) == 0 {
        return Err(SealingError::RingAltered);
    }
    ring.version = RingForm::split(ring.version).map_or(RingRecord::VERSION, |(_, plain)| plain);
    let id = match ring.rest.remove(ID) {
        Some(Value::String(id)) => Some(id),
        _ => None,
    };
    if let Some(sealed) = ring.server_secret.take() {
        match open_secret(&sealed, id.as_deref().unwrap_or_default(), sealer) {
            Ok(home) => ring.server_secret = Some(ServerSecretRecord { home, ..sealed }),
            Err(error @ SealingError::OtherKey { .. }) => {
                let fault = format!("{error}, or set SERVER_SECRET");
                ring.server_secret_fault = Some(ServerSecretFault::of_sealed(&fault, sealed));
            }
            Err(error) => return Err(error),
        }
    }
    Ok(Opened { ring, id, digest: digest_of(&document), accepted })
}

/// The number of sealed keys of `ring`.
pub(super) fn sealed_keys(ring: &RingRecord, form: RingForm) -> usize {
    ring.keys.iter().filter(|key| is_sealed_in(form, key)).count()
}

fn open_record(key: &KeyRecord, form: RingForm, sealer: &Sealer) -> Result<Option<Home>, SealingError> {
    let altered = || SealingError::RecordAltered(key.kid.clone());
    let sealed = key.home.as_ref().map_or("", Home::place);
    let opened = sealer.open(&bound(form, key)?, sealed);
    let opened = opened.map_err(|error| fault(error, || format!("key {}", key.kid), altered))?;
    let text = std::str::from_utf8(&opened).map_err(|_| altered())?;
    Ok(text.split_once(':').map(|(scheme, place)| Home::new(scheme, place)))
}

/// The server secret always has a seal, in either form.
fn open_secret(secret: &ServerSecretRecord, id: &str, sealer: &Sealer) -> Result<Home, SealingError> {
    let altered = || SealingError::SecretAltered;
    if secret.home.scheme() != SCHEME {
        return Err(altered());
    }
    let opened = sealer.open(&bound_secret(id, secret)?, secret.home.place());
    let opened = opened.map_err(|error| fault(error, || "the server secret".to_owned(), altered))?;
    let text = std::str::from_utf8(&opened).map_err(|_| altered())?;
    text.split_once(':').map(|(scheme, place)| Home::new(scheme, place)).ok_or_else(altered)
}

/// The data to which the seal of the server secret is bound: its ring, and its whole record.
fn bound_secret(id: &str, secret: &ServerSecretRecord) -> Result<Vec<u8>, SealingError> {
    let mut rest = Value::Object(secret.rest.clone());
    rest.sort_all_objects();
    let bytes = serde_json::to_vec(&("jwt-generator server secret 1", id, secret.made_at, rest));
    bytes.map_err(|_| SealingError::Failed)
}

/// Whether a record has a seal. In the first form only the seal protects a record; so only a key that has
/// left and has no private half may have none. In the second form the code of the document protects records
/// without a private half.
fn is_sealed_in(form: RingForm, key: &KeyRecord) -> bool {
    match form {
        RingForm::SealedRecords => key.state != KeyState::Removed || key.home.is_some(),
        RingForm::Authenticated => key.home.is_some(),
    }
}

/// The part of a record to which its seal is bound. In the first form, it is the members that the first
/// program knew, without `bits`, `revoked_at` and unknown members. In the second form, it is the whole
/// record.
fn bound(form: RingForm, key: &KeyRecord) -> Result<Vec<u8>, SealingError> {
    let bytes = match form {
        RingForm::SealedRecords => serde_json::to_vec(&(
            "jwt-generator key record 1",
            &key.kid,
            &key.aliases,
            &key.alg,
            key.state,
            &key.public,
            (key.published_at, key.activates_at, key.activated_at, key.retired_at, key.removes_at),
            key.carries,
        )),
        RingForm::Authenticated => {
            let mut record = serde_json::to_value(KeyRecord { home: None, ..key.clone() });
            if let Ok(record) = &mut record {
                record.sort_all_objects();
            }
            record.and_then(|record| serde_json::to_vec(&("jwt-generator key record 2", record)))
        }
    };
    bytes.map_err(|_| SealingError::Failed)
}

/// The document without its code, with its members in a fixed order, because databases keep the members but
/// not their order.
fn canonical(ring: &RingRecord) -> Result<Vec<u8>, SealingError> {
    let mut document: Map<String, Value> = match serde_json::to_value(ring) {
        Ok(Value::Object(document)) => document,
        _ => return Err(SealingError::Failed),
    };
    document.remove(CODE);
    document.sort_keys();
    document.values_mut().for_each(Value::sort_all_objects);
    serde_json::to_vec(&("jwt-generator ring", document)).map_err(|_| SealingError::Failed)
}

/// Whether a document reads back as it is written; numbers with a fraction may not.
fn comes_back(document: &[u8]) -> bool {
    let again = serde_json::from_slice::<Value>(document).and_then(|read| serde_json::to_vec(&read));
    again.is_ok_and(|again| again == document)
}

fn digest_of(document: &[u8]) -> Digest {
    let mut bytes = Digest::default();
    bytes.copy_from_slice(digest(&SHA256, document).as_ref());
    bytes
}

fn fault(
    error: SealerError,
    what: impl FnOnce() -> String,
    altered: impl FnOnce() -> SealingError,
) -> SealingError {
    match error {
        SealerError::OtherKey { sealed_with, yours } => {
            SealingError::OtherKey { what: what(), sealed_with, yours }
        }
        SealerError::Altered => altered(),
        SealerError::Malformed => SealingError::Setting(error),
        SealerError::Failed => SealingError::Failed,
    }
}
