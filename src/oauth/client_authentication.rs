//! Authentication of clients (RFC 6749 §2.3): exactly one method for each request, and only the registered one.

use std::sync::Arc;

use aws_lc_rs::constant_time::verify_slices_are_equal;
use aws_lc_rs::digest::{SHA256, digest};

use super::ClientDirectory;
use super::client_assertion::{self, AssertionError, Expected};
use super::client_directory::{ClientsNotLoaded, KnownClient};
use super::key_fetcher::KeyFetcher;
use super::presented_credentials::{Presented, PresentedCredentials};
use super::used_assertions::UsedAssertions;
use crate::clock::Clock;
use crate::domain::{Client, ClientAuthMethod, Timestamp, UsedAssertion};
use crate::telemetry::note_client;

/// Why a client may fail that was added or changed a moment ago.
const UNKNOWN: ClientAuthError = ClientAuthError::Failed("there is no such client");
const WRONG_SECRET: ClientAuthError = ClientAuthError::Failed("the secret is wrong or has expired");

/// The client that a request comes from.
#[derive(Clone, Debug)]
pub struct AuthenticatedClient {
    /// The client.
    pub client: Arc<Client>,
    /// The assertion by which it authenticated, if it used one.
    pub assertion: Option<UsedAssertion>,
}

