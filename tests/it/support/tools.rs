//! The tools that `tests/tools/install` puts in place.

use std::path::PathBuf;
use std::process::{Command, Stdio};

use super::repository;

/// The folder with the tools.
fn tools_folder() -> PathBuf {
    std::env::var_os("JWT_TEST_TOOLS").map_or_else(|| repository().join(".tools"), PathBuf::from)
}

/// A tool's path. A test that needs one never passes without it.
#[track_caller]
pub fn tool(name: &str) -> PathBuf {
    let path = tools_folder().join(name);
    assert!(path.exists(), "{} is missing: run tests/tools/install, or ./test, which does", path.display());
    path
}

/// Runs a command that must succeed; returns what it printed.
#[track_caller]
pub fn run(command: &mut Command) -> String {
    let output = command.stdin(Stdio::null()).output().unwrap_or_else(|error| panic!("{command:?}: {error}"));
    let (stdout, stderr) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{command:?}: {}\n{stdout}\n{stderr}", output.status);
    stdout.into_owned()
}
