//! The one place that knows which refusal has which status. The dialect is the original's, with a code for machines:
//! `{"success": false, "error": "<sentence>", "code": "<machine_code>"}`.

use std::borrow::Cow;
use std::sync::Arc;

use axum::response::{IntoResponse, Response};
use http::StatusCode;
use http::header::{HeaderValue, RETRY_AFTER, WWW_AUTHENTICATE};
use serde::Serialize;

use super::respond;
use crate::accounts::AccountError;
use crate::token::{CheckError, CustomClaimsError, IssueError, Rejection};

/// A refusal: what the caller reads, and what only the log does.
#[derive(Debug)]
pub(super) struct ApiError {
    status: StatusCode,
    code: &'static str,
    message: Cow<'static, str>,
    retry_after: Option<u16>,
    data: Option<RefusedToken>,
    cause: Option<Cause>,
}

/// Why a request failed, for the log; travels in the response's extensions to where it is written, once.
#[derive(Clone, Debug)]
pub(super) struct Cause(pub(super) Arc<dyn std::error::Error + Send + Sync>);

/// What the original tells about a token that does not pass, and why.
#[derive(Debug, Serialize)]
struct RefusedToken {
    valid: bool,
    error: &'static str,
    code: &'static str,
}

#[derive(Serialize)]
struct Body<'a> {
    success: bool,
    error: &'a str,
    code: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    data: Option<&'a RefusedToken>,
}

/// Seconds after which a busy server is worth another try.
const BUSY_RETRY: u16 = 1;
/// Seconds after which keys that are not there are worth another try.
const KEYS_RETRY: u16 = 5;
/// Seconds after which a lost database is worth another try.
const DATABASE_RETRY: u16 = 5;

impl ApiError {
    fn new(status: StatusCode, code: &'static str, message: impl Into<Cow<'static, str>>) -> Self {
        Self { status, code, message: message.into(), retry_after: None, data: None, cause: None }
    }

    fn caused_by(self, cause: impl std::error::Error + Send + Sync + 'static) -> Self {
        Self { cause: Some(Cause(Arc::new(cause))), ..self }
    }

    /// A field is missing.
    pub(super) fn missing(message: &'static str) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "missing_field", message)
    }

    /// A field holds what it must not.
    pub(super) fn invalid(message: impl Into<Cow<'static, str>>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "invalid_field", message)
    }

    /// The body cannot be read.
    pub(super) fn malformed(message: impl Into<Cow<'static, str>>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "malformed_body", message)
    }

    /// The body is of a kind that nobody reads here.
    pub(super) fn media_type(message: &'static str) -> Self {
        Self::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, "unsupported_media_type", message)
    }

    /// The body is larger than `limit` bytes.
    pub(super) fn too_large(limit: usize) -> Self {
        let message = format!("The request body must be at most {limit} bytes");
        Self::new(StatusCode::PAYLOAD_TOO_LARGE, "body_too_large", message)
    }

    /// The body took too long to arrive.
    pub(super) fn too_slow() -> Self {
        Self::new(StatusCode::REQUEST_TIMEOUT, "request_timeout", "The request body took too long to arrive")
    }

    /// There is nothing at this path; the sentence is the original's.
    pub(super) fn not_found(path_and_query: &str) -> Self {
        Self::new(StatusCode::NOT_FOUND, "not_found", format!("Route {path_and_query} not found"))
    }

    /// HTTP/1.1 wants one `Host` (RFC 9112 §3.2).
    pub(super) fn host() -> Self {
        Self::new(StatusCode::BAD_REQUEST, "host_required", "The request must have one Host header")
    }

    /// A part of the request cannot be read.
    pub(super) fn request(part: &str) -> Self {
        let message = format!("The request's {part} cannot be read");
        Self::new(StatusCode::BAD_REQUEST, "malformed_request", message)
    }

    /// The path is right and the method is not; the router adds `Allow`.
    pub(super) fn method(method: &http::Method, path: &str) -> Self {
        let message = format!("{method} is not allowed on {path}; the Allow header lists what is");
        Self::new(StatusCode::METHOD_NOT_ALLOWED, "method_not_allowed", message)
    }

    /// No bearer token came with the request.
    pub(super) fn token_required() -> Self {
        Self::new(StatusCode::UNAUTHORIZED, "token_required", "Access token is required")
    }

    /// Demo tokens are off.
    pub(super) fn demo_tokens_disabled() -> Self {
        Self::new(
            StatusCode::FORBIDDEN,
            "demo_tokens_disabled",
            "Demo tokens are off on this server, because anybody can have one; its operator allows them with DEMO_TOKENS=true",
        )
    }

    /// A token that was to be validated does not pass: the original's answer, and why.
    fn refused_token(rejection: &Rejection) -> Self {
        let data = RefusedToken { valid: false, error: "Token verification failed", code: rejection.code() };
        let refused = Self::new(StatusCode::UNAUTHORIZED, "invalid_token", "Token validation failed");
        Self { data: Some(data), ..refused }
    }

    /// A fault of ours.
    pub(super) fn internal(cause: impl std::error::Error + Send + Sync + 'static) -> Self {
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, "internal", "Internal server error").caused_by(cause)
    }

    /// More is under way than the server can hold.
    pub(super) fn busy() -> Self {
        Self::unavailable("busy", "The server is busy; try again shortly", BUSY_RETRY)
    }

    /// No key may sign now, or none is known yet.
    pub(super) fn no_keys() -> Self {
        Self::unavailable("keys_unavailable", "The keys are unavailable; try again shortly", KEYS_RETRY)
    }

    fn unavailable(code: &'static str, message: impl Into<Cow<'static, str>>, retry_after: u16) -> Self {
        let refused = Self::new(StatusCode::SERVICE_UNAVAILABLE, code, message);
        Self { retry_after: Some(retry_after), ..refused }
    }
}

