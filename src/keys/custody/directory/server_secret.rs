//! The server secret in a file of its own, so that `ring.json` contains no secret.

use std::io;

use zeroize::Zeroizing;

use super::super::{FileFault, file};
use super::Directory;
use crate::domain::{RingRecord, ServerSecretFault, ServerSecretRecord};

const FILE: &str = "server-secret";

impl Directory {
    /// `ring` with the secret from the file. If the file cannot be used, the keys stay usable.
    pub(super) fn with_server_secret(&self, ring: RingRecord) -> RingRecord {
        match self.read_server_secret() {
            Ok(server_secret) => RingRecord { server_secret, ..ring },
            Err(fault) => RingRecord { server_secret_fault: Some(ServerSecretFault::new(&fault)), ..ring },
        }
    }

    /// Writes the secret of `ring` to the file, before the ring itself is written. If the ring has no secret,
    /// the file does not change: it may belong to a ring that is about to begin, or to one that an operator
    /// can repair. A file that cannot be used is never overwritten.
    pub(super) fn keep_server_secret(&self, ring: &RingRecord) -> Result<(), FileFault> {
        let Some(secret) = &ring.server_secret else { return Ok(()) };
        if self.read_server_secret()?.is_some_and(|there| there.expose() == secret.expose()) {
            return Ok(());
        }
        let text = Zeroizing::new(format!("{}\n", secret.expose()));
        let written = file::replace(&self.folder, FILE, &text, 0o600);
        written.map_err(|cause| FileFault::Unwritable { path: self.file(FILE), cause })
    }

    /// Warns if others can read the file. A file that cannot be read has a warning of its own.
    pub(super) fn warn_of_open_server_secret(&self) {
        if let Ok(Some(found)) = file::read(&self.file(FILE)) {
            self.warn_of_open_mode(FILE, &found);
        }
    }

    fn read_server_secret(&self) -> Result<Option<ServerSecretRecord>, FileFault> {
        let fault = |cause: io::Error| {
            let is_binary = cause.kind() == io::ErrorKind::InvalidData;
            let cause = if is_binary { io::Error::other("it is not text") } else { cause };
            FileFault::NoServerSecret { path: self.file(FILE), cause }
        };
        let Some(found) = file::read(&self.file(FILE)).map_err(fault)? else { return Ok(None) };
        let text = found.text.trim();
        if text.len() < ServerSecretRecord::SHORTEST {
            return Err(fault(io::Error::other("it has fewer than 32 bytes")));
        }
        Ok(Some(ServerSecretRecord::new(text, found.modified_at.whole_secs())))
    }
}
