//! Why a request is denied.

use jose::Rejection;

/// Why a request is denied. Neither messages nor codes contain any part of the request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Denial {
    /// API Gateway does not send such an event to an authorizer.
    #[error("the event is not one of an API Gateway authorizer of type TOKEN or REQUEST")]
    UnknownEvent,
    /// The request has no bearer token.
    #[error("the request has no \"Authorization: Bearer …\"")]
    NoToken,
    /// The request has more than one `Authorization` header.
    #[error("the request has more than one Authorization header")]
    SeveralTokens,
    /// The gateway would cache the answer under a key that is not the token.
    #[error("the authorizer's identity source does not hold the Authorization header; set it to that header")]
    IdentitySource,
    /// The token, or its signature, is not acceptable.
    #[error(transparent)]
    Token(#[from] Rejection),
    /// The token's issuer is not one of the allowed issuers.
    #[error("AUTHORIZER_ISSUERS does not list the issuer of the token")]
    UnknownIssuer,
    /// The token is bound to a key of the caller, and a bearer token does not prove that the caller has this key (`cnf`:
    /// RFC 7800, RFC 8705, RFC 9449).
    #[error("the token is bound to a key of its holder, and a bearer token cannot prove who has that key")]
    SenderConstrained,
    /// JWT Generator gives every caller such a token, with any claims.
    #[error("the token is a demo token (\"demo\": true); AUTHORIZER_CLAIMS may ask for demo=true")]
    DemoToken,
    /// A scope is missing.
    #[error("the token lacks one of AUTHORIZER_SCOPES")]
    MissingScope,
    /// A claim is missing or has another value.
    #[error("the token lacks one of AUTHORIZER_CLAIMS")]
    MissingClaim,
    /// The issuer's keys could not be read, so the token cannot be checked.
    #[error("the issuer's keys could not be read")]
    KeysUnavailable,
}

/// What a denial means to the caller.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// The caller is not known: 401, if the gateway supports this status.
    Unauthenticated,
    /// The caller is known and has no permission: 403.
    Forbidden,
    /// The authorizer cannot decide: 500.
    Undecided,
}

impl Denial {
    /// The stable machine-readable code.
    pub const fn code(self) -> &'static str {
        match self {
            Self::UnknownEvent => "unknown_event",
            Self::NoToken => "no_token",
            Self::SeveralTokens => "several_tokens",
            Self::IdentitySource => "identity_source",
            Self::Token(rejection) => rejection.code(),
            Self::UnknownIssuer => "unknown_issuer",
            Self::SenderConstrained => "sender_constrained",
            Self::DemoToken => "demo_token",
            Self::MissingScope => "missing_scope",
            Self::MissingClaim => "missing_claim",
            Self::KeysUnavailable => "keys_unavailable",
        }
    }

    /// What it means to the caller.
    pub const fn verdict(self) -> Verdict {
        match self {
            Self::MissingScope | Self::MissingClaim => Verdict::Forbidden,
            Self::KeysUnavailable => Verdict::Undecided,
            _ => Verdict::Unauthenticated,
        }
    }
}
