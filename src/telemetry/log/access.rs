//! What an operator decides about the access log.

/// The lines of the access log have this target. `ACCESS_LOG` decides about them, not `LOG_LEVEL`.
pub const ACCESS_TARGET: &str = "access";

/// Which requests have a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AccessLog {
    /// Those that fail by a fault of the service.
    Off,
    /// Those that are refused.
    Errors,
    /// All, and of the successful requests of machines one of so many.
    All {
        /// At least 1.
        one_of: u32,
    },
}
