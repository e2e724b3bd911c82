//! A folder of keys. `ring.json` lists the keys, and one file contains each private half. The original's two
//! files (`private-key.pem` in PKCS#8, `public-key.pem` in SPKI) contain the key that signs, so that an
//! operator can go back to the original.
//!
//! The document of the ring decides: private halves are written before it and removed after it, so that after
//! any interruption it names no missing file. The start fails if the ring is damaged, or if the pair does not
//! belong to it. It does not fail if a private half is missing, because the other keys can be used. No key is
//! ever overwritten, except that the original's files follow the ring. The server secret has a file of its
//! own (`server-secret`).

mod original;
mod server_secret;

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use async_trait::async_trait;
use jose::SigningKey;

use super::file::{self, KeyFile};
use super::{
    CustodyError, FileFault, KeyBackend, Replaced, RingFault, RingLocation, RingStore, algorithm_of,
    generate, new_key, of_record,
};
use crate::domain::{Home, KeyRecord, NewKey, RingRecord, Timestamp};
use crate::keys::{KeyKind, Private};
use crate::workers::Workers;

pub(super) const RING: &str = "ring.json";
/// The most seconds between making a key and writing the document of its ring.
const MAKING: u64 = 600;
/// The beginning of the names of private halves; the thumbprint of the key follows.
const KEY: &str = "key-";

/// A folder of keys.
#[derive(Clone, Debug)]
pub struct Directory {
    folder: PathBuf,
    maker: Workers,
}

impl Directory {
    /// The scheme of the places of its keys: the place is the name of a file.
    pub const SCHEME: &'static str = "file";
    /// Its name in `KEY_CUSTODY`.
    pub const NAME: &'static str = "directory";

    /// The folder at this path, which need not exist yet. Keys are made on the threads of `maker`.
    pub fn new(folder: &Path, maker: Workers) -> Self {
        Self { folder: folder.to_owned(), maker }
    }

    /// Files of private halves that no key of `ring` has, except those that a server may use in a moment.
    ///
    /// # Errors
    /// [`FileFault::Unreadable`].
    pub async fn orphans(&self, ring: &RingRecord, now: Timestamp) -> Result<Vec<Home>, CustodyError> {
        let known: Vec<Home> = ring.keys.iter().filter_map(|key| key.home.clone()).collect();
        let all = self.blocking(move |folder| {
            let old = |name: &String| {
                let file = folder.read(name).ok().flatten();
                file.is_some_and(|file| file.modified_at.plus_secs(MAKING) <= now)
            };
            Ok(folder
                .key_files()?
                .into_iter()
                .filter(old)
                .map(|name| Home::new(Self::SCHEME, &name))
                .collect::<Vec<_>>())
        });
        Ok(all.await?.into_iter().filter(|home| !known.contains(home)).collect())
    }

