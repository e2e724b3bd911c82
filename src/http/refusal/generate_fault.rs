//! Why a client does not get the token that it wants at `POST /api/token/generate`.

use std::borrow::Cow;

/// The part of the client's policy that does not admit the token. The sentences are for the programmer of the client.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::http) enum GenerateFault {
    /// The access token has not the scope `token:generate`.
    NoScope,
    /// There is no policy.
    NoPolicy,
    /// `subject`.
    Subject,
    /// `audience`, with the one that is refused.
    Audience(String),
    /// `claims`, with the name of the one that is refused.
    Claim(String),
    /// `expiresIn`, with the most seconds that are admitted.
    Lifetime(u64),
    /// `expiresIn`, with the most seconds of any token.
    LongestLifetime(u64),
}

const NO_POLICY: &str = "This client has no policy for generated tokens (generate); the operator adds one with \
     jwt-generator clients update ID --generate";

impl GenerateFault {
    /// The status, the code and the sentence.
    pub(super) fn face(&self) -> (u16, &'static str, Cow<'_, str>) {
        match self {
            Self::NoScope => {
                (403, "insufficient_scope", "The access token needs the scope token:generate".into())
            }
            Self::NoPolicy => (403, "generate_not_allowed", NO_POLICY.into()),
            Self::Subject => (
                403,
                "subject_not_allowed",
                "This client may not have tokens for this subject (generate.subjects)".into(),
            ),
            Self::Audience(audience) => (
                403,
                "audience_not_allowed",
                format!("This client may not have tokens for the audience '{audience}' (generate.audiences)")
                    .into(),
            ),
            Self::Claim(name) => (
                403,
                "claim_not_allowed",
                format!("This client may not have tokens with the claim '{name}' (generate.claims)").into(),
            ),
            Self::Lifetime(most) => (
                403,
                "lifetime_not_allowed",
                format!("This client may have tokens for at most {most} seconds (generate.max_lifetime)")
                    .into(),
            ),
            Self::LongestLifetime(most) => (
                403,
                "lifetime_not_allowed",
                format!("Tokens of this service live for at most {most} seconds (MAX_TOKEN_LIFETIME)").into(),
            ),
        }
    }
}
