//! The recipes of docs/oauth.md, as a reader runs them.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use crate::readme::blocks_of;
use crate::support::mongod::free_port;
use crate::support::{BrowserForms, Client, Program, jwt_generator, read, repository, run, tool};

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
    let program = Program::start(folder.path(), &[("KEY_REFRESH", "1h")]);
    let blocks = blocks_of(&read("docs/oauth.md"), "## Service to service");
    let told = shell(&program, folder.path(), &blocks.concat());
    assert_eq!(told.split_whitespace().collect::<Vec<_>>(), ["true", "false"]);
}

/// The page for verifiers that never call the service.
#[test]
fn the_commands_of_the_page_about_revocation_work_as_printed() {
    let folder = tempfile::tempdir().unwrap();
    let program = Program::start(folder.path(), &[("KEY_REFRESH", "1h"), ("STATUS_LIST_TTL", "4s")]);
    let blocks = blocks_of(&read("docs/revocation.md"), "## Try it");
    let told = shell(&program, folder.path(), &blocks.concat());
    assert_eq!(told, "valid\nthe list says that the token is revoked\n");
}

/// The program of the page, with npm openid-client. The server reads its clients every hour: the first log-in makes it read
/// them.
#[test]
fn the_first_log_in_works_as_printed() {
    let folder = tempfile::tempdir().unwrap();
    let (port, app_port) = (free_port().to_string(), free_port().to_string());
    let on_ports =
        |code: &str| code.replace("localhost:3000", &format!("localhost:{port}")).replace("8080", &app_port);
    let settings = [("PORT", port.as_str()), ("BCRYPT_ROUNDS", "4"), ("KEY_REFRESH", "1h")];
    let program = Program::start(folder.path(), &settings);
    program.client().register("ada");
    let document = read("docs/oauth.md");
    let create = on_ports(&blocks_of(&document, "## Your first log-in")[0]);
    let secret = shell(&program, folder.path(), &format!("{create}\necho \"$SECRET\""));
    let section = document.split("\n## Your first log-in\n").nth(1).unwrap();
    let code = section.split("```js\n").nth(1).unwrap().split("```").next().unwrap();
    std::fs::write(folder.path().join("app.mjs"), on_ports(code)).unwrap();
    let modules = repository().join("tests/foreign/node/node_modules");
    std::os::unix::fs::symlink(modules, folder.path().join("node_modules")).unwrap();
    let mut node = Command::new("node");
    node.arg("app.mjs").env("SECRET", secret.trim()).env("NO_PROXY", "127.0.0.1,localhost");
    let mut app = Running(node.current_dir(folder.path()).stdout(Stdio::piped()).spawn().unwrap());
    let mut line = String::new();
    BufReader::new(app.0.stdout.take().unwrap()).read_line(&mut line).unwrap();
    assert_eq!(line, format!("open http://localhost:{app_port}\n"));
    let of_app = Client::new(&format!("http://localhost:{app_port}"));
    let sent = of_app.get("/");
    let mut browser =
        BrowserForms::of(&Client::new(&format!("http://localhost:{port}")), "ada", "secret-ada");
    let returned = browser.open(sent.header("location").unwrap());
    let greeting = of_app.get(returned.strip_prefix(of_app.base()).unwrap());
    assert_eq!((greeting.status, greeting.text()), (200, "Hello ada, ada@example.com"));
}

/// A program that ends with the test.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}
