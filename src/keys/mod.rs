//! The keys that sign and verify. [`custody`] stores them while the process does not run, [`schedule`] says
//! which steps are due, [`RingService`] takes them, and [`RingRefresher`] reads the ring regularly. [`Ring`]
//! is the immutable snapshot that every request reads, [`Signer`] makes signatures, and [`Keys`] holds the
//! current ring.

pub mod custody;
pub mod forecast;
mod inheritance;
mod key_event;
mod kind;
mod metrics;
pub mod orders;
mod private;
mod readiness;
mod relocation;
mod ring;
mod ring_change;
mod ring_orders;
mod ring_refresher;
mod ring_service;
mod ring_steps;
mod rsa_signing;
pub mod schedule;
mod server_secret;
mod settings;
mod signer;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use arc_swap::{ArcSwapOption, Guard};
use jose::{Algorithm, Typ};

use crate::clock::Clock;
use crate::domain::{Lifetime, Secret, Timestamp};
use crate::telemetry::traces::{Span, SpanKind};

pub use key_event::{Cause, KeyEvent, RingEvent};
pub use kind::KeyKind;
pub use metrics::KeyMetrics;
pub use private::{Private, RemoteKey};
pub use readiness::NotReady;
pub use relocation::Relocation;
pub use ring::{ActiveKey, Published, Ring};
pub use ring_orders::{OrderFault, Pruned, refuse_moved};
pub use ring_refresher::RingRefresher;
pub use ring_service::{Begun, RingService};
pub use schedule::Schedule;
pub use server_secret::KeepSecretError;
pub use settings::KeySettings;
pub use signer::{SignError, Signer};

use readiness::LatestAnswer;

/// The test message that a remote key signs. It has no header and no payload, so that it cannot become a
/// token.
const TRIAL: &str = "a trial signature of JWT Generator";

/// The current ring, and the signer for it. Reading takes no lock; a new ring replaces the old one as a
/// whole.
pub struct Keys {
    view: ArcSwapOption<View>,
    signer: Signer,
    clock: Clock,
    /// The state of the service that keeps the active key, if the key is remote.
    latest_answer: LatestAnswer,
    /// Whether the latest answer of a remote service was a refusal, or a signature that does not fit.
    refused: AtomicBool,
    /// Whether the latest read of the ring has failed.
    unrefreshed: AtomicBool,
    /// Whether no other instance is known to run.
    alone: AtomicBool,
    /// Whether this process has ever counted as started.
    started: AtomicBool,
}

/// A ring and its age. Instants are milliseconds of uptime.
#[derive(Debug)]
pub struct View {
    ring: Arc<Ring>,
    read_at: u64,
    /// Until when each key may sign, by its algorithm.
    signs_until: Vec<(Algorithm, u64)>,
}

impl View {
    /// How long, in seconds, readers may keep what the ring publishes when the system has been up for this
    /// time; `None` if the ring was read so long ago that another key may sign soon.
    pub fn max_age(&self, up: Duration) -> Option<u64> {
        let age = (up.as_millis() as u64).saturating_sub(self.read_at).div_ceil(1000);
        self.ring.max_age(age)
    }

    /// The ring itself.
    fn snapshot(&self) -> &Arc<Ring> {
        &self.ring
    }

    /// The key that may sign at that time, with `algorithm` or with the default one.
    fn signing(&self, algorithm: Option<Algorithm>, up: Duration) -> Option<&Arc<ActiveKey>> {
        let key = match algorithm {
            Some(algorithm) => self.ring.active_of(algorithm),
            None => self.ring.active(),
        }?;
        let of_key = key.verifying().algorithm();
        let (_, until) = self.signs_until.iter().find(|(algorithm, _)| *algorithm == of_key)?;
        ((up.as_millis() as u64) < *until).then_some(key)
    }
}

impl std::ops::Deref for View {
    type Target = Ring;

    fn deref(&self) -> &Ring {
        &self.ring
    }
}

/// A token that was signed just now.
#[derive(Debug)]
pub struct Signed {
    /// The compact JWS. It opens what it was issued for, so it is not shown.
    pub token: Secret<String>,
    /// The algorithm of the key that signed it.
    pub algorithm: Algorithm,
    /// The key that signed it.
    pub key: Arc<ActiveKey>,
}

/// A document that was signed just now. It is no secret.
#[derive(Debug)]
pub struct SignedDocument {
    /// The compact JWS.
    pub jws: String,
    /// The key that signed it.
    pub key: Arc<ActiveKey>,
}

