//! What users have permitted clients.

use super::{AuthorizationRequest, LiveSession, OAuth, TokenError};
use crate::domain::{
    Actor, Caller, ClientId, Consent, Event, EventKind, EventSubject, Initiator, User, UserId,
};

/// The most consents that a page lists.
const MAX_LISTED: usize = 200;

impl OAuth {
    /// What the user has permitted the client of this request before. A consent that is older than the client was given to an
    /// earlier client with the same id, and does not count.
    ///
    /// # Errors
    /// [`TokenError`] if the database does not answer.
    pub async fn find_consent(
        &self,
        user: &User,
        request: &AuthorizationRequest,
    ) -> Result<Option<Consent>, TokenError> {
        let consent = self.consents.find_consent(user.id, &request.client.id).await?;
        Ok(consent.filter(|consent| consent.given_at >= request.client.created_at))
    }

    /// Remembers that the user permits what the request asks for, besides what was permitted before.
    ///
    /// # Errors
    /// [`TokenError`] if the consent may not be durable.
    pub async fn give_consent(
        &self,
        caller: &Caller,
        live: &LiveSession,
        request: &AuthorizationRequest,
    ) -> Result<(), TokenError> {
        let before = self.find_consent(&live.user, request).await?;
        let asked = &request.permissions;
        let scopes = before.map_or(asked.clone(), |consent| consent.scopes.joined(asked));
        let event = self.consent_event(EventKind::ConsentGiven, live.user.id, &request.client.id, caller)?;
        let (user, client) = (live.user.id, request.client.id.clone());
        let consent = Consent { user, client, scopes, given_at: event.at };
        Ok(self.consents.record_consent(&consent, &event).await?)
    }

    /// The consents of a user.
    ///
    /// # Errors
    /// [`TokenError`] if the database does not answer.
    pub async fn list_consents(&self, user: &User) -> Result<Vec<Consent>, TokenError> {
        Ok(self.consents.list_consents(user.id, MAX_LISTED).await?)
    }

    /// Withdraws a consent, and ends what the client was granted.
    ///
    /// # Errors
    /// [`TokenError`] if the end may not be durable.
    pub async fn withdraw_consent(
        &self,
        caller: &Caller,
        live: &LiveSession,
        client: &ClientId,
    ) -> Result<(), TokenError> {
        let user = live.user.id;
        // The consent comes first: otherwise a request in between could be granted without a question.
        let event = self.consent_event(EventKind::ConsentWithdrawn, user, client, caller)?;
        self.consents.delete_consent(user, client, &event).await?;
        self.end_grants(caller, user, |grant| grant.client == *client).await
    }

    fn consent_event(
        &self,
        kind: EventKind,
        user: UserId,
        client: &ClientId,
        caller: &Caller,
    ) -> Result<Event, TokenError> {
        let at = self.clock.now();
        let id = self.entropy.event_id(at).map_err(|error| TokenError::Failed(error.to_string().into()))?;
        let initiator = Initiator::in_request(Actor::User(user), caller);
        Ok(Event { id, at, kind, initiator, subject: EventSubject::Client(client.clone()) })
    }
}
