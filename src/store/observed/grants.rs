//! The verbs of grants, assertions, browser sessions and consents.

use async_trait::async_trait;

use super::super::store_metrics::Verb;
use super::super::{Assertions, BrowserSessions, Consents, GrantCreated, Grants, StoreError};
use super::Observed;
use crate::domain::{
    BrowserSession, ClientId, Consent, Event, Grant, GrantId, SessionKey, Timestamp, UsedAssertion, User,
    UserId,
};

#[async_trait]
impl Grants for Observed<dyn Grants> {
    async fn create_grant(
        &self,
        grant: &Grant,
        session: Option<SessionKey>,
    ) -> Result<GrantCreated, StoreError> {
        self.run(Verb::create_grant, self.store.create_grant(grant, session)).await
    }

    async fn find_grant(&self, id: GrantId) -> Result<Option<Grant>, StoreError> {
        self.run(Verb::find_grant, self.store.find_grant(id)).await
    }

    async fn find_grant_and_user(&self, id: GrantId) -> Result<Option<(Grant, Option<User>)>, StoreError> {
        self.run(Verb::find_grant_and_user, self.store.find_grant_and_user(id)).await
    }

    async fn list_grants_of_user(
        &self,
        user: UserId,
        after: Option<GrantId>,
        limit: usize,
    ) -> Result<Vec<Grant>, StoreError> {
        self.run(Verb::list_grants_of_user, self.store.list_grants_of_user(user, after, limit)).await
    }

    async fn end_unused_grants(
        &self,
        owner: (UserId, &ClientId),
        until: Timestamp,
        keep: usize,
    ) -> Result<(), StoreError> {
        let call = self.store.end_unused_grants(owner, until, keep);
        self.run(Verb::end_unused_grants, call).await
    }

    async fn replace_grant_if(
        &self,
        seen: u64,
        grant: &Grant,
        event: Option<&Event>,
    ) -> Result<bool, StoreError> {
        self.run(Verb::replace_grant_if, self.store.replace_grant_if(seen, grant, event)).await
    }

    async fn purge_grants(&self, now: Timestamp) -> Result<bool, StoreError> {
        self.run(Verb::purge_grants, self.store.purge_grants(now)).await
    }
}

#[async_trait]
impl Assertions for Observed<dyn Assertions> {
    async fn create_assertion(&self, assertion: &UsedAssertion) -> Result<bool, StoreError> {
        self.run(Verb::create_assertion, self.store.create_assertion(assertion)).await
    }

    async fn purge_assertions(&self, now: Timestamp) -> Result<bool, StoreError> {
        self.run(Verb::purge_assertions, self.store.purge_assertions(now)).await
    }
}

#[async_trait]
impl BrowserSessions for Observed<dyn BrowserSessions> {
    async fn create_browser_session(
        &self,
        session: &BrowserSession,
        event: &Event,
    ) -> Result<(), StoreError> {
        let call = self.store.create_browser_session(session, event);
        self.run(Verb::create_browser_session, call).await
    }

    async fn find_browser_session(
        &self,
        key: SessionKey,
    ) -> Result<Option<(BrowserSession, Option<User>)>, StoreError> {
        self.run(Verb::find_browser_session, self.store.find_browser_session(key)).await
    }

    async fn list_browser_sessions(
        &self,
        user: UserId,
        limit: usize,
    ) -> Result<Vec<BrowserSession>, StoreError> {
        self.run(Verb::list_browser_sessions, self.store.list_browser_sessions(user, limit)).await
    }

    async fn replace_browser_session_if(
        &self,
        seen: u64,
        session: &BrowserSession,
    ) -> Result<bool, StoreError> {
        let call = self.store.replace_browser_session_if(seen, session);
        self.run(Verb::replace_browser_session_if, call).await
    }

    async fn replace_browser_session_key_if(
        &self,
        seen: SessionKey,
        session: &BrowserSession,
        event: &Event,
    ) -> Result<bool, StoreError> {
        let call = self.store.replace_browser_session_key_if(seen, session, event);
        self.run(Verb::replace_browser_session_key_if, call).await
    }

    async fn end_browser_session(&self, key: SessionKey, event: &Event) -> Result<bool, StoreError> {
        self.run(Verb::end_browser_session, self.store.end_browser_session(key, event)).await
    }

    async fn purge_browser_sessions(&self, now: Timestamp) -> Result<bool, StoreError> {
        self.run(Verb::purge_browser_sessions, self.store.purge_browser_sessions(now)).await
    }
}

#[async_trait]
impl Consents for Observed<dyn Consents> {
    async fn find_consent(&self, user: UserId, client: &ClientId) -> Result<Option<Consent>, StoreError> {
        self.run(Verb::find_consent, self.store.find_consent(user, client)).await
    }

    async fn list_consents(&self, user: UserId, limit: usize) -> Result<Vec<Consent>, StoreError> {
        self.run(Verb::list_consents, self.store.list_consents(user, limit)).await
    }

    async fn record_consent(&self, consent: &Consent, event: &Event) -> Result<(), StoreError> {
        self.run(Verb::record_consent, self.store.record_consent(consent, event)).await
    }

    async fn delete_consent(
        &self,
        user: UserId,
        client: &ClientId,
        event: &Event,
    ) -> Result<bool, StoreError> {
        self.run(Verb::delete_consent, self.store.delete_consent(user, client, event)).await
    }
}
