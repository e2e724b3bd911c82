//! Keys in AWS KMS, which makes them, signs with them, and returns only their public halves.

mod calls;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use aws_sdk_kms::types::KeySpec;
use jose::{Algorithm, VerifyingKey};
use tokio::sync::Mutex;

use self::calls::{Calls, signing_algorithm};
use super::super::{CustodyError, KeyBackend, algorithm_of, new_key};
use super::account::Account;
use super::fault::Fault;
use crate::domain::{Home, KeyRecord, Kid, NewKey};
use crate::keys::{KeyKind, Private, RemoteKey, SignError};

/// The message that a new key signs before it may enter a ring.
const TRIAL: &[u8] = b"a new key of JWT Generator";
/// How often a key that was just made is read before it counts as missing, and the pause between two tries.
const LOOKS: u32 = 5;
const PAUSE: Duration = Duration::from_millis(400);

/// The account, the region and the permissions from AWS's own settings.
#[derive(Debug)]
pub struct AwsKms {
    calls: Arc<Calls>,
    /// A key that was made but could not be read back. The next call that needs a new key gets it, so that a bad connection
    /// does not leave unused keys in KMS.
    begun: Mutex<Option<String>>,
}

impl AwsKms {
    /// The scheme of the places of its keys: the place is the ARN of a key.
    pub const SCHEME: &'static str = "aws-kms";
    /// Its name in `KEY_CUSTODY`.
    pub const NAME: &'static str = "aws-kms";

    /// This reads and asks nothing yet.
    pub fn new(account: Arc<Account>) -> Self {
        Self { calls: Arc::new(Calls::of(account)), begun: Mutex::default() }
    }

    /// A key that was made, after it has shown its public half and that this process may sign with it: a key
    /// that this process cannot use must not enter a ring.
    async fn proven(&self, arn: &str, kind: KeyKind) -> Result<NewKey, CustodyError> {
        let wrong = |fault: &str| CustodyError::Generate(format!("{arn}: {fault}").into());
        let der = known(|| self.calls.public_half(arn)).await?;
        let public = VerifyingKey::from_spki_der(kind.algorithm, &der);
        let public = public.map_err(|fault| wrong(&fault.to_string()))?;
        if kind.algorithm.is_rsa() && public.bits() != kind.rsa_bits {
            return Err(wrong("it has another size than requested"));
        }
        let signature = known(|| self.calls.sign(arn, kind.algorithm, TRIAL)).await?;
        if !public.verify(TRIAL, &signature) {
            return Err(wrong("its signature does not fit its public half"));
        }
        new_key(&public, Some(Home::new(Self::SCHEME, arn)))
    }
}

#[async_trait]
impl KeyBackend for AwsKms {
    fn scheme(&self) -> &'static str {
        Self::SCHEME
    }

    async fn make(&self, kind: KeyKind) -> Result<NewKey, CustodyError> {
        let spec = key_spec(kind)?;
        let mut begun = self.begun.lock().await;
        let arn = match begun.clone() {
            Some(arn) => arn,
            None => begun.insert(self.calls.create(kind.algorithm, spec).await?).clone(),
        };
        let made = self.proven(&arn, kind).await;
        if let Err(error) = &made {
            if error.is_passing() {
                return made;
            }
            if let Err(fault) = self.calls.end(&arn).await {
                tracing::warn!(arn, error = %fault, "a key that cannot be used stays in AWS KMS: delete it there");
            }
        }
        *begun = None;
        made
    }

    /// Sends no request, so that a service that has its ring can start while KMS is down.
    async fn open(&self, key: &KeyRecord) -> Result<Private, CustodyError> {
        let algorithm = algorithm_of(key)?;
        signing_algorithm(algorithm)?;
        Ok(Private::Remote(Arc::new(KmsKey {
            calls: Arc::clone(&self.calls),
            arn: key.home.as_ref().map_or("", Home::place).to_owned(),
            kid: key.kid.clone(),
            algorithm,
            failing: AtomicBool::new(false),
            signatures: AtomicU64::new(0),
        })))
    }

    /// Ends a key only if it was made here: the document of the ring might name any key of the account.
    async fn discard(&self, home: &Home) -> Result<(), CustodyError> {
        let arn = home.place();
        match self.calls.is_ours(arn).await? {
            Some(true) => self.calls.end(arn).await?,
            Some(false) => {
                tracing::warn!(
                    arn,
                    "a key in AWS KMS does not have the tag of keys that this program makes, so it was not deleted; if you do not need it, delete it there"
                );
                return Ok(());
            }
            None => return Ok(()),
        }
        tracing::info!(
            arn,
            "a key in AWS KMS is disabled; for seven days its deletion can be cancelled there"
        );
        Ok(())
    }
}

/// A key with which KMS signs.
struct KmsKey {
    calls: Arc<Calls>,
    arn: String,
    kid: Kid,
    algorithm: Algorithm,
    failing: AtomicBool,
    /// How many signatures it has made, so that a call that fails late says nothing about the time after the
    /// last one.
    signatures: AtomicU64,
}

impl KmsKey {
    /// Logs when signing begins to fail and when it works again, but not for each of the many requests.
    fn note(&self, fault: Option<&Fault>, made_before: u64) {
        if fault.is_none() {
            self.signatures.fetch_add(1, Ordering::Relaxed);
        } else if self.signatures.load(Ordering::Relaxed) != made_before {
            return;
        }
        let before = self.failing.swap(fault.is_some(), Ordering::Relaxed);
        match fault {
            Some(fault) if !before => {
                tracing::error!(kid = %self.kid, error = %fault, "AWS KMS does not sign");
            }
            None if before => tracing::info!(kid = %self.kid, "AWS KMS signs again"),
            _ => {}
        }
    }
}

#[async_trait]
impl RemoteKey for KmsKey {
    async fn sign(&self, message: &[u8]) -> Result<Vec<u8>, SignError> {
        let made_before = self.signatures.load(Ordering::Relaxed);
        let signed = self.calls.sign(&self.arn, self.algorithm, message).await;
        self.note(signed.as_ref().err(), made_before);
        signed.map_err(|fault| if fault.is_passing() { SignError::Unavailable } else { SignError::Failed })
    }
}

fn key_spec(kind: KeyKind) -> Result<KeySpec, CustodyError> {
    signing_algorithm(kind.algorithm)?;
    match (kind.algorithm.is_rsa(), kind.rsa_bits) {
        (false, _) => Ok(KeySpec::EccNistP256),
        (true, 2048) => Ok(KeySpec::Rsa2048),
        (true, 3072) => Ok(KeySpec::Rsa3072),
        (true, 4096) => Ok(KeySpec::Rsa4096),
        (true, bits) => Err(Fault::lasting(&format!("AWS KMS makes no RSA keys of {bits} bits")).into()),
    }
}

/// Repeats the call while the answer is that the key does not exist. KMS is eventually consistent: for a moment, a part of
/// it may not know a key that was just made.
async fn known<T, F: Future<Output = Result<T, Fault>>>(ask: impl Fn() -> F) -> Result<T, CustodyError> {
    for _ in 0..LOOKS {
        match ask().await {
            Err(fault) if fault.is_one_of(&["NotFoundException"]) => tokio::time::sleep(PAUSE).await,
            other => return Ok(other?),
        }
    }
    Err(CustodyError::Unavailable("AWS KMS does not know yet of a key that it has just made".into()))
}
