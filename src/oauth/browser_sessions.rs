//! The sessions of users in their browsers: from the log-in on a page to its end.

use aws_lc_rs::digest::{SHA256, digest};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use super::{OAuth, TokenError};
use crate::domain::{
    Actor, BrowserSession, Caller, Denied, Event, EventKind, EventSubject, Grant, Initiator, Secret,
    SessionDetails, SessionId, SessionKey, User, UserId,
};
use crate::server_secret::{Label, SubKeys};
use crate::telemetry::note_user;

/// A session that counts now, and its user.
#[derive(Clone, Debug)]
pub struct LiveSession {
    /// The session.
    pub session: BrowserSession,
    /// The user.
    pub user: User,
}

/// How a user has just proved who they are, on a page.
#[derive(Clone, Copy, Debug)]
pub struct FreshLogIn<'a> {
    /// The user.
    pub user: &'a User,
    /// The instant of the log-in, in seconds since 1970.
    pub auth_time: u64,
    /// The browser as it names itself.
    pub user_agent: &'a str,
}

/// The method of the log-ins on our pages (RFC 8176 §2).
const PASSWORD: &str = "pwd";
/// The most characters that are stored of the name of a browser.
const MAX_USER_AGENT: usize = 200;
/// A user has at most so many sessions at once, so that the page of the account lists all of them.
const MAX_SESSIONS: usize = 100;
/// So many sessions beyond that end at once: more than one log-in adds.
const ENDED_AT_ONCE: usize = 20;

/// The key of a session whose cookie has this value; `None` if no session of ours has such a cookie.
fn key_of(cookie: &Secret<String>) -> Option<SessionKey> {
    let value = URL_SAFE_NO_PAD.decode(cookie.expose()).ok().filter(|value| value.len() == 32)?;
    digest(&SHA256, &value).as_ref().try_into().ok().map(SessionKey)
}

impl OAuth {
    /// A new value for a cookie: 256 random bits.
    ///
    /// # Errors
    /// [`TokenError::Failed`] if the system gives no random numbers.
    pub fn new_cookie(&self) -> Result<Secret<String>, TokenError> {
        let random = self.entropy.bytes::<32>().map_err(failed)?;
        Ok(Secret::new(URL_SAFE_NO_PAD.encode(random)))
    }

    /// The session of a browser with this cookie, if it counts now. A change of the user's password ends it.
    ///
    /// # Errors
    /// [`TokenError`] if the database does not answer.
    pub async fn find_session(&self, cookie: &Secret<String>) -> Result<Option<LiveSession>, TokenError> {
        let Some(key) = key_of(cookie) else { return Ok(None) };
        let found = self.browser_sessions.find_browser_session(key).await?;
        let Some((session, user)) = found else { return Ok(None) };
        let now = self.clock.now();
        if !session.is_live(self.session_lifetimes, now) {
            return Ok(None);
        }
        let Some(user) = user.filter(|user| user.sessions.accept(session.details.auth_time)) else {
            return Ok(None);
        };
        note_user(user.id);
        if let Some(used) = session.used(self.session_lifetimes, now) {
            // False if another request wrote it first, or if the session has just ended: the next request finds that out.
            self.browser_sessions.replace_browser_session_if(session.revision, &used).await?;
        }
        Ok(Some(LiveSession { session, user }))
    }

    /// Begins a session, with a new cookie: the value that the browser had before opens nothing (RFC 9700 §4.7). `before` is the
    /// session that the browser had. If the same user logs in again, it goes on, so that its end still ends what was granted in it.
    /// If another user logs in, it ends. If the user has too many sessions, those that would expire first end.
    ///
    /// # Errors
    /// [`TokenError`] if the session may not be durable.
    pub async fn begin_session(
        &self,
        caller: &Caller,
        log_in: FreshLogIn<'_>,
        before: Option<&LiveSession>,
    ) -> Result<Secret<String>, TokenError> {
        let cookie = self.new_cookie()?;
        let key = key_of(&cookie).ok_or(TokenError::Failed("the cookie has no key".into()))?;
        let user = log_in.user.id;
        let (same, other) = match before {
            Some(live) if live.session.user == user => (Some(&live.session), None),
            other => (None, other.map(|live| &live.session)),
        };
        if let Some(before) = same
            && self.renew_session(caller, log_in, before, key).await?
        {
            return Ok(cookie);
        }
        let id = SessionId::from_bytes(self.entropy.bytes().map_err(failed)?);
        let session = self.session_of(log_in, id, key);
        let begun = self.session_event(EventKind::BrowserSessionStarted, user, id, caller)?;
        self.browser_sessions.create_browser_session(&session, &begun).await?;
        if let Some(other) = other {
            self.end_session(caller, other).await?;
        }
        self.end_oldest_sessions(caller, user).await?;
        Ok(cookie)
    }

