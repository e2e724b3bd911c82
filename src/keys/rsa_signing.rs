//! RSA signatures: eight at once if the processor has AVX-512 IFMA and enough of them wait (ADR 0040), else one by one with aws-lc.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError, Weak};

use jose::{RsaPrivateNumbers, SigningKey};
use rsa_batch::{Batch, NoRandomness, PrivateJob, PrivateKey, PrivateNumbers, Random};

use super::SignError;
use crate::entropy::Entropy;
use crate::workers::BatchWork;

/// Fewer signatures are made one by one. A batch takes the same time for one signature as for eight; from
/// four on, it is faster for keys of any size.
const FEWEST: usize = 4;

/// A token without its signature.
#[derive(Debug)]
pub struct Unsigned {
    /// The RSA key.
    pub key: Arc<SigningKey>,
    /// The encoded header and payload.
    pub input: String,
}

/// Makes RSA signatures. Each one that it returns was made or verified by aws-lc.
#[derive(Debug)]
pub struct RsaSigning {
    batching: Option<Batching>,
}

/// The data for signing in batches.
#[derive(Debug)]
struct Batching {
    batch: Batch,
    entropy: Entropy,
    prepared: Mutex<Vec<Prepared>>,
    stopped: AtomicBool,
    wrong: AtomicU64,
    /// Whether each batch contains a wrong signature.
    #[cfg(test)]
    faulty: bool,
}

/// The form of a key for batches, kept as long as the key itself; without a key if that is of another kind or
/// size.
#[derive(Debug)]
struct Prepared {
    of: Weak<SigningKey>,
    key: Option<Arc<PrivateKey>>,
}

impl RsaSigning {
    /// In batches, if `batches` allows it and the processor has the instructions.
    pub fn new(batches: bool, entropy: Entropy) -> Self {
        Self::with(if batches { Batch::available() } else { None }, entropy)
    }

    fn with(batch: Option<Batch>, entropy: Entropy) -> Self {
        let batching = batch.map(|batch| Batching {
            batch,
            entropy,
            prepared: Mutex::default(),
            stopped: AtomicBool::new(false),
            wrong: AtomicU64::new(0),
            #[cfg(test)]
            faulty: false,
        });
        Self { batching }
    }

    /// Whether signatures that wait together are made in batches.
    pub fn uses_batches(&self) -> bool {
        self.batching.as_ref().is_some_and(Batching::is_in_use)
    }

    /// How many signatures of batches were wrong, and so were made again. The first wrong one turns batches
    /// off until the next start.
    pub fn wrong_signatures(&self) -> u64 {
        self.batching.as_ref().map_or(0, |batching| batching.wrong.load(Ordering::Relaxed))
    }

    fn complete(&self, tokens: Vec<Unsigned>) -> Vec<Result<String, SignError>> {
        let mut signatures = match &self.batching {
            Some(batching) if batching.is_in_use() => batching.sign(&tokens),
            _ => Vec::new(),
        };
        signatures.resize_with(tokens.len(), || None);
        let complete = |(token, signature): (Unsigned, Option<Vec<u8>>)| {
            let Unsigned { key, input } = token;
            let signature = match signature {
                Some(signature) => signature,
                None => key.sign(input.as_bytes()).map_err(|_| SignError::Failed)?,
            };
            Ok(jose::attach(input, &signature))
        };
        tokens.into_iter().zip(signatures).map(complete).collect()
    }
}

impl BatchWork for RsaSigning {
    type Piece = Unsigned;
    type Output = Result<String, SignError>;

    /// Tokens that are not for a batch are left for other threads.
    fn size(&self, waiting: usize) -> usize {
        if waiting >= FEWEST && self.uses_batches() { waiting.min(Batch::LANES) } else { 1 }
    }

    fn work(&self, tokens: Vec<Unsigned>) -> Vec<Result<String, SignError>> {
        self.complete(tokens)
    }
}

impl Batching {
    fn is_in_use(&self) -> bool {
        !self.stopped.load(Ordering::Relaxed)
    }

