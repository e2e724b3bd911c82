//! Logs: one JSON object a line on standard error, without any token.

use std::io;

use tracing::{Level, Metadata, Subscriber};
use tracing_subscriber::filter::{LevelFilter, Targets, filter_fn};
use tracing_subscriber::fmt::{self, MakeWriter};
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;

/// The log target of Lambda's runtime library for each error that it gets, and for each panic that it catches.
const ERRORS_AND_PANICS: &str = "lambda_runtime::layers::panic";

/// Starts logging for the whole process. A second call changes nothing.
pub fn start(level: Level) {
    if subscriber(level, io::stderr).try_init().is_err() {
        tracing::debug!("logging was started before");
    }
}

fn subscriber<W>(level: Level, writer: W) -> impl Subscriber + Send + Sync
where
    W: for<'a> MakeWriter<'a> + Send + Sync + 'static,
{
    // Lambda's runtime library would write whole events, tokens included, at its lowest level.
    let targets = Targets::new().with_target("jwt_authorizer", level).with_default(LevelFilter::WARN);
    let lines = fmt::layer().json().flatten_event(true).with_current_span(false).with_writer(writer);
    tracing_subscriber::registry().with(lines).with(targets).with(filter_fn(is_news))
}

/// Whether this is not one of our own error answers. Those are already logged, at their own level. Panics have a field
/// besides the message.
fn is_news(metadata: &Metadata<'_>) -> bool {
    metadata.is_span() || metadata.target() != ERRORS_AND_PANICS || metadata.fields().field("error").is_some()
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;

    #[test]
    fn answers_that_are_errors_are_not_logged_twice_and_panics_are_not_lost() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let log = Arc::new(file.reopen().unwrap());
        tracing::subscriber::with_default(subscriber(Level::ERROR, log), || {
            let error = "Unauthorized";
            tracing::error!(target: ERRORS_AND_PANICS, "{error:?}");
            tracing::error!(target: ERRORS_AND_PANICS, ?error, "user handler panicked");
            tracing::error!(target: "lambda_runtime::layers::api_response", "other errors");
        });
        let log = std::fs::read_to_string(file.path()).unwrap();
        let lines: Vec<_> = log.lines().collect();
        assert_eq!(lines.len(), 2, "{log}");
        assert!(lines[0].contains("user handler panicked") && lines[1].contains("other errors"), "{log}");
    }
}
