//! Grants: the contract of every store.

use async_trait::async_trait;

use super::{Absent, StoreError};
use crate::domain::{ClientId, Event, Grant, GrantId, SessionKey, Timestamp, User, UserId};

/// One record for each grant, however often it is refreshed. What holds for the verbs of [`super::Users`] holds for these.
/// [`super::Users::delete_user`] removes the grants of the user.
#[async_trait]
pub trait Grants: Send + Sync {
    /// Adds a grant with a new id at the stage of a code, which causes no event. It is not added if its user has
    /// [`Grant::MAX_CODES`] other grants to its client that will be forgotten until it will: codes, and a few that are near their
    /// end. Several calls at once may add some more. If the browser `session` in which the user permitted it has ended, the grant must
    /// not be given out ([`GrantCreated::SessionEnded`]).
    async fn create_grant(
        &self,
        grant: &Grant,
        session: Option<SessionKey>,
    ) -> Result<GrantCreated, StoreError>;

    /// The grant with this id. On MongoDB it comes from the primary: a code that was used is never found unused.
    async fn find_grant(&self, id: GrantId) -> Result<Option<Grant>, StoreError>;

    /// The same with its user, as [`super::Users::find_user_by_id`] finds them.
    async fn find_grant_and_user(&self, id: GrantId) -> Result<Option<(Grant, Option<User>)>, StoreError>;

    /// At most `limit` grants of a user in the order of their ids, beginning behind `after`.
    async fn list_grants_of_user(
        &self,
        user: UserId,
        after: Option<GrantId>,
        limit: usize,
    ) -> Result<Vec<Grant>, StoreError>;

    /// Removes those grants of a user to a client that are to be remembered after `until`, except the `keep` ones that were used
    /// last. With the end of the newest code as `until`, every code stays. A grant that was never used counts as used when it was
    /// given. Of more than `keep`, those that have ended are removed first. It causes no event. One call removes a limited number.
    async fn end_unused_grants(
        &self,
        owner: (UserId, &ClientId),
        until: Timestamp,
        keep: usize,
    ) -> Result<(), StoreError>;

    /// Puts `grant` in the place of its revision `seen`; client, user and terms never change. False if the stored grant is another one or does not exist: of many
    /// changes at once, one is made. This is how a code is used at most once. Most changes cause no event.
    async fn replace_grant_if(
        &self,
        seen: u64,
        grant: &Grant,
        event: Option<&Event>,
    ) -> Result<bool, StoreError>;

    /// Removes grants whose `forget_at` is before `now`. True if there may be more of them: one call removes a limited
    /// number, so that it keeps no request waiting.
    async fn purge_grants(&self, now: Timestamp) -> Result<bool, StoreError>;
}

/// The result of adding a grant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum GrantCreated {
    /// It was added.
    Added {
        /// So many other grants of the user to the client are remembered for longer than this code.
        lasting: usize,
    },
    /// It was not added, because the user has too many codes of the client.
    TooManyCodes,
    /// It may not be given out, because its session has ended. On MongoDB it is stored until it is forgotten.
    SessionEnded,
}

#[async_trait]
impl Grants for Absent {
    async fn create_grant(&self, _: &Grant, _: Option<SessionKey>) -> Result<GrantCreated, StoreError> {
        Err(StoreError::Absent)
    }

    async fn find_grant(&self, _: GrantId) -> Result<Option<Grant>, StoreError> {
        Err(StoreError::Absent)
    }

    async fn find_grant_and_user(&self, _: GrantId) -> Result<Option<(Grant, Option<User>)>, StoreError> {
        Err(StoreError::Absent)
    }

    async fn list_grants_of_user(
        &self,
        _: UserId,
        _: Option<GrantId>,
        _: usize,
    ) -> Result<Vec<Grant>, StoreError> {
        Err(StoreError::Absent)
    }

    async fn end_unused_grants(
        &self,
        _: (UserId, &ClientId),
        _: Timestamp,
        _: usize,
    ) -> Result<(), StoreError> {
        Err(StoreError::Absent)
    }

    async fn replace_grant_if(&self, _: u64, _: &Grant, _: Option<&Event>) -> Result<bool, StoreError> {
        Err(StoreError::Absent)
    }

    async fn purge_grants(&self, _: Timestamp) -> Result<bool, StoreError> {
        Err(StoreError::Absent)
    }
}
