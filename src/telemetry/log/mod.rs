//! The log (`LOG_LEVEL`, `LOG_FORMAT`). It goes to standard error, and holds no secret at any level.

mod access;
mod fields;
mod filter;
mod format;
mod writer;

use std::io::{self, IsTerminal};

use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{fmt, reload};

pub use access::{ACCESS_TARGET, AccessLog};
pub use filter::{LogFilter, LogFilterError};
pub use format::Format;
pub use writer::flush_log;

use format::Line;
use writer::LogWriter;

/// Starts logging for the whole process. A second call changes nothing, and gives a filter without effect.
pub fn start_log(filter: &str, format: Format) -> LogFilter {
    let (filter, handle) = reload::Layer::new(filter::parsed(filter));
    let is_colored = format == Format::Text && io::stderr().is_terminal();
    let lines = fmt::layer().with_ansi(is_colored).event_format(Line(format)).with_writer(LogWriter);
    if tracing_subscriber::registry().with(filter).with(lines).try_init().is_err() {
        tracing::debug!("logging was started before");
    }
    LogFilter::new(handle)
}
