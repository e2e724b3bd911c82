//! SIGHUP: the server reads `LOG_LEVEL` again.

use std::io::{self, IsTerminal};

use tokio::signal::unix::{SignalKind, signal};

use super::{Failure, setup};
use crate::config;
use crate::telemetry::LogFilter;

/// Reads `LOG_LEVEL` again at each SIGHUP, from now on. At a terminal the signal means that the terminal is gone: there it
/// ends the program, as it always did.
pub(super) fn on_hangup(log: LogFilter) -> Result<(), Failure> {
    if io::stderr().is_terminal() {
        return Ok(());
    }
    let mut hangup = signal(SignalKind::hangup()).map_err(Failure::refused)?;
    tokio::spawn(async move {
        while hangup.recv().await.is_some() {
            // Files are read.
            let log = log.clone();
            let _ = tokio::task::spawn_blocking(move || reload(&log)).await;
        }
    });
    Ok(())
}

fn reload(log: &LogFilter) {
    let level = setup::sources().and_then(|sources| config::log_level(&sources).map_err(Failure::usage));
    match level {
        Ok(level) => match log.set(&level) {
            Ok(()) => tracing::warn!(level, "SIGHUP: LOG_LEVEL was read again and holds now"),
            Err(error) => tracing::error!(%error, "SIGHUP: the log level stays as it was"),
        },
        Err(failure) => tracing::error!(error = failure.message(), "SIGHUP: the log level stays as it was"),
    }
}
