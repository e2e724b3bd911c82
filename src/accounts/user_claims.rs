//! The standard claims of a user, which an operator sets and apps get (OpenID Connect Core §5.1).

use super::{AccountError, Registry};
use crate::domain::{EventKind, Initiator, User, UserClaims, UserId};

impl Registry {
    /// The claims that an operator gave a user.
    ///
    /// # Errors
    /// The errors of the store.
    pub async fn find_claims(&self, user: &User) -> Result<UserClaims, AccountError> {
        let found = self.users.find_user_claims(user.id).await?;
        Ok(found.unwrap_or_else(|| UserClaims::none(user.updated_at)))
    }

    /// Replaces the claims of a user by these, as of now, and returns them.
    ///
    /// # Errors
    /// [`AccountError::NoUser`], and those of the store.
    pub async fn set_claims(
        &self,
        id: UserId,
        claims: UserClaims,
        by: &Initiator,
    ) -> Result<UserClaims, AccountError> {
        let claims = UserClaims { updated_at: self.clock.now(), ..claims };
        let event = self.event(EventKind::UserClaimsChanged, id, by, claims.updated_at)?;
        if self.users.record_user_claims(id, &claims, &event).await? {
            Ok(claims)
        } else {
            Err(AccountError::NoUser)
        }
    }
}
