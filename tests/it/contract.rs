//! Compares the program with the recorded answers of the original. The checker is the original's (`tests/contract/`).

use std::process::Command;

use serde_json::Value;

use crate::support::{Client, Program, eventually, folder_with_keys, mongod, read, repository, run};

#[test]
fn the_recorded_contract_holds_on_sqlite() {
    let folder = tempfile::tempdir().unwrap();
    check(&Program::start(folder.path(), &[("BCRYPT_ROUNDS", "4")]).client());
}

#[test]
fn the_recorded_contract_holds_on_mongodb() {
    let folder = folder_with_keys();
    let uri = mongod::new_database();
    let program = Program::start(folder.path(), &[("BCRYPT_ROUNDS", "4"), ("MONGODB_URI", &uri)]);
    let connected = || program.client().get("/health").ok()["database_connected"] == true;
    eventually("the database answers", || connected().then_some(()));
    check(&program.client());
}

/// Compares the recording with the server that the client reaches.
pub fn check(client: &Client) {
    let recorded: Vec<Value> = serde_json::from_str(&read("tests/contract/exchanges.json")).unwrap();
    let mut checker = Command::new("python3");
    checker.arg("contract.py").arg("check").arg("exchanges.json").arg("--base-url").arg(client.base());
    let told = run(checker.current_dir(repository().join("tests/contract")));
    assert_eq!(told.lines().last(), Some(format!("{} passed, 0 failed", recorded.len()).as_str()), "{told}");
}
