//! An authorization request while the user is on our pages: it travels in the address of the page, sealed with a subkey of the
//! server secret, so that no instance stores anything. It is not secret: its content came in the address of the first request.

use aws_lc_rs::digest::{SHA256, digest};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use super::{LiveSession, OAuth, TokenError};
use crate::domain::{Secret, Timestamp};
use crate::server_secret::{Label, keyed_hash};

/// A request on its way through the pages.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PageRequest {
    /// When it came.
    pub began_at: Timestamp,
    /// The browser in which it came.
    pub browser: BrowserMark,
    /// The log-in that the browser had then. A user who must log in again has another one afterwards.
    pub seen_log_in: Option<[u8; 16]>,
    /// Whether the user has said which account to use.
    pub is_account_chosen: bool,
    /// Its parameters in the form of a query.
    pub query: String,
}

/// Tells one browser from another: a part of the SHA-256 of its cookie for forms.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BrowserMark([u8; 16]);

impl BrowserMark {
    /// The mark of the browser with this cookie.
    pub fn of(cookie: &Secret<String>) -> Self {
        let hash = digest(&SHA256, cookie.expose().as_bytes());
        let mark = hash.as_ref().get(..16).and_then(|mark| mark.try_into().ok());
        Self(mark.unwrap_or_default())
    }
}

/// Seconds that a user has to log in and to answer.
const MAX_AGE_SECS: u64 = 3600;
/// The bytes of the seal.
const SEAL_BYTES: usize = 16;
/// The bytes in front of the query: the flags, the instant, the browser and the log-in.
const HEAD_BYTES: usize = 1 + 8 + 16 + 16;
const IS_ACCOUNT_CHOSEN: u8 = 1;
const HAS_LOG_IN: u8 = 2;
/// Marks this form of the head.
const HAS_BROWSER: u8 = 4;

impl PageRequest {
    /// The request as this browser may go on with it. If it came in another browser, which an attacker can arrange, it begins
    /// here: a log-in and a choice that were made before do not count for it. Its age stays.
    #[must_use]
    pub fn in_browser(self, browser: BrowserMark, live: Option<&LiveSession>) -> Self {
        if self.browser == browser {
            return self;
        }
        let seen_log_in = live.map(|live| live.session.key.mark());
        Self { browser, seen_log_in, is_account_chosen: false, ..self }
    }

    fn to_bytes(&self) -> Vec<u8> {
        let flag = |is_set: bool, flag: u8| if is_set { flag } else { 0 };
        let chosen = flag(self.is_account_chosen, IS_ACCOUNT_CHOSEN);
        let mut bytes = vec![HAS_BROWSER | chosen | flag(self.seen_log_in.is_some(), HAS_LOG_IN)];
        bytes.extend_from_slice(&self.began_at.as_secs().to_be_bytes());
        bytes.extend_from_slice(&self.browser.0);
        bytes.extend_from_slice(&self.seen_log_in.unwrap_or_default());
        bytes.extend_from_slice(self.query.as_bytes());
        bytes
    }

    fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let (head, query) = bytes.split_at_checked(HEAD_BYTES)?;
        let (flags, began_at) = (head[0], u64::from_be_bytes(head[1..9].try_into().ok()?));
        let (browser, log_in) = (head[9..25].try_into().ok()?, head[25..].try_into().ok()?);
        if flags & HAS_BROWSER == 0 {
            return None;
        }
        Some(Self {
            began_at: Timestamp::from_secs(began_at),
            browser: BrowserMark(browser),
            seen_log_in: (flags & HAS_LOG_IN != 0).then_some(log_in),
            is_account_chosen: flags & IS_ACCOUNT_CHOSEN != 0,
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
    use super::{BrowserMark, PageRequest};
    use crate::domain::Timestamp;

    #[test]
    fn a_request_reads_back_what_it_writes() {
        for (seen_log_in, is_account_chosen) in [(None, false), (Some([7; 16]), true)] {
            let (browser, began_at) = (BrowserMark([9; 16]), Timestamp::from_secs(1_800_000_000));
            let query = "client_id=app&state=%20".to_owned();
            let request = PageRequest { began_at, browser, seen_log_in, is_account_chosen, query };
            assert_eq!(PageRequest::from_bytes(&request.to_bytes()), Some(request));
        }
        assert_eq!(PageRequest::from_bytes(&[0; 40]), None);
        assert_eq!(PageRequest::from_bytes(&[0; 41]), None);
    }
}
