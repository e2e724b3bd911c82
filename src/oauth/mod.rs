//! OAuth 2 and OpenID Connect: the use cases, without HTTP.

mod access_token;
mod app_access;
mod authorization_answer;
mod authorization_code;
mod authorization_request;
mod authorization_steps;
mod authorize;
mod browser_sessions;
mod claims;
mod claims_request;
mod client_assertion;
mod client_authentication;
mod client_credentials;
mod client_directory;
mod client_faults;
mod client_keys;
mod client_plan;
mod client_registry;
mod client_rules;
mod clients_file;
mod consents;
mod denials;
mod discovery;
mod form_tokens;
mod generation;
mod grant_endings;
mod grant_limits;
mod grant_request;
mod grant_signing;
mod grant_tokens;
mod grant_use;
mod id_token;
mod introspection;
mod issuer;
mod key_fetcher;
mod logout;
mod page_request;
mod params;
mod pkce;
mod presented_credentials;
mod reconciliation;
mod refresh_token;
mod remote_keys;
mod request_object;
mod revocation;
mod scopes;
mod status_lists;
mod token_endpoint;
mod token_error;
mod token_set;
mod used_assertions;
mod userinfo;

use std::sync::Arc;

use jose::Algorithm;

use crate::clock::Clock;
use crate::domain::{BrowserSessionLifetimes, GrantLifetimes};
use crate::entropy::Entropy;
use crate::keys::Published;
use crate::server_secret::CurrentServerSecret;
use crate::store::{Assertions, BrowserSessions, Consents, Denials, Grants, Stores, Users};
use crate::token::Tokens;

pub use crate::store::Cause;
pub use app_access::AppAccess;
pub use authorization_answer::{
    AnswerTarget, AuthorizeError, ErrorForClient, ResponseMode, UntrustedRequest, origin_of,
};
pub use authorization_code::NewGrant;
pub use authorization_request::{AuthorizationRequest, PASSWORD_ACR, Prompt};
pub use authorization_steps::{AuthorizationStep, Hinted, Situation};
pub use authorize::Authorization;
pub use browser_sessions::{FreshLogIn, LiveSession};
pub use claims_request::ClaimsRequest;
pub use client_assertion::JWT_BEARER;
pub use client_authentication::{AuthenticatedClient, ClientAuthError, ClientAuthentication};
pub use client_directory::{ClientDirectory, ClientsNotLoaded};
pub use client_faults::{ClientFault, ClientFaults, read_metadata};
pub use client_plan::{
    MemberChange, PlannedAction, PlannedChange, as_object, breaks_of_change, breaks_of_deletion,
    member_changes,
};
pub use client_registry::{ChangedClient, ClientChangeError, ClientRegistry};
pub use client_rules::ClientRules;
pub use clients_file::{ClientsFile, ClientsFileError, FileClient};
pub use denials::DenialReader;
pub use generation::{Credential, GenerateError, Generation, WantedToken};
pub use introspection::Introspection;
pub use issuer::Issuer;
pub use key_fetcher::KeyFetcher;
pub use logout::{HintedSession, LogoutError, LogoutRequest};
pub use page_request::{BrowserMark, PageRequest};
pub use params::{Params, RepeatedParam};
pub use presented_credentials::PresentedCredentials;
pub use scopes::GENERATE_SCOPE;
pub use status_lists::{
    PublishedStatusList, PublishedStatusLists, StatusListPublisher, StatusListSettings, StatusPlaceError,
    StatusPlaces,
};
pub use token_error::TokenError;
pub use token_set::TokenSet;
pub use userinfo::Userinfo;

/// The use cases of OAuth. Clones share the parts.
#[derive(Clone)]
pub struct OAuth(Arc<OAuthParts>);

/// What an operator decides about the use cases.
pub struct OAuthSettings {
    /// The issuer; `None` if OAuth is off.
    pub issuer: Option<Issuer>,
    /// The algorithms that sign, the default one first.
    pub algorithms: Vec<Algorithm>,
    /// `STATUS_LIST_TTL`, in seconds: after so long every verifier of status lists refuses a revoked token.
    pub status_list_ttl: u64,
    /// How long browsers stay logged in.
    pub session_lifetimes: BrowserSessionLifetimes,
    /// How long grants last; a client may have lengths of its own.
    pub grant_lifetimes: GrantLifetimes,
}

