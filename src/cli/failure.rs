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

    /// An error with all that lies beneath it: the operator may know what no caller of the API may.
    pub(super) fn because(error: impl std::error::Error) -> Self {
        let mut message = error.to_string();
        let mut beneath = error.source();
        while let Some(cause) = beneath {
            let cause_told = cause.to_string();
            if !message.ends_with(&cause_told) {
                message.push_str(": ");
                message.push_str(&cause_told);
            }
            beneath = cause.source();
        }
        Self::Refused(message)
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
