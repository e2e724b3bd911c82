//! Makes signatures. The caller does not know where they are made: on threads of this process, or in a remote
//! service.

use std::io;
use std::num::NonZero;
use std::sync::Arc;
use std::thread::available_parallelism;
use std::time::Duration;

use jose::SigningKey;
use tokio::sync::Semaphore;
use tokio::time::Instant;

use super::custody::{CALLS, OUTCOMES};
use super::rsa_signing::{RsaSigning, Unsigned};
use super::{ActiveKey, Private, RemoteKey};
use crate::entropy::Entropy;
use crate::telemetry::metrics::{Durations, Snapshot, Source};
use crate::workers::{BatchWorkers, WorkError, Workers};

/// The most signatures that may wait; each takes a quarter of a millisecond, so that the last one is ready in
/// good time.
const QUEUE: usize = 2048;
/// Slow signatures have a lower priority than cheap requests.
const NICENESS: i32 = 10;
/// The most signatures that a remote service makes for us at once.
const REMOTE: usize = 64;
/// The longest time of a remote signature, including its wait in our queue.
const REMOTE_DEADLINE: Duration = Duration::from_secs(5);

/// Why no signature was made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SignError {
    /// Too many signatures are waiting: try again shortly.
    #[error("too many signatures are waiting")]
    Busy,
    /// No key may sign now: no key is known yet, the known ring is too old, or its custody does not answer.
    #[error("no key may sign now")]
    Unavailable,
    /// The token would be longer than verifiers accept, including our own.
    #[error("the token would be too long")]
    TooLarge,
    /// The crypto library, or the custody, refused.
    #[error("the signature could not be made")]
    Failed,
}

/// Completes tokens: RSA on threads of low priority, one for each core, and in batches if that is faster;
/// ML-DSA on as many other threads; cheap signatures at once; remote signatures with a limit on their number.
#[derive(Debug)]
pub struct Signer {
    rsa: BatchWorkers<RsaSigning>,
    post_quantum: Workers,
    remote: Semaphore,
    waiting: Semaphore,
    elsewhere: Arc<SignaturesElsewhere>,
}

/// What is counted of signatures that a service elsewhere makes.
#[derive(Debug)]
struct SignaturesElsewhere(Durations);

impl Source for SignaturesElsewhere {
    fn collect(&self, snapshot: &mut Snapshot) {
        self.0.add_to(snapshot.family(&CALLS));
    }
}

impl Signer {
    /// Starts the signing threads. They make RSA signatures in batches if `rsa_batches` allows it and the processor has the
    /// instructions.
    ///
    /// # Errors
    /// If the system starts no thread.
    pub fn start(rsa_batches: bool, entropy: Entropy) -> io::Result<Self> {
        let cores = available_parallelism().map_or(1, NonZero::get);
        Ok(Self {
            rsa: BatchWorkers::start("sign", cores, QUEUE, NICENESS, RsaSigning::new(rsa_batches, entropy))?,
            post_quantum: Workers::start("sign-pq", cores, QUEUE, NICENESS)?,
            remote: Semaphore::new(REMOTE),
            waiting: Semaphore::new(QUEUE),
            elsewhere: Arc::new(SignaturesElsewhere(Durations::new(&["sign"], OUTCOMES))),
        })
    }

    /// What is counted of its queues and of the services that sign for it.
    pub fn metrics(&self) -> [Arc<dyn Source>; 3] {
        [self.rsa.metrics(), self.post_quantum.metrics(), Arc::clone(&self.elsewhere) as Arc<dyn Source>]
    }

    /// Appends the signature of `input`, an encoded header and payload, to it.
    ///
    /// # Errors
    /// [`SignError`].
    pub async fn sign(&self, key: &Arc<ActiveKey>, input: String) -> Result<String, SignError> {
        match key.private() {
            Private::Local(signing) if signing.algorithm().is_rsa() => {
                finished(self.rsa.run(Unsigned { key: Arc::clone(signing), input }).await)
            }
            // A signature is tried again until it fits (FIPS 204 §6.2), which sometimes takes many tries.
            Private::Local(signing) if signing.algorithm().is_post_quantum() => {
                let signing = Arc::clone(signing);
                finished(self.post_quantum.run(move || signed(&signing, input)).await)
            }
            Private::Local(signing) => signed(signing, input),
            Private::Remote(remote) => self.sign_elsewhere(key, remote.as_ref(), input).await,
        }
    }

    /// Whether RSA signatures that wait together are made in batches.
    pub fn uses_rsa_batches(&self) -> bool {
        self.rsa.work().uses_batches()
    }

    /// How many RSA signatures of batches were wrong, and so were discarded and made again.
    pub fn wrong_rsa_signatures(&self) -> u64 {
        self.rsa.work().wrong_signatures()
    }

    async fn sign_elsewhere(
        &self,
        key: &ActiveKey,
        remote: &dyn RemoteKey,
        input: String,
    ) -> Result<String, SignError> {
        let _waiting = self.waiting.try_acquire().map_err(|_| SignError::Busy)?;
        let began = Instant::now();
        let signature = tokio::time::timeout(REMOTE_DEADLINE, async {
            let _place = self.remote.acquire().await.map_err(|_| SignError::Failed)?;
            remote.sign(input.as_bytes()).await
        });
        let signature = signature.await.map_err(|_| SignError::Unavailable).flatten();
        let outcome = match &signature {
            Ok(_) => 0,
            Err(SignError::Unavailable | SignError::Busy) => 1,
            Err(SignError::TooLarge | SignError::Failed) => 2,
        };
        self.elsewhere.0.observe(0, outcome, began.elapsed());
        let signature = signature?;
        // A service that signs with the wrong key, or wrongly, must not issue a token that no verifier
        // accepts.
        if key.verifying().verify(input.as_bytes(), &signature) {
            Ok(jose::attach(input, &signature))
        } else {
            tracing::error!(kid = %key.kid(), "the custody's signature does not fit its key");
            Err(SignError::Failed)
        }
    }
}

fn finished(token: Result<Result<String, SignError>, WorkError>) -> Result<String, SignError> {
    match token {
        Ok(token) => token,
        Err(WorkError::Busy) => Err(SignError::Busy),
        Err(WorkError::Lost) => Err(SignError::Failed),
    }
}

fn signed(key: &SigningKey, input: String) -> Result<String, SignError> {
    let signature = key.sign(input.as_bytes()).map_err(|_| SignError::Failed)?;
    Ok(jose::attach(input, &signature))
}
