//! What a user has permitted a client to do, so that the user is not asked again.

use super::{Client, ClientId, RegistrationId, Scopes, Timestamp, UserId};

/// The consent of one user to one client.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Consent {
    /// The user.
    pub user: UserId,
    /// The client.
    pub client: ClientId,
    /// The registration of the client.
    pub registration: Option<RegistrationId>,
    /// Everything that was ever permitted and not withdrawn.
    pub scopes: Scopes,
    /// The audiences of access tokens that were permitted (RFC 8707), in the same way.
    pub resources: Vec<String>,
    /// When the user last agreed.
    pub given_at: Timestamp,
}

impl Consent {
    /// Whether it was given to this client, and not to an earlier one with the same id.
    pub fn is_of(&self, client: &Client) -> bool {
        let is_of_registration = self.registration == client.registration;
        // A client without a registration has only the instant at which it was added.
        let is_later = client.registration.is_some() || self.given_at >= client.created_at;
        self.client == client.id && is_of_registration && is_later
    }

    /// Whether all of this was permitted.
    pub fn covers(&self, scopes: &Scopes, resources: &[String]) -> bool {
        scopes.are_within(&self.scopes) && resources.iter().all(|resource| self.resources.contains(resource))
    }

    /// The same consent, extended by these.
    #[must_use]
    pub fn extended(mut self, scopes: &Scopes, resources: &[String]) -> Self {
        self.scopes = self.scopes.joined(scopes);
        add_resources(&mut self.resources, resources);
        self
    }
}

/// Adds those of `more` that are not among these resources.
pub fn add_resources(resources: &mut Vec<String>, more: &[String]) {
    for resource in more {
        if !resources.contains(resource) {
            resources.push(resource.clone());
        }
    }
}