    /// The signatures of those tokens that can be signed in a batch.
    fn sign(&self, tokens: &[Unsigned]) -> Vec<Option<Vec<u8>>> {
        let mut signatures = vec![None; tokens.len()];
        if tokens.len() < FEWEST {
            return signatures;
        }
        let keys: Vec<_> = tokens.iter().map(|token| self.prepared(&token.key)).collect();
        for bits in [2048, 3072, 4096] {
            let fit = |place: &usize| keys[*place].as_ref().is_some_and(|key| key.bits() == bits);
            let places: Vec<_> = (0..tokens.len()).filter(fit).collect();
            if places.len() >= FEWEST {
                self.sign_together(tokens, &keys, &places, &mut signatures);
            }
        }
        signatures
    }

    /// Signs the tokens at `places`, whose keys have one size. If this fails, aws-lc signs them.
    fn sign_together(
        &self,
        tokens: &[Unsigned],
        keys: &[Option<Arc<PrivateKey>>],
        places: &[usize],
        signatures: &mut [Option<Vec<u8>>],
    ) {
        let Some(inputs) =
            places.iter().map(|place| self.encoded(&tokens[*place])).collect::<Option<Vec<_>>>()
        else {
            return;
        };
        let mut outputs: Vec<_> = inputs.iter().map(|input| vec![0; input.len()]).collect();
        let keys = places.iter().filter_map(|place| keys[*place].as_deref());
        let mut jobs: Vec<_> = keys
            .zip(inputs.iter().zip(&mut outputs))
            .map(|(key, (input, output))| PrivateJob { key, input, output })
            .collect();
        if let Err(error) = self.batch.private(&mut jobs, &mut Source(&self.entropy)) {
            tracing::error!(%error, "a batch of signatures could not be made");
            return;
        }
        #[cfg(test)]
        if self.faulty {
            outputs[0][7] ^= 1;
        }
        for (place, signature) in places.iter().zip(outputs) {
            let Unsigned { key, input } = &tokens[*place];
            if key.verifying_key().verify(input.as_bytes(), &signature) {
                signatures[*place] = Some(signature);
            } else {
                self.note_wrong();
            }
        }
    }

    /// The number to be signed.
    fn encoded(&self, token: &Unsigned) -> Option<Vec<u8>> {
        let salt = self.entropy.bytes().ok()?;
        token.key.rsa_encoding(token.input.as_bytes(), &salt)
    }

    /// A wrong signature can reveal the key. The cause is an error in the processor or in `crates/rsa-batch`.
    fn note_wrong(&self) {
        self.wrong.fetch_add(1, Ordering::Relaxed);
        self.stopped.store(true, Ordering::Relaxed);
        tracing::error!(
            "a batch made a wrong RSA signature, which was discarded: RSA_BATCH is off until the next start. \
             Look for a faulty processor or memory"
        );
    }

    /// The form of the key for batches; made when it is first needed.
    fn prepared(&self, key: &Arc<SigningKey>) -> Option<Arc<PrivateKey>> {
        let mut prepared = self.prepared.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(found) =
            prepared.iter().find(|prepared| std::ptr::eq(prepared.of.as_ptr(), Arc::as_ptr(key)))
        {
            return found.key.clone();
        }
        prepared.retain(|prepared| prepared.of.strong_count() > 0);
        let new = key.rsa_numbers().as_ref().and_then(prepare).map(Arc::new);
        prepared.push(Prepared { of: Arc::downgrade(key), key: new.clone() });
        new
    }
}

fn prepare(numbers: &RsaPrivateNumbers) -> Option<PrivateKey> {
    let RsaPrivateNumbers { n, p, q, dp, dq, q_inverse } = numbers;
    PrivateKey::new(&PrivateNumbers { n, p, q, dp, dq, q_inverse }).ok()
}

struct Source<'a>(&'a Entropy);

