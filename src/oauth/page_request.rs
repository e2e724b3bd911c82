//! An authorization request while the user is on our pages: it travels in the address of the page, sealed with a subkey of the
//! server secret, so that no instance stores anything. It is not secret: its content came in the address of the first request.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use super::{OAuth, TokenError};
use crate::domain::{SessionId, Timestamp};
use crate::server_secret::{Label, keyed_hash};

/// A request on its way through the pages.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PageRequest {
    /// When it came.
    pub began_at: Timestamp,
    /// The session that the browser had then. A user who must log in again has another one afterwards.
    pub seen_session: Option<SessionId>,
    /// Whether the user has said which account to use.
    pub is_account_chosen: bool,
    /// Its parameters in the form of a query.
    pub query: String,
}

/// Seconds that a user has to log in and to answer.
const MAX_AGE_SECS: u64 = 3600;
/// The bytes of the seal.
const SEAL_BYTES: usize = 16;
/// The bytes in front of the query: a flag, the instant and the session.
const HEAD_BYTES: usize = 1 + 8 + 16;

impl PageRequest {
    fn to_bytes(&self) -> Vec<u8> {
        let flags = u8::from(self.is_account_chosen) | u8::from(self.seen_session.is_some()) << 1;
        let session = self.seen_session.map_or([0; 16], SessionId::to_bytes);
        let mut bytes = vec![flags];
        bytes.extend_from_slice(&self.began_at.as_secs().to_be_bytes());
        bytes.extend_from_slice(&session);
        bytes.extend_from_slice(self.query.as_bytes());
        bytes
    }

    fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let (head, query) = bytes.split_at_checked(HEAD_BYTES)?;
        let (flags, began_at) = (head[0], u64::from_be_bytes(head[1..9].try_into().ok()?));
        let session = SessionId::from_bytes(head[9..].try_into().ok()?);
        Some(Self {
            began_at: Timestamp::from_secs(began_at),
            seen_session: (flags & 2 != 0).then_some(session),
            is_account_chosen: flags & 1 != 0,
            query: String::from_utf8(query.to_vec()).ok()?,
        })
    }
}

impl OAuth {
    /// The request as text for an address.
    ///
    /// # Errors
    /// [`TokenError::NotReady`] if there is no server secret yet.
    pub fn seal_page_request(&self, request: &PageRequest) -> Result<String, TokenError> {
        let keys = self.subkeys(Label::PageRequest)?;
        let bytes = request.to_bytes();
        let mut sealed = keyed_hash(&keys.newest, &bytes).to_vec();
        sealed.extend_from_slice(&bytes);
        Ok(URL_SAFE_NO_PAD.encode(sealed))
    }

    /// Reads such a text again. `None` if it is not one of ours, or too old.
    ///
    /// # Errors
    /// [`TokenError::NotReady`] if there is no server secret yet.
    pub fn open_page_request(&self, text: &str) -> Result<Option<PageRequest>, TokenError> {
        let keys = self.subkeys(Label::PageRequest)?;
        let Ok(sealed) = URL_SAFE_NO_PAD.decode(text) else { return Ok(None) };
        let Some((seal, bytes)) = sealed.split_at_checked(SEAL_BYTES) else { return Ok(None) };
        let is_ours = keys.all.iter().any(|key| are_equal(&keyed_hash(key, bytes), seal));
        let request = PageRequest::from_bytes(bytes).filter(|_| is_ours);
        let now = self.clock.now();
        Ok(request.filter(|request| now.as_secs().saturating_sub(request.began_at.as_secs()) < MAX_AGE_SECS))
    }
}

/// Compares without a hint in the time that it takes.
pub(super) fn are_equal(one: &[u8], other: &[u8]) -> bool {
    aws_lc_rs::constant_time::verify_slices_are_equal(one, other).is_ok()
}

#[cfg(test)]
mod tests {
    use super::PageRequest;
    use crate::domain::{SessionId, Timestamp};

    #[test]
    fn a_request_reads_back_what_it_writes() {
        for (seen_session, is_account_chosen) in [(None, false), (Some(SessionId::from_bytes([7; 16])), true)]
        {
            let began_at = Timestamp::from_secs(1_800_000_000);
            let query = "client_id=app&state=%20".to_owned();
            let request = PageRequest { began_at, seen_session, is_account_chosen, query };
            assert_eq!(PageRequest::from_bytes(&request.to_bytes()), Some(request));
        }
        assert_eq!(PageRequest::from_bytes(&[0; 24]), None);
    }
}
