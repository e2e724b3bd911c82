//! The start of most commands: the settings, the log and the runtime.

use std::env;
use std::path::{Path, PathBuf};

use tokio::runtime::{Builder, Runtime};

use super::{Failure, Output};
use crate::app::{self, IfMissing, Stores};
use crate::clock::Clock;
use crate::config::{Config, LogFormat, Setting, Sources, secret_name};
use crate::domain::RingRecord;
use crate::entropy::Entropy;
use crate::keys::RingService;
use crate::keys::custody::Account;
use crate::telemetry::{self, Format, LogFilter};

/// What to do if a command looks for the database in the wrong place.
const RIGHT_FOLDER: &str = "run this in the server's folder, or set DATA_DIR";

/// The environment and the `.env` of the current folder. Secrets of AWS are not read.
pub(super) fn sources() -> Result<Sources, Failure> {
    Sources::read(environment()?, Path::new(".")).map_err(Failure::usage)
}

/// The same, with the secrets of AWS that are named there.
pub(super) fn whole_sources() -> Result<Sources, Failure> {
    with_secrets(sources()?)
}

/// Asks AWS for the secrets that the settings name; most installations name none.
fn with_secrets(mut sources: Sources) -> Result<Sources, Failure> {
    let secrets = sources.secrets();
    if secrets.is_empty() {
        return Ok(sources);
    }
    let runtime = Builder::new_current_thread().enable_all().build().map_err(Failure::refused)?;
    let account = Account::default();
    for (setting, id) in secrets {
        let (name, shown) = (setting.name, secret_name(&id));
        let read = runtime.block_on(account.read_secret(&id));
        let text = read.map_err(|error| Failure::refused(format!("{name}_SECRET={shown}: {error}")))?;
        if !sources.supply(setting, &text) {
            return Err(Failure::usage(format!("{name}_SECRET={shown}: the secret is blank")));
        }
    }
    Ok(sources)
}

/// The settings with another value for one of them.
pub(super) fn config_with(setting: &Setting, value: &str) -> Result<Config, Failure> {
    let name = setting.name;
    let mut environment = environment()?;
    environment.retain(|(set, _)| set != name && set.strip_suffix("_FILE") != Some(name));
    environment.push((name.to_owned(), value.to_owned()));
    let sources = Sources::read(environment, Path::new(".")).map_err(Failure::usage)?;
    Config::read(&with_secrets(sources)?).map_err(Failure::usage)
}

fn environment() -> Result<Vec<(String, String)>, Failure> {
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
    Ok(environment)
}

/// The settings. The log warns about likely mistakes.
pub(super) fn config() -> Result<Config, Failure> {
    config_and_log().map(|(config, _)| config)
}

/// The same, with the filter of the log that was started.
pub(super) fn config_and_log() -> Result<(Config, LogFilter), Failure> {
    let sources = whole_sources()?;
    let config = Config::read(&sources).map_err(Failure::usage)?;
    let format = match config.log_format {
        LogFormat::Auto => Format::for_standard_error(),
        LogFormat::Text => Format::Text,
        LogFormat::Json => Format::Json,
    };
    let log = telemetry::start(&config.log_level, format);
    sources.warnings().iter().for_each(|warning| tracing::warn!("{warning}"));
    Ok((config, log))
}

/// The stores for a command that works on records, and the file of the database if the command makes it. Only a command that
/// adds a record may do so. Otherwise a new, empty database would hide that the right one is missing.
pub(super) fn stores(config: &Config, if_missing: IfMissing) -> Result<(Stores, Option<PathBuf>), Failure> {
    let missing = app::missing_database(config);
    if let (Some(file), IfMissing::Refuse) = (&missing, if_missing) {
        return Err(Failure::refused(format!("there is no {}: {RIGHT_FOLDER}", file.display())));
    }
    Ok((app::open_stores(config, if_missing, &Entropy::System).map_err(Failure::refused)?, missing))
}

/// Tells where a record was added, if the command made the database.
pub(super) fn tell_of_new_database(file: &Path, output: &Output) {
    let file = file.display();
    output.progress(&format!(
        "Added to {file} (new database). If your server has another one, {RIGHT_FOLDER}."
    ));
}

/// The service of the ring, on its store.
pub(super) fn ring_service(config: &Config, if_missing: IfMissing) -> Result<RingService, Failure> {
    let stores = app::open_stores(config, if_missing, &Entropy::System).map_err(Failure::refused)?;
    app::open_ring_service(config, &stores, Clock::System).map_err(Failure::refused)
}

/// The key ring. A command that only reads never creates one.
pub(super) async fn ring(ring_service: &RingService) -> Result<RingRecord, Failure> {
    let place = ring_service.custody().ring_store().place();
    let ring = ring_service.peek().await.map_err(Failure::because)?;
    ring.ok_or_else(|| Failure::refused(format!("there is no key in {place}: `keys generate` makes one")))
}

/// The runtime of the service, with one thread for each core.
pub(super) fn runtime() -> Result<Runtime, Failure> {
    Builder::new_multi_thread().enable_all().build().map_err(Failure::refused)
}

/// Private keys and passwords are in the memory of this process, and a core dump would write them to a disk.
pub(super) fn keep_out_of_core_dumps() {
    use rustix::process::{Resource, Rlimit, setrlimit};
    // No dump is that small. A limit of one byte also keeps the kernel from piping the dump to a handler (core(5)).
    let nothing = Rlimit { current: Some(1), maximum: Some(1) };
    if let Err(error) = setrlimit(Resource::Core, nothing) {
        tracing::debug!(%error, "cannot turn core dumps off");
    }
}
