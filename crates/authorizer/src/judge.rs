//! Checks a token: its issuer, its signature with that issuer's keys, its claims.

use jose::json::Json;
use jose::{Rejection, SignedParts};

use crate::clock::Moment;
use crate::denial::Denial;
use crate::keys::Provider;
use crate::rules::{Grant, Rules};

/// Judges tokens.
pub struct Judge {
    /// The issuers whose tokens are accepted.
    pub providers: Vec<Provider>,
    /// The rules for all their tokens.
    pub rules: Rules,
}

impl Judge {
    /// Judges one token.
    ///
    /// # Errors
    /// The [`Denial`].
    pub async fn judge(&self, token: &str) -> Result<Grant, Denial> {
        let (header, claims) = jose::decode_unverified(token)?;
        let issuer = member(&claims, "iss").ok_or(Denial::UnknownIssuer)?;
        // The token is not verified yet: its claims are used only to choose the keys.
        let provider = self.providers.iter().find(|provider| provider.issuer() == issuer);
        let provider = provider.ok_or(Denial::UnknownIssuer)?;
        let signed = signed(provider, token, member(&header, "kid").is_some()).await?;
        let header = Json::parse(&signed.header).map_err(|_| Rejection::Malformed)?;
        let claims = Json::parse(&signed.payload).map_err(|_| Rejection::Malformed)?;
        self.rules.grant(provider.issuer(), &header, &claims, Moment::now().unix)
    }
}

/// The content that the issuer signed. An unknown key may be new: the keys are read again before the token is
/// refused.
async fn signed(provider: &Provider, token: &str, has_kid: bool) -> Result<SignedParts, Denial> {
    let held = provider.keys().await?;
    let refused = match held.keys.verify(token) {
        Ok(signed) => return Ok(signed),
        Err(refused) => refused,
    };
    let may_be_new = match refused {
        Rejection::UnknownKey => true,
        Rejection::BadSignature => !has_kid, // a set without names changes unnoticed
        _ => false,
    };
    match if may_be_new { provider.keys_after(&held).await? } else { None } {
        Some(newer) => Ok(newer.keys.verify(token)?),
        None => Err(refused.into()),
    }
}

fn member(json: &str, name: &str) -> Option<String> {
    Json::parse(json).ok()?.get(name)?.text().map(str::to_owned)
}
