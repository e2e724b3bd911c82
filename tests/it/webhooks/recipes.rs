//! The commands of docs/webhooks.md, as a reader runs them.

use std::process::{Child, Command, Stdio};

use crate::oauth::recipes::shell;
use crate::readme::blocks_of;
use crate::support::mongod::free_port;
use crate::support::{Program, eventually, read, tool};

/// A program that ends with the test.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[test]
fn the_first_endpoint_works_as_printed() {
    let folder = tempfile::tempdir().unwrap();
    let settings = [("WEBHOOK_HTTP", "true"), ("WEBHOOK_NETWORKS", "127.0.0.1"), ("BCRYPT_ROUNDS", "4")];
    let program = Program::start(folder.path(), &settings);
    let (document, port) = (read("docs/webhooks.md"), free_port().to_string());
    let on_port = |code: &str| code.replace("8080", &port);
    let [create, test, register] = &blocks_of(&document, "## Your first endpoint")[..] else {
        panic!("three")
    };
    let permit = create.lines().next().unwrap();
    shell(&program, folder.path(), &on_port(create));
    let python = document.split("```python\n").nth(1).unwrap().split("```").next().unwrap();
    std::fs::write(folder.path().join("receiver.py"), on_port(python)).unwrap();
    let printed = std::fs::File::create(folder.path().join("printed")).unwrap();
    let mut receiver = Command::new(tool("venv/bin/python"));
    receiver.arg("receiver.py").current_dir(folder.path()).stdout(printed).stderr(Stdio::null());
    let _receiver = Running(receiver.spawn().unwrap());
    eventually("the receiver listens", || std::net::TcpStream::connect(format!("127.0.0.1:{port}")).ok());
    let told = shell(&program, folder.path(), &format!("{permit}\n{test}"));
    assert!(told.contains("< status 204 after "), "{told}");
    shell(&program, folder.path(), register.split("sleep").next().unwrap());
    let of_receiver = || std::fs::read_to_string(folder.path().join("printed")).unwrap();
    eventually("the receiver prints the event", || of_receiver().contains("user.registered").then_some(()));
    assert!(of_receiver().contains("'username': 'ada'"), "{}", of_receiver());
    let list = register.lines().last().unwrap();
    eventually("the delivery is listed", || {
        let listed = shell(&program, folder.path(), list);
        (listed.contains("user.registered") && !listed.contains("waiting")).then_some(())
    });
    let looks = blocks_of(&document, "## When something does not arrive");
    let told = shell(&program, folder.path(), &looks.concat());
    assert!(
        told.contains("there are no such deliveries") && told.contains("events are sent again"),
        "{told}"
    );
}
