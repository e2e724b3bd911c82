//! D14: the files of the embedded database are deleted, moved or replaced while the server has them open. Nothing is
//! acknowledged then that is not at the path, nothing is read from a deleted file, and no file is made.

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::json;

use super::sqlite::{CHEAP, database, is_unavailable, log_in};
use crate::support::client::registration;
use crate::support::{Client, Program, eventually, folder_with_keys, jwt_generator, run};

fn delete(database: &Path, ends: &[&str]) {
    for end in ends {
        fs::remove_file(format!("{}{end}", database.display())).unwrap();
    }
}

/// A copy of the database as it is now.
fn back_up(folder: &Path) -> PathBuf {
    let to = folder.join("backup");
    run(jwt_generator(folder).arg("backup").arg(&to));
    to.join("jwt-generator.db")
}

#[track_caller]
fn accounts_are_off(client: &Client) {
    is_unavailable(&client.post("/api/auth/register", &registration("late")));
    is_unavailable(&log_in(client, "ada"));
    eventually("health tells that the database is away", || {
        (client.get("/health").ok()["database_connected"] == false).then_some(())
    });
    let token = client.demo_token(&json!({}));
    assert_eq!(client.post("/api/token/validate", &json!({ "token": token })).status, 200);
}

#[track_caller]
fn accounts_are_back(client: &Client) {
    eventually("health tells that the database is back", || {
        (client.get("/health").ok()["database_connected"] == true).then_some(())
    });
    assert_eq!(log_in(client, "ada").status, 200);
}

/// As it was found: registering answered 201, log-ins 200 and health "connected", and all was gone after a restart.
#[test]
fn d14_a_deleted_database_acknowledges_nothing_and_a_backup_in_its_place_is_used() {
    let folder = folder_with_keys();
    let file = database(folder.path());
    let program = Program::start(folder.path(), &[CHEAP]);
    let client = program.client();
    let ada = client.register("ada");
    let backup = back_up(folder.path());

    delete(&file, &["", "-wal", "-shm"]);
    accounts_are_off(&client);
    is_unavailable(&ada.get("/api/auth/profile"));
    (0..20).for_each(|_| is_unavailable(&log_in(&client, "ada")));
    assert!(!file.exists(), "a running server makes no database");
    let told = program.log().matches("the database file was deleted or moved").count();
    assert_eq!(told, 1, "told once: {}", program.log());

    fs::rename(&backup, &file).unwrap();
    accounts_are_back(&client);
    client.register("grace");
    assert!(program.log().contains("the database was opened anew"), "{}", program.log());
    program.kill();
    let program = Program::start(folder.path(), &[CHEAP]);
    for name in ["ada", "grace"] {
        assert_eq!(log_in(&program.client(), name).status, 200, "{name} was acknowledged");
    }
}

#[test]
fn d14_a_folder_that_is_moved_away_and_back_is_used_again() {
    let folder = folder_with_keys();
    let (data, away) = (folder.path().join("data"), folder.path().join("away"));
    let program = Program::start(folder.path(), &[CHEAP]);
    let client = program.client();
    client.register("ada");
    fs::rename(&data, &away).unwrap();
    accounts_are_off(&client);
    fs::create_dir(&data).unwrap();
    accounts_are_off(&client);
    assert_eq!(fs::read_dir(&data).unwrap().count(), 0, "a running server makes no database");
    fs::remove_dir(&data).unwrap();
    fs::rename(&away, &data).unwrap();
    accounts_are_back(&client);
    client.register("grace");
    program.kill();
    let program = Program::start(folder.path(), &[CHEAP]);
    assert_eq!(log_in(&program.client(), "grace").status, 200);
}

/// Users that were acknowledged were in the deleted log alone, and gone when the server was killed.
#[test]
fn d14_what_a_deleted_log_held_is_saved() {
    for ends in [&["-wal", "-shm"][..], &["-wal"], &["-shm"]] {
        let folder = folder_with_keys();
        let program = Program::start(folder.path(), &[CHEAP]);
        let client = program.client();
        client.register("ada");
        delete(&database(folder.path()), ends);
        accounts_are_back(&client);
        client.register("grace");
        program.kill();
        let program = Program::start(folder.path(), &[CHEAP]);
        for name in ["ada", "grace"] {
            assert_eq!(log_in(&program.client(), name).status, 200, "{name} was acknowledged; {ends:?}");
        }
    }
}

#[test]
fn d14_the_log_of_another_database_is_never_applied_to_a_backup() {
    let folder = folder_with_keys();
    let file = database(folder.path());
    let program = Program::start(folder.path(), &[CHEAP]);
    let client = program.client();
    client.register("ada");
    let backup = back_up(folder.path());
    client.register("grace");
    let bytes = fs::read(&backup).unwrap();
    fs::rename(&backup, &file).unwrap();
    accounts_are_off(&client);
    assert!(program.log().contains("remove the files that end with -wal and -shm"), "{}", program.log());
    assert_eq!(fs::read(&file).unwrap(), bytes);
    delete(&file, &["-wal", "-shm"]);
    accounts_are_back(&client);
    assert_eq!(log_in(&client, "grace").status, 401, "the backup is older");
}

#[test]
fn d14_an_empty_file_is_no_database_for_a_running_server() {
    let folder = folder_with_keys();
    let file = database(folder.path());
    let program = Program::start(folder.path(), &[CHEAP]);
    let client = program.client();
    client.register("ada");
    let backup = back_up(folder.path());
    delete(&file, &["", "-wal", "-shm"]);
    fs::write(&file, "").unwrap();
    accounts_are_off(&client);
    assert_eq!(fs::metadata(&file).unwrap().len(), 0);
    fs::rename(&backup, &file).unwrap();
    accounts_are_back(&client);
}
