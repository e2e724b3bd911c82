//! The documentation's pages and the pages for users in a real browser (`tests/browser`).

use std::process::Command;

use serde_json::json;

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

#[test]
fn users_log_in_in_a_browser_by_mouse_and_by_keyboard() {
    let folder = tempfile::tempdir().unwrap();
    let clients = json!([{
        "client_id": "web",
        "client_name": "Ada’s Photo Album",
        "token_endpoint_auth_method": "none",
        "redirect_uris": ["http://127.0.0.1/cb"],
        "grant_types": ["authorization_code", "refresh_token"],
        "scope": "openid profile email orders.read offline_access",
    }]);
    std::fs::write(folder.path().join("clients.json"), clients.to_string()).unwrap();
    let settings = [("BCRYPT_ROUNDS", "4"), ("CLIENTS_FILE", "clients.json")];
    let program = Program::start(folder.path(), &settings);
    // The port of the client is free again when the browser's program listens on it.
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let mut node = Command::new("node");
    node.arg("pages.mjs").arg(program.client().base()).arg(port.to_string());
    let told =
        run(node.current_dir(repository().join("tests/browser")).env("CHROMIUM", tool("bin/chromium")));
    assert_eq!(told.lines().last(), Some("all passed"), "{told}");
}
