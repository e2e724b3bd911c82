//! Codes and refresh tokens. They are not stored: each contains the id of its grant, and an HMAC under a key that is derived
//! from the server secret. So the same token can be made again, and a forged one costs no look-up.

use aws_lc_rs::hmac::{HMAC_SHA256, Key, sign, verify};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use super::TokenError;
use crate::domain::{ClientId, GrantId, Secret};
use crate::server_secret::{CurrentServerSecret, Label, SubKeys};

const ID_BYTES: usize = 16;
const MAC_BYTES: usize = 32;
/// The first byte of a refresh token: the version of its form.
const REFRESH_VERSION: u8 = 1;

/// A refresh token whose HMAC is right.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct RefreshToken {
    /// The grant.
    pub(super) grant: GrantId,
    /// The number of the token within its grant.
    pub(super) counter: u64,
}

impl RefreshToken {
    const CONTENT_BYTES: usize = 1 + ID_BYTES + 8;

    /// Whether a text has the form of a refresh token.
    pub(super) fn may_be(text: &str) -> bool {
        text.len() == encoded_length(Self::CONTENT_BYTES)
    }
}

/// Makes and reads both kinds. The subkey of the newest secret makes, and those of all secrets read.
pub(super) struct GrantTokens {
    codes: SubKeys,
    refresh_tokens: SubKeys,
}

impl GrantTokens {
    /// With the keys of now.
    ///
    /// # Errors
    /// [`TokenError::NotReady`] while there is no server secret.
    pub(super) fn new(secret: &CurrentServerSecret) -> Result<Self, TokenError> {
        let keys = |label| match secret.subkeys(label) {
            Ok(keys) => keys.ok_or(TokenError::NotReady),
            Err(error) => Err(TokenError::Failed(error.to_string().into())),
        };
        Ok(Self { codes: keys(Label::AuthorizationCode)?, refresh_tokens: keys(Label::RefreshToken)? })
    }

    /// The code of a grant. It is bound to the client.
    pub(super) fn code(&self, grant: GrantId, client: &ClientId) -> Secret<String> {
        encode(&self.codes, &grant.to_bytes(), client.as_str().as_bytes())
    }

    /// The grant of a code of this client; `None` for every other text.
    pub(super) fn read_code(&self, text: &str, client: &ClientId) -> Option<GrantId> {
        let id: [u8; ID_BYTES] = decode(&self.codes, text, client.as_str().as_bytes())?;
        Some(GrantId::from_bytes(id))
    }

    /// The refresh token of this number.
    pub(super) fn refresh_token(&self, token: RefreshToken) -> Secret<String> {
        let mut content = [0; RefreshToken::CONTENT_BYTES];
        let (version, rest) = content.split_at_mut(1);
        let (id, counter) = rest.split_at_mut(ID_BYTES);
        version.copy_from_slice(&[REFRESH_VERSION]);
        id.copy_from_slice(&token.grant.to_bytes());
        counter.copy_from_slice(&token.counter.to_be_bytes());
        encode(&self.refresh_tokens, &content, &[])
    }

    /// Reads a refresh token; `None` for every other text.
    pub(super) fn read_refresh_token(&self, text: &str) -> Option<RefreshToken> {
        let content: [u8; RefreshToken::CONTENT_BYTES] = decode(&self.refresh_tokens, text, &[])?;
        let (version, rest) = content.split_first()?;
        let (id, counter) = rest.split_at_checked(ID_BYTES)?;
        let grant = GrantId::from_bytes(id.try_into().ok()?);
        let counter = u64::from_be_bytes(counter.try_into().ok()?);
        (*version == REFRESH_VERSION).then_some(RefreshToken { grant, counter })
    }
}

/// The content and the HMAC of it and of `bound`, which the token does not contain. The content has a fixed length, so that
/// no two pairs give the same message.
fn encode(keys: &SubKeys, content: &[u8], bound: &[u8]) -> Secret<String> {
    let key = Key::new(HMAC_SHA256, keys.newest.expose());
    let mac = sign(&key, &[content, bound].concat());
    Secret::new(URL_SAFE_NO_PAD.encode([content, mac.as_ref()].concat()))
}

/// Four characters for each three bytes: both lengths are divisible by three.
fn encoded_length(content: usize) -> usize {
    (content + MAC_BYTES) / 3 * 4
}

