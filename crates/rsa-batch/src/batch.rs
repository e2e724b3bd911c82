//! The public operations: jobs of bytes.

use zeroize::Zeroizing;

use crate::ifma::Ifma;
use crate::integer::{self, Constants, Limbs};
use crate::key::{Crt, PrivateKey, PublicKey, PublicSizes, Sizes};
use crate::lanes::Processor;
use crate::line::LANES;
#[cfg(feature = "portable")]
use crate::portable::Portable;
use crate::private::{Moduli, Operation, fill};
use crate::{field, public, spread};

/// A source of random bytes.
pub trait Random {
    /// Fills `bytes`.
    ///
    /// # Errors
    /// [`NoRandomness`].
    fn fill(&mut self, bytes: &mut [u8]) -> Result<(), NoRandomness>;
}

/// The source of randomness gives no bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("there is no randomness")]
pub struct NoRandomness;

/// Why nothing was computed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BatchError {
    /// There are more than eight jobs.
    #[error("more than eight jobs")]
    TooMany,
    /// The keys of the jobs have different sizes.
    #[error("the keys have different sizes")]
    MixedSizes,
    /// An input is not as long as the modulus, or not below it; or an output is not as long as the modulus.
    #[error("an input or an output does not fit its key")]
    Input,
    /// The blinding could not be made.
    #[error(transparent)]
    NoRandomness(#[from] NoRandomness),
}

/// A private operation to be done.
#[derive(Debug)]
pub struct PrivateJob<'a> {
    /// The key.
    pub key: &'a PrivateKey,
    /// A big-endian number below the modulus, as long as it.
    pub input: &'a [u8],
    /// As long as the modulus.
    pub output: &'a mut [u8],
}

/// A public operation to be done.
#[derive(Debug)]
pub struct PublicJob<'a> {
    /// The key.
    pub key: &'a PublicKey,
    /// A big-endian number below the modulus, as long as it.
    pub input: &'a [u8],
    /// As long as the modulus.
    pub output: &'a mut [u8],
}

/// Proof that this machine computes eight RSA operations at once in less time than one after the other.
#[derive(Clone, Copy, Debug)]
pub struct Batch(pub(crate) Kind);

#[derive(Clone, Copy, Debug)]
pub(crate) enum Kind {
    Ifma(Ifma),
    #[cfg(feature = "portable")]
    Portable(Portable),
}

impl Batch {
    /// How many jobs a batch takes.
    pub const LANES: usize = LANES;

    /// Asks the processor; without AVX-512 IFMA there is no gain, and no batch.
    pub fn available() -> Option<Self> {
        Ifma::detect().map(|processor| Self(Kind::Ifma(processor)))
    }

    /// Computes on any processor, but slower than one after the other: only for tests.
    #[cfg(feature = "portable")]
    pub fn portable() -> Self {
        Self(Kind::Portable(Portable))
    }

