//! What a user has permitted a client to do, so that the user is not asked again.

use super::{ClientId, Scopes, Timestamp, UserId};

/// The consent of one user to one client.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Consent {
    /// The user.
    pub user: UserId,
    /// The client.
    pub client: ClientId,
    /// Everything that was ever permitted and not withdrawn.
    pub scopes: Scopes,
    /// When the user last agreed.
    pub given_at: Timestamp,
}
