//! `completions`: for bash, zsh, fish and others.

use clap::{Args, Command};
use clap_complete::Shell;

use super::{Failure, Output};

#[derive(Debug, Args)]
pub(super) struct Completions {
    /// The shell
    shell: Shell,
}

impl Completions {
    pub(super) fn run(self, output: &Output, command: &mut Command) -> Result<(), Failure> {
        let mut script = Vec::new();
        clap_complete::generate(self.shell, command, "jwt-generator", &mut script);
        output.line(&String::from_utf8_lossy(&script));
        Ok(())
    }
}