impl Random for Source<'_> {
    fn fill(&mut self, bytes: &mut [u8]) -> Result<(), NoRandomness> {
        self.0.fill(bytes).map_err(|_| NoRandomness)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::LazyLock;

    use jose::Algorithm;

    use super::*;

    static KEYS: LazyLock<[Arc<SigningKey>; 3]> = LazyLock::new(|| {
        [(Algorithm::Rs256, 2048), (Algorithm::Ps256, 2048), (Algorithm::Rs256, 3072)]
            .map(|(algorithm, bits)| Arc::new(SigningKey::generate(algorithm, bits).unwrap()))
    });

    /// Batches on any machine.
    fn signing() -> RsaSigning {
        RsaSigning::with(Some(Batch::portable()), Entropy::System)
    }

    fn tokens(keys: &[usize]) -> Vec<Unsigned> {
        let token = |(number, key): (usize, &usize)| Unsigned {
            key: Arc::clone(&KEYS[*key]),
            input: format!("a.{number}"),
        };
        keys.iter().enumerate().map(token).collect()
    }

    /// Completes tokens of these keys, and checks that each signature is valid.
    fn complete(signing: &RsaSigning, keys: &[usize]) {
        let completed = signing.complete(tokens(keys));
        assert_eq!(completed.len(), keys.len());
        for (number, (token, key)) in completed.into_iter().zip(keys).enumerate() {
            let token = token.unwrap();
            assert!(token.starts_with(&format!("a.{number}.")));
            assert!(verifies(&token, KEYS[*key].verifying_key()), "{token}");
        }
    }

    fn verifies(token: &str, key: &jose::VerifyingKey) -> bool {
        use base64::Engine;
        let (input, signature) = token.rsplit_once('.').unwrap();
        let signature = base64::engine::general_purpose::URL_SAFE_NO_PAD.decode(signature).unwrap();
        key.verify(input.as_bytes(), &signature)
    }

    #[test]
    fn any_number_of_tokens_of_any_keys_gets_good_signatures() {
        let signing = signing();
        for keys in [
            &[][..],
            &[0],
            &[0, 0],
            &[0, 0, 0],
            &[0, 0, 1, 1],
            &[0, 1, 0, 2, 0, 1],
            &[2, 2, 2, 0],
            &[0; 8],
            &[2, 2, 1, 1, 2, 2, 0, 0],
        ] {
            complete(&signing, keys);
        }
        assert!(signing.uses_batches());
        assert_eq!(signing.wrong_signatures(), 0);
    }

    #[test]
    fn a_wrong_signature_is_made_again_and_ends_batching() {
        let mut signing = signing();
        signing.batching.as_mut().unwrap().faulty = true;
        complete(&signing, &[0, 0]); // no batch
        assert!(signing.uses_batches());
        complete(&signing, &[0; 8]);
        assert!(!signing.uses_batches());
        assert_eq!(signing.wrong_signatures(), 1);
        complete(&signing, &[0; 8]);
        assert_eq!(signing.wrong_signatures(), 1);
    }

    #[test]
    fn a_thread_takes_what_a_batch_is_good_for_and_else_one_token() {
        let batches = signing();
        assert_eq!([1, 3, 4, 8, 100].map(|waiting| batches.size(waiting)), [1, 1, 4, 8, 8]);
        let single = RsaSigning::new(false, Entropy::System);
        assert_eq!([1, 3, 4, 8, 100].map(|waiting| single.size(waiting)), [1; 5]);
    }

    #[test]
    fn without_batches_each_signature_is_made_by_itself() {
        let signing = RsaSigning::new(false, Entropy::System);
        assert!(!signing.uses_batches());
        complete(&signing, &[0; 8]);
    }

    #[test]
    fn a_key_is_prepared_once_and_forgotten_when_it_is_gone() {
        let signing = signing();
        complete(&signing, &[0; 4]);
        complete(&signing, &[0; 4]);
        let batching = signing.batching.as_ref().unwrap();
        assert_eq!(batching.prepared.lock().unwrap().len(), 1);
        let gone = Arc::new(SigningKey::generate(Algorithm::Rs256, 2048).unwrap());
        batching.prepared(&gone).unwrap();
        drop(gone);
        complete(&signing, &[1; 4]);
        assert_eq!(batching.prepared.lock().unwrap().len(), 2);
    }
}
