//! The original's home of keys: `private-key.pem` (PKCS#8) and `public-key.pem` (SPKI) in one folder. A pair that is
//! there is adopted as it is; one that is damaged stops the start; none is ever written over.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use jose::{Algorithm, SigningKey, VerifyingKey};

use super::CustodyError;
use super::file::{self, KeyFile};
use crate::domain::Timestamp;

const PRIVATE: &str = "private-key.pem";
const PUBLIC: &str = "public-key.pem";

/// What kind of key the service signs with.
#[derive(Clone, Copy, Debug)]
pub struct KeyKind {
    /// The JWS algorithm.
    pub algorithm: Algorithm,
    /// The size of a new RSA key; other kinds have but one.
    pub rsa_bits: u32,
}

/// A private key and its own instant: when its file was written.
#[derive(Debug)]
pub struct StoredKey {
    /// The key.
    pub signing: SigningKey,
    /// When it was made; survives restarts.
    pub created_at: Timestamp,
    /// Whether its folder lacks the public half.
    pub public_missing: bool,
}

/// A folder of keys.
#[derive(Clone, Debug)]
pub struct Directory {
    folder: PathBuf,
}

impl Directory {
    /// The folder of this path, which need not exist yet.
    pub fn new(folder: &Path) -> Self {
        Self { folder: folder.to_owned() }
    }

    /// The key of the folder, or a new one where there is none. Takes as long as an RSA key takes to make (seconds at
    /// 4096 bits), so it is not for an async thread. Of several processes at once, one makes the key and all get it.
    ///
    /// # Errors
    /// [`CustodyError`]; then no file has been changed.
    pub fn load_or_generate(&self, kind: KeyKind) -> Result<StoredKey, CustodyError> {
        let key = match self.load(kind.algorithm)? {
            Some(key) => key,
            None => self.generate(kind)?,
        };
        if key.public_missing {
            self.derive_public(key.signing.verifying_key());
        }
        Ok(key)
    }

    /// The key of the folder, if there is one.
    ///
    /// # Errors
    /// [`CustodyError`] where there is something else than a sound pair.
    pub fn load(&self, algorithm: Algorithm) -> Result<Option<StoredKey>, CustodyError> {
        match fs::metadata(&self.folder) {
            Ok(metadata) if !metadata.is_dir() => return Err(CustodyError::NotAFolder(self.folder.clone())),
            Err(_) if self.folder.is_symlink() => return Err(CustodyError::NotAFolder(self.folder.clone())),
            _ => {}
        }
        // The public half is asked for first: a server that is just making the pair writes it last.
        let public = self.read(PUBLIC)?;
        let Some(private) = self.read(PRIVATE)? else {
            return match public {
                None => Ok(None),
                Some(_) => Err(CustodyError::PrivateMissing {
                    private: self.path(PRIVATE),
                    public: self.path(PUBLIC),
                }),
            };
        };
        let unusable = |name| move |fault| CustodyError::Unusable { path: self.path(name), fault };
        let signing = SigningKey::from_pem(algorithm, &private.text).map_err(unusable(PRIVATE))?;
        let public_missing = public.is_none();
        if let Some(public) = public {
            let public = VerifyingKey::from_spki_pem(algorithm, &public.text).map_err(unusable(PUBLIC))?;
            if public != *signing.verifying_key() {
                return Err(CustodyError::Mismatch {
                    private: self.path(PRIVATE),
                    public: self.path(PUBLIC),
                });
            }
        }
        self.warn_of_open_mode(&private);
        Ok(Some(StoredKey { signing, created_at: private.modified_at, public_missing }))
    }

    fn generate(&self, kind: KeyKind) -> Result<StoredKey, CustodyError> {
        let unwritable = |cause| CustodyError::Write { path: self.path(PRIVATE), cause };
        file::make_folder(&self.folder).map_err(unwritable)?;
        let _lock = self.lock();
        if let Some(made_meanwhile) = self.load(kind.algorithm)? {
            return Ok(made_meanwhile);
        }
        file::remove_unfinished(&self.folder).map_err(unwritable)?;
        tracing::info!(algorithm = %kind.algorithm, folder = %self.folder.display(), "making a new key");
        let signing = SigningKey::generate(kind.algorithm, kind.rsa_bits).map_err(CustodyError::Generate)?;
        let pem = signing.to_pkcs8_pem().map_err(CustodyError::Generate)?;
        match file::publish(&self.folder, PRIVATE, &pem, 0o600) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            other => other.map_err(unwritable)?,
        }
        // Read back: what is served is what the next start will find.
        let missing = || unwritable(io::ErrorKind::NotFound.into());
        self.load(kind.algorithm)?.ok_or_else(missing)
    }

    /// A folder that cannot be written serves as well: the public half follows from the private one.
    fn derive_public(&self, key: &VerifyingKey) {
        let _lock = self.lock();
        if let Err(error) = file::remove_unfinished(&self.folder) {
            tracing::debug!(%error, "cannot sweep the keys' folder");
        }
        match file::publish(&self.folder, PUBLIC, &key.to_spki_pem(), 0o644) {
            Err(error) if error.kind() != io::ErrorKind::AlreadyExists => {
                tracing::warn!(%error, file = %self.path(PUBLIC).display(), "cannot write the public key; it is served all the same");
            }
            _ => {}
        }
    }

    /// Held till the value is dropped. Some network file systems cannot lock; renaming still keeps one key.
    fn lock(&self) -> Option<std::fs::File> {
        let lock = file::lock(&self.folder);
        lock.inspect_err(|error| tracing::debug!(%error, "cannot lock the keys' folder")).ok()
    }

    fn warn_of_open_mode(&self, private: &KeyFile) {
        if private.mode & 0o077 != 0 {
            let path = self.path(PRIVATE);
            tracing::warn!(
                "{} can be read by others (mode {:04o}): chmod 600 it",
                path.display(),
                private.mode
            );
        }
    }

    fn read(&self, name: &str) -> Result<Option<KeyFile>, CustodyError> {
        let path = self.path(name);
        file::read(&path).map_err(|cause| CustodyError::Read { path, cause })
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }
}