/// Why a client is not authenticated. The text is for the log; a client learns the variant only.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ClientAuthError {
    /// The request names no client at all.
    #[error("the request names no client")]
    Missing,
    /// The request uses two methods, or names two clients.
    #[error("{0}")]
    Ambiguous(&'static str),
    /// The header `Authorization` has another scheme than `Basic`, or is not text.
    #[error("the header Authorization has not the scheme Basic")]
    OtherScheme,
    /// Unknown client, wrong secret, another method than the registered one: all look alike.
    #[error("{0}")]
    Failed(&'static str),
    /// It is not known yet which clients there are.
    #[error(transparent)]
    NotLoaded(#[from] ClientsNotLoaded),
    /// The assertion cannot be checked now: the client should try again after so many seconds.
    #[error("{why}")]
    Unchecked {
        /// The reason.
        why: &'static str,
        /// Seconds.
        retry_secs: u32,
    },
}

/// Authenticates clients. Clones share what they remember of assertions.
#[derive(Clone)]
pub struct ClientAuthentication(Arc<Inner>);

struct Inner {
    directory: ClientDirectory,
    /// The `aud` of assertions; `None` if there is no issuer, so that no assertion is accepted.
    issuer: Option<String>,
    leeway: u64,
    fetcher: KeyFetcher,
    used: UsedAssertions,
    clock: Clock,
}

impl ClientAuthentication {
    /// Authenticates the clients of `directory`. `issuer` is the `aud` of their assertions, whose instants may be missed by
    /// `leeway` seconds.
    pub fn new(
        directory: ClientDirectory,
        issuer: Option<String>,
        leeway: u64,
        fetcher: KeyFetcher,
        clock: Clock,
    ) -> Self {
        let used = UsedAssertions::default();
        Self(Arc::new(Inner { directory, issuer, leeway, fetcher, used, clock }))
    }

    /// The clients in memory.
    pub(super) fn directory(&self) -> &ClientDirectory {
        &self.0.directory
    }

    /// The client that presents these credentials. A client that is not known, or a secret that does not match, makes this
    /// instance read the clients again, at most every five seconds: a client can be used as soon as it was added.
    ///
    /// # Errors
    /// [`ClientAuthError`].
    pub async fn authenticate(
        &self,
        presented: PresentedCredentials<'_>,
    ) -> Result<AuthenticatedClient, ClientAuthError> {
        match self.attempt(presented).await {
            Err(UNKNOWN | WRONG_SECRET) if self.read_clients().await => self.attempt(presented).await,
            answer => answer,
        }
    }

    /// Whether there may be clients. If this instance knows of no client, it reads them again, at most every five seconds.
    pub async fn may_have_clients(&self) -> bool {
        let directory = &self.0.directory;
        if directory.count() == Some(0) {
            self.read_clients().await;
        }
        directory.count() != Some(0)
    }

    /// Reads the clients because of a failure, at most every five seconds, and says whether it did.
    async fn read_clients(&self) -> bool {
        self.0.directory.read_for_stranger(self.0.clock.uptime()).await
    }

    async fn attempt(
        &self,
        presented: PresentedCredentials<'_>,
    ) -> Result<AuthenticatedClient, ClientAuthError> {
        match Presented::of(presented)? {
            Presented::Basic { id, secret } => {
                self.by_secret(&id, secret.expose(), ClientAuthMethod::ClientSecretBasic)
            }
            Presented::Post { id, secret } => self.by_secret(id, secret, ClientAuthMethod::ClientSecretPost),
            Presented::Assertion { id, assertion } => self.by_assertion(id, assertion).await,
            Presented::Nothing { id } => self.without_secret(id),
        }
    }

    fn by_secret(
        &self,
        id: &str,
        secret: &str,
        method: ClientAuthMethod,
    ) -> Result<AuthenticatedClient, ClientAuthError> {
        let known = self.noted(id)?;
        // Also for an unknown client, so that both take the same time.
        let hash = digest(&SHA256, secret.as_bytes());
        let is_right = match &known {
            Some(known) => known.has_secret(hash.as_ref(), self.0.clock.now()),
            None => verify_slices_are_equal(hash.as_ref(), &[0; 32]).is_ok(),
        };
        let known = known.ok_or(UNKNOWN)?;
        if !is_right {
            return Err(WRONG_SECRET);
        }
        known.authenticated(method, None)
    }

    async fn by_assertion(
        &self,
        id: Option<&str>,
        assertion: &str,
    ) -> Result<AuthenticatedClient, ClientAuthError> {
        let claimed = client_assertion::claimed_client(assertion)
            .ok_or(ClientAuthError::Failed("the assertion is not a JWT with the claim sub"))?;
        if id.is_some_and(|id| id != claimed) {
            return Err(ClientAuthError::Ambiguous("client_id and the assertion name different clients"));
        }
        let known = self.noted(&claimed)?.ok_or(UNKNOWN)?;
        known.must_use(ClientAuthMethod::PrivateKeyJwt)?;
        let issuer = self.0.issuer.as_deref();
        let issuer =
            issuer.ok_or(ClientAuthError::Failed("no issuer is set, so no assertion is accepted"))?;
        let expected = Expected { issuer, leeway: self.0.leeway, now: self.0.clock.now() };
        let checked =
            client_assertion::check(&known, assertion, expected, &self.0.fetcher, &self.0.used).await;
        let used = checked.map_err(|error| match error {
            AssertionError::Invalid(reason) => ClientAuthError::Failed(reason),
            AssertionError::Unchecked { why, retry_secs } => ClientAuthError::Unchecked { why, retry_secs },
        })?;
        known.authenticated(ClientAuthMethod::PrivateKeyJwt, Some(used))
    }

    fn without_secret(&self, id: &str) -> Result<AuthenticatedClient, ClientAuthError> {
        let known = self.noted(id)?.ok_or(UNKNOWN)?;
        known.authenticated(ClientAuthMethod::None, None)
    }

    /// The client with this id, which the log of the request names from now on.
    fn noted(&self, id: &str) -> Result<Option<Arc<KnownClient>>, ClientsNotLoaded> {
        let known = self.0.directory.known(id)?;
        if let Some(known) = &known {
            note_client(&known.client);
        }
        Ok(known)
    }
}

impl KnownClient {
    /// Whether one of the valid secrets has this hash.
    fn has_secret(&self, hash: &[u8], now: Timestamp) -> bool {
        let valid = self.secrets.iter().filter(|secret| secret.expires_at.is_none_or(|at| now < at));
        valid.fold(false, |found, secret| found | verify_slices_are_equal(hash, &secret.sha256).is_ok())
    }

    fn must_use(&self, method: ClientAuthMethod) -> Result<(), ClientAuthError> {
        if self.client.metadata.may_authenticate_by(method) {
            Ok(())
        } else {
            Err(ClientAuthError::Failed(
                "the client is registered for another method (token_endpoint_auth_method)",
            ))
        }
    }

    fn authenticated(
        &self,
        method: ClientAuthMethod,
        assertion: Option<UsedAssertion>,
    ) -> Result<AuthenticatedClient, ClientAuthError> {
        self.must_use(method)?;
        Ok(AuthenticatedClient { client: Arc::clone(&self.client), assertion })
    }
}
