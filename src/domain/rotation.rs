//! How often the signing key changes.

use super::Lifetime;

/// The operator's decision about it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rotation {
    /// Every thirty days. A key of the original stays.
    Usual,
    /// Never, unless an operator changes it.
    Off,
    /// Always after this time.
    Every(Lifetime),
}

impl Rotation {
    /// The period if the operator has not set one, in seconds.
    pub const USUAL: u64 = 30 * 86_400;

    /// The period in seconds, for a ring that began with a key of the original or with another key; `None` if
    /// keys stay.
    pub fn period(self, adopted: bool) -> Option<u64> {
        match self {
            Self::Usual => (!adopted).then_some(Self::USUAL),
            Self::Off => None,
            Self::Every(period) => Some(period.as_secs()),
        }
    }
}
