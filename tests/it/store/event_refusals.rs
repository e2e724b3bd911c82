//! A database that cannot take an event refuses the change, and signing and checking do not notice.

use rusqlite::Connection;
use serde_json::json;

use super::sqlite::{CHEAP, database, is_unavailable};
use crate::support::client::registration;
use crate::support::{Program, folder_with_keys, jwt_generator, refused};

#[test]
fn a_database_that_takes_no_event_refuses_the_change_and_nothing_else() {
    let folder = folder_with_keys();
    let program = Program::start(folder.path(), &[CHEAP]);
    let client = program.client();
    client.register("alice");
    let other = Connection::open(database(folder.path())).unwrap();
    other.execute_batch("ALTER TABLE events RENAME TO kept").unwrap();
    let (users, before): (u32, u32) = counts(&other);
    is_unavailable(&client.post("/api/auth/register", &registration("bob")));
    refused(jwt_generator(folder.path()).args(["users", "delete", "alice", "--yes"]), 1);
    refused(jwt_generator(folder.path()).args(["users", "log-out", "alice"]), 1);
    let token = client.demo_token(&json!({}));
    assert_eq!(client.post("/api/token/validate", &json!({ "token": token })).status, 200);
    assert_eq!(client.get("/.well-known/jwks.json").status, 200);
    assert_eq!(counts(&other), (users, before));
    other.execute_batch("ALTER TABLE kept RENAME TO events").unwrap();
    client.register("bob");
}

/// How many users and events there are while the table of events has another name.
fn counts(database: &Connection) -> (u32, u32) {
    let count =
        |table| database.query_row(&format!("SELECT count(*) FROM {table}"), [], |row| row.get(0)).unwrap();
    (count("users"), count("kept"))
}
