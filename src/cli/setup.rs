//! What most commands begin with: the settings, a log, a runtime.

use std::env;
use std::path::Path;

use tokio::runtime::{Builder, Runtime};

use super::Failure;
use crate::config::{Config, LogFormat, Setting, Sources};
use crate::keys::custody::{Directory, StoredKey};
use crate::telemetry::{self, Format};

/// The process's environment and the `.env` of the current folder.
pub(super) fn sources() -> Result<Sources, Failure> {
    let mut environment = Vec::new();
    for (name, value) in env::vars_os() {
        match (name.into_string(), value.into_string()) {
            (Ok(name), Ok(value)) => environment.push((name, value)),
            (Ok(name), Err(_)) if Setting::named(&name).is_some() => {
                return Err(Failure::usage(format!("{name} is not UTF-8; set it to text")));
            }
            _ => {}
        }
    }
    Sources::read(environment, Path::new(".")).map_err(Failure::usage)
}

/// The settings, with what looks like a typo told in the log.
pub(super) fn config() -> Result<Config, Failure> {
    let sources = sources()?;
    let config = Config::read(&sources).map_err(Failure::usage)?;
    let format = match config.log_format {
        LogFormat::Auto => Format::for_standard_error(),
        LogFormat::Text => Format::Text,
        LogFormat::Json => Format::Json,
    };
    telemetry::start(&config.log_level, format);
    sources.suspects().iter().for_each(|suspect| tracing::warn!("{suspect}"));
    Ok(config)
}

/// The key of the folder; a command that reads never makes one.
pub(super) fn stored_key(config: &Config) -> Result<StoredKey, Failure> {
    let key = Directory::new(&config.keys_dir).load(config.algorithm).map_err(Failure::refused)?;
    let folder = config.keys_dir.display();
    key.ok_or_else(|| Failure::refused(format!("there is no key in {folder}: `keys generate` makes one")))
}

/// The threads that the service runs on, one a core.
pub(super) fn runtime() -> Result<Runtime, Failure> {
    Builder::new_multi_thread().enable_all().build().map_err(Failure::refused)
}
