//! Why a command failed, and its exit code.

use std::process::ExitCode;

/// A failure with its message.
#[derive(Debug)]
pub(super) enum Failure {
    /// The command failed, or the answer is no.
    Refused(String),
    /// The command line or the settings are wrong.
    Usage(String),
}

impl Failure {
    /// Something went wrong while the command ran.
    pub(super) fn refused(cause: impl std::fmt::Display) -> Self {
        Self::Refused(cause.to_string())
    }

    /// An error with all its causes. An operator may see them; a caller of the API must not.
    pub(super) fn because(error: impl std::error::Error) -> Self {
        let mut message = error.to_string();
        let mut next = error.source();
        while let Some(cause) = next {
            let text = cause.to_string();
            if !message.ends_with(&text) {
                message.push_str(": ");
                message.push_str(&text);
            }
            next = cause.source();
        }
        Self::Refused(message)
    }

    /// The command line or the settings are wrong.
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