    /// Does up to eight private operations, with keys of one size. The caller must check each result with the
    /// public key before it uses the result: if the machine makes an error in one half of a result, that
    /// result reveals the key.
    ///
    /// # Errors
    /// [`BatchError`]; then the outputs are as they were.
    pub fn private(&self, jobs: &mut [PrivateJob<'_>], random: &mut dyn Random) -> Result<(), BatchError> {
        match self.0 {
            Kind::Ifma(processor) => private(processor, jobs, random),
            #[cfg(feature = "portable")]
            Kind::Portable(processor) => private(processor, jobs, random),
        }
    }

    /// Does up to eight public operations, with keys of one size.
    ///
    /// # Errors
    /// [`BatchError`]; then the outputs are as they were.
    pub fn public(&self, jobs: &mut [PublicJob<'_>]) -> Result<(), BatchError> {
        match self.0 {
            Kind::Ifma(processor) => public(processor, jobs),
            #[cfg(feature = "portable")]
            Kind::Portable(processor) => public(processor, jobs),
        }
    }
}

/// The common kind of the keys, if all of them have one size.
macro_rules! same_size {
    ($jobs:expr, $sizes:ident::$size:ident) => {
        $jobs
            .iter()
            .map(|job| match &job.key.0 {
                $sizes::$size(key) => Ok(&**key),
                _ => Err(BatchError::MixedSizes),
            })
            .collect::<Result<Vec<_>, _>>()?
    };
}

pub(crate) fn private<P: Processor>(
    processor: P,
    jobs: &mut [PrivateJob<'_>],
    random: &mut dyn Random,
) -> Result<(), BatchError> {
    let Some(first) = jobs.first() else { return Ok(()) };
    match &first.key.0 {
        Sizes::Bits2048(_) => private_of_size(processor, &same_size!(jobs, Sizes::Bits2048), jobs, random),
        Sizes::Bits3072(_) => private_of_size(processor, &same_size!(jobs, Sizes::Bits3072), jobs, random),
        Sizes::Bits4096(_) => private_of_size(processor, &same_size!(jobs, Sizes::Bits4096), jobs, random),
    }
}

fn private_of_size<P: Processor, const N: usize, const M: usize>(
    processor: P,
    keys: &[&Crt<N, M>],
    jobs: &mut [PrivateJob<'_>],
    random: &mut dyn Random,
) -> Result<(), BatchError> {
    let moduli = keys.iter().map(|key| &key.n.n);
    let inputs = inputs(moduli.zip(jobs.iter().map(|job| (job.input, &*job.output))))?;
    let keys = fill(keys).map(|key| *key);
    let moduli = Moduli::new(keys);
    let mut results = field::zeros();
    let mut operation = Operation::new(processor, keys, &moduli);
    operation.sign(&mut results, &spread::numbers(fill(&inputs)), jobs.len(), random)?;
    for (lane, job) in jobs.iter_mut().enumerate() {
        integer::to_bytes(&spread::lane(&results, lane), job.output);
    }
    Ok(())
}

fn public<P: Processor>(processor: P, jobs: &mut [PublicJob<'_>]) -> Result<(), BatchError> {
    let Some(first) = jobs.first() else { return Ok(()) };
    match &first.key.0 {
        PublicSizes::Bits2048(_) => public_of_size(processor, &same_size!(jobs, PublicSizes::Bits2048), jobs),
        PublicSizes::Bits3072(_) => public_of_size(processor, &same_size!(jobs, PublicSizes::Bits3072), jobs),
        PublicSizes::Bits4096(_) => public_of_size(processor, &same_size!(jobs, PublicSizes::Bits4096), jobs),
    }
}

fn public_of_size<P: Processor, const M: usize>(
    processor: P,
    keys: &[&Constants<M>],
    jobs: &mut [PublicJob<'_>],
) -> Result<(), BatchError> {
    let moduli = keys.iter().map(|key| &key.n);
    let inputs = inputs(moduli.zip(jobs.iter().map(|job| (job.input, &*job.output))))?;
    let modulus = spread::modulus(fill(keys).map(|key| *key));
    let mut results = field::zeros();
    public::power(processor, &mut results, &spread::numbers(fill(&inputs)), &modulus);
    for (lane, job) in jobs.iter_mut().enumerate() {
        integer::to_bytes(&spread::lane(&results, lane), job.output);
    }
    Ok(())
}

/// Reads the inputs, if all of them and all outputs fit their moduli.
fn inputs<'a, const M: usize>(
    jobs: impl Iterator<Item = (&'a Limbs<M>, (&'a [u8], &'a [u8]))>,
) -> Result<Zeroizing<Vec<Limbs<M>>>, BatchError> {
    let mut inputs = Zeroizing::new(Vec::with_capacity(LANES));
    for (n, (input, output)) in jobs {
        if inputs.len() == LANES {
            return Err(BatchError::TooMany);
        }
        let len = (M / 20) * 128; // 40, 60 or 80 limbs for 256, 384 or 512 bytes
        let limbs =
            integer::from_bytes(if input.len() == len { input } else { return Err(BatchError::Input) });
        if output.len() != len || !integer::is_below(&limbs, n) {
            return Err(BatchError::Input);
        }
        inputs.push(limbs);
    }
    Ok(inputs)
}
