//! The use of a code or of a refresh token: the tokens are signed, and then one write decides which use is the first.

use super::grant_tokens::{GrantTokens, RefreshToken};
use super::{AuthenticatedClient, OAuth, Params, TokenError, TokenSet};
use crate::domain::{Caller, EventKind, Grant, GrantId, GrantStage, Refreshed};

/// How often a change is tried again after another one came first. A second use of a code ends it at the next try.
pub(super) const MAX_TRIES: u32 = 8;

/// What a client uses to get the tokens of a grant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Credential {
    /// A code. Only the id token of its use contains the nonce.
    Code,
    /// A refresh token.
    RefreshToken,
}

/// Why a use gives no tokens.
pub(super) enum UseError {
    /// The credential was used before: the grant ends.
    Reused,
    /// Any other reason: the grant stays as it is.
    Refused(TokenError),
}

/// A request for the tokens of a grant.
#[derive(Clone, Copy)]
pub(super) struct GrantUse<'a> {
    pub(super) caller: &'a Caller,
    pub(super) authenticated: &'a AuthenticatedClient,
    pub(super) params: &'a Params,
    pub(super) tokens: &'a GrantTokens,
    pub(super) credential: Credential,
    pub(super) grant: GrantId,
}

impl UseError {
    pub(super) fn refused(sentence: &'static str) -> Self {
        Self::Refused(TokenError::InvalidGrant(sentence))
    }
}

impl Credential {
    /// The answer to a text that is no such credential of the client.
    pub(super) fn unknown(self) -> TokenError {
        TokenError::InvalidGrant(match self {
            Self::Code => "the code is not valid for this client",
            Self::RefreshToken => "the refresh token is not valid for this client",
        })
    }

    fn reused(self) -> EventKind {
        match self {
            Self::Code => EventKind::CodeReused,
            Self::RefreshToken => EventKind::RefreshTokenReused,
        }
    }

    fn name(self) -> &'static str {
        match self {
            Self::Code => "code",
            Self::RefreshToken => "refresh token",
        }
    }
}

impl OAuth {
    /// The next tokens of a grant. `next` says what becomes of the grant as it is stored now. The tokens are signed before that is
    /// written: if no key may sign, the code and the refresh token stay good.
    ///
    /// # Errors
    /// [`TokenError`].
    pub(super) async fn use_grant(
        &self,
        used: GrantUse<'_>,
        next: impl Fn(&Grant) -> Result<Refreshed, UseError> + Send + Sync,
    ) -> Result<TokenSet, TokenError> {
        let GrantUse { caller, authenticated, params, credential, .. } = used;
        let client = &*authenticated.client;
        let mut signed = None;
        for tries in 0..MAX_TRIES {
            let found = self.find_grant_of(client, used.grant, tries).await?;
            let (grant, user) = found.ok_or_else(|| credential.unknown())?;
            let next = match next(&grant) {
                Ok(next) => next,
                Err(UseError::Reused) => {
                    return Err(self.end_after_reuse(caller, &grant, credential.reused()).await);
                }
                Err(UseError::Refused(error)) => return Err(error),
            };
            let nonce = grant.terms.nonce.as_deref().filter(|_| credential == Credential::Code);
            let signed = match &mut signed {
                Some(signed) => signed,
                none => none.insert(self.sign_for(client, (&grant, user), params, nonce).await?),
            };
            let counter = match next {
                Refreshed::Unchanged(counter) => counter,
                Refreshed::Changed(next) => {
                    // A code counts the assertion of its client before, because every use of it writes.
                    if tries == 0 && credential == Credential::RefreshToken {
                        self.count_everywhere(authenticated).await?;
                    }
                    if !self.grants.replace_grant_if(grant.revision, &next, None).await? {
                        continue;
                    }
                    counter_of(&next.stage)
                }
            };
            tracing::debug!(
                request_id = %caller.request_id, client_id = %client.id, user.id = %grant.user, "a client uses a {}",
                credential.name()
            );
            let newest = RefreshToken { grant: grant.id, counter };
            let refresh_token = (counter > 0).then(|| used.tokens.refresh_token(newest));
            return Ok(signed.take_set(refresh_token));
        }
        Err(TokenError::Busy)
    }
}

/// The number of the newest refresh token; 0 if there is none.
fn counter_of(stage: &GrantStage) -> u64 {
    match stage {
        GrantStage::Active { counter, .. } => *counter,
        GrantStage::Code { .. } | GrantStage::Ended { .. } => 0,
    }
}
