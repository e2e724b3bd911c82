//! The end of grants: by their clients, their users and operators, and when a code or a refresh token is used again.

use std::time::Duration;

use super::grant_use::MAX_TRIES;
use super::{ClientsNotLoaded, OAuth, TokenError};
use crate::domain::{
    Actor, Caller, Client, Denied, Event, EventKind, EventSubject, Grant, GrantId, Initiator, User, UserId,
};

/// Grants of a user to a client that end with a denial of their own, until the first of them are forgotten.
const MAX_GRANT_DENIALS: usize = 20;
/// Grants that one call of the store returns.
const PAGE: usize = 100;
/// Before a grant is read again: a majority of MongoDB may not know the last write yet.
const READ_PAUSE: Duration = Duration::from_millis(5);

impl OAuth {
    /// All grants of a user in the order of their ids. Those that have ended are among them.
    ///
    /// # Errors
    /// Those of the store.
    pub(super) async fn list_grants(&self, user: UserId) -> Result<Vec<Grant>, TokenError> {
        let mut listed: Vec<Grant> = Vec::new();
        loop {
            let page =
                self.grants.list_grants_of_user(user, listed.last().map(|grant| grant.id), PAGE).await?;
            let is_last = page.len() < PAGE;
            listed.extend(page);
            if is_last {
                return Ok(listed);
            }
        }
    }

    /// Ends those grants of a user that `ends` accepts. It is durable before this returns. The caller refuses their access tokens
    /// by one denial for all of them.
    ///
    /// # Errors
    /// [`TokenError`]; then some of them may have ended.
    pub async fn end_grants(
        &self,
        caller: &Caller,
        user: UserId,
        ends: impl Fn(&Grant) -> bool + Send + Sync,
    ) -> Result<(), TokenError> {
        for grant in self.list_grants(user).await?.iter().filter(|grant| ends(grant)) {
            self.end_without_denial(caller, grant, EventKind::GrantRevoked).await?;
        }
        Ok(())
    }

    /// Ends a grant, and refuses its access tokens. The end comes first: from then on the grant gives no new ones. A second
    /// call refuses the access tokens again, in case that the first one failed in between.
    ///
    /// # Errors
    /// [`TokenError`] if the end may not be durable.
    pub(super) async fn end_grant(
        &self,
        caller: &Caller,
        grant: &Grant,
        why: EventKind,
    ) -> Result<(), TokenError> {
        self.end_without_denial(caller, grant, why).await?;
        let denied = self.denied_of(grant).await?;
        self.deny(denied, self.last_expiry(), None).await
    }

    /// What refuses the access tokens of a grant that has ended. If many grants of the user to the client have ended, one record
    /// refuses everything that the client has got for the user until now: otherwise a user could fill the memory of all
    /// instances.
    async fn denied_of(&self, grant: &Grant) -> Result<Denied, TokenError> {
        let listed = self.list_grants(grant.user).await?;
        let ended = listed.iter().filter(|other| other.client == grant.client && other.has_ended()).count();
        Ok(if ended > MAX_GRANT_DENIALS {
            Denied::Access(grant.user, grant.client.clone())
        } else {
            Denied::Grant(grant.id)
        })
    }

    async fn end_without_denial(
        &self,
        caller: &Caller,
        grant: &Grant,
        why: EventKind,
    ) -> Result<(), TokenError> {
        let mut seen = Some(grant.clone());
        for tries in 1..=MAX_TRIES {
            let Some(ended) = seen.as_ref().and_then(|seen| seen.ended(self.clock.now())) else { break };
            let event = self.event_of(caller, grant, why)?;
            if self.grants.replace_grant_if(ended.revision - 1, &ended, Some(&event)).await? {
                return Ok(());
            }
            if tries == MAX_TRIES {
                return Err(TokenError::Busy);
            }
            pause_before(tries).await;
            seen = self.grants.find_grant(grant.id).await?;
        }
        Ok(())
    }

    /// Ends a grant whose code or refresh token was used again, and says so.
    pub(super) async fn end_after_reuse(&self, caller: &Caller, grant: &Grant, why: EventKind) -> TokenError {
        let sentence = match why {
            EventKind::CodeReused => "the code was used before",
            _ => "the refresh token was replaced and used again",
        };
        tracing::warn!(
            request_id = %caller.request_id, client_id = %grant.client, user.id = %grant.user, grant.id = %grant.id,
            "{sentence}: the grant has ended"
        );
        match self.end_grant(caller, grant, why).await {
            Ok(()) => TokenError::InvalidGrant(sentence),
            Err(error) => error,
        }
    }

    /// The grant and its user, if it is one of this client. From the third try on, a pause comes first.
    ///
    /// # Errors
    /// [`TokenError::NotReady`] if the client that authenticated has been replaced by another one with its id.
    pub(super) async fn find_grant_of(
        &self,
        client: &Client,
        id: GrantId,
        tries: u32,
    ) -> Result<Option<(Grant, Option<User>)>, TokenError> {
        pause_before(tries).await;
        let found = self.grants.find_grant_and_user(id).await?;
        let Some((grant, user)) = found.filter(|(grant, _)| grant.client == client.id) else {
            return Ok(None);
        };
        if grant.is_of(client) {
            return Ok(Some((grant, user)));
        }
        // The grant is older than the client, or this instance does not know the newest client with this id yet.
        match self.clients.find_registered(&client.id, grant.terms.registration).await {
            Ok(None) => Ok(None),
            Ok(Some(_)) | Err(ClientsNotLoaded) => Err(TokenError::NotReady),
        }
    }

    fn event_of(&self, caller: &Caller, grant: &Grant, kind: EventKind) -> Result<Event, TokenError> {
        let at = self.clock.now();
        let initiator = Initiator::in_request(Actor::System, caller);
        let event = self.entropy.event(at, kind, initiator, EventSubject::Grant(grant.id))?;
        Ok(event.of_client(&grant.client).of_person(grant.user))
    }
}

/// A pause before a grant is read again, if `tries` were made before and they are more than one.
async fn pause_before(tries: u32) {
    if tries > 1 {
        tokio::time::sleep(READ_PAUSE * 2_u32.saturating_pow(tries)).await;
    }
}
