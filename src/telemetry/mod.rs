//! Logs and metrics. Logs (`LOG_LEVEL`, `LOG_FORMAT`) go to standard error, and contain no secret at any level.

mod log_filter;
pub mod metrics;

use std::io::{self, IsTerminal};

use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{fmt, registry, reload};

pub use log_filter::{LogFilter, UnknownFilter, check_filter};

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

/// Starts logging for the whole process, and gives the filter, which can be replaced later. A second call starts nothing.
pub fn start(filter: &str, format: Format) -> LogFilter {
    let (layer, handle) = reload::Layer::new(log_filter::filter_of(filter));
    let (filtered, lines) = (registry().with(layer), fmt::layer().with_writer(io::stderr));
    let started = match format {
        Format::Text => {
            filtered.with(lines.with_target(false).with_ansi(io::stderr().is_terminal())).try_init()
        }
        Format::Json => filtered.with(lines.json().flatten_event(true).with_current_span(false)).try_init(),
    };
    if started.is_err() {
        tracing::debug!("logging was started before");
    }
    LogFilter::new(filter, started.is_ok().then_some(handle))
}
