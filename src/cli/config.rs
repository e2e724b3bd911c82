//! `config`: what the settings are, and whether the server can use them.

use anstyle::{AnsiColor, Style};
use clap::Subcommand;
use serde_json::{Map, json};

use super::output::visible;
use super::{Failure, Output, setup, table};
use crate::app::{self, IfMissing};
use crate::clock::Clock;
use crate::config::{Config as Settings, Origin, SETTINGS, Sources};
use crate::entropy::Entropy;

/// The column of the values in the table.
const VALUE: usize = 1;
/// The longest source in the table, in characters.
const SOURCE_WIDTH: usize = 24;

#[derive(Debug, Subcommand)]
pub(super) enum Config {
    /// Show every setting, its value and its source; secrets are hidden
    Show,
    /// Check the settings and print every error
    Check,
}

impl Config {
    pub(super) fn run(self, output: &Output) -> Result<(), Failure> {
        match self {
            Self::Show => show(output),
            Self::Check => check(output),
        }
    }
}

fn show(output: &Output) -> Result<(), Failure> {
    let sources = setup::sources()?;
    let mut value = Map::new();
    for setting in SETTINGS {
        let origin = sources.origin(setting).map_or_else(|| "default".to_owned(), ToString::to_string);
        let entry = json!({ "value": sources.shown(setting), "source": origin, "about": setting.about });
        value.insert(setting.name.to_owned(), entry);
    }
    output.print_painted(&value.into(), &as_table(&sources, table::width(), output));
    Ok(())
}

fn as_table(sources: &Sources, width: usize, output: &Output) -> String {
    let header = ["SETTING", "VALUE", "SOURCE"].map(str::to_owned);
    let rows: Vec<_> = std::iter::once(header)
        .chain(SETTINGS.iter().map(|setting| {
            let value = sources.shown(setting);
            let value = if value.is_empty() { "-" } else { value.as_ref() };
            let source =
                table::shorten(&sources.origin(setting).map_or("default".to_owned(), source), SOURCE_WIDTH);
            [setting.name.to_owned(), visible(value).into_owned(), visible(&source).into_owned()]
        }))
        .collect();
    let widths = table::widths(&rows, width, VALUE);
    let mut lines: Vec<_> = rows.iter().map(|row| table::row(row, &widths)).collect();
    lines[0] = output.painted(Style::new().bold(), &lines[0]);
    for (line, setting) in lines[1..].iter_mut().zip(SETTINGS) {
        if sources.origin(setting).is_some() {
            *line = output.painted(AnsiColor::Green.on_default(), line);
        }
    }
    lines.push("\nA `-` means: not set. `config show --json` has whole values and descriptions.".to_owned());
    lines.join("\n")
}

/// The source of a value, in a word or two.
fn source(origin: &Origin) -> String {
    let text = origin.to_string();
    ["from the ", "from "].iter().find_map(|start| text.strip_prefix(start)).unwrap_or(&text).to_owned()
}

fn check(output: &Output) -> Result<(), Failure> {
    let sources = setup::whole_sources()?;
    let mut warnings = sources.warnings();
    let settings = Settings::read(&sources);
    warnings.extend(
        settings.as_ref().ok().and_then(|settings| settings.oauth_issuer.why_off()).map(str::to_owned),
    );
    let lines: String = warnings.iter().map(|warning| format!("\nwarning: {warning}")).collect();
    let faulty = |fault: &dyn std::fmt::Display| Failure::usage(format!("{fault}{lines}"));
    let settings = settings.map_err(|faults| faulty(&faults))?;
    // This opens nothing, but it reads the address of a database.
    let stores =
        app::open_stores(&settings, IfMissing::Refuse, &Entropy::System).map_err(|error| faulty(&error))?;
    app::open_ring_service(&settings, &stores, Clock::System).map_err(|error| faulty(&error))?;
    check_clients_file(&settings).map_err(|fault| faulty(&fault))?;
    app::webhooks_file(&settings).map_err(|fault| faulty(&fault.to_string()))?;
    app::check_checkpoint_file(&settings).map_err(|fault| faulty(&fault))?;
    let text = format!("the settings are valid{lines}");
    output.print(&json!({ "valid": true, "warnings": warnings }), &text);
    Ok(())
}

fn check_clients_file(settings: &Settings) -> Result<(), String> {
    let Some(path) = &settings.clients_file else { return Ok(()) };
    let read = app::read_clients_file(path, &app::client_rules(settings));
    read.map(drop).map_err(|faults| format!("CLIENTS_FILE={} cannot be used:\n{faults}", path.display()))
}
