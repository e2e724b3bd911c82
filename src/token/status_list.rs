//! Token Status List (draft-ietf-oauth-status-list-21): the claim of a token that names its place in a list, and the list as it is
//! signed.

use jose::Typ;
use serde::Serialize;

use super::{IssueError, Tokens};
use crate::domain::{Kid, Lifetime, Secret, Timestamp};

/// The place of a token in a list of the states of tokens.
#[derive(Clone, Copy, Debug)]
pub struct StatusReference<'a> {
    /// The address of the list.
    pub uri: &'a str,
    /// The number of the entry in the list.
    pub index: u32,
}

/// The claim `status` (§6.1 of the draft).
#[derive(Clone, Copy, Debug, Serialize)]
pub(super) struct StatusClaim<'a> {
    status_list: ListClaim<'a>,
}

#[derive(Clone, Copy, Debug, Serialize)]
struct ListClaim<'a> {
    idx: u32,
    uri: &'a str,
}

impl<'a> StatusReference<'a> {
    pub(super) fn claim(self) -> StatusClaim<'a> {
        StatusClaim { status_list: ListClaim { idx: self.index, uri: self.uri } }
    }
}

/// The claims of a list (§5.1 of the draft). It has no `iss` and no `aud`, which every verifier of access tokens asks for.
#[derive(Serialize)]
struct ListClaims<'a> {
    sub: &'a str,
    iat: u64,
    exp: u64,
    ttl: u64,
    status_list: StatusList<'a>,
}

#[derive(Serialize)]
struct StatusList<'a> {
    bits: u8,
    lst: &'a str,
    aggregation_uri: &'a str,
}

/// A signed list.
#[derive(Clone, Debug)]
pub struct SignedStatusList {
    /// The compact JWS. It is published.
    pub token: Secret<String>,
    /// The key that signed it.
    pub kid: Kid,
    /// Its `iat`.
    pub issued_at: Timestamp,
}

impl Tokens {
    /// How long a list counts: as long as the longest token, because every key stays published for so long after its last
    /// signature.
    pub fn status_list_life(&self) -> Lifetime {
        self.settings.lifetime.max(self.settings.max_lifetime)
    }

    /// Signs the list at `uri`, one bit for each token. `lst` are the compressed bits, and `ttl` the seconds for which a
    /// verifier may keep the list.
    ///
    /// # Errors
    /// [`IssueError`].
    pub async fn sign_status_list(
        &self,
        uri: &str,
        aggregation_uri: &str,
        lst: &str,
        ttl: u64,
    ) -> Result<SignedStatusList, IssueError> {
        let (now, life) = (self.clock.now(), self.status_list_life());
        let expires_at = now.plus_secs(life.as_secs());
        let status_list = StatusList { bits: 1, lst, aggregation_uri };
        let (iat, exp) = (now.as_secs(), expires_at.as_secs());
        let claims = ListClaims { sub: uri, iat, exp, ttl, status_list };
        let json = serde_json::to_vec(&claims).map_err(|_| IssueError::Failed("the claims are not JSON"))?;
        let signed = self.keys.sign_of_any_size(Typ::StatusList, &json, life, expires_at).await?;
        Ok(SignedStatusList { kid: signed.key.kid().clone(), token: signed.token, issued_at: now })
    }
}
