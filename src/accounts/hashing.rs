//! Password hashes: bcrypt on a bounded number of threads, in turns of clients and accounts. A check takes the
//! same time whether the user exists or not.

use std::io;
use std::num::NonZero;
use std::sync::Arc;
use std::thread::available_parallelism;

use bcrypt::Version;

use super::asker::{Asker, AskerKey};
use crate::domain::{Password, PasswordHash};
use crate::entropy::Entropy;
use crate::telemetry::metrics::Source;
use crate::telemetry::traces::{Span, SpanKind};
use crate::workers::{FairWorkers, WorkError};

/// The most hashes that may wait. At cost 12 on two cores, the last one waits for about four seconds.
const MAX_WAITING_HASHES: usize = 32;
/// Hashing has a lower priority even than RSA signatures.
const HASHING_NICENESS: i32 = 15;
/// The salt and the digest of a bcrypt string that no password matches. If no user has the name, the password
/// is checked against it.
const UNMATCHABLE: &str = ".....................................................";

/// Makes and checks bcrypt hashes.
#[derive(Clone, Debug)]
pub struct Hasher {
    workers: FairWorkers<AskerKey>,
    cost: u32,
    entropy: Entropy,
}

/// Why there is no hash.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum HashError {
    /// Too many hashes are waiting: try again shortly.
    #[error("too many password hashes are waiting")]
    Busy,
    /// An internal error.
    #[error("the password could not be hashed")]
    Failed,
}

/// The result of checking a password.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum PasswordCheck {
    /// The password is wrong, or the user does not exist.
    Wrong,
    /// The password is right.
    Right,
    /// The password is right, and the stored hash has a lower cost than the configured one.
    RightButWeak {
        /// A hash of the configured cost, to replace the stored one.
        stronger: PasswordHash,
    },
}

impl Hasher {
    /// Starts the hashing threads, one for each core. `cost` is bcrypt's, 4 to 31.
    ///
    /// # Errors
    /// If the system starts no thread.
    pub fn start(cost: u32, entropy: Entropy) -> io::Result<Self> {
        let cores = available_parallelism().map_or(1, NonZero::get);
        Ok(Self {
            workers: FairWorkers::start("hash", cores, MAX_WAITING_HASHES, HASHING_NICENESS)?,
            cost,
            entropy,
        })
    }

    /// What is counted of the queue of hashes.
    pub(super) fn metrics(&self) -> Arc<dyn Source> {
        self.workers.metrics()
    }

    /// A hash for a new password, when it is the asker's turn.
    ///
    /// # Errors
    /// [`HashError`].
    pub(super) async fn hash(&self, asker: Asker, password: Password) -> Result<PasswordHash, HashError> {
        let hasher = self.clone();
        self.run(asker, move || hasher.hash_now(password.expose(), Version::TwoB)).await?
    }

    /// Checks a password against what the store has for a user, when it is the asker's turn; `stored` is `None`
    /// if the user does not exist. The check takes as long as the configured cost, unless the stored hash has a higher cost.
    pub(super) async fn check(
        &self,
        asker: Asker,
        password: Password,
        stored: Option<PasswordHash>,
    ) -> Result<PasswordCheck, HashError> {
        let hasher = self.clone();
        self.run(asker, move || hasher.check_now(&password, stored.as_ref())).await
    }

    async fn run<T: Send + 'static>(
        &self,
        Asker { rank, keys }: Asker,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, HashError> {
        let hashed = self.workers.run(rank, keys, work);
        Span::begin("hash_password", SpanKind::Internal).run(hashed).await.map_err(|error| match error {
            WorkError::Busy => HashError::Busy,
            WorkError::Lost => HashError::Failed,
        })
    }

    fn check_now(&self, password: &Password, stored: Option<&PasswordHash>) -> PasswordCheck {
        let comparable = stored.and_then(|hash| Comparable::of(password, hash));
        let Some(Comparable { bytes, hash, cost, may_match, version }) = comparable else {
            spend_time(self.cost);
            return PasswordCheck::Wrong;
        };
        let Ok(right) = bcrypt::verify(bytes, hash) else {
            spend_time(self.cost);
            return PasswordCheck::Wrong;
        };
        if !(right && may_match) {
            // Costs double with each step: these add up to the difference.
            (cost..self.cost).for_each(spend_time);
            return PasswordCheck::Wrong;
        }
        if cost < self.cost
            && let Ok(stronger) = self.hash_now(bytes, version)
        {
            return PasswordCheck::RightButWeak { stronger };
        }
        PasswordCheck::Right
    }

    fn hash_now(&self, password: &[u8], version: Version) -> Result<PasswordHash, HashError> {
        let salt = self.entropy.bytes::<16>().map_err(|_| HashError::Failed)?;
        bcrypt::hash_with_salt(password, self.cost, salt)
            .map(|parts| PasswordHash::from_text(parts.format_for_version(version)))
            .map_err(|_| HashError::Failed)
    }
}

