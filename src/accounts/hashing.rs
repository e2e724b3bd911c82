//! Password hashes: bcrypt on bounded threads of its own, in the same time whoever asks.

use std::io;
use std::num::NonZero;
use std::thread::available_parallelism;

use bcrypt::Version;

use crate::domain::{Password, PasswordHash};
use crate::entropy::Entropy;
use crate::workers::{WorkError, Workers};

/// Hashes that may wait. At cost 12 and two cores the last of them waits about four seconds.
const QUEUE: usize = 32;
/// Hashing gives way even to RSA signatures.
const NICENESS: i32 = 15;
/// Stands in for the hash of a user who is not there; nothing hashes to it.
const NOBODY: &str = ".....................................................";

/// Makes and checks bcrypt hashes.
#[derive(Clone, Debug)]
pub struct Hasher {
    workers: Workers,
    cost: u32,
    entropy: Entropy,
}

/// Why there is no hash.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum HashError {
    /// Too many hashes are waiting: try again shortly.
    #[error("too many password hashes are waiting")]
    Busy,
    /// A fault of ours.
    #[error("the password could not be hashed")]
    Failed,
}

/// What came of checking a password.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// Not this one.
    Wrong,
    /// Right.
    Right,
    /// Right, and here is a hash of the configured cost to replace the stored one.
    Weak(PasswordHash),
}

impl Hasher {
    /// Starts the hashing threads, one a core. `cost` is bcrypt's, 4 to 31.
    ///
    /// # Errors
    /// Where the system gives no thread.
    pub fn start(cost: u32, entropy: Entropy) -> io::Result<Self> {
        let cores = available_parallelism().map_or(1, NonZero::get);
        Ok(Self { workers: Workers::start("hash", cores, QUEUE, NICENESS)?, cost, entropy })
    }

    /// A hash for a new password.
    ///
    /// # Errors
    /// [`HashError`].
    pub async fn hash(&self, password: Password) -> Result<PasswordHash, HashError> {
        let hasher = self.clone();
        self.run(move || hasher.hash_now(password.expose(), Version::TwoB)).await?
    }

    /// Checks a password against what the store holds for a user, or against nothing where there is none. Takes as
    /// long as the configured cost does in every case but a hash of higher cost.
    pub(super) async fn verify(
        &self,
        password: Password,
        stored: Option<PasswordHash>,
    ) -> Result<Verdict, HashError> {
        let hasher = self.clone();
        self.run(move || hasher.verify_now(&password, stored.as_ref())).await
    }

    async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, HashError> {
        self.workers.run(work).await.map_err(|error| match error {
            WorkError::Busy => HashError::Busy,
            WorkError::Lost => HashError::Failed,
        })
    }

    fn verify_now(&self, password: &Password, stored: Option<&PasswordHash>) -> Verdict {
        let whole = password.expose();
        let known = stored.and_then(|hash| hash.cost().map(|cost| (hash, cost)));
        // bcrypt repeats a password behind a NUL, so that one with a NUL in it could open another's account.
        let Some((hash, cost)) = known.filter(|_| !whole.contains(&0)) else {
            spend(self.cost);
            return Verdict::Wrong;
        };
        // The original cut passwords at 72 bytes, and its users must get in.
        let cut = hash.is_of_original();
        let bytes = &whole[..whole.len().min(Password::MAX_BYTES)];
        let Ok(right) = bcrypt::verify(bytes, hash.expose()) else {
            spend(self.cost);
            return Verdict::Wrong;
        };
        if !(right && (cut || bytes.len() == whole.len())) {
            // Costs double with each step: these add up to the difference.
            (cost..self.cost).for_each(spend);
            return Verdict::Wrong;
        }
        let version = if cut { Version::TwoA } else { Version::TwoB };
        if cost < self.cost
            && let Ok(stronger) = self.hash_now(bytes, version)
        {
            return Verdict::Weak(stronger);
        }
        Verdict::Right
    }

    fn hash_now(&self, password: &[u8], version: Version) -> Result<PasswordHash, HashError> {
        let salt = self.entropy.bytes::<16>().map_err(|_| HashError::Failed)?;
        bcrypt::hash_with_salt(password, self.cost, salt)
            .map(|parts| PasswordHash::from_text(parts.format_for_version(version)))
            .map_err(|_| HashError::Failed)
    }
}

/// Takes as long as one bcrypt of this cost.
fn spend(cost: u32) {
    // The answer is no; it is the time that counts.
    let _ = bcrypt::verify(b"nobody", &format!("$2b${cost:02}${NOBODY}"));
}
