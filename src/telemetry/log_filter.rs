//! Which lines the log has: `LOG_LEVEL`, and what an operator sets in its place while the program runs.

use std::fmt;
use std::sync::Arc;

use arc_swap::ArcSwap;
use tracing_subscriber::filter::{EnvFilter, LevelFilter};
use tracing_subscriber::registry::Registry;
use tracing_subscriber::reload::Handle;

/// The driver's own lines, and those of AWS's libraries, may hold what they send. A directive counts for all targets that
/// begin with it. `ACCESS_LOG` decides about the lines of the access log.
const QUIET: [&str; 7] = [
    "access=info",
    "mongodb=off",
    "aws_=warn",
    "lambda_runtime=warn",
    "rustls=warn",
    "hickory_proto=warn",
    "hickory_resolver=warn",
];

/// The text is no filter.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("must be error, warn, info, debug, trace, or a filter such as info,jwt_generator=debug")]
pub struct UnknownFilter;

/// Whether `text` is a filter.
///
/// # Errors
/// [`UnknownFilter`]
pub fn check_filter(text: &str) -> Result<(), UnknownFilter> {
    // Without this check, a word that is not a level would be the name of a module, and all other modules
    // would log nothing.
    let meant = |part: &str| part.contains('=') || part.trim().parse::<LevelFilter>().is_ok();
    let well_formed =
        !text.trim().is_empty() && text.split(',').all(meant) && text.parse::<EnvFilter>().is_ok();
    if well_formed { Ok(()) } else { Err(UnknownFilter) }
}

/// The filter that `text` means. What must not be in the log stays out of it.
pub(super) fn filter_of(text: &str) -> EnvFilter {
    let filter = EnvFilter::try_new(text).unwrap_or_else(|_| EnvFilter::new("info"));
    QUIET.iter().filter_map(|directive| directive.parse().ok()).fold(filter, EnvFilter::add_directive)
}

/// The filter of the process's log. Clones share it.
#[derive(Clone)]
pub struct LogFilter {
    shown: Arc<ArcSwap<String>>,
    handle: Option<Handle<EnvFilter, Registry>>,
}

impl LogFilter {
    /// The filter behind this handle; without one, nothing can be changed.
    pub(super) fn new(text: &str, handle: Option<Handle<EnvFilter, Registry>>) -> Self {
        Self { shown: Arc::new(ArcSwap::from_pointee(text.to_owned())), handle }
    }

    /// A filter that belongs to no log: it can be read and replaced, and nothing comes of it.
    pub fn detached(text: &str) -> Self {
        Self::new(text, None)
    }

    /// The filter as it was set.
    pub fn shown(&self) -> Arc<String> {
        self.shown.load_full()
    }

    /// Puts another filter in its place, from the next line of the log.
    ///
    /// # Errors
    /// [`UnknownFilter`]. Then the filter stays.
    pub fn set(&self, text: &str) -> Result<(), UnknownFilter> {
        check_filter(text)?;
        if let Some(handle) = &self.handle {
            // It fails only if the log has ended.
            let _ = handle.reload(filter_of(text));
        }
        self.shown.store(Arc::new(text.to_owned()));
        Ok(())
    }
}

impl fmt::Debug for LogFilter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("LogFilter").field(&self.shown()).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_filter_that_cannot_be_read_changes_nothing() {
        let filter = LogFilter::detached("info");
        for text in ["", "verbose", "info,module", "jwt_generator=loud", "info\ndebug=["] {
            assert_eq!(filter.set(text), Err(UnknownFilter), "{text:?}");
            assert_eq!(*filter.shown(), "info");
        }
        filter.set("warn,jwt_generator=debug").unwrap();
        assert_eq!(*filter.shown(), "warn,jwt_generator=debug");
    }

    #[test]
    fn what_may_hold_a_secret_stays_out_of_the_log_whatever_the_filter_says() {
        let text = filter_of("trace").to_string();
        for directive in QUIET {
            assert!(text.contains(directive), "{directive} is missing in {text}");
        }
    }
}
