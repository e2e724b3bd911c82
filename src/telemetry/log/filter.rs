//! Which lines are logged (`LOG_LEVEL`), and how that changes while the program runs.

use tracing_subscriber::{EnvFilter, Registry, reload};

/// Parts of a filter that always hold. The driver's own lines, and those of AWS's libraries, may hold what they send. A
/// directive counts for all targets that begin with it.
const ALWAYS: [&str; 7] = [
    "access=info",
    "mongodb=off",
    "aws_=warn",
    "lambda_runtime=warn",
    "rustls=warn",
    "hickory_proto=warn",
    "hickory_resolver=warn",
];

/// The filter of this process's log. Clones share it.
#[derive(Clone, Debug)]
pub struct LogFilter(reload::Handle<EnvFilter, Registry>);

/// Why the filter did not change.
#[derive(Debug, thiserror::Error)]
pub enum LogFilterError {
    /// It is no filter.
    #[error("it must be error, warn, info, debug, trace, or a filter such as info,jwt_generator=debug")]
    Malformed,
    /// The log has ended.
    #[error("this process has no log")]
    NoLog,
}

impl LogFilter {
    pub(super) fn new(handle: reload::Handle<EnvFilter, Registry>) -> Self {
        Self(handle)
    }

    /// Logs by this filter from now on.
    ///
    /// # Errors
    /// [`LogFilterError`]; the filter stays as it was.
    pub fn set(&self, filter: &str) -> Result<(), LogFilterError> {
        let filter = EnvFilter::try_new(filter).map_err(|_| LogFilterError::Malformed)?;
        self.0.reload(with_always(filter)).map_err(|_| LogFilterError::NoLog)
    }

    /// The filter as it is now, with the parts that always hold.
    pub fn shown(&self) -> String {
        self.0.with_current(ToString::to_string).unwrap_or_default()
    }
}

/// The filter of this text; `info` if it is malformed.
pub(super) fn parsed(filter: &str) -> EnvFilter {
    with_always(EnvFilter::try_new(filter).unwrap_or_else(|_| EnvFilter::new("info")))
}

fn with_always(filter: EnvFilter) -> EnvFilter {
    ALWAYS.iter().filter_map(|directive| directive.parse().ok()).fold(filter, EnvFilter::add_directive)
}