impl Keys {
    /// Begins without a ring: before [`Keys::install`], this signs, checks and publishes nothing.
    pub fn new(signer: Signer, clock: Clock) -> Self {
        Self {
            view: ArcSwapOption::empty(),
            signer,
            clock,
            latest_answer: LatestAnswer::default(),
            refused: AtomicBool::new(false),
            unrefreshed: AtomicBool::new(false),
            alone: AtomicBool::new(false),
            started: AtomicBool::new(false),
        }
    }

    /// The snapshot to use during one request; `None` if the ring could not be read yet.
    pub fn ring(&self) -> Guard<Option<Arc<View>>> {
        self.view.load()
    }

    /// Replaces the ring by `ring`, which was read when the system had been up for `read_at`; `signs` says
    /// for how many seconds from then each of its keys may sign.
    pub fn install(&self, ring: Arc<Ring>, read_at: Duration, signs: impl Fn(&ActiveKey) -> u64) {
        let read_at = read_at.as_millis() as u64;
        let until = |key: &ActiveKey| read_at.saturating_add(signs(key).saturating_mul(1000));
        let signs_until =
            ring.all_active().iter().map(|key| (key.verifying().algorithm(), until(key))).collect();
        if ring.active().is_some_and(|active| !active.is_elsewhere()) {
            self.started.store(true, Ordering::Relaxed);
        }
        self.view.store(Some(Arc::new(View { ring, read_at, signs_until })));
    }

    /// The signer.
    pub fn signer(&self) -> &Signer {
        &self.signer
    }

    /// Removes the ring: its keys are in another place now.
    pub fn clear(&self) {
        self.view.store(None);
    }

    /// Whether the service can sign a token with the default algorithm now, as far as is known here.
    pub fn may_sign(&self) -> bool {
        self.ring().as_ref().is_some_and(|view| view.signing(None, self.clock.uptime()).is_some())
    }

    /// Whether the service signs tokens, as far as is known here: a key may sign, and if the key is remote,
    /// its service did not fail when it was last asked.
    pub fn signs(&self) -> bool {
        let fails_elsewhere = |view: &View| {
            view.active().is_some_and(|active| active.is_elsewhere()) && self.latest_answer.is_failure()
        };
        self.may_sign() && !self.ring().as_ref().is_some_and(|view| fails_elsewhere(view))
    }

    /// Whether this instance can verify tokens and publish the key set.
    ///
    /// # Errors
    /// [`NotReady`]
    pub fn publishes(&self) -> Result<(), NotReady> {
        let ring = self.ring();
        let view = ring.as_ref().ok_or(NotReady::NotLoaded)?;
        view.max_age(self.clock.uptime()).map(drop).ok_or(NotReady::TooOld)
    }

    /// Whether the latest read of the ring succeeded. A custody that does not answer for a while does not count
    /// as a failure.
    pub fn is_refreshed(&self) -> bool {
        !self.unrefreshed.load(Ordering::Relaxed)
    }

    /// Records how the latest read of the ring has ended.
    pub(in crate::keys) fn note_refreshed(&self, refreshed: bool) {
        self.unrefreshed.store(!refreshed, Ordering::Relaxed);
    }

    /// Records whether no other instance is known to run.
    pub fn note_alone(&self, alone: bool) {
        self.alone.store(alone, Ordering::Relaxed);
    }

    /// Whether the ring was loaded once, and the private half of the active key was opened or, if it is
    /// remote, has signed. An instance that is alone has also started while the service that keeps the key
    /// does not answer: it can publish the key set, and no other instance does. Once this is true, it stays
    /// true for the life of the process.
    ///
    /// # Errors
    /// [`NotReady`]
    pub fn has_started(&self) -> Result<(), NotReady> {
        if self.started.load(Ordering::Relaxed) {
            return Ok(());
        }
        if self.ring().is_none() {
            return Err(NotReady::NotLoaded);
        }
        let silent = self.latest_answer.is_failure() && !self.refused.load(Ordering::Relaxed);
        if silent && self.alone.load(Ordering::Relaxed) {
            self.started.store(true, Ordering::Relaxed);
            return Ok(());
        }
        Err(NotReady::CannotSign)
    }

    /// Makes a remote key sign a test message, unless it has signed something within the last `period`.
    ///
    /// # Errors
    /// [`SignError`]
    pub async fn try_signer(&self, period: Duration) -> Result<(), SignError> {
        let up = self.clock.uptime();
        let active = self.ring().as_ref().and_then(|view| view.active().cloned());
        match active.filter(|active| active.is_elsewhere()) {
            Some(key) if !self.latest_answer.has_signed_since(up.saturating_sub(period)) => {
                self.complete(&key, TRIAL.to_owned(), up).await.map(drop)
            }
            _ => Ok(()),
        }
    }

