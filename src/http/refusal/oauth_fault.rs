//! The errors of OAuth endpoints.

use std::borrow::Cow;

use super::{Kind, Refusal};

/// What is wrong with a request to an OAuth endpoint (RFC 6749 §5.2, RFC 6750 §3.1, RFC 8707 §2). The sentences are for the
/// programmer of the client.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::http) enum OAuthFault {
    /// A parameter is missing, occurs twice or cannot be read.
    InvalidRequest(Cow<'static, str>),
    /// The client did not authenticate. The sentence is the same for an unknown client and a wrong secret.
    InvalidClient,
    /// The header `Authorization` has no scheme that authenticates a client, but could have these.
    OtherScheme(&'static str),
    /// The code or the refresh token is not valid.
    InvalidGrant(&'static str),
    /// The client may not do this.
    UnauthorizedClient(&'static str),
    /// The service does not know this grant type.
    UnsupportedGrantType,
    /// The client may not have a scope.
    InvalidScope(&'static str),
    /// The client may not have tokens for a resource.
    InvalidTarget,
    /// The access token has not the scope that the endpoint needs.
    InsufficientScope,
    /// The service has no issuer that it may use.
    Off,
}

const INVALID_CLIENT: &str = "The client is unknown, or its authentication is not valid";
const UNSUPPORTED_GRANT: &str =
    "The service does not support this grant_type; the discovery document lists those that it supports";
const INVALID_TARGET: &str = "The client may not have tokens for this resource";
const INSUFFICIENT_SCOPE: &str = "The access token needs the scope openid, and must be one of a user";
const OFF: &str =
    "The OAuth endpoints are off on this server: in production its ISSUER_URL must be an https address";

impl OAuthFault {
    /// The status, the code and the sentence.
    pub(super) fn face(&self) -> (u16, &'static str, Cow<'_, str>) {
        match self {
            Self::InvalidRequest(sentence) => (400, "invalid_request", Cow::Borrowed(sentence)),
            Self::InvalidClient => (401, "invalid_client", INVALID_CLIENT.into()),
            Self::OtherScheme(schemes) => (
                401,
                "invalid_client",
                format!("The header Authorization must have the scheme {schemes}").into(),
            ),
            Self::InvalidGrant(sentence) => (400, "invalid_grant", (*sentence).into()),
            Self::UnauthorizedClient(sentence) => (400, "unauthorized_client", (*sentence).into()),
            Self::UnsupportedGrantType => (400, "unsupported_grant_type", UNSUPPORTED_GRANT.into()),
            Self::InvalidScope(sentence) => (400, "invalid_scope", (*sentence).into()),
            Self::InvalidTarget => (400, "invalid_target", INVALID_TARGET.into()),
            Self::InsufficientScope => (403, "insufficient_scope", INSUFFICIENT_SCOPE.into()),
            Self::Off => (404, "oauth_off", OFF.into()),
        }
    }

    /// The refusal whose sentence is in the log, too: the person who runs the service often looks for an error that another
    /// person's program got.
    pub(super) fn told_and_logged(self) -> Refusal {
        let sentence = Sentence(self.face().2.into_owned());
        Refusal::from(self).caused_by(sentence)
    }
}

/// What a refusal tells the client, as the cause in the log.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub(in crate::http) struct Sentence(pub(in crate::http) String);

impl From<OAuthFault> for Refusal {
    fn from(fault: OAuthFault) -> Self {
        Kind::OAuth(fault).into()
    }
}
