//! Tokens that a client has signed for subjects of its choice (`POST /api/token/generate`), within its policy. It reads memory
//! only; for a client with `status_list`, it writes the place of each token.

use std::sync::Arc;

use super::client_authentication::{ClientAuthError, ClientAuthentication};
use super::presented_credentials::PresentedCredentials;
use super::scopes::GENERATE_SCOPE;
use super::status_lists::TakenPlace;
use super::{ClientDirectory, ClientsNotLoaded, StatusPlaceError, StatusPlaces};
use crate::domain::{Caller, Client, EventKind, GeneratePolicy, Lifetime, Secret, UserId};
use crate::token::{
    CheckError, CustomClaims, CustomClaimsError, GeneratedRequest, IssueError, Issued, Subject, Tokens,
};

/// Issues tokens for clients.
#[derive(Clone)]
pub struct Generation {
    tokens: Tokens,
    directory: ClientDirectory,
    authentication: ClientAuthentication,
    status_places: StatusPlaces,
}

/// How a request says which client it comes from.
#[derive(Clone, Debug)]
pub enum Credential {
    /// The value of `Authorization` with the scheme `Basic`: the client's id and secret.
    Basic(Secret<String>),
    /// An access token of the scope `token:generate`.
    Bearer(Secret<String>),
}

/// The values that a client wants in a token.
#[derive(Clone, Debug)]
pub struct WantedToken {
    /// `sub`; `None` means the client itself.
    pub subject: Option<String>,
    /// `username`.
    pub username: Option<String>,
    /// `email`.
    pub email: Option<String>,
    /// `aud`; empty means the usual audience.
    pub audience: Vec<String>,
    /// The lifetime; `None` means the usual one, or the longest of the policy if that is shorter.
    pub lifetime: Option<Lifetime>,
    /// More claims.
    pub claims: Option<CustomClaims>,
}

