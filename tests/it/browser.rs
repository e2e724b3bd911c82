//! The documentation's pages in a real browser (`tests/browser/docs.mjs`).

use std::process::Command;

use crate::support::{Program, repository, run, tool};

#[test]
fn the_documentation_works_in_a_browser_for_every_visitor() {
    let folder = tempfile::tempdir().unwrap();
    let program = Program::start(folder.path(), &[("BCRYPT_ROUNDS", "4")]);
    let mut node = Command::new("node");
    node.arg("docs.mjs").arg(program.client().base()).current_dir(repository().join("tests/browser"));
    let told = run(node.env("CHROMIUM", tool("bin/chromium")));
    assert_eq!(told.lines().last(), Some("all passed"), "{told}");
}
