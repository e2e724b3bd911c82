//! Why a request is refused. A [`Kind`] says what happened. [`face`] has the status, the code and the
//! sentence of each kind; [`fault`] has the sentences about fields and bodies; other files have no sentences.
//! The operation's [`Dialect`](super::dialect::Dialect) writes them.

mod challenge;
mod face;
mod fault;
mod generate_fault;
mod oauth_fault;
mod reasons;

use std::error::Error;
use std::sync::Arc;

use http::Method;
use http::header::{ALLOW, HeaderMap, HeaderValue, RETRY_AFTER, WWW_AUTHENTICATE};

use super::Response;
use crate::limits::Verdict;
use crate::oauth::UntrustedRequest;
use crate::token::Rejection;

pub(super) use challenge::Challenge;
pub(super) use face::{CODES, Face};
pub(super) use fault::{BodyFault, FieldFault, MediaFault, Missing};
pub(super) use generate_fault::GenerateFault;
pub(super) use oauth_fault::OAuthFault;
use oauth_fault::Sentence;

/// A refusal: what the caller may know, and what only the log may contain.
#[derive(Debug)]
pub(super) struct Refusal {
    pub(super) kind: Kind,
    /// How the caller may authenticate.
    pub(super) challenge: Option<Challenge>,
    /// Seconds after which the caller should try again.
    pub(super) retry_after: Option<u32>,
    /// The budget of the account that the request names, or the budget that refuses the request.
    pub(super) verdict: Option<Verdict>,
    /// The cause, for the log.
    pub(super) cause: Option<Cause>,
}

/// The refusal that a page or a redirect tells in its own way. It is an extension of the response, so that the log and the
/// metrics know it.
#[derive(Clone, Debug)]
pub(super) struct ToldRefusal {
    pub(super) code: &'static str,
    pub(super) cause: Option<Cause>,
}

impl ToldRefusal {
    /// Says that this response tells of a refusal with this code.
    pub(super) fn mark(response: &mut Response, code: &'static str) {
        response.extensions_mut().insert(Self { code, cause: None });
    }

    /// The same, with the sentence that the client reads.
    pub(super) fn mark_with(response: &mut Response, code: &'static str, sentence: &str) {
        let cause: Cause = Arc::new(Sentence(sentence.to_owned()));
        response.extensions_mut().insert(Self { code, cause: Some(cause) });
    }
}

/// Why a request failed, for the log.
pub(super) type Cause = Arc<dyn Error + Send + Sync>;