/// Why no token was generated.
#[derive(Debug, thiserror::Error)]
pub enum GenerateError {
    /// The client did not authenticate.
    #[error(transparent)]
    Client(#[from] ClientAuthError),
    /// The access token is not valid.
    #[error(transparent)]
    Token(#[from] CheckError),
    /// The access token is valid, but for another service or of a client that no longer exists.
    #[error("{0}")]
    NotAccepted(&'static str),
    /// The access token has another scope.
    #[error("the access token has not the scope token:generate")]
    NoScope,
    /// The client may generate no tokens.
    #[error("the client has no policy for generated tokens")]
    NoPolicy,
    /// The policy does not admit the subject.
    #[error("the client's policy does not admit the subject")]
    Subject,
    /// The policy does not admit this audience.
    #[error("the client's policy does not admit the audience {0:?}")]
    Audience(String),
    /// The policy does not admit this claim.
    #[error("the client's policy does not admit the claim {0:?}")]
    Claim(String),
    /// The policy admits at most so many seconds.
    #[error("the client's policy admits a lifetime of at most {0} seconds")]
    Lifetime(u64),
    /// No token of the service may live for more than so many seconds.
    #[error("the service admits a lifetime of at most {0} seconds")]
    LongestLifetime(u64),
    /// A claim that the service sets in some kind of token.
    #[error(transparent)]
    Reserved(CustomClaimsError),
    /// The token got no place in a status list.
    #[error(transparent)]
    Status(#[from] StatusPlaceError),
    /// The token was not signed.
    #[error(transparent)]
    Issue(#[from] IssueError),
}

impl From<ClientsNotLoaded> for GenerateError {
    fn from(error: ClientsNotLoaded) -> Self {
        Self::Client(error.into())
    }
}

impl Generation {
    /// Issues `tokens` for the clients of `directory`.
    pub fn new(
        tokens: Tokens,
        directory: ClientDirectory,
        authentication: ClientAuthentication,
        status_places: StatusPlaces,
    ) -> Self {
        Self { tokens, directory, authentication, status_places }
    }

    /// Whether there may be clients, so that credentials count.
    pub async fn may_have_clients(&self) -> bool {
        self.authentication.may_have_clients().await
    }

    /// The client that a request comes from.
    ///
    /// # Errors
    /// [`GenerateError`].
    pub async fn identify(&self, credential: &Credential) -> Result<Arc<Client>, GenerateError> {
        match credential {
            Credential::Basic(authorization) => {
                let authorization = Some(authorization.expose().as_str());
                let presented = PresentedCredentials { authorization, ..PresentedCredentials::default() };
                Ok(self.authentication.authenticate(presented).await?.client)
            }
            Credential::Bearer(token) => self.client_of_token(token.expose()).await,
        }
    }

    async fn client_of_token(&self, token: &str) -> Result<Arc<Client>, GenerateError> {
        let settings = self.tokens.settings();
        let access = self.tokens.check_access_token(token)?;
        // A service that gets a token for itself must not be able to use it here (RFC 9068 §4).
        let for_us = |audience: &String| {
            *audience == settings.audience || Some(audience) == settings.oauth_issuer.as_ref()
        };
        if !access.checked.registered().aud.iter().any(for_us) {
            return Err(GenerateError::NotAccepted("the access token is not for this service"));
        }
        if !access.claims.scope.contains(GENERATE_SCOPE) {
            return Err(GenerateError::NoScope);
        }
        let client = self.directory.find_registered(&access.claims.client_id, access.claims.rid).await?;
        client.ok_or(GenerateError::NotAccepted("the client of the access token no longer exists"))
    }

    /// Signs a token for `client`, if its policy admits what is `wanted`.
    ///
    /// # Errors
    /// [`GenerateError`], which names the part of the policy that does not admit it.
    pub async fn generate(
        &self,
        caller: &Caller,
        client: &Client,
        wanted: &WantedToken,
    ) -> Result<Issued, GenerateError> {
        let policy = client.metadata.generate.as_ref().ok_or(GenerateError::NoPolicy)?;
        let id = client.id.as_str();
        let subject = wanted.subject.as_deref().unwrap_or(id);
        if !policy.admits_subject(subject, id) {
            return Err(GenerateError::Subject);
        }
        let usual = std::slice::from_ref(&self.tokens.settings().audience);
        let audience = if wanted.audience.is_empty() { usual } else { &wanted.audience };
        if let Some(refused) = audience.iter().find(|one| !policy.admits_audience(one, &usual[0])) {
            return Err(GenerateError::Audience(refused.clone()));
        }
        check_claims(policy, wanted)?;
        let taken = if client.metadata.status_list { Some(self.status_places.take().await?) } else { None };
        let request = GeneratedRequest {
            client_id: id,
            registration: client.registration,
            subject,
            username: wanted.username.as_deref(),
            email: wanted.email.as_deref(),
            audience,
            lifetime: self.lifetime(policy, wanted.lifetime)?,
            claims: wanted.claims.as_ref(),
            status: taken.as_ref().map(TakenPlace::reference),
        };
        let issued = self.issue(client, &request, taken.as_ref()).await?;
        self.tokens.event_counter().count(EventKind::TokensGenerated, Some(&client.id));
        tracing::debug!(request_id = %caller.request_id, client = id, "a token is generated");
        Ok(issued)
    }

    /// Signs the token, and notes it if it has a place in a status list.
    async fn issue(
        &self,
        client: &Client,
        request: &GeneratedRequest<'_>,
        taken: Option<&TakenPlace>,
    ) -> Result<Issued, GenerateError> {
        let subject = Subject::Generated(request);
        let Some(taken) = taken else { return Ok(self.tokens.issue(subject, None).await?) };
        let traced = self.tokens.issue_traced(subject, None).await?;
        let entry = taken.entry(&traced, client, UserId::parse(request.subject));
        self.status_places.record(&entry).await?;
        Ok(traced.issued)
    }

    /// No key stays published for longer than the longest of the service's tokens lives.
    fn lifetime(&self, policy: &GeneratePolicy, wanted: Option<Lifetime>) -> Result<Lifetime, GenerateError> {
        let settings = self.tokens.settings();
        let longest = settings.lifetime.max(settings.max_lifetime);
        let of_policy = policy.max_lifetime.and_then(|secs| Lifetime::from_secs(secs).ok());
        match (wanted, of_policy.filter(|of_policy| *of_policy < longest)) {
            (None, of_policy) => Ok(settings.lifetime.min(of_policy.unwrap_or(longest))),
            (Some(wanted), Some(most)) if wanted > most => Err(GenerateError::Lifetime(most.as_secs())),
            (Some(wanted), None) if wanted > longest => {
                Err(GenerateError::LongestLifetime(longest.as_secs()))
            }
            (Some(wanted), _) => Ok(wanted),
        }
    }
}

fn check_claims(policy: &GeneratePolicy, wanted: &WantedToken) -> Result<(), GenerateError> {
    let names = wanted.claims.as_ref().map(CustomClaims::names).unwrap_or_default();
    if let Some(reserved) = names.iter().find(|name| CustomClaims::is_reserved(name)) {
        return Err(GenerateError::Reserved(CustomClaimsError::Reserved(reserved.clone())));
    }
    let own = [("username", &wanted.username), ("email", &wanted.email)];
    let own = own.into_iter().filter(|(_, value)| value.is_some()).map(|(name, _)| name.to_owned());
    match own.chain(names).find(|name| !policy.admits_claim(name)) {
        Some(refused) => Err(GenerateError::Claim(refused)),
        None => Ok(()),
    }
}
