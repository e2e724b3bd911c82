//! The operator's rules for new passwords.

/// The operator's rules for new passwords. Stored passwords stay as they are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PasswordPolicy {
    /// The fewest characters that a password may have, without invisible ones.
    pub min_length: usize,
    /// Whether it may be one of the most common passwords, or look like one.
    pub allows_common: bool,
}

impl PasswordPolicy {
    /// The rules of the original.
    pub const ORIGINAL: Self = Self { min_length: 6, allows_common: true };
}
