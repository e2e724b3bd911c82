//! Logs: one JSON object a line on standard error, without any token.

use std::io;

use tracing::Level;
use tracing_subscriber::filter::{LevelFilter, Targets};
use tracing_subscriber::fmt;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;

/// Starts logging for the whole process. A second call changes nothing.
pub fn start(level: Level) {
    // Lambda's runtime library would write whole events, tokens included, at its lowest level.
    let filter = Targets::new().with_target("jwt_authorizer", level).with_default(LevelFilter::WARN);
    let lines = fmt::layer().json().flatten_event(true).with_current_span(false).with_writer(io::stderr);
    if tracing_subscriber::registry().with(lines).with(filter).try_init().is_err() {
        tracing::debug!("logging was started before");
    }
}
