//! Parse arguments, run, exit code.

use std::process::ExitCode;

fn main() -> ExitCode {
    jwt_generator::cli::run()
}