    async fn blocking<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Self) -> Result<T, CustodyError> + Send + 'static,
    ) -> Result<T, CustodyError> {
        let folder = self.clone();
        let done = tokio::task::spawn_blocking(move || work(&folder)).await;
        done.map_err(|error| CustodyError::Unavailable(error.into()))?
    }

    /// The names of the files of private halves.
    fn key_files(&self) -> Result<Vec<String>, CustodyError> {
        let entries = match fs::read_dir(&self.folder) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            other => other.map_err(|cause| FileFault::Unreadable { path: self.folder.clone(), cause })?,
        };
        let names = entries.flatten().filter_map(|entry| entry.file_name().into_string().ok());
        Ok(names.filter(|name| name.starts_with(KEY) && name.ends_with(".pem")).collect())
    }

    fn read_ring(&self) -> Result<Option<RingRecord>, CustodyError> {
        match fs::metadata(&self.folder) {
            Ok(metadata) if !metadata.is_dir() => {
                return Err(FileFault::NotAFolder(self.folder.clone()).into());
            }
            Err(_) if self.folder.is_symlink() => {
                return Err(FileFault::NotAFolder(self.folder.clone()).into());
            }
            _ => {}
        }
        let path = self.file(RING);
        let found = file::read_ring(&path).map_err(|cause| FileFault::Unreadable { path, cause })?;
        let Some(found) = found else { return Ok(None) };
        let place = || self.file(RING).display().to_string();
        let damaged =
            |fault: serde_json::Error| RingFault::Damaged { place: place(), fault: fault.to_string() };
        let ring: RingRecord = serde_json::from_str(&found.text).map_err(damaged)?;
        if !RingRecord::is_known_form(ring.version) {
            return Err(RingFault::Newer { place: place(), version: ring.version }.into());
        }
        Ok(Some(ring))
    }

    fn read_document(&self) -> Result<Option<RingRecord>, CustodyError> {
        Ok(self.read_ring()?.map(|ring| self.with_server_secret(ring)))
    }

    fn replace(&self, seen: Option<u64>, ring: &RingRecord) -> Result<Replaced, CustodyError> {
        if let Err(cause) = file::make_folder(&self.folder) {
            return Ok(Replaced::Unwritable(FileFault::Unwritable { path: self.file(RING), cause }));
        }
        let _lock = self.lock()?;
        let old = self.read_ring()?;
        if old.as_ref().map(|ring| ring.revision) != seen {
            return Ok(Replaced::Outrun);
        }
        match self.write(ring) {
            Err(fault @ FileFault::Unwritable { .. }) => return Ok(Replaced::Unwritable(fault)),
            other => other?,
        }
        // The ring is written and is valid; the next start tries again.
        if let Err(error) = self.follow(ring, old.as_ref()) {
            tracing::error!(%error, "cannot update the original's key files");
        }
        Ok(Replaced::Written)
    }

    /// Writes the server secret, and then the ring without it. The caller must hold the folder's lock.
    fn write(&self, ring: &RingRecord) -> Result<(), FileFault> {
        let unwritable = |cause| FileFault::Unwritable { path: self.file(RING), cause };
        file::remove_unfinished(&self.folder).map_err(unwritable)?;
        self.keep_server_secret(ring)?;
        let document = RingRecord { server_secret: None, ..ring.clone() };
        let text = serde_json::to_string_pretty(&document).map_err(|error| unwritable(error.into()))?;
        file::replace(&self.folder, RING, &(text + "\n"), 0o600).map_err(unwritable)
    }

    fn open_file(&self, key: &KeyRecord) -> Result<Private, CustodyError> {
        let name = key.home.as_ref().map_or("", Home::place);
        let path = self.file(name);
        let file = self
            .read(name)?
            .ok_or_else(|| FileFault::Missing { kid: key.kid.clone(), path: path.clone() })?;
        self.warn_of_open_mode(name, &file);
        let signing = SigningKey::from_pem(algorithm_of(key)?, &file.text)
            .map_err(|fault| FileFault::Unusable { path, fault })?;
        of_record(signing, key)
    }

    /// Writes a private half to a file that is named after its thumbprint.
    fn keep_file(&self, thumbprint: &str, pem: &str) -> Result<Home, CustodyError> {
        let name = format!("{KEY}{thumbprint}.pem");
        let unwritable = |cause| FileFault::Unwritable { path: self.file(&name), cause };
        file::make_folder(&self.folder).map_err(unwritable)?;
        let _lock = self.lock()?;
        self.publish(&name, pem, 0o600)?;
        Ok(Home::new(Self::SCHEME, &name))
    }

    /// Writes a file unless it exists.
    fn publish(&self, name: &str, text: &str, mode: u32) -> Result<(), CustodyError> {
        let unwritable = |cause| FileFault::Unwritable { path: self.file(name), cause };
        file::remove_unfinished(&self.folder).map_err(unwritable)?;
        match file::publish(&self.folder, name, text, mode) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
            other => Ok(other.map_err(unwritable)?),
        }
    }

    /// The lock is held until the value is dropped. Some network file systems cannot lock; on these, renaming
    /// still keeps files complete.
    fn lock(&self) -> Result<Option<fs::File>, CustodyError> {
        match file::lock(&self.folder) {
            Ok(lock) => Ok(Some(lock)),
            Err(error) if error.kind() == io::ErrorKind::TimedOut => {
                let stuck = format!("another process holds the lock of {}", self.folder.display());
                Err(CustodyError::Unavailable(stuck.into()))
            }
            Err(error) => {
                tracing::debug!(%error, "cannot lock the keys' folder");
                Ok(None)
            }
        }
    }

    fn warn_of_open_mode(&self, name: &str, private: &KeyFile) {
        if private.mode & 0o077 != 0 {
            let path = self.file(name);
            tracing::warn!(
                "{} can be read by others (mode {:04o}): chmod 600 it",
                path.display(),
                private.mode
            );
        }
    }

    fn read(&self, name: &str) -> Result<Option<KeyFile>, CustodyError> {
        let path = self.file(name);
        Ok(file::read(&path).map_err(|cause| FileFault::Unreadable { path, cause })?)
    }

    fn file(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }
}

