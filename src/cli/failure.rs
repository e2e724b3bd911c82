//! Why a command did not do what it was asked, and with which code it ends.

use std::process::ExitCode;

/// A failure with its sentence.
#[derive(Debug)]
pub(super) enum Failure {
    /// The command was refused, or could not be carried out.
    Refused(String),
    /// The call or the settings are wrong.
    Usage(String),
}

impl Failure {
    /// Something went wrong while the command ran.
    pub(super) fn refused(cause: impl std::fmt::Display) -> Self {
        Self::Refused(cause.to_string())
    }

    /// What was asked for cannot be asked.
    pub(super) fn usage(cause: impl std::fmt::Display) -> Self {
        Self::Usage(cause.to_string())
    }

    pub(super) fn message(&self) -> &str {
        match self {
            Self::Refused(message) | Self::Usage(message) => message,
        }
    }

    pub(super) fn exit_code(&self) -> ExitCode {
        match self {
            Self::Refused(_) => ExitCode::from(1),
            Self::Usage(_) => ExitCode::from(2),
        }
    }
}
