//! Which new passwords an operator accepts.

/// Which new passwords an operator accepts. Stored passwords stay as they are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PasswordPolicy {
    /// The fewest characters that a password may have.
    pub min_length: usize,
    /// Whether it may be one of the most common passwords.
    pub allows_common: bool,
}

impl PasswordPolicy {
    /// What the original accepts.
    pub const ORIGINAL: Self = Self { min_length: 6, allows_common: true };
}
