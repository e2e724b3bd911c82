//! The original's two files: their key pair as a first key, and the files as they follow the ring from then
//! on.

use jose::{Algorithm, KeyError, SigningKey, VerifyingKey};

use super::super::{CustodyError, FileFault, Found, file};
use super::{Directory, KEY};
use crate::domain::{Home, KeyRecord, RingRecord};

const PRIVATE: &str = "private-key.pem";
const PUBLIC: &str = "public-key.pem";

impl Directory {
    /// The path of the original's private key, for a folder that cannot be written.
    pub fn pair_home() -> Home {
        Home::new(Self::SCHEME, PRIVATE)
    }

    /// The original's key pair, if there is one. If the caller asks for another kind of key, an RSA pair
    /// counts as RS256, as it did in the original.
    ///
    /// # Errors
    /// [`CustodyError`] if the files are not a valid pair.
    pub async fn pair(&self, algorithm: Algorithm) -> Result<Option<Found>, CustodyError> {
        self.blocking(move |folder| folder.read_pair(algorithm)).await
    }

    /// Makes the original's files contain an active key, the one for RS256 if there is one. This happens only
    /// if their key belongs to this ring, or to the `old` ring that was here before.
    pub(super) fn follow(&self, ring: &RingRecord, old: Option<&RingRecord>) -> Result<(), CustodyError> {
        let rs256 = ring.active(Algorithm::Rs256.name());
        let classical = |key: &&KeyRecord| !key.alg.parse().is_ok_and(Algorithm::is_post_quantum);
        let Some(active) = rs256.or_else(|| ring.signing().find(classical)) else { return Ok(()) };
        let Some(name) = active.home.as_ref().filter(|home| home.scheme() == Self::SCHEME).map(Home::place)
        else {
            return Ok(());
        };
        let Some(wanted) = self.read(name)? else { return Ok(()) };
        let (private, public) = (self.read(PRIVATE)?, self.read(PUBLIC)?);
        let private_of = private.as_ref().map(|file| public_of(&file.text));
        let public_of = public.as_ref().map(|file| same_public(&file.text));
        let is = |found: &Option<Option<String>>| *found == Some(Some(active.public.clone()));
        if is(&private_of) && is(&public_of) {
            return Ok(());
        }
        let known = || ring.keys.iter().chain(old.iter().flat_map(|old| &old.keys));
        let of_ring = |found: &Option<String>| known().any(|key| Some(&key.public) == found.as_ref());
        for (name, found) in [(PRIVATE, &private_of), (PUBLIC, &public_of)] {
            if found.as_ref().is_some_and(|found| !of_ring(found)) {
                return Err(FileFault::Stranger(self.file(name)).into());
            }
        }
        for (name, found, text, mode) in [
            (PRIVATE, &private_of, wanted.text.as_str(), 0o600),
            (PUBLIC, &public_of, active.public.as_str(), 0o644),
        ] {
            if !is(found) {
                let unwritable = |cause| FileFault::Unwritable { path: self.file(name), cause };
                file::replace(&self.folder, name, text, mode).map_err(unwritable)?;
            }
        }
        Ok(())
    }

    fn read_pair(&self, algorithm: Algorithm) -> Result<Option<Found>, CustodyError> {
        // This reads the public half first: a server that is making the pair writes it last.
        let public = self.read(PUBLIC)?;
        let Some(private) = self.read(PRIVATE)? else {
            return match public {
                None => Ok(None),
                Some(_) => {
                    let (private, public) = (self.file(PRIVATE), self.file(PUBLIC));
                    Err(FileFault::PrivateMissing { private, public }.into())
                }
            };
        };
        let unusable = |name| move |fault| FileFault::Unusable { path: self.file(name), fault };
        let signing = match SigningKey::from_pem(algorithm, &private.text) {
            Err(fault @ KeyError::WrongKind { .. }) if !algorithm.is_rsa() => {
                SigningKey::from_pem(Algorithm::Rs256, &private.text).map_err(|_| fault)
            }
            other => other,
        };
        let signing = signing.map_err(unusable(PRIVATE))?;
        if let Some(public) = public {
            let public =
                VerifyingKey::from_spki_pem(signing.algorithm(), &public.text).map_err(unusable(PUBLIC))?;
            if public != *signing.verifying_key() {
                let (private, public) = (self.file(PRIVATE), self.file(PUBLIC));
                return Err(FileFault::Mismatch { private, public }.into());
            }
        }
        self.warn_of_open_mode(PRIVATE, &private);
        let own = format!("{KEY}{}.pem", signing.verifying_key().thumbprint());
        let was_ours = self.file(&own).exists();
        Ok(Some(Found { signing, created_at: private.modified_at, was_ours }))
    }
}

/// The public half of a private key of any algorithm.
fn public_of(pem: &str) -> Option<String> {
    let mut keys = Algorithm::ALL.iter().filter_map(|algorithm| SigningKey::from_pem(*algorithm, pem).ok());
    keys.next().map(|key| key.verifying_key().to_spki_pem())
}

/// A public key in the form in which this program writes it.
fn same_public(pem: &str) -> Option<String> {
    let mut keys =
        Algorithm::ALL.iter().filter_map(|algorithm| VerifyingKey::from_spki_pem(*algorithm, pem).ok());
    keys.next().map(|key| key.to_spki_pem())
}
