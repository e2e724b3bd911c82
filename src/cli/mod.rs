//! The command line: one subcommand a file. Exit codes: 0 done, 1 refused or failed, 2 a wrong call or wrong settings.

mod backup;
mod completions;
mod config;
mod doctor;
mod failure;
mod healthcheck;
mod keys;
mod lambda;
mod notify;
mod openapi;
mod output;
mod serve;
mod setup;
mod token;
mod users;

use std::process::ExitCode;

use clap::{CommandFactory, Parser, Subcommand};

use failure::Failure;
use output::Output;

/// Issues, publishes and checks JSON Web Tokens.
///
/// Without a command it serves, with settings from the environment and `.env`. `config show` lists them all.
#[derive(Debug, Parser)]
#[command(name = "jwt-generator", version, arg_required_else_help = false)]
#[command(after_help = "Exit codes: 0 done; 1 refused or failed; 2 a wrong call or wrong settings.")]
struct Cli {
    /// Answer in JSON, for scripts
    #[arg(long, global = true)]
    json: bool,
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Run the server (the default)
    Serve,
    /// Answer as a function of AWS Lambda (the default there)
    Lambda,
    /// Make, read and check tokens, with no server
    #[command(subcommand)]
    Token(token::Token),
    /// Show, make, rotate, revoke and move the keys
    #[command(subcommand)]
    Keys(keys::Keys),
    /// Manage the stored users
    #[command(subcommand)]
    Users(users::Users),
    /// Copy the embedded database and the keys' folder, beside a running server
    Backup(backup::Backup),
    /// Show or check the settings
    #[command(subcommand)]
    Config(config::Config),
    /// Print the API document (OpenAPI 3.0.3)
    Openapi(openapi::Openapi),
    /// Ask a running server whether it is well
    Healthcheck(healthcheck::Healthcheck),
    /// Look at a deployment from outside, as a verifier would
    Doctor(doctor::Doctor),
    /// Print completions for a shell
    Completions(completions::Completions),
}

/// Runs the command that the process was started with.
pub fn run() -> ExitCode {
    let Cli { json, command } = Cli::parse();
    setup::keep_out_of_core_dumps();
    let output = Output::new(json);
    let by_itself = || if lambda::is_here() { Command::Lambda } else { Command::Serve };
    let done = match command.unwrap_or_else(by_itself) {
        Command::Serve => serve::run(&output),
        Command::Lambda => lambda::run(),
        Command::Token(command) => command.run(&output),
        Command::Keys(command) => command.run(&output),
        Command::Users(command) => command.run(&output),
        Command::Backup(command) => command.run(&output),
        Command::Config(command) => command.run(&output),
        Command::Openapi(command) => command.run(&output),
        Command::Healthcheck(command) => command.run(&output),
        Command::Doctor(command) => command.run(&output),
        Command::Completions(command) => command.run(&output, &mut Cli::command()),
    };
    match done.and_then(|()| output.finish()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            output.failure(&failure);
            failure.exit_code()
        }
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    #[test]
    fn the_command_line_is_consistent() {
        super::Cli::command().debug_assert();
    }
}