/// What happened.
#[derive(Debug)]
pub(super) enum Kind {
    /// A field is missing.
    MissingField(Missing),
    /// The value of a field is not allowed.
    InvalidField(FieldFault),
    /// The body cannot be read.
    MalformedBody(BodyFault),
    /// This part of the request cannot be read.
    MalformedRequest(&'static str),
    /// HTTP/1.1 requires one `Host` (RFC 9112 §3.2).
    HostRequired,
    /// The service does not read this kind of body.
    MediaType(MediaFault),
    /// The body is larger than this many bytes.
    BodyTooLarge(usize),
    /// The body took too long to arrive.
    BodyTooSlow,
    /// There is nothing at this path and query.
    NotFound(String),
    /// The path is right and the method is not.
    Method {
        /// The method.
        method: Method,
        /// The path.
        path: String,
        /// The methods that exist there.
        allowed: String,
    },
    /// No bearer token came with the request.
    TokenRequired,
    /// The bearer token is not valid, or its session has ended.
    BearerFails,
    /// A token in a request to validate it is not valid: the original's answer, and why.
    TokenFails(Rejection),
    /// A token in a request to validate it was revoked.
    TokenRevoked,
    /// The bearer token is valid, but its subject is not a stored user.
    NoUser,
    /// The user logged in too long ago.
    SessionEnded,
    /// Demo tokens are off.
    DemoTokensDisabled,
    /// A client may not have the token that it wants.
    NotGenerated(GenerateFault),
    /// The password does not belong to the name, or no user has the name.
    Credentials,
    /// Too many log-ins to the account failed: the next one may come after so many seconds.
    LoginThrottled(u16),
    /// So many log-ins to the account failed that only known addresses may try.
    LoginLimited,
    /// Another user has the name or the address.
    UserExists,
    /// The server runs without a database.
    NoDatabase,
    /// The database does not answer.
    DatabaseUnavailable,
    /// No key may sign now, or no key is known yet.
    NoKeys,
    /// The clients or the denials are not loaded yet.
    NotReady,
    /// The assertion of a client cannot be checked now, but perhaps after so many seconds.
    ClientUnchecked(u32),
    /// An error of an OAuth endpoint.
    OAuth(OAuthFault),
    /// An app sent the browser with a request that names no client, or an address that the client did not register.
    UntrustedRequest(UntrustedRequest),
    /// The page was open for too long.
    ExpiredPage,
    /// A form does not come from our page in this browser.
    ForeignForm,
    /// This budget admits no further request now.
    RateLimited(Verdict),
    /// The server has too much work.
    Busy,
    /// An internal error.
    Internal,
}

/// Seconds after which a client should ask a busy server again.
const BUSY_RETRY: u32 = 1;
/// Seconds after which a client should ask again if the keys are missing.
const KEYS_RETRY: u32 = 5;
/// Seconds after which a client should ask again if the database is unavailable.
const DATABASE_RETRY: u32 = 5;

impl From<Kind> for Refusal {
    fn from(kind: Kind) -> Self {
        let challenge = match kind {
            Kind::TokenRequired => Some(Challenge::TokenRequired),
            Kind::BearerFails
            | Kind::TokenFails(_)
            | Kind::TokenRevoked
            | Kind::NoUser
            | Kind::SessionEnded => Some(Challenge::InvalidToken),
            Kind::OAuth(OAuthFault::InvalidClient | OAuthFault::OtherScheme(_)) => Some(Challenge::Client),
            Kind::NotGenerated(GenerateFault::NoScope) => Some(Challenge::GenerateScope),
            Kind::OAuth(OAuthFault::InsufficientScope) => Some(Challenge::InsufficientScope),
            _ => None,
        };
        let retry_after = match kind {
            Kind::LoginThrottled(secs) => Some(secs.into()),
            Kind::Busy => Some(BUSY_RETRY),
            Kind::NoKeys | Kind::NotReady => Some(KEYS_RETRY),
            Kind::DatabaseUnavailable => Some(DATABASE_RETRY),
            Kind::RateLimited(verdict) => Some(verdict.more_in),
            Kind::ClientUnchecked(secs) => Some(secs),
            _ => None,
        };
        let verdict = if let Kind::RateLimited(verdict) = kind { Some(verdict) } else { None };
        Self { kind, challenge, retry_after, verdict, cause: None }
    }
}

impl Refusal {
    pub(super) fn internal(cause: impl Error + Send + Sync + 'static) -> Self {
        Self::from(Kind::Internal).caused_by(cause)
    }

    pub(super) fn no_keys() -> Self {
        Kind::NoKeys.into()
    }

    /// The refusal of a request that came by the browser. The log has the sentence, and not the address.
    pub(super) fn untrusted(request: impl Into<UntrustedRequest>) -> Self {
        let request = request.into();
        let sentence = Sentence(request.sentence.to_string());
        Self::from(Kind::UntrustedRequest(request)).caused_by(sentence)
    }

    fn caused_by(self, cause: impl Error + Send + Sync + 'static) -> Self {
        Self { cause: Some(Arc::new(cause)), ..self }
    }

    /// Makes this response, which tells of the refusal in its own way, one of a refused request.
    pub(super) fn mark(&self, response: &mut Response) {
        self.add_headers(response.headers_mut());
        let extensions = response.extensions_mut();
        extensions.insert(ToldRefusal { code: self.kind.face().code, cause: self.cause.clone() });
        if let Some(verdict) = self.verdict {
            extensions.insert(verdict);
        }
    }

    /// The headers that a refusal has in each dialect.
    pub(super) fn add_headers(&self, headers: &mut HeaderMap) {
        if let Some(seconds) = self.retry_after {
            headers.insert(RETRY_AFTER, seconds.into());
        }
        if let Some(challenge) = self.challenge {
            headers.insert(WWW_AUTHENTICATE, challenge.value());
        }
        if let Kind::Method { allowed, .. } = &self.kind
            && let Ok(allowed) = HeaderValue::from_str(allowed)
        {
            headers.insert(ALLOW, allowed);
        }
    }
}
