//! A grant: what a user has permitted a client, from the code to the last refresh token (RFC 6749 §1.3).

mod redeem;
mod refresh;

use serde::{Deserialize, Serialize};

use super::{Client, ClientId, GrantId, RegistrationId, Scopes, SessionId, Timestamp, UserId};

pub use redeem::{PresentedCode, RedeemError};
pub use refresh::{RefreshError, Refreshed};

/// One document from the code to the end: no crash lies between the use of the code and the tokens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Grant {
    /// Its id.
    pub id: GrantId,
    /// Counts the changes; a change replaces the revision that it was made from.
    pub revision: u64,
    /// The client.
    pub client: ClientId,
    /// The user.
    pub user: UserId,
    /// When it may be removed.
    pub forget_at: Timestamp,
    /// Everything that never changes.
    pub terms: GrantTerms,
    /// What is left of it.
    pub stage: GrantStage,
}

/// What was permitted, and how the user had logged in.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct GrantTerms {
    /// The registration of the client.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub registration: Option<RegistrationId>,
    /// The browser session in which it was given.
    pub session: SessionId,
    /// The scopes.
    pub scopes: Scopes,
    /// The audiences of its access tokens (RFC 8707).
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub resources: Vec<String>,
    /// When the user logged in, in seconds since 1970.
    pub auth_time: u64,
    /// The methods of the log-in (RFC 8176).
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub amr: Vec<String>,
    /// The class of the log-in (OpenID Connect Core §2).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub acr: Option<String>,
    /// The nonce of the request, for the id token.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub nonce: Option<String>,
    /// Names of claims that the request asked to have in the id token (OpenID Connect Core §5.5).
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub id_token_claims: Vec<String>,
    /// Names of claims that the request asked to have in the userinfo.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub userinfo_claims: Vec<String>,
    /// When the user gave it.
    pub created_at: Timestamp,
}

impl GrantTerms {
    /// Whether the grant goes on after the user has logged out (OpenID Connect Core §11). Otherwise the end of its browser
    /// session ends it.
    pub fn outlive_session(&self) -> bool {
        self.scopes.contains("offline_access")
    }
}

/// The stage of a grant.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "stage", rename_all = "snake_case")]
pub enum GrantStage {
    /// The code was given out and not used yet.
    Code {
        /// What must come with the code.
        #[serde(flatten)]
        proof: CodeProof,
        /// When the code stops being valid.
        expires_at: Timestamp,
    },
    /// The code was used. Without a refresh token nothing more comes of it, but a second use of the code ends it.
    Active {
        /// The number of the newest refresh token; 0: the grant has none.
        counter: u64,
        /// When the newest refresh token was first given out.
        rotated_at: Timestamp,
        /// When a refresh token was last used.
        used_at: Timestamp,
        /// What came with the code. Only a second use with the same ends the grant; an older record has none of it, so that
        /// each second use does.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        proof: Option<CodeProof>,
    },
    /// It was revoked, or a token of it was used twice. Its refresh tokens and access tokens are refused.
    Ended {
        /// When.
        at: Timestamp,
    },
}

/// What comes with a code from the client that the code was given to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CodeProof {
    /// The redirect URI of the request, which must come again with the code; `None` if the request had none.
    pub redirect_uri: Option<String>,
    /// The S256 challenge (RFC 7636 §4.3).
    pub code_challenge: Option<String>,
}

/// How long a grant lasts after its code was used, in seconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct GrantLifetimes {
    /// From the grant to the end of its refresh tokens, however often they are used.
    pub refresh: u64,
    /// From the last use of a refresh token to the end of the grant.
    pub idle: u64,
    /// The life of its access tokens: so long is the grant remembered after the last one.
    pub access_token: u64,
}

impl GrantLifetimes {
    /// The use of a refresh token that is not replaced is written at most once in so many seconds.
    const USE_PRECISION_SECS: u64 = 60;

    /// The first instant at which refresh tokens of a grant no longer count.
    fn refresh_until(self, created_at: Timestamp, used_at: Timestamp) -> Timestamp {
        created_at.plus_secs(self.refresh).min(used_at.plus_secs(self.idle))
    }

    /// Whether a use at `now` must be written, if the last one that was written was at `used_at`.
    fn writes_use(self, used_at: Timestamp, now: Timestamp) -> bool {
        now >= used_at.plus_secs(Self::USE_PRECISION_SECS.min(self.idle / 10))
    }
}

impl Grant {
    /// Seconds that a code lives.
    pub const CODE_LIFETIME_SECS: u64 = 60;
    /// A user has about so many codes of a client at once; those that were used do not count.
    pub const MAX_CODES: usize = 1000;

    /// A new grant, of which a code is given out at `terms.created_at`.
    pub fn with_code(
        id: GrantId,
        client: ClientId,
        user: UserId,
        terms: GrantTerms,
        redirect_uri: Option<String>,
        code_challenge: Option<String>,
    ) -> Self {
        let expires_at = terms.created_at.plus_secs(Self::CODE_LIFETIME_SECS);
        let proof = CodeProof { redirect_uri, code_challenge };
        let stage = GrantStage::Code { proof, expires_at };
        Self { id, revision: 1, client, user, forget_at: expires_at, terms, stage }
    }

