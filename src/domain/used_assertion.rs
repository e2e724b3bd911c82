//! An assertion by which a client has authenticated.

use super::Timestamp;

/// An assertion that counted on this instance. A use case that writes to the store anyway makes sure that it counts once on
/// all instances.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UsedAssertion {
    /// A hash of the client's id and the `jti`.
    pub name: [u8; 16],
    /// When the assertion is no longer accepted.
    pub expires_at: Timestamp,
}
