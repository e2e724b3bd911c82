//! The command line, with one file for each command.

mod audit;
mod backup;
mod clients;
mod completions;
mod config;
mod consent;
mod doctor;
mod failure;
mod healthcheck;
mod keys;
mod lambda;
mod man;
mod notify;
mod openapi;
mod operator;
mod output;
mod password;
mod reload;
mod serve;
mod setup;
mod table;
mod terminal;
mod token;
mod users;
mod webhooks;

use std::process::ExitCode;

use clap::{CommandFactory, Parser, Subcommand};

use failure::Failure;
use output::Output;

/// The most columns of a line of help.
const HELP_WIDTH: usize = 80;
const EXIT_CODES: &str = "Exit codes: 0 success; 1 the command failed or the answer is no; 2 the command line or the settings are wrong.";

/// Issues, publishes and checks JSON Web Tokens.
///
/// Without a command, the program runs the server. All commands read the settings from the environment and from the file
/// `.env` of the current folder. `config show` lists them.
#[derive(Debug, Parser)]
#[command(name = "jwt-generator", version, arg_required_else_help = false, max_term_width = HELP_WIDTH)]
#[command(after_help = EXIT_CODES)]
struct Cli {
    /// Print the answer as JSON, for scripts
    #[arg(long, global = true)]
    json: bool,
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Run the server; the default without a command
    Serve,
    /// Run as an AWS Lambda function; the default inside AWS Lambda
    Lambda,
    /// Create, read and check tokens without a server
    #[command(subcommand)]
    Token(token::Token),
    /// Show, create, rotate, revoke and move keys
    #[command(subcommand)]
    Keys(keys::Keys),
    /// Manage the stored users
    #[command(subcommand)]
    Users(users::Users),
    /// Manage the OAuth clients
    #[command(subcommand)]
    Clients(clients::Clients),
    /// Manage the endpoints to which events are sent
    #[command(subcommand)]
    Webhooks(webhooks::Webhooks),
    /// Read the events, and check that nothing was changed
    #[command(subcommand)]
    Audit(audit::Audit),
    /// Copy the SQLite database and the folder of keys, also while the server runs
    Backup(backup::Backup),
    /// Show or check the settings
    #[command(subcommand)]
    Config(config::Config),
    /// Print the description of the API (OpenAPI 3.0.3)
    Openapi(openapi::Openapi),
    /// Ask a running server whether it is healthy
    Healthcheck(healthcheck::Healthcheck),
    /// Inspect a deployment from outside, as a verifier sees it
    Doctor(doctor::Doctor),
    /// Print a completion script for a shell
    Completions(completions::Completions),
    /// Write the manual pages of all commands to a folder
    Man(man::Man),
}

/// Runs the command that the process was started with.
pub fn run() -> ExitCode {
    let Cli { json, command } = Cli::parse();
    setup::keep_out_of_core_dumps();
    let output = Output::new(json);
    let default = || if lambda::is_here() { Command::Lambda } else { Command::Serve };
    let done = match command.unwrap_or_else(default) {
        Command::Serve => serve::run(&output),
        Command::Lambda => lambda::run(),
        Command::Token(command) => command.run(&output),
        Command::Keys(command) => command.run(&output),
        Command::Users(command) => command.run(&output),
        Command::Clients(command) => command.run(&output),
        Command::Webhooks(command) => command.run(&output),
        Command::Audit(command) => command.run(&output),
        Command::Backup(command) => command.run(&output),
        Command::Config(command) => command.run(&output),
        Command::Openapi(command) => command.run(&output),
        Command::Healthcheck(command) => command.run(&output),
        Command::Doctor(command) => command.run(&output),
        Command::Completions(command) => command.run(&output, &mut Cli::command()),
        Command::Man(command) => command.run(&output, Cli::command()),
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
