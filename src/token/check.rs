//! Checking: the signature by our own keys, and the claims by our own rules.

use jose::{Expectations, Verified};

use super::Tokens;

pub use jose::Rejection;

/// Why a token was not found to pass.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CheckError {
    /// It does not.
    #[error(transparent)]
    Rejected(#[from] Rejection),
    /// There are no keys yet to check it with.
    #[error("the keys are not there yet")]
    NoKeys,
}

/// A token that passed.
#[derive(Debug)]
pub struct Checked {
    verified: Verified,
}

impl Checked {
    /// The header's JSON as it was signed.
    pub fn header(&self) -> &str {
        &self.verified.header
    }

    /// The claims' JSON as it was signed.
    pub fn claims(&self) -> &str {
        &self.verified.claims
    }

    /// Whom the token is for.
    pub fn subject(&self) -> Option<&str> {
        self.verified.registered.sub.as_deref()
    }

    /// What decides whether a user may act on this token.
    pub fn standing(&self) -> Standing {
        serde_json::from_str(&self.verified.claims).unwrap_or(Standing {
            demo: true,
            auth_time: None,
            iat: None,
        })
    }
}

/// The claims of ours that bear on accounts. Read leniently: whatever stands in `demo` but `false` makes a demo token.
#[derive(Debug, serde::Deserialize)]
pub struct Standing {
    /// Whether anybody at all could have asked for the token.
    #[serde(default, deserialize_with = "anything_but_false")]
    pub demo: bool,
    /// When the user proved who they are.
    pub auth_time: Option<u64>,
    /// When the token was issued.
    pub iat: Option<u64>,
}

fn anything_but_false<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<bool, D::Error> {
    let value: serde_json::Value = serde::Deserialize::deserialize(deserializer)?;
    Ok(value != serde_json::Value::Bool(false))
}

impl Tokens {
    /// Checks a token by our keys, issuer and clock; it must be meant for `audience`, or for the usual one.
    ///
    /// # Errors
    /// [`CheckError`], which says why.
    pub fn check(&self, token: &str, audience: Option<&str>) -> Result<Checked, CheckError> {
        let ring = self.keys.ring();
        let ring = ring.as_ref().ok_or(CheckError::NoKeys)?;
        let audience = [audience.unwrap_or(&self.settings.audience)];
        let expect = Expectations {
            issuer: &self.settings.issuer,
            audience: &audience,
            leeway: self.settings.clock_skew,
            now: self.clock.now().as_secs(),
        };
        // Most tokens are of the key that signs now, and their headers are all the same.
        let known = ring
            .active()
            .map(|active| jose::KnownHeader { encoded: active.protected_header(), key: active.verifying() });
        let verified = jose::verify_known(token, known, |kid| ring.verifying(kid), &expect)?;
        Ok(Checked { verified })
    }
}
