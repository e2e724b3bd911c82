//! How often the signing key changes.

use super::Lifetime;

/// An operator's decision on it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rotation {
    /// Every thirty days, but for a key of the original, which stays.
    Usual,
    /// Never by itself.
    Off,
    /// Every so long.
    Every(Lifetime),
}

impl Rotation {
    /// The period where the operator has set none, in seconds.
    pub const USUAL: u64 = 30 * 86_400;

    /// The period in seconds, of a ring that began with a key of the original, or of another; none where keys stay.
    pub fn period(self, adopted: bool) -> Option<u64> {
        match self {
            Self::Usual => (!adopted).then_some(Self::USUAL),
            Self::Off => None,
            Self::Every(period) => Some(period.as_secs()),
        }
    }
}
