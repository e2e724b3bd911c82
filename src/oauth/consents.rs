//! What users have permitted clients.

use super::{AuthorizationRequest, LiveSession, OAuth, TokenError};
use crate::domain::{
    Actor, Caller, ClientId, Consent, Event, EventKind, EventSubject, Initiator, Scopes, User, UserId,
};

/// The most consents that a page lists.
const MAX_LISTED: usize = 200;

impl OAuth {
    /// What the user has permitted the client of this request before. A consent to an earlier client with the same id does not
    /// count.
    ///
    /// # Errors
    /// [`TokenError`] if the database does not answer.
    pub async fn find_consent(
        &self,
        user: &User,
        request: &AuthorizationRequest,
    ) -> Result<Option<Consent>, TokenError> {
        let consent = self.consents.find_consent(user.id, &request.client.id).await?;
        Ok(consent.filter(|consent| consent.is_of(&request.client)))
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
        let (client, resources) = (&request.client, &request.resources);
        let event = self.consent_event(EventKind::ConsentGiven, live.user.id, &client.id, caller)?;
        let new = Consent {
            user: live.user.id,
            client: client.id.clone(),
            registration: client.registration,
            scopes: Scopes::default(),
            resources: Vec::new(),
            given_at: event.at,
        };
        let consent = Consent { given_at: event.at, ..before.unwrap_or(new) };
        let consent = consent.extended(&request.permissions, resources);
        Ok(self.consents.record_consent(&consent, &event).await?)
    }

    /// The consents of a user to clients that exist.
    ///
    /// # Errors
    /// [`TokenError`] if the database does not answer.
    pub async fn list_consents(&self, user: &User) -> Result<Vec<Consent>, TokenError> {
        let listed = self.consents.list_consents(user.id, MAX_LISTED).await?;
        let counts = |consent: &Consent| {
            // As long as the clients are not loaded, nothing is known of them.
            let client = self.clients.find(consent.client.as_str());
            client.map_or(true, |client| client.is_some_and(|client| consent.is_of(&client)))
        };
        Ok(listed.into_iter().filter(counts).collect())
    }

    /// Withdraws a consent, ends what the client was granted, and refuses its access tokens for the user. Without a consent and
    /// without a grant there is nothing to withdraw: then nothing is stored, so that a user cannot fill the denials.
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
        let has_consent = self.consents.find_consent(user, client).await?.is_some();
        if !has_consent && self.list_grants(user).await?.iter().all(|grant| grant.client != *client) {
            return Ok(());
        }
        let withdrawn = self.consent_event(EventKind::ConsentWithdrawn, user, client, caller)?;
        let ends = async {
            // The consent comes first: otherwise a request in between could be granted without a question.
            self.consents.delete_consent(user, client, &withdrawn).await?;
            self.end_grants(caller, user, |grant| grant.client == *client).await
        };
        self.deny_access(user, client, ends).await
    }

    fn consent_event(
        &self,
        kind: EventKind,
        user: UserId,
        client: &ClientId,
        caller: &Caller,
    ) -> Result<Event, TokenError> {
        let at = self.clock.now();
        let initiator = Initiator::in_request(Actor::User(user), caller);
        Ok(self.entropy.event(at, kind, initiator, EventSubject::Consent(user, client.clone()))?)
    }
}
