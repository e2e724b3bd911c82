//! Runs the function, exit code.

use std::process::ExitCode;

fn main() -> ExitCode {
    jwt_authorizer::run()
}