    /// Signs `claims`, a JSON object, with the active key of `algorithm`, or with the default one. The result
    /// is a compact JWS (RFC 7515 §3.1) of the type `typ`. The token is to live for `lifetime`, until
    /// `expires_at`.
    ///
    /// # Errors
    /// [`SignError`]; `Unavailable` if no such key may sign, or if the key may be removed from the key set
    /// before the token expires; `TooLarge` if no verifier would accept the token.
    pub async fn sign(
        &self,
        algorithm: Option<Algorithm>,
        typ: Typ,
        claims: &[u8],
        lifetime: Lifetime,
        expires_at: Timestamp,
    ) -> Result<Signed, SignError> {
        self.sign_up_to(jose::MAX_TOKEN_LEN, algorithm, typ, claims, lifetime, expires_at).await
    }

    /// As [`Keys::sign`], for a document of any size that no verifier takes for a token.
    ///
    /// # Errors
    /// As [`Keys::sign`], but never `TooLarge`.
    pub async fn sign_of_any_size(
        &self,
        typ: Typ,
        claims: &[u8],
        lifetime: Lifetime,
        expires_at: Timestamp,
    ) -> Result<Signed, SignError> {
        self.sign_up_to(usize::MAX, None, typ, claims, lifetime, expires_at).await
    }

    async fn sign_up_to(
        &self,
        most_bytes: usize,
        algorithm: Option<Algorithm>,
        typ: Typ,
        claims: &[u8],
        lifetime: Lifetime,
        expires_at: Timestamp,
    ) -> Result<Signed, SignError> {
        let up = self.clock.uptime();
        let ring = self.ring();
        let key =
            ring.as_ref().and_then(|view| view.signing(algorithm, up)).ok_or(SignError::Unavailable)?.clone();
        drop(ring);
        if !key.carries(lifetime.as_secs()) {
            return Err(SignError::Unavailable);
        }
        let header = key.protected_header(typ);
        if jose::token_len(header, claims, key.verifying()) > most_bytes {
            return Err(SignError::TooLarge);
        }
        key.note_expiry(expires_at);
        let input = jose::signing_input(header, claims);
        let token = self.complete(&key, input, up).await?;
        Ok(Signed { token: Secret::new(token), algorithm: key.verifying().algorithm(), key })
    }

    /// Signs a document that never expires, with the default active key. The caller keeps the public half of the key: the key set
    /// contains it only for some time.
    ///
    /// # Errors
    /// [`SignError`]; `Unavailable` if no key may sign now.
    pub async fn sign_document(&self, typ: Typ, document: &[u8]) -> Result<SignedDocument, SignError> {
        let up = self.clock.uptime();
        let ring = self.ring();
        let key =
            ring.as_ref().and_then(|view| view.signing(None, up)).ok_or(SignError::Unavailable)?.clone();
        drop(ring);
        let input = jose::signing_input(key.protected_header(typ), document);
        let jws = self.complete(&key, input, up).await?;
        Ok(SignedDocument { jws, key })
    }

    /// Appends the signature of `input` to it, and records the answer of a remote service.
    async fn complete(
        &self,
        key: &Arc<ActiveKey>,
        input: String,
        asked_at: Duration,
    ) -> Result<String, SignError> {
        let signed = signing_span(key).watch(self.signer.sign(key, input), note_signed).await;
        // A full queue of our own says nothing about the service, and probes ask for the default key.
        let is_default = || {
            self.ring().as_ref().and_then(|view| view.active()).is_none_or(|active| active.kid() == key.kid())
        };
        if key.is_elsewhere() && !matches!(signed, Err(SignError::Busy)) && is_default() {
            self.latest_answer.note(asked_at, signed.is_ok());
            self.refused.store(matches!(signed, Err(SignError::Failed)), Ordering::Relaxed);
            self.started.fetch_or(signed.is_ok(), Ordering::Relaxed);
        }
        signed
    }
}

fn signing_span(key: &ActiveKey) -> Span {
    let mut span = Span::begin("sign", SpanKind::Internal);
    if span.is_recorded() {
        span.set("jwt_generator.algorithm", key.verifying().algorithm().name());
        span.set("jwt_generator.kid", Arc::<str>::from(key.kid().as_str()));
    }
    span
}

fn note_signed(signed: &Result<String, SignError>, span: &mut Span) {
    match signed {
        Ok(_) => {}
        Err(SignError::Busy) => span.fail("busy"),
        Err(SignError::Unavailable) => span.fail("unavailable"),
        Err(SignError::TooLarge) => span.fail("too_large"),
        Err(SignError::Failed) => span.fail("failed"),
    }
}