/// What the use cases work with. Only they see it.
pub struct OAuthParts {
    issuer: Option<Issuer>,
    discovery: Option<Published>,
    session_lifetimes: BrowserSessionLifetimes,
    grant_lifetimes: GrantLifetimes,
    tokens: Tokens,
    clients: ClientDirectory,
    authentication: ClientAuthentication,
    users: Arc<dyn Users>,
    denials: Arc<dyn Denials>,
    /// The assertions that count once on all instances.
    assertions: Arc<dyn Assertions>,
    grants: Arc<dyn Grants>,
    browser_sessions: Arc<dyn BrowserSessions>,
    consents: Arc<dyn Consents>,
    /// Gives tokens their places in status lists.
    status_places: StatusPlaces,
    /// The status lists that are published.
    status_lists: PublishedStatusLists,
    /// How status lists are published; `None` if OAuth is off.
    status_list_settings: Option<StatusListSettings>,
    /// From which the keys of codes and refresh tokens are derived.
    server_secret: CurrentServerSecret,
    clock: Clock,
    entropy: Entropy,
}

impl OAuth {
    /// The use cases over these stores, for the clients that `authentication` knows.
    pub fn new(
        settings: OAuthSettings,
        stores: &Stores,
        tokens: Tokens,
        authentication: ClientAuthentication,
        server_secret: CurrentServerSecret,
        clock: Clock,
        entropy: Entropy,
    ) -> Self {
        let OAuthSettings { issuer, algorithms, status_list_ttl, session_lifetimes, grant_lifetimes } =
            settings;
        let status_places = StatusPlaces::new(
            Arc::clone(&stores.status_lists),
            issuer.clone(),
            server_secret.clone(),
            tokens.status_list_life().as_secs(),
            clock.clone(),
        );
        let of_issuer = |issuer| StatusListSettings { issuer, ttl: status_list_ttl };
        Self(Arc::new(OAuthParts {
            status_places,
            status_lists: PublishedStatusLists::default(),
            status_list_settings: issuer.clone().map(of_issuer),
            discovery: issuer.as_ref().map(|issuer| discovery::document(issuer, &algorithms)),
            issuer,
            session_lifetimes,
            grant_lifetimes,
            tokens,
            clients: authentication.directory().clone(),
            authentication,
            users: Arc::clone(&stores.users),
            denials: Arc::clone(&stores.denials),
            assertions: Arc::clone(&stores.assertions),
            grants: Arc::clone(&stores.grants),
            browser_sessions: Arc::clone(&stores.browser_sessions),
            consents: Arc::clone(&stores.consents),
            server_secret,
            clock,
            entropy,
        }))
    }

    /// The issuer; `None` if OAuth is off.
    pub fn issuer(&self) -> Option<&Issuer> {
        self.issuer.as_ref()
    }

    /// The discovery document; `None` if OAuth is off.
    pub fn discovery(&self) -> Option<&Published> {
        self.discovery.as_ref()
    }

    /// Gives tokens their places in status lists.
    pub fn status_places(&self) -> &StatusPlaces {
        &self.status_places
    }

    /// The status lists that are published.
    pub fn status_lists(&self) -> &PublishedStatusLists {
        &self.status_lists
    }

    /// How status lists are published; `None` if OAuth is off.
    pub fn status_list_settings(&self) -> Option<&StatusListSettings> {
        self.status_list_settings.as_ref()
    }

    /// The algorithm with this name, as a client's metadata has it; `None` stands for the default one.
    fn algorithm(name: Option<&str>) -> Option<Algorithm> {
        name.and_then(|name| name.parse().ok())
    }
}

impl std::ops::Deref for OAuth {
    type Target = OAuthParts;

    fn deref(&self) -> &OAuthParts {
        &self.0
    }
}
