//! Token Status List (draft-ietf-oauth-status-list-21): verifiers read from a published list whether a token was revoked, and ask
//! nothing about a single token. [`StatusPlaces`] gives tokens their places, and [`StatusListPublisher`] prepares the lists.

mod bits;
mod open_denials;
mod permutation;
mod places;
mod published;
mod publisher;

pub(super) use places::TakenPlace;
pub use places::{StatusPlaceError, StatusPlaces};
pub use published::{PublishedStatusList, PublishedStatusLists};
pub use publisher::{StatusListPublisher, StatusListSettings};

use super::Issuer;

/// The path of the aggregation (§9 of the draft); the lists are below it.
const PATH: &str = "/oauth/status-lists";

/// The address of all lists.
pub(super) fn aggregation_uri(issuer: &Issuer) -> String {
    issuer.internal_url(PATH)
}

/// The address of a list, which its tokens name.
fn list_uri(issuer: &Issuer, number: u64) -> String {
    format!("{}/{number}", issuer.internal_url(PATH))
}
