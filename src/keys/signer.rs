//! Making signatures. Who asks does not know where the work is done: on threads of ours, or far away.

use std::io;
use std::num::NonZero;
use std::sync::Arc;
use std::thread::available_parallelism;

use async_trait::async_trait;
use jose::Algorithm;

use super::ActiveKey;
use crate::workers::{WorkError, Workers};

/// Signatures that may wait; at a quarter of a millisecond each, the last of them is ready in good time.
const QUEUE: usize = 2048;
/// RSA gives way to the cheap requests.
const NICENESS: i32 = 10;

/// Completes tokens.
#[async_trait]
pub trait Signer: Send + Sync {
    /// Appends the signature of `input`, an encoded header and payload, to it.
    ///
    /// # Errors
    /// [`SignError::Busy`] where too many wait already.
    async fn sign(&self, key: Arc<ActiveKey>, input: String) -> Result<String, SignError>;
}

/// Why there is no signature.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SignError {
    /// Too many signatures are waiting: try again shortly.
    #[error("too many signatures are waiting")]
    Busy,
    /// The crypto library refused.
    #[error("the signature could not be made")]
    Failed,
}

/// Signs in this process: RSA on threads of low priority, one a core; what is cheap, at once.
#[derive(Debug)]
pub struct LocalSigner {
    rsa: Workers,
}

impl LocalSigner {
    /// Starts the signing threads.
    ///
    /// # Errors
    /// Where the system gives no thread.
    pub fn start() -> io::Result<Self> {
        let cores = available_parallelism().map_or(1, NonZero::get);
        Ok(Self { rsa: Workers::start("sign", cores, QUEUE, NICENESS)? })
    }
}

#[async_trait]
impl Signer for LocalSigner {
    async fn sign(&self, key: Arc<ActiveKey>, input: String) -> Result<String, SignError> {
        match key.signing().algorithm() {
            Algorithm::Rs256 | Algorithm::Ps256 => match self.rsa.run(move || signed(&key, input)).await {
                Ok(token) => token,
                Err(WorkError::Busy) => Err(SignError::Busy),
                Err(WorkError::Lost) => Err(SignError::Failed),
            },
            Algorithm::Es256 | Algorithm::EdDsa => signed(&key, input),
        }
    }
}

fn signed(key: &ActiveKey, input: String) -> Result<String, SignError> {
    let signature = key.signing().sign(input.as_bytes()).map_err(|_| SignError::Failed)?;
    Ok(jose::attach(input, &signature))
}