/// The content of a token that one of the keys has made. Because of its length a token has one spelling. The comparison takes the same time for every wrong HMAC.
fn decode<const CONTENT: usize>(keys: &SubKeys, text: &str, bound: &[u8]) -> Option<[u8; CONTENT]> {
    if text.len() != encoded_length(CONTENT) {
        return None;
    }
    let bytes = URL_SAFE_NO_PAD.decode(text).ok()?;
    let (content, mac) = bytes.split_at_checked(CONTENT)?;
    let message = [content, bound].concat();
    let is_good =
        keys.all.iter().any(|key| verify(&Key::new(HMAC_SHA256, key.expose()), &message, mac).is_ok());
    content.try_into().ok().filter(|_| is_good)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::server_secret::ServerSecretSettings;

    const NEW: &str = "a server secret of more than 32 bytes";
    const OLD: &str = "MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE=";
    const REFRESH: RefreshToken = RefreshToken { grant: GrantId::from_bytes([7; 16]), counter: 258 };

    fn tokens(secrets: &str) -> GrantTokens {
        let current = CurrentServerSecret::default();
        current.set(ServerSecretSettings::parse(secrets).unwrap().with(None).unwrap());
        GrantTokens::new(&current).unwrap()
    }

    fn client(id: &str) -> ClientId {
        ClientId::parse(id).unwrap()
    }

    /// Worked out with another implementation of RFC 5869 and RFC 2104: every later version must read these.
    #[test]
    fn codes_and_refresh_tokens_stay_what_they_are() {
        let tokens = tokens(OLD);
        let (code, refresh) = (tokens.code(REFRESH.grant, &client("app")), tokens.refresh_token(REFRESH));
        assert_eq!(code.expose(), "BwcHBwcHBwcHBwcHBwcHB800kRF5AcIYcsmSoWNtacks45BFo1W_F0MR38mbmHJx");
        assert_eq!(
            refresh.expose(),
            "AQcHBwcHBwcHBwcHBwcHBwcAAAAAAAABAp1jyEJdRxBFRouqlk8bb1DIf6-3uwxXoBHmZBN4e9IZ"
        );
        assert_eq!(tokens.read_code(code.expose(), &client("app")), Some(REFRESH.grant));
        assert_eq!(tokens.read_refresh_token(refresh.expose()), Some(REFRESH));
    }

    #[test]
    fn a_code_is_good_for_its_client_only() {
        let tokens = tokens(OLD);
        let code = tokens.code(REFRESH.grant, &client("app"));
        for other in ["app2", "ap", "App"] {
            assert_eq!(tokens.read_code(code.expose(), &client(other)), None);
        }
    }

    /// T4 of the failure tests: a token has one spelling.
    #[test]
    fn t4_no_other_spelling_and_no_changed_token_is_read() {
        let tokens = tokens(OLD);
        let refresh = tokens.refresh_token(REFRESH).expose().clone();
        let code = tokens.code(REFRESH.grant, &client("app")).expose().clone();
        let is_read = |text: &str| {
            tokens.read_refresh_token(text).is_some() || tokens.read_code(text, &client("app")).is_some()
        };
        assert!(is_read(&refresh) && is_read(&code));
        for good in [&refresh, &code] {
            for other in [
                format!("{good}="),
                format!(" {good}"),
                format!("{good}\n"),
                format!("{good}A"),
                good.replace(['-', '_'], "/"),
                good[..good.len() - 4].to_owned(),
                String::new(),
            ] {
                assert!(other == *good || !is_read(&other), "{other}");
            }
            for at in 0..good.len() {
                let mut bytes = good.clone().into_bytes();
                bytes[at] = if bytes[at] == b'A' { b'B' } else { b'A' };
                assert!(!is_read(std::str::from_utf8(&bytes).unwrap()), "changed at {at}");
            }
        }
    }

    #[test]
    fn tokens_of_an_older_secret_are_read_and_those_of_another_are_not() {
        let (old, both, new) = (tokens(OLD), tokens(&format!("{NEW},{OLD}")), tokens(NEW));
        let of_old = old.refresh_token(REFRESH);
        assert_eq!(both.read_refresh_token(of_old.expose()), Some(REFRESH));
        assert_eq!(new.read_refresh_token(of_old.expose()), None);
        assert_eq!(both.refresh_token(REFRESH).expose(), new.refresh_token(REFRESH).expose());
    }

    #[test]
    fn without_a_server_secret_nothing_is_made_or_read() {
        let made = GrantTokens::new(&CurrentServerSecret::default());
        assert!(matches!(made.err(), Some(TokenError::NotReady)));
    }
}
