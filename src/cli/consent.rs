//! Consent to a change that can do damage.

use clap::Args;

use super::{Failure, terminal};

#[derive(Debug, Args)]
pub(super) struct Consent {
    /// Do not ask for confirmation
    #[arg(long)]
    yes: bool,
}

impl Consent {
    /// Tells what the change does, and waits for `yes`. A script gives the option.
    ///
    /// # Errors
    /// A failure without consent. Nothing must be changed then.
    pub(super) fn ask(&self, consequences: &str) -> Result<(), Failure> {
        if self.yes {
            return Ok(());
        }
        if !terminal::is_there() {
            return Err(Failure::usage(format!(
                "{consequences}\nNothing was changed: standard input is not a terminal, so this command cannot ask. Repeat \
                 it with --yes to go on"
            )));
        }
        let answer = terminal::ask(&format!("{consequences}\nType yes to go on: "))?;
        if answer.trim() == "yes" { Ok(()) } else { Err(Failure::refused("nothing was changed")) }
    }
}
