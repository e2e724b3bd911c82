//! The recipes of docs/oauth.md, as a reader runs them.

use std::path::Path;
use std::process::Command;

use crate::readme::blocks_of;
use crate::support::{Program, eventually, jwt_generator, read, run, tool};

/// Runs shell code beside this program, and returns what it prints.
pub fn shell(program: &Program, folder: &Path, code: &str) -> String {
    let code = code.replace("http://localhost:3000", program.client().base());
    let tools = tool("bin/jq").parent().unwrap().to_owned();
    let binary = Path::new(jwt_generator(folder).get_program()).parent().unwrap().to_owned();
    let path = format!("{}:{}:{}", tools.display(), binary.display(), std::env::var("PATH").unwrap());
    let script = format!("set -euo pipefail\n{code}");
    run(Command::new("bash").args(["-c", &script]).env("PATH", path).current_dir(folder))
}

#[test]
fn service_to_service_works_as_printed() {
    let folder = tempfile::tempdir().unwrap();
    let program = Program::start(folder.path(), &[("KEY_REFRESH", "1s")]);
    let blocks = blocks_of(&read("docs/oauth.md"), "## Service to service");
    let (create, rest) = blocks.split_first().unwrap();
    shell(&program, folder.path(), create);
    let secret = shell(&program, folder.path(), "jq -r .client_secret orders.json");
    // The reader waits for as long as the page says.
    eventually("the client", || {
        let orders = program.client().with_secret("orders", secret.trim());
        (super::ask(&orders, "/oauth/introspect", &[("token", "x")]).status == 200).then_some(())
    });
    let told = shell(&program, folder.path(), &format!("SECRET={}\n{}", secret.trim(), rest.concat()));
    assert_eq!(told.split_whitespace().collect::<Vec<_>>(), ["true", "false"]);
}