impl From<AccountError> for ApiError {
    fn from(error: AccountError) -> Self {
        let message = error.to_string();
        let unauthorized = |code| Self::new(StatusCode::UNAUTHORIZED, code, message.clone());
        match error {
            AccountError::Username(_) | AccountError::Email(_) | AccountError::Password(_) => {
                Self::invalid(message)
            }
            AccountError::Exists => Self::new(StatusCode::CONFLICT, "user_exists", message),
            AccountError::Credentials => unauthorized("invalid_credentials"),
            AccountError::Token(rejection) => unauthorized("invalid_token").caused_by(rejection),
            AccountError::LoggedOut(ended) => unauthorized("invalid_token").caused_by(ended),
            AccountError::NoUser => unauthorized("user_not_found"),
            AccountError::SessionEnded => unauthorized("session_ended"),
            AccountError::Busy => Self::unavailable("busy", message, BUSY_RETRY),
            AccountError::NoDatabase => {
                Self::new(StatusCode::SERVICE_UNAVAILABLE, "database_disabled", message)
            }
            AccountError::Unavailable(cause) => {
                Self::unavailable("database_unavailable", message, DATABASE_RETRY).caused_by(cause)
            }
            AccountError::NoKeys => Self::no_keys(),
            AccountError::Internal(_) => Self::internal(error),
        }
    }
}

impl From<IssueError> for ApiError {
    fn from(error: IssueError) -> Self {
        match error {
            IssueError::TooLong(_) | IssueError::TooLarge => Self::invalid(error.to_string()),
            IssueError::Busy => Self::busy(),
            IssueError::Unavailable => Self::no_keys(),
            IssueError::Failed(_) => Self::internal(error),
        }
    }
}

impl From<CheckError> for ApiError {
    fn from(error: CheckError) -> Self {
        match error {
            CheckError::Rejected(rejection) => Self::refused_token(&rejection),
            CheckError::NoKeys => Self::no_keys(),
        }
    }
}

impl From<CustomClaimsError> for ApiError {
    fn from(error: CustomClaimsError) -> Self {
        Self::invalid(error.to_string())
    }
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        let body = Body { success: false, error: &self.message, code: self.code, data: self.data.as_ref() };
        let mut response = respond::json(self.status, &body);
        let headers = response.headers_mut();
        if let Some(seconds) = self.retry_after {
            headers.insert(RETRY_AFTER, seconds.into());
        }
        match self.code {
            "token_required" => {
                headers.insert(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
            }
            "invalid_token" | "user_not_found" | "session_ended" => {
                let challenge = HeaderValue::from_static("Bearer error=\"invalid_token\"");
                headers.insert(WWW_AUTHENTICATE, challenge);
            }
            _ => {}
        }
        if let Some(cause) = self.cause {
            response.extensions_mut().insert(cause);
        }
        response
    }
}
