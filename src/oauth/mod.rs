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
mod request_object;
mod revocation;
mod scopes;
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
use crate::store::{Assertions, BrowserSessions, Consents, Denials, Grants, Users};
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
pub use token_error::TokenError;
pub use token_set::TokenSet;
pub use userinfo::Userinfo;

/// The use cases of OAuth. Clones share the parts.
#[derive(Clone)]
pub struct OAuth(Arc<Inner>);

struct Inner {
    parts: OAuthParts,
    discovery: Option<Published>,
}

/// What the use cases work with.
pub struct OAuthParts {
    /// The issuer; `None` if OAuth is off.
    pub issuer: Option<Issuer>,
    /// The algorithms that sign, the default one first.
    pub algorithms: Vec<Algorithm>,
    /// Issues and checks tokens.
    pub tokens: Tokens,
    /// The clients in memory.
    pub clients: ClientDirectory,
    /// Authenticates clients.
    pub authentication: ClientAuthentication,
    /// The users.
    pub users: Arc<dyn Users>,
    /// The denials of tokens.
    pub denials: Arc<dyn Denials>,
    /// The assertions that count once on all instances.
    pub assertions: Arc<dyn Assertions>,
    /// What users have permitted clients.
    pub grants: Arc<dyn Grants>,
    /// The browsers in which users have logged in.
    pub browser_sessions: Arc<dyn BrowserSessions>,
    /// What users need not be asked again.
    pub consents: Arc<dyn Consents>,
    /// How long browsers stay logged in.
    pub session_lifetimes: BrowserSessionLifetimes,
    /// How long grants last; a client may have lengths of its own.
    pub grant_lifetimes: GrantLifetimes,
    /// From which the keys of codes and refresh tokens are derived.
    pub server_secret: CurrentServerSecret,
    /// The time.
    pub clock: Clock,
    /// Randomness.
    pub entropy: Entropy,
}

impl OAuth {
    /// The use cases with these parts.
    pub fn new(parts: OAuthParts) -> Self {
        let discovery = parts.issuer.as_ref().map(|issuer| discovery::document(issuer, &parts.algorithms));
        Self(Arc::new(Inner { parts, discovery }))
    }

    /// The issuer; `None` if OAuth is off.
    pub fn issuer(&self) -> Option<&Issuer> {
        self.issuer.as_ref()
    }

    /// The discovery document; `None` if OAuth is off.
    pub fn discovery(&self) -> Option<&Published> {
        self.0.discovery.as_ref()
    }

    /// The algorithm with this name, as a client's metadata has it; `None` stands for the default one.
    fn algorithm(name: Option<&str>) -> Option<Algorithm> {
        name.and_then(|name| name.parse().ok())
    }
}

impl std::ops::Deref for OAuth {
    type Target = OAuthParts;

    fn deref(&self) -> &OAuthParts {
        &self.0.parts
    }
}