    /// Ends the sessions that expire first if a user has too many: a session that the page does not list could not be ended there.
    async fn end_oldest_sessions(&self, caller: &Caller, user: UserId) -> Result<(), TokenError> {
        let listed = self.browser_sessions.list_browser_sessions(user, MAX_SESSIONS + ENDED_AT_ONCE).await?;
        for session in listed.iter().skip(MAX_SESSIONS) {
            self.end_session(caller, session).await?;
        }
        Ok(())
    }

    /// Lets a session go on under another key after another log-in of its user. False if it has ended meanwhile.
    async fn renew_session(
        &self,
        caller: &Caller,
        log_in: FreshLogIn<'_>,
        before: &BrowserSession,
        key: SessionKey,
    ) -> Result<bool, TokenError> {
        let id = before.details.id;
        let session = self.session_of(log_in, id, key);
        let begun = self.session_event(EventKind::BrowserSessionStarted, before.user, id, caller)?;
        Ok(self.browser_sessions.replace_browser_session_key_if(before.key, &session, &begun).await?)
    }

    fn session_of(&self, log_in: FreshLogIn<'_>, id: SessionId, key: SessionKey) -> BrowserSession {
        let now = self.clock.now();
        let details = SessionDetails {
            id,
            auth_time: log_in.auth_time,
            amr: vec![PASSWORD.to_owned()],
            created_at: now,
            used_at: now,
            user_agent: log_in.user_agent.chars().filter(|c| !c.is_control()).take(MAX_USER_AGENT).collect(),
        };
        BrowserSession::begin(key, log_in.user.id, details, self.session_lifetimes)
    }

    /// Ends a session, and refuses the tokens that were issued in it. Grants that outlive sessions (`offline_access`) stay.
    ///
    /// # Errors
    /// [`TokenError`] if the end may not be durable.
    pub async fn end_session(&self, caller: &Caller, session: &BrowserSession) -> Result<(), TokenError> {
        let id = session.details.id;
        // The denial comes first: after a crash between the two, the user can log out again.
        self.deny(Denied::Session(id), self.last_expiry(), None).await?;
        let ends = |grant: &Grant| grant.terms.session == id && !grant.terms.outlive_session();
        self.end_grants(caller, session.user, ends).await?;
        let ended = self.session_event(EventKind::BrowserSessionEnded, session.user, id, caller)?;
        self.browser_sessions.end_browser_session(session.key, &ended).await?;
        // A request that has just found the session may have been granted after the first look.
        self.end_grants(caller, session.user, ends).await?;
        tracing::debug!(user.id = %session.user, request_id = %caller.request_id, "a user has logged out");
        Ok(())
    }

    /// The sessions of a user that count now.
    ///
    /// # Errors
    /// [`TokenError`] if the database does not answer.
    pub async fn list_sessions(&self, user: &User) -> Result<Vec<BrowserSession>, TokenError> {
        let (listed, now) =
            (self.browser_sessions.list_browser_sessions(user.id, MAX_SESSIONS).await?, self.clock.now());
        let counts = |session: &BrowserSession| {
            session.is_live(self.session_lifetimes, now) && user.sessions.accept(session.details.auth_time)
        };
        Ok(listed.into_iter().filter(counts).collect())
    }

    /// The subkeys of a label.
    pub(super) fn subkeys(&self, label: Label) -> Result<SubKeys, TokenError> {
        let keys = self
            .server_secret
            .subkeys(label)
            .map_err(|error| TokenError::Failed(error.to_string().into()))?;
        keys.ok_or(TokenError::NotReady)
    }

    fn session_event(
        &self,
        kind: EventKind,
        user: UserId,
        session: SessionId,
        caller: &Caller,
    ) -> Result<Event, TokenError> {
        let at = self.clock.now();
        let initiator = Initiator::in_request(Actor::User(user), caller);
        let event = self.entropy.event(at, kind, initiator, EventSubject::Session(session))?;
        Ok(event.of_person(user))
    }
}

fn failed(error: crate::entropy::EntropyError) -> TokenError {
    TokenError::Failed(error.to_string().into())
}
