//! `config`: what the settings are, and whether they can be used.

use std::fmt::Write;

use clap::Subcommand;
use serde_json::{Map, json};

use super::setup;
use super::{Failure, Output};
use crate::app::{self, IfMissing};
use crate::clock::Clock;
use crate::config::{Config as Settings, SETTINGS};

#[derive(Debug, Subcommand)]
pub(super) enum Config {
    /// Show every setting, its value and where it comes from; secrets are hidden
    Show,
    /// Check the settings and say all that is wrong with them
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
    let mut text = String::new();
    for setting in SETTINGS {
        let origin = sources.origin(setting).map_or_else(|| "default".to_owned(), ToString::to_string);
        let shown = sources.shown(setting);
        let entry = json!({ "value": shown, "source": origin, "about": setting.about });
        value.insert(setting.name.to_owned(), entry);
        let (name, about) = (setting.name, setting.about);
        writeln!(text, "{name:19} {shown:26} {origin:22} {about}").map_err(Failure::refused)?;
    }
    output.print(&value.into(), &text);
    Ok(())
}

fn check(output: &Output) -> Result<(), Failure> {
    let sources = setup::whole_sources()?;
    let warnings = sources.warnings();
    let lines: String = warnings.iter().map(|warning| format!("\nwarning: {warning}")).collect();
    let faulty = |fault: &dyn std::fmt::Display| Failure::usage(format!("{fault}{lines}"));
    let settings = Settings::read(&sources).map_err(|faults| faulty(&faults))?;
    // Nothing is opened by this, but an address of a database is read.
    let stores = app::open_stores(&settings, IfMissing::Refuse).map_err(|error| faulty(&error))?;
    app::open_ring_service(&settings, &stores, Clock::System).map_err(|error| faulty(&error))?;
    let text = format!("the settings can be used{lines}");
    output.print(&json!({ "valid": true, "warnings": warnings }), &text);
    Ok(())
}
