//! The server secret in a file of its own, so that `ring.json` holds no secret.

use zeroize::Zeroizing;

use super::super::{CustodyError, FileFault, file};
use super::Directory;
use crate::domain::{RingRecord, ServerSecretRecord};

const FILE: &str = "server-secret";

impl Directory {
    /// What the file holds; nothing where there is none.
    pub(super) fn read_server_secret(&self) -> Result<Option<ServerSecretRecord>, CustodyError> {
        let Some(found) = self.read(FILE)? else { return Ok(None) };
        let text = found.text.trim();
        if text.len() < ServerSecretRecord::SHORTEST {
            return Err(FileFault::NoServerSecret(self.file(FILE)).into());
        }
        Ok(Some(ServerSecretRecord::new(text, found.modified_at.whole_secs())))
    }

    /// Has the file hold the secret of `ring`, before the ring itself is written. A ring without one leaves the file alone:
    /// it may be of a ring that is about to begin.
    pub(super) fn keep_server_secret(&self, ring: &RingRecord) -> Result<(), FileFault> {
        let Some(secret) = &ring.server_secret else { return Ok(()) };
        let path = || self.file(FILE);
        let there = file::read(&path()).map_err(|cause| FileFault::Unreadable { path: path(), cause })?;
        if there.is_some_and(|there| there.text.trim() == secret.expose()) {
            return Ok(());
        }
        let text = Zeroizing::new(format!("{}\n", secret.expose()));
        let written = file::replace(&self.folder, FILE, &text, 0o600);
        written.map_err(|cause| FileFault::Unwritable { path: path(), cause })
    }
}
