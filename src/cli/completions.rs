//! `completions`: a script with which a shell completes commands and options.

use clap::{Args, Command};
use clap_complete::Shell;

use super::{Failure, Output};

const PROGRAM: &str = "jwt-generator";
/// clap_complete's script for bash finds no subcommand of a program that has a hyphen in its name: it writes the name in two
/// ways. So the script is made for this name, and then registered for [`PROGRAM`].
const PROGRAM_WITHOUT_HYPHEN: &str = "jwt_generator";

#[derive(Debug, Args)]
pub(super) struct Completions {
    /// Shell that loads the script
    shell: Shell,
}

impl Completions {
    pub(super) fn run(self, output: &Output, command: &mut Command) -> Result<(), Failure> {
        let script = match self.shell {
            Shell::Bash => bash_script(command),
            shell => script(shell, command, PROGRAM),
        };
        output.line(&script);
        Ok(())
    }
}

fn bash_script(command: &mut Command) -> String {
    let registered = |name| format!(" -o default {name}\n");
    script(Shell::Bash, command, PROGRAM_WITHOUT_HYPHEN)
        .replace(&registered(PROGRAM_WITHOUT_HYPHEN), &registered(PROGRAM))
}

fn script(shell: Shell, command: &mut Command, program: &str) -> String {
    let mut script = Vec::new();
    clap_complete::generate(shell, command, program, &mut script);
    String::from_utf8_lossy(&script).into_owned()
}
