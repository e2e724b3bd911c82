//! Why a request is denied.

use jose::Rejection;

/// Why a request is denied. Neither messages nor codes hold anything that the request contained.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Denial {
    /// The event is none that API Gateway sends to an authorizer.
    #[error("the event is not one of an API Gateway authorizer of type TOKEN or REQUEST")]
    UnknownEvent,
    /// The request has no bearer token.
    #[error("the request has no \"Authorization: Bearer …\"")]
    NoToken,
    /// The request has more than one `Authorization` header.
    #[error("the request has more than one Authorization header")]
    SeveralTokens,
    /// The gateway would keep the answer by something else than the token.
    #[error("the authorizer's identity source does not hold the Authorization header; set it to that header")]
    IdentitySource,
    /// The token, or its signature, is not acceptable.
    #[error(transparent)]
    Token(#[from] Rejection),
    /// The token's issuer is none of the allowed ones.
    #[error("the token was issued by none of AUTHORIZER_ISSUERS")]
    UnknownIssuer,
    /// The token is bound to a key of the caller's, of which a bearer proves nothing (`cnf`: RFC 7800, RFC 8705, RFC 9449).
    #[error("the token is bound to a key of its holder, which a bearer token does not prove")]
    SenderConstrained,
    /// Anybody can have such a token from JWT Generator, with any claims.
    #[error("the token is a demo token (\"demo\": true); AUTHORIZER_CLAIMS may ask for demo=true")]
    DemoToken,
    /// A scope is missing.
    #[error("the token lacks one of AUTHORIZER_SCOPES")]
    MissingScope,
    /// A claim is missing or another.
    #[error("the token lacks one of AUTHORIZER_CLAIMS")]
    MissingClaim,
    /// The issuer's keys cannot be had, so nothing can be said of the token.
    #[error("the issuer's keys could not be read")]
    KeysUnavailable,
}

/// What a denial means to the caller.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Who calls is not known: 401 where the gateway can say so.
    Unauthenticated,
    /// It is known, and may not: 403.
    Forbidden,
    /// It cannot be told: 500.
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
