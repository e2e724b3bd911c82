//! What one process counts, the others know, and a process that starts later.

use super::{guess, own_log_in};
use crate::support::{Client, Program, folder_with_keys, mongod};

/// Guesses until the answer is that the next attempt must wait. Gives the number of guesses that had a verdict. On a slow
/// machine it can be more than the store allows at once, because a wait of seconds can end in between; each is twice as long.
fn verdicts_until_a_wait(client: &Client, name: &str) -> usize {
    let mut verdicts = 0;
    loop {
        match guess(client, "192.0.2.1", name).status {
            401 => verdicts += 1,
            429 => return verdicts,
            other => panic!("{other}"),
        }
    }
}

#[track_caller]
fn knows_of_five_failures(client: &Client, name: &str) {
    let verdicts = verdicts_until_a_wait(client, name);
    assert!(verdicts < 5, "{verdicts} more guesses of {name} had a verdict");
}

/// Two servers on one database, which is a file or on MongoDB.
fn share(settings: &[(&str, &str)]) {
    let folder = folder_with_keys();
    let settings = [&[("BCRYPT_ROUNDS", "4"), ("RATE_LIMITS", "off")], settings].concat();
    let (one, other) = (Program::start(folder.path(), &settings), Program::start(folder.path(), &settings));
    one.client().register("alice");
    for name in ["alice", "nobody"] {
        assert!(verdicts_until_a_wait(&one.client(), name) >= 5);
        knows_of_five_failures(&other.client(), name);
    }
    one.kill();
    other.kill();
    let restarted = Program::start(folder.path(), &settings);
    for name in ["alice", "nobody"] {
        knows_of_five_failures(&restarted.client(), name);
    }
}

#[test]
fn two_servers_on_one_file_and_one_after_a_kill_know_the_same_failures() {
    share(&[]);
}

#[test]
fn two_servers_on_mongodb_and_one_after_a_kill_know_the_same_failures() {
    share(&[("MONGODB_URI", &mongod::new_database())]);
}

#[test]
fn a_server_knows_the_address_of_a_log_in_at_another_server() {
    let folder = folder_with_keys();
    let settings = [&[("BCRYPT_ROUNDS", "4")][..], &super::BEHIND_A_PROXY].concat();
    let (one, other) = (Program::start(folder.path(), &settings), Program::start(folder.path(), &settings));
    one.client().register("alice");
    assert_eq!(own_log_in(&one.client(), super::HOME, "alice").status, 200);
    assert!(verdicts_until_a_wait(&one.client(), "alice") >= 5);
    assert_eq!(own_log_in(&other.client(), super::HOME, "alice").status, 200);
}
