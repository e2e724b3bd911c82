//! Several instances on one database share the global budgets.

use serde_json::{Value, json};

use super::GENERATE;
use crate::support::mongod::new_database;
use crate::support::{Program, eventually, folder_with_keys};

const LIMITS: &str = "generate=60/d global; validate=60/d global";

/// How many requests an instance admits until it refuses one.
fn admitted(program: &Program, path: &str) -> usize {
    let client = program.client();
    let ask = || client.post(path, &json!({ "token": "x" })).status;
    (0..1_000).take_while(|_| ask() != 429).count()
}

/// Waits until an instance knows of so many.
fn knows(program: &Program, instances: u64) {
    eventually("an instance counts the others", || {
        let log = program.log();
        let entries = log.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
        let mut counts = entries.filter_map(|entry| entry["instances"].as_u64());
        (counts.next_back() == Some(instances)).then_some(())
    });
}

/// The documented bounds: instances that know of each other admit the limit together; one that starts adds its own part.
#[test]
fn three_instances_share_a_global_budget() {
    let uri = new_database();
    let folder = folder_with_keys();
    let settings = [("MONGODB_URI", uri.as_str()), ("BCRYPT_ROUNDS", "4"), ("RATE_LIMITS", LIMITS)];
    let mut programs: Vec<Program> = Vec::new();
    for (instances, part) in [(1, 60), (2, 30), (3, 20)] {
        let program = Program::start(folder.path(), &settings);
        if instances > 1 {
            knows(&program, instances);
        }
        assert_eq!(admitted(&program, "/api/token/validate"), part);
        programs.push(program);
    }
    programs.iter().for_each(|program| knows(program, 3));
    let together: usize = programs.iter().map(|program| admitted(program, GENERATE)).sum();
    assert_eq!(together, 60);
}
