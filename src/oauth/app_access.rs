//! Which apps have access to the account of a user, for the page on which the user looks after it.

use std::collections::BTreeMap;

use super::{OAuth, TokenError};
use crate::domain::{ClientId, Consent, Grant, GrantStage, Scopes, Timestamp, User, add_resources};

/// The access of one client.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AppAccess {
    /// The client.
    pub client: ClientId,
    /// What it may do.
    pub scopes: Scopes,
    /// For which services its access tokens are.
    pub resources: Vec<String>,
    /// When the user permitted it; without a consent, when the oldest of its grants was given.
    pub since: Timestamp,
    /// Whether the user was asked.
    pub is_consent: bool,
}

impl OAuth {
    /// The clients that the user has given a consent, and those that have a grant without one: the operator's own clients ask for no
    /// consent, and the user must see their access, too.
    ///
    /// # Errors
    /// [`TokenError`] if the database does not answer.
    pub async fn list_access(&self, user: &User) -> Result<Vec<AppAccess>, TokenError> {
        let consents = self.list_consents(user).await?;
        let mut apps: BTreeMap<ClientId, AppAccess> =
            consents.into_iter().map(AppAccess::of_consent).map(|app| (app.client.clone(), app)).collect();
        let now = self.clock.now();
        for grant in self.list_grants(user.id).await?.iter().filter(|grant| self.has_access(user, grant, now))
        {
            let of_grant = AppAccess::of_grant(grant);
            match apps.get_mut(&grant.client) {
                Some(app) => app.join(&of_grant),
                None => drop(apps.insert(grant.client.clone(), of_grant)),
            }
        }
        Ok(apps.into_values().collect())
    }

    /// Whether tokens of this grant count now.
    fn has_access(&self, user: &User, grant: &Grant, now: Timestamp) -> bool {
        let is_live = matches!(grant.stage, GrantStage::Active { .. }) && now < grant.forget_at;
        // As long as the clients are not loaded, nothing is known of them.
        let client = self.clients.find(grant.client.as_str());
        let is_of_client = client.map_or(true, |client| client.is_some_and(|client| grant.is_of(&client)));
        is_live && is_of_client && user.sessions.accept(grant.terms.auth_time)
    }
}

impl AppAccess {
    fn of_consent(consent: Consent) -> Self {
        let Consent { client, scopes, resources, given_at, .. } = consent;
        Self { client, scopes, resources, since: given_at, is_consent: true }
    }

    fn of_grant(grant: &Grant) -> Self {
        let terms = &grant.terms;
        Self {
            client: grant.client.clone(),
            scopes: terms.scopes.clone(),
            resources: terms.resources.clone(),
            since: terms.created_at,
            is_consent: false,
        }
    }

    fn join(&mut self, other: &Self) {
        self.scopes = self.scopes.joined(&other.scopes);
        add_resources(&mut self.resources, &other.resources);
        if !self.is_consent {
            self.since = self.since.min(other.since);
        }
    }
}