#[async_trait]
impl RingStore for Directory {
    async fn load(&self) -> Result<Option<RingRecord>, CustodyError> {
        self.blocking(Self::read_document).await
    }

    async fn replace_if(&self, seen: Option<u64>, ring: &RingRecord) -> Result<Replaced, CustodyError> {
        let ring = ring.clone();
        self.blocking(move |folder| folder.replace(seen, &ring)).await
    }

    async fn align_copies(&self, ring: &RingRecord) -> Result<(), CustodyError> {
        let ring = ring.clone();
        let aligned = self.blocking(move |folder| {
            folder.warn_of_open_server_secret();
            let _lock = folder.lock()?;
            if let Err(error) = file::remove_unfinished(&folder.folder) {
                tracing::debug!(%error, "cannot sweep the keys' folder");
            }
            folder.follow(&ring, None)
        });
        match aligned.await {
            Err(CustodyError::File(error @ FileFault::Unwritable { .. })) => {
                tracing::warn!(%error, "cannot update the original's key files; the service uses the keys of the ring all the same");
                Ok(())
            }
            other => other,
        }
    }

    fn location(&self) -> RingLocation {
        RingLocation::Folder(self.folder.clone())
    }
}

#[async_trait]
impl KeyBackend for Directory {
    fn scheme(&self) -> &'static str {
        Self::SCHEME
    }

    async fn make(&self, kind: KeyKind) -> Result<NewKey, CustodyError> {
        let key = generate(&self.maker, kind).await?;
        let home = self.keep(&key).await?;
        new_key(key.verifying_key(), home)
    }

    async fn keep(&self, key: &SigningKey) -> Result<Option<Home>, CustodyError> {
        let pem = key.to_pkcs8_pem().map_err(|error| CustodyError::Generate(error.into()))?;
        let thumbprint = key.verifying_key().thumbprint();
        self.blocking(move |folder| folder.keep_file(&thumbprint, &pem)).await.map(Some)
    }

    async fn open(&self, key: &KeyRecord) -> Result<Private, CustodyError> {
        let key = key.clone();
        self.blocking(move |folder| folder.open_file(&key)).await
    }

    async fn discard(&self, home: &Home) -> Result<(), CustodyError> {
        // This program must not remove the original's files, and no file outside the folder.
        let name = home.place().to_owned();
        if !name.starts_with(KEY) || name.contains('/') {
            return Ok(());
        }
        self.blocking(move |folder| {
            let removed = file::remove(&folder.folder, &name);
            Ok(removed.map_err(|cause| FileFault::Unwritable { path: folder.file(&name), cause })?)
        })
        .await
    }

    /// The newest file of this kind. No server has published its key yet.
    async fn unbegun(&self, kind: KeyKind, now: Timestamp) -> Result<Option<NewKey>, CustodyError> {
        self.blocking(move |folder| {
            let mut found = Vec::new();
            for name in folder.key_files()? {
                let Some(file) = folder.read(&name)? else { continue };
                let Ok(key) = SigningKey::from_pem(kind.algorithm, &file.text) else { continue };
                let fits = !kind.algorithm.is_rsa() || key.verifying_key().bits() == kind.rsa_bits;
                // An older file belonged to a ring that is gone; an operator who begins anew may have had a
                // reason.
                let fits = fits && file.modified_at.plus_secs(MAKING) > now;
                found.extend(fits.then(|| (file.modified_at, Home::new(Self::SCHEME, &name), key)));
            }
            let newest = found.into_iter().max_by_key(|(modified_at, ..)| *modified_at);
            newest.map(|(_, home, key)| new_key(key.verifying_key(), Some(home))).transpose()
        })
        .await
    }
}
