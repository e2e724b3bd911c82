//! The log (`LOG_LEVEL`, `LOG_FORMAT`). It goes to standard error, and holds no secret at any level.

mod access;
mod fields;
mod format;
mod writer;

use std::io::{self, IsTerminal};

use anstream::{AutoStream, ColorChoice};
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{fmt, registry, reload};

pub use access::{ACCESS_TARGET, AccessLog};
pub use format::Format;
pub use writer::flush_log;

use super::log_filter::{LogFilter, filter_of};
use format::Line;
use writer::LogWriter;

/// Starts logging for the whole process, and gives the filter, which can be replaced later. A second call starts nothing.
pub fn start(filter: &str, format: Format) -> LogFilter {
    let (layer, handle) = reload::Layer::new(filter_of(filter));
    // `NO_COLOR` declines colours (no-color.org).
    let has_colours = io::stderr().is_terminal() && AutoStream::choice(&io::stderr()) != ColorChoice::Never;
    let is_colored = format == Format::Text && has_colours;
    let lines = fmt::layer().with_ansi(is_colored).event_format(Line(format)).with_writer(LogWriter);
    let started = registry().with(layer).with(lines).try_init();
    if started.is_err() {
        tracing::debug!("logging was started before");
    }
    LogFilter::new(filter, started.is_ok().then_some(handle))
}
