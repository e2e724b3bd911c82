//! The front channel of the grant `authorization_code`: from a request to a code.

use super::authorization_steps::{AuthorizationStep, Hinted, Situation};
use super::{
    AuthorizationRequest, AuthorizeError, ErrorForClient, LiveSession, NewGrant, OAuth, PASSWORD_ACR,
    PageRequest, Params, TokenError,
};
use crate::domain::{GrantTerms, Secret};

/// A request, and what the user has to do next.
#[derive(Debug)]
pub struct Authorization {
    /// The request.
    pub request: AuthorizationRequest,
    /// The next step.
    pub step: AuthorizationStep,
}

impl OAuth {
    /// Reads and checks a request. If its client or its redirect URI is not known, this instance reads the stored clients again,
    /// at most every five seconds: they may be new.
    ///
    /// # Errors
    /// [`AuthorizeError`].
    pub async fn read_authorization(&self, params: &Params) -> Result<AuthorizationRequest, AuthorizeError> {
        match AuthorizationRequest::read(params, &self.clients) {
            Err(AuthorizeError::Untrusted(_))
                if self.clients.read_for_stranger(self.clock.uptime()).await =>
            {
                AuthorizationRequest::read(params, &self.clients)
            }
            answer => answer,
        }
    }

    /// Finds the next step of a request in a browser with this session.
    ///
    /// # Errors
    /// [`AuthorizeError`].
    pub async fn authorize(
        &self,
        request: AuthorizationRequest,
        page: &PageRequest,
        session: Option<&LiveSession>,
    ) -> Result<Authorization, AuthorizeError> {
        let subject = request.id_token_hint.as_deref().map(|hint| self.hinted_subject(hint));
        let hinted = match &subject {
            None => Hinted::Absent,
            Some(None) => Hinted::Unknown,
            Some(Some(subject)) => Hinted::User(subject),
        };
        let consent = match session {
            Some(live) if !request.client.metadata.first_party => {
                self.find_consent(&live.user, &request).await.map_err(AuthorizeError::Service)?
            }
            _ => None,
        };
        let situation = Situation { page, session, hinted, consent: consent.as_ref(), now: self.clock.now() };
        match request.next_step(situation) {
            Ok(step) => Ok(Authorization { request, step }),
            Err(error) => Err(AuthorizeError::ToClient(request.target, error)),
        }
    }

    /// The user whom an `id_token_hint` names; `None` if it cannot be checked.
    fn hinted_subject(&self, hint: &str) -> Option<String> {
        self.tokens.check_id_token(hint).ok().and_then(|checked| checked.registered().sub.clone())
    }

    /// A code for a request whose next step is to be granted.
    ///
    /// # Errors
    /// [`ErrorForClient`] if the grant may not be durable, or if the user has withdrawn the consent or has logged out meanwhile.
    pub async fn grant(
        &self,
        request: &AuthorizationRequest,
        live: &LiveSession,
    ) -> Result<Secret<String>, ErrorForClient> {
        let details = &live.session.details;
        let terms = GrantTerms {
            registration: request.client.registration,
            session: details.id,
            scopes: request.scopes.clone(),
            resources: request.resources.clone(),
            auth_time: details.auth_time,
            amr: details.amr.clone(),
            acr: request.wants_acr.then(|| PASSWORD_ACR.to_owned()),
            nonce: request.nonce.clone(),
            id_token_claims: request.claims.id_token.clone(),
            userinfo_claims: request.claims.userinfo.clone(),
            created_at: self.clock.now(),
        };
        let redirect_uri = request.names_redirect_uri.then(|| request.target.redirect_uri.clone());
        let new = NewGrant {
            client: request.client.id.clone(),
            user: live.user.id,
            terms,
            redirect_uri,
            code_challenge: request.code_challenge.clone(),
            session: live.session.key,
        };
        let Some(code) = self.grant_code(new).await? else {
            return Err(ErrorForClient::new("login_required", "the user has logged out"));
        };
        self.check_again(request, live).await?;
        Ok(code)
    }

    /// A withdrawal ends the grants that it finds. If it comes between the decision and the new grant, it does not find that, but
    /// the consent is missing now. Then the code is not given out, and the grant is forgotten with it.
    async fn check_again(
        &self,
        request: &AuthorizationRequest,
        live: &LiveSession,
    ) -> Result<(), ErrorForClient> {
        if request.client.metadata.first_party {
            return Ok(());
        }
        let consent = self.find_consent(&live.user, request).await?;
        if consent.is_some_and(|consent| request.is_within(&consent)) {
            Ok(())
        } else {
            Err(ErrorForClient::new("access_denied", "the user has withdrawn the consent"))
        }
    }
}

impl From<TokenError> for ErrorForClient {
    /// For errors of the service while the browser is on its way to the client.
    fn from(error: TokenError) -> Self {
        match error {
            TokenError::Failed(_) => Self::new("server_error", "an internal error"),
            other => Self::new("temporarily_unavailable", other.to_string()),
        }
    }
}
