//! What a user still has to do before an authorization request is granted. A pure rule.

use super::authorization_answer::ErrorForClient;
use super::authorization_request::AuthorizationRequest;
use super::browser_sessions::LiveSession;
use super::page_request::PageRequest;
use crate::domain::{Consent, Timestamp};

/// The next step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AuthorizationStep {
    /// The user logs in, perhaps again.
    LogIn,
    /// The user says with which account to go on.
    ChooseAccount,
    /// The user is asked for consent.
    AskConsent,
    /// The request is granted.
    Grant,
}

/// What is known when the next step is decided.
#[derive(Clone, Copy, Debug)]
pub struct Situation<'a> {
    /// What happened to the request before.
    pub page: &'a PageRequest,
    /// The session of the browser.
    pub session: Option<&'a LiveSession>,
    /// The user whom the client names in an `id_token_hint`.
    pub hinted: Hinted<'a>,
    /// The consent that the user gave before.
    pub consent: Option<&'a Consent>,
    /// The time.
    pub now: Timestamp,
}

/// What an `id_token_hint` says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Hinted<'a> {
    /// There is no hint.
    Absent,
    /// It cannot be checked, for example because its key is no longer published.
    Unknown,
    /// It names this user.
    User(&'a str),
}

/// For so many seconds a log-in for the request counts as one of this moment, so that the user can read and answer the other
/// pages.
const FRESH_SECS: u64 = 300;

impl AuthorizationRequest {
    /// The next step of this request.
    ///
    /// # Errors
    /// If the request forbids to ask the user (`prompt=none`), or if the user has logged in and is not the one whom the client
    /// expects.
    pub fn next_step(&self, situation: Situation<'_>) -> Result<AuthorizationStep, ErrorForClient> {
        if self.prompt.none && situation.hinted == Hinted::Unknown {
            return Err(login_required("the id_token_hint cannot be checked, so that the user must log in"));
        }
        let step = self.wanted_step(situation)?;
        let refused = match step {
            _ if !self.prompt.none => return Ok(step),
            AuthorizationStep::Grant => return Ok(step),
            AuthorizationStep::LogIn => ("login_required", "the user must log in"),
            AuthorizationStep::ChooseAccount => {
                ("account_selection_required", "the user must choose an account")
            }
            AuthorizationStep::AskConsent => ("consent_required", "the user must be asked for consent"),
        };
        Err(ErrorForClient::new(refused.0, refused.1))
    }

    fn wanted_step(&self, situation: Situation<'_>) -> Result<AuthorizationStep, ErrorForClient> {
        let Some(live) = situation.session else { return Ok(AuthorizationStep::LogIn) };
        let (details, page) = (&live.session.details, situation.page);
        let age = situation.now.as_secs().saturating_sub(details.auth_time);
        // The user has logged in since the request came, in this browser. The instant alone would accept a log-in of the same
        // second, and the log-in alone would be accepted again and again.
        let has_logged_in = page.seen_log_in != Some(live.session.key.mark());
        let is_fresh = has_logged_in && age < FRESH_SECS;
        let is_too_old = self.max_age.is_some_and(|most| age > most || most == 0);
        let is_expected = self.expects(live, situation.hinted);
        if !is_expected && has_logged_in {
            return Err(login_required("the user who has logged in is not the one whom the request names"));
        }
        if (self.prompt.login || is_too_old) && !is_fresh || !is_expected {
            return Ok(AuthorizationStep::LogIn);
        }
        if self.prompt.select_account && !is_fresh && !page.is_account_chosen {
            return Ok(AuthorizationStep::ChooseAccount);
        }
        if self.needs_consent(situation.consent) {
            return Ok(AuthorizationStep::AskConsent);
        }
        Ok(AuthorizationStep::Grant)
    }

    /// Whether the client accepts the user of the session.
    fn expects(&self, live: &LiveSession, hinted: Hinted<'_>) -> bool {
        let user = live.user.id.to_string();
        let is_hinted = match hinted {
            Hinted::Absent | Hinted::Unknown => true,
            Hinted::User(subject) => subject == user,
        };
        is_hinted && self.claims.subject.as_ref().is_none_or(|subject| *subject == user)
    }

    /// Whether a consent is about everything that the request asks for.
    pub(super) fn is_within(&self, consent: &Consent) -> bool {
        consent.covers(&self.permissions, &self.resources)
    }

    fn needs_consent(&self, given: Option<&Consent>) -> bool {
        if self.prompt.consent {
            return true;
        }
        let is_given = given.is_some_and(|consent| self.is_within(consent));
        let is_remembered = is_given && self.remembers_consent();
        !self.client.metadata.first_party && !is_remembered
    }
}

fn login_required(sentence: &'static str) -> ErrorForClient {
    ErrorForClient::new("login_required", sentence)
}