    /// The same grant, ended at `now`. `None` if it has ended already. It is remembered as long as before, so that its tokens
    /// are still known as those of an ended grant.
    #[must_use]
    pub fn ended(&self, now: Timestamp) -> Option<Self> {
        (!self.has_ended()).then(|| self.at_stage(GrantStage::Ended { at: now }, self.forget_at))
    }

    /// Whether it was revoked, or a token of it was used twice.
    pub fn has_ended(&self) -> bool {
        matches!(self.stage, GrantStage::Ended { .. })
    }

    /// Whether it was given to this client, and not to an earlier one with the same id.
    pub fn is_of(&self, client: &Client) -> bool {
        self.client == client.id && self.terms.registration == client.registration
    }

    /// Until when its refresh tokens count, if the client has one now.
    pub fn refresh_until(&self, lifetimes: GrantLifetimes) -> Option<Timestamp> {
        match self.stage {
            GrantStage::Active { counter: 1.., used_at, .. } => {
                Some(lifetimes.refresh_until(self.terms.created_at, used_at))
            }
            _ => None,
        }
    }

    /// The scopes of the next tokens: those that the request names, which may not be more than were permitted (RFC 6749 §6);
    /// all of them if it names none.
    pub fn narrowed(&self, requested: &Scopes) -> Option<Scopes> {
        match requested {
            all if all.is_empty() => Some(self.terms.scopes.clone()),
            some if some.are_within(&self.terms.scopes) => Some(some.clone()),
            _ => None,
        }
    }

    fn active(&self, counter: u64, rotated_at: Timestamp, lifetimes: GrantLifetimes, now: Timestamp) -> Self {
        let proof = match &self.stage {
            GrantStage::Code { proof, .. } => Some(proof.clone()),
            GrantStage::Active { proof, .. } => proof.clone(),
            GrantStage::Ended { .. } => None,
        };
        let access_until =
            now.plus_secs(lifetimes.access_token).plus_secs(GrantLifetimes::USE_PRECISION_SECS);
        let refresh_until = match counter {
            0 => access_until,
            _ => lifetimes.refresh_until(self.terms.created_at, now),
        };
        let stage = GrantStage::Active { counter, rotated_at, used_at: now, proof };
        self.at_stage(stage, access_until.max(refresh_until))
    }

    fn at_stage(&self, stage: GrantStage, forget_at: Timestamp) -> Self {
        Self { revision: self.revision + 1, stage, forget_at, ..self.clone() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    pub(super) const GIVEN: Timestamp = Timestamp::from_secs(1_800_000_000);
    pub(super) const LIFETIMES: GrantLifetimes =
        GrantLifetimes { refresh: 10_000, idle: 1_000, access_token: 300 };

    /// A grant with a code, as a client with PKCE gets it.
    pub(super) fn grant() -> Grant {
        let terms = GrantTerms {
            registration: None,
            session: SessionId::from_bytes([2; 16]),
            scopes: Scopes::parse("openid offline_access a b").unwrap(),
            resources: vec![],
            auth_time: GIVEN.as_secs(),
            amr: vec![],
            acr: None,
            nonce: None,
            id_token_claims: vec![],
            userinfo_claims: vec![],
            created_at: GIVEN,
        };
        let (client, user) = (ClientId::parse("app").unwrap(), UserId::from_bytes([3; 12]));
        let (uri, challenge) = (Some("https://app.example/cb".to_owned()), Some("challenge".to_owned()));
        Grant::with_code(GrantId::from_bytes([1; 16]), client, user, terms, uri, challenge)
    }

    /// What comes with the code of this grant.
    pub(super) fn proof() -> Option<CodeProof> {
        let (uri, challenge) = ("https://app.example/cb".to_owned(), "challenge".to_owned());
        Some(CodeProof { redirect_uri: Some(uri), code_challenge: Some(challenge) })
    }

    /// Every later version must read these.
    #[test]
    fn the_stages_are_stored_as_they_were_and_older_ones_are_read() {
        let code = r#"{"stage":"code","redirect_uri":"https://app.example/cb","code_challenge":"challenge","expires_at":1800000060}"#;
        assert_eq!(serde_json::to_string(&grant().stage).unwrap(), code);
        assert_eq!(serde_json::from_str::<GrantStage>(code).unwrap(), grant().stage);
        let older = r#"{"stage":"active","counter":1,"rotated_at":1800000000,"used_at":1800000000}"#;
        let stage = GrantStage::Active { counter: 1, rotated_at: GIVEN, used_at: GIVEN, proof: None };
        assert_eq!(serde_json::from_str::<GrantStage>(older).unwrap(), stage);
        assert_eq!(serde_json::to_string(&stage).unwrap(), older);
    }

    #[test]
    fn a_grant_ends_once_and_is_remembered_as_long_as_before() {
        let ended = grant().ended(GIVEN.plus_secs(5)).unwrap();
        assert_eq!(ended.stage, GrantStage::Ended { at: GIVEN.plus_secs(5) });
        assert_eq!((ended.revision, ended.forget_at), (2, grant().forget_at));
        assert_eq!(ended.ended(GIVEN.plus_secs(6)), None);
    }

    #[test]
    fn a_refresh_may_ask_for_fewer_scopes_and_not_for_more() {
        let narrowed =
            |text| grant().narrowed(&Scopes::parse(text).unwrap()).map(|scopes| scopes.to_string());
        assert_eq!(narrowed("").as_deref(), Some("openid offline_access a b"));
        assert_eq!(narrowed("b openid").as_deref(), Some("b openid"));
        assert_eq!(narrowed("b c"), None);
    }
}
