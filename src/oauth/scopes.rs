//! Scopes that mean something to this service itself.

/// With an access token of this scope, a client has tokens signed at `POST /api/token/generate`.
pub const GENERATE_SCOPE: &str = "token:generate";
