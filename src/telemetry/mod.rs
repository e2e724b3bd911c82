//! Logs (`LOG_LEVEL`, `LOG_FORMAT`). They go to standard error, and contain no secret at any level.

use std::io::{self, IsTerminal};

use tracing_subscriber::EnvFilter;
use tracing_subscriber::fmt;

/// How log lines look.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// For people.
    Text,
    /// One JSON object a line.
    Json,
}

impl Format {
    /// Text on a terminal, JSON elsewhere.
    pub fn for_standard_error() -> Self {
        if io::stderr().is_terminal() { Self::Text } else { Self::Json }
    }
}

/// Starts logging for the whole process. A second call changes nothing.
pub fn start(filter: &str, format: Format) {
    let filter = EnvFilter::try_new(filter).unwrap_or_else(|_| EnvFilter::new("info"));
    // The lines of the database driver and of the AWS libraries may contain the data that they send. A
    // directive applies to all targets whose names begin with it.
    let quiet = [
        "mongodb=off",
        "aws_=warn",
        "lambda_runtime=warn",
        "rustls=warn",
        "hickory_proto=warn",
        "hickory_resolver=warn",
    ];
    let filter =
        quiet.iter().filter_map(|directive| directive.parse().ok()).fold(filter, EnvFilter::add_directive);
    let lines = fmt().with_env_filter(filter).with_writer(io::stderr);
    let started = match format {
        Format::Text => lines.with_target(false).with_ansi(io::stderr().is_terminal()).try_init(),
        Format::Json => lines.json().flatten_event(true).with_current_span(false).try_init(),
    };
    if started.is_err() {
        tracing::debug!("logging was started before");
    }
}
