//! Tokens that prove that a form came from our own page (RFC 9700 §4.7): an HMAC of the cookie of the browser under a subkey of
//! the server secret.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use super::page_request::are_equal;
use super::{OAuth, TokenError};
use crate::domain::Secret;
use crate::server_secret::{Label, keyed_hash};

impl OAuth {
    /// The token for the forms of a browser with this cookie.
    ///
    /// # Errors
    /// [`TokenError::NotReady`] if there is no server secret yet.
    pub fn form_token(&self, cookie: &Secret<String>) -> Result<String, TokenError> {
        let keys = self.subkeys(Label::FormToken)?;
        Ok(URL_SAFE_NO_PAD.encode(keyed_hash(&keys.newest, cookie.expose().as_bytes())))
    }

    /// Whether `token` is the token of a browser with this cookie.
    ///
    /// # Errors
    /// [`TokenError::NotReady`] if there is no server secret yet.
    pub fn accepts_form(&self, cookie: &Secret<String>, token: &str) -> Result<bool, TokenError> {
        let keys = self.subkeys(Label::FormToken)?;
        let Ok(given) = URL_SAFE_NO_PAD.decode(token) else { return Ok(false) };
        let mut hashes = keys.all.iter().map(|key| keyed_hash(key, cookie.expose().as_bytes()));
        Ok(hashes.any(|hash| are_equal(&hash, &given)))
    }
}