/// The part of a password that is compared with a stored hash.
struct Comparable<'a> {
    bytes: &'a [u8],
    hash: &'a str,
    cost: u32,
    /// Whether the bytes are everything that the program which made the hash would have read of the password.
    may_match: bool,
    /// The prefix of a hash that replaces this one.
    version: Version,
}

impl<'a> Comparable<'a> {
    /// `None` if no password may match. This is so if the hash is not a bcrypt string, or if the password has
    /// a NUL: bcrypt repeats the password behind a NUL, so it could match the hash of another password.
    fn of(password: &'a Password, hash: &'a PasswordHash) -> Option<Self> {
        let whole = password.expose();
        let cost = hash.cost().filter(|_| !whole.contains(&0))?;
        let bytes = &whole[..whole.len().min(Password::MAX_BYTES)];
        // The original cut passwords at 72 bytes, and its users must be able to log in.
        let cut = hash.is_of_original();
        let version = if cut { Version::TwoA } else { Version::TwoB };
        Some(Self { bytes, hash: hash.expose(), cost, may_match: cut || bytes.len() == whole.len(), version })
    }
}

/// Takes as long as one bcrypt of this cost.
fn spend_time(cost: u32) {
    // The result is always "no"; only the time matters.
    let _ = bcrypt::verify(b"anything", &format!("$2b${cost:02}${UNMATCHABLE}"));
}

#[cfg(test)]
mod tests {
    use super::{Hasher, PasswordCheck, Version};
    use crate::domain::{Password, PasswordHash};
    use crate::entropy::Entropy;

    fn hasher(cost: u32) -> Hasher {
        Hasher::start(cost, Entropy::seeded(1)).unwrap()
    }

    fn hash(password: &str, cost: u32, version: Version) -> PasswordHash {
        hasher(cost).hash_now(Password::attempt(password).expose(), version).unwrap()
    }

    fn check(password: &str, stored: Option<&PasswordHash>) -> PasswordCheck {
        hasher(5).check_now(&Password::attempt(password), stored)
    }

    #[test]
    fn only_the_users_own_password_is_right() {
        let stored = hash("secret-ada", 5, Version::TwoB);
        assert_eq!(check("secret-ada", Some(&stored)), PasswordCheck::Right);
        for wrong in ["secret-eve", "", "secret-ada ", "Secret-ada"] {
            assert_eq!(check(wrong, Some(&stored)), PasswordCheck::Wrong, "{wrong:?}");
        }
        assert_eq!(check("secret-ada", None), PasswordCheck::Wrong, "there is no such user");
    }

    #[test]
    fn a_hash_that_is_no_bcrypt_string_is_matched_by_no_password() {
        for text in ["", "$2b$05$short", "$argon2id$v=19$m=19456,t=2,p=1$c2FsdA$aGFzaA"] {
            let odd = PasswordHash::from_text(text.to_owned());
            assert_eq!(check("", Some(&odd)), PasswordCheck::Wrong, "{text:?}");
            assert_eq!(check(text, Some(&odd)), PasswordCheck::Wrong, "{text:?}");
        }
    }

    #[test]
    fn a_hash_of_lower_cost_is_made_anew_with_the_same_mark_and_one_of_higher_cost_stays() {
        for (version, mark) in [(Version::TwoA, "$2a$05$"), (Version::TwoB, "$2b$05$")] {
            let weak = hash("secret-ada", 4, version);
            let PasswordCheck::RightButWeak { stronger } = check("secret-ada", Some(&weak)) else {
                panic!("{mark}");
            };
            assert!(stronger.expose().starts_with(mark), "{}", stronger.expose());
            assert_eq!(check("secret-ada", Some(&stronger)), PasswordCheck::Right);
            assert_eq!(
                check("secret-eve", Some(&weak)),
                PasswordCheck::Wrong,
                "a wrong one strengthens nothing"
            );
        }
        assert_eq!(check("secret-ada", Some(&hash("secret-ada", 6, Version::TwoB))), PasswordCheck::Right);
    }

    #[test]
    fn what_is_behind_72_bytes_counts_unless_the_original_made_the_hash() {
        let (cut, long) = ("x".repeat(72), "x".repeat(73));
        assert_eq!(check(&long, Some(&hash(&cut, 5, Version::TwoA))), PasswordCheck::Right);
        assert_eq!(check(&long, Some(&hash(&cut, 5, Version::TwoB))), PasswordCheck::Wrong);
    }

    #[test]
    fn a_password_with_a_nul_is_wrong() {
        // bcrypt reads `a\0a\0…` for the password `a`.
        let stored = hash("a", 5, Version::TwoB);
        assert_eq!(check("a\0a", Some(&stored)), PasswordCheck::Wrong);
    }
}
