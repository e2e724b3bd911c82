//! RSA for eight messages at once on one core: the private operation by the Chinese remainder theorem and the public operation
//! (RFC 8017 §5), for moduli of 2048, 3072 and 4096 bits and the public exponent 65537.
//!
//! AVX-512 IFMA multiplies eight pairs of 52-bit numbers with one instruction. One signature cannot keep it busy; eight can, each in its
//! own lane, with one key or with eight. On a processor without these instructions [`Batch::available`] gives `None`.
//!
//! The crate only computes. The caller does the padding and gives the randomness (trait [`Random`]). The caller must check each result of
//! the private operation before it gives the result out, see [`Batch::private`].
//!
//! ```
//! # use rsa_batch::{Batch, PublicKey, PublicJob};
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let key = PublicKey::new(&[0xFF; 256])?;
//! let (mut first, mut second) = ([0; 256], [0; 256]);
//! let mut jobs = [
//!     PublicJob { key: &key, input: &[0; 256], output: &mut first },
//!     PublicJob { key: &key, input: &[1; 256], output: &mut second },
//! ];
//! Batch::available().unwrap_or(Batch::portable()).public(&mut jobs)?;
//! assert_eq!(first, [0; 256]);
//! # Ok(())
//! # }
//! ```
//!
//! # Constant time
//!
//! No branch and no address depends on a secret: exponents are taken in windows of five bits, each of which costs the same, the whole
//! table is read to find an entry, and what may have to be subtracted always is. The arithmetic is written once, over the operations
//! of the trait `Lanes`. `tests/it/constant_time` proves it on both implementations of that trait.
//!
//! # Unsafe code
//!
//! Only `ifma` has unsafe code: the intrinsics of AVX-512 IFMA. A value of the type `Ifma` proves that the processor has them.

mod batch;
mod blinding;
mod carry;
mod field;
#[cfg(target_arch = "x86_64")]
mod ifma;
#[cfg(not(target_arch = "x86_64"))]
#[path = "without_ifma.rs"]
mod ifma;
mod integer;
mod key;
mod lanes;
mod line;
mod look_up;
mod montgomery;
#[cfg(feature = "portable")]
mod portable;
mod private;
#[cfg(feature = "proof")]
pub mod proof;
#[cfg(test)]
mod properties;
mod public;
mod reveal;
mod spread;

pub use batch::{Batch, BatchError, NoRandomness, PrivateJob, PublicJob, Random};
pub use key::{KeyError, PrivateKey, PrivateNumbers, PublicKey};
