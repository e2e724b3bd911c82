//! Which lines the log has: `LOG_LEVEL`, and what an operator sets in its place while the program runs.

use std::fmt;
use std::sync::Arc;

use arc_swap::ArcSwap;
use tracing_subscriber::filter::{LevelFilter, Targets};
use tracing_subscriber::registry::Registry;
use tracing_subscriber::reload::Handle;

/// The driver's own lines, and those of AWS's libraries, may hold what they send. A directive counts for all targets that
/// begin with it. `ACCESS_LOG` decides about the lines of the access log.
const QUIET: [(&str, LevelFilter); 7] = [
    ("access", LevelFilter::INFO),
    ("mongodb", LevelFilter::OFF),
    ("aws_", LevelFilter::WARN),
    ("lambda_runtime", LevelFilter::WARN),
    ("rustls", LevelFilter::WARN),
    ("hickory_proto", LevelFilter::WARN),
    ("hickory_resolver", LevelFilter::WARN),
];

/// The levels, from the fewest lines to the most.
const LEVELS: [&str; 6] = ["off", "error", "warn", "info", "debug", "trace"];

/// Why a text is not a filter.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FilterError {
    /// It does not have the form of a filter.
    #[error(
        "must be off, error, warn, info, debug or trace, or one of them and the levels of modules, such as info,jwt_generator=debug"
    )]
    Malformed,
    /// It names a module that begins with this, and whose level nothing changes.
    #[error("must not name a module that begins with {0}: its level is fixed")]
    Fixed(&'static str),
}

/// Whether `text` is a filter: one level for all modules, and levels of single modules, separated by commas.
///
/// `Targets` accepts more. It takes a word that is not a level for the name of a module, a missing level for `trace` or `error`,
/// and without a level for all modules, the log has no line of them.
///
/// # Errors
/// [`FilterError`]
pub fn check_filter(text: &str) -> Result<(), FilterError> {
    let mut for_all = 0;
    for part in text.split(',') {
        let (module, level) =
            part.split_once('=').map_or((None, part), |(module, level)| (Some(module), level));
        if !LEVELS.iter().any(|known| known.eq_ignore_ascii_case(level)) {
            return Err(FilterError::Malformed);
        }
        match module {
            None => for_all += 1,
            Some(module) => check_module(module)?,
        }
    }
    if for_all == 1 { Ok(()) } else { Err(FilterError::Malformed) }
}

/// Whether `path` is the path of a module whose level may change.
fn check_module(path: &str) -> Result<(), FilterError> {
    let is_name =
        |name: &str| !name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
    if !path.split("::").all(is_name) {
        return Err(FilterError::Malformed);
    }
    match QUIET.iter().find(|(prefix, _)| path.starts_with(prefix)) {
        Some((prefix, _)) => Err(FilterError::Fixed(prefix)),
        None => Ok(()),
    }
}

/// The filter that `text` means. What must not be in the log stays out of it.
pub(super) fn filter_of(text: &str) -> Targets {
    let filter = text.parse().unwrap_or_else(|_| Targets::new().with_default(LevelFilter::INFO));
    filter.with_targets(QUIET)
}

/// The filter of the process's log. Clones share it.
#[derive(Clone)]
pub struct LogFilter {
    shown: Arc<ArcSwap<String>>,
    handle: Option<Handle<Targets, Registry>>,
}

impl LogFilter {
    /// The filter behind this handle; without one, nothing can be changed.
    pub(super) fn new(text: &str, handle: Option<Handle<Targets, Registry>>) -> Self {
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
    /// [`FilterError`]. Then the filter stays.
    pub fn set(&self, text: &str) -> Result<(), FilterError> {
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
    use tracing::Level;

    use super::*;

    #[test]
    fn a_filter_that_cannot_be_read_changes_nothing() {
        let filter = LogFilter::detached("info");
        for text in [
            "",
            " ",
            ",",
            "verbose",
            "3",
            "info,module",
            "jwt_generator=loud",
            "info\ndebug=[",
            "hm=",
            "info,hm=",
            "=debug",
            "info,=debug",
            "a=,b=info",
            "info,",
            ",info",
            "info,,jwt_generator=debug",
            "info,jwt_generator==debug",
            "info,jwt_generator=debug=debug",
            "info,jwt_generator = debug",
            "info, jwt_generator=debug",
            "info,jwt_generator::=debug",
            "info,[span]=debug",
            "info,jwt_generator[{user}]=debug",
        ] {
            assert_eq!(filter.set(text), Err(FilterError::Malformed), "{text:?}");
            assert_eq!(*filter.shown(), "info");
        }
        filter.set("warn,jwt_generator=debug").unwrap();
        assert_eq!(*filter.shown(), "warn,jwt_generator=debug");
    }

    #[test]
    fn a_filter_has_one_level_for_all_modules() {
        for text in ["hm=info", "jwt_generator=debug,jose=warn", "info,debug"] {
            assert_eq!(check_filter(text), Err(FilterError::Malformed), "{text}");
        }
        for text in ["off", "INFO", "info,jwt_generator=debug", "jwt_generator::keys=trace,warn"] {
            assert_eq!(check_filter(text), Ok(()), "{text}");
            assert!(text.parse::<Targets>().is_ok(), "{text}");
        }
    }

    /// A directive for a longer path would otherwise go before the one that keeps the lines out.
    #[test]
    fn a_filter_names_no_module_whose_level_is_fixed() {
        for (text, prefix) in [
            ("info,mongodb=debug", "mongodb"),
            ("info,mongodb::runtime=trace", "mongodb"),
            ("info,aws_smithy_runtime::client=trace", "aws_"),
            ("info,access=off", "access"),
        ] {
            assert_eq!(check_filter(text), Err(FilterError::Fixed(prefix)), "{text}");
        }
    }

    #[test]
    fn what_may_hold_a_secret_stays_out_of_the_log_whatever_the_filter_says() {
        let filter = filter_of("trace");
        for (prefix, level) in QUIET {
            let target = format!("{prefix}::module");
            assert_eq!(filter.would_enable(&target, &Level::INFO), level >= LevelFilter::INFO, "{target}");
            assert!(!filter.would_enable(&target, &Level::DEBUG), "{target}");
        }
        assert!(filter.would_enable("jwt_generator::keys", &Level::TRACE));
    }
}
