//! The verdict of a budget about a request.

use super::{Group, Scope};

/// The verdict of one budget about one request, for the answer and for everything that counts verdicts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Verdict {
    /// The operations that the budget is for.
    pub group: Group,
    /// For whom it is.
    pub scope: Scope,
    /// Whether it admits the request.
    pub allowed: bool,
    /// How many requests it still admits at once.
    pub remaining: u32,
    /// Seconds, at least one, until it admits one request more.
    pub more_in: u32,
}
