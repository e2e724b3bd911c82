//! D16: the files of the embedded database are deleted, moved or replaced while the server has them open. Then the server
//! confirms no write that is not at the path, reads nothing from a deleted file, and creates no file.

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

/// Seen before: registrations got 201, log-ins 200 and health "connected", but all of it was lost after a restart.
#[test]
fn d16_a_deleted_database_acknowledges_nothing_and_a_backup_in_its_place_is_used() {
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
fn d16_a_folder_that_is_moved_away_and_back_is_used_again() {
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

/// Seen before: confirmed users were only in the deleted log, and were lost when the server was killed.
#[test]
fn d16_what_a_deleted_log_held_is_saved() {
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
fn d16_the_log_of_another_database_is_never_applied_to_a_backup() {
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
fn d16_an_empty_file_is_no_database_for_a_running_server() {
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

/// Seen before: after `cp backup.db data/jwt-generator.db`, registrations got 201, but the users were lost after a restart,
/// and the file was damaged.
#[test]
fn d16_a_database_that_is_written_over_acknowledges_nothing_and_is_left_as_it_is() {
    for many in [0, 60] {
        let folder = folder_with_keys();
        let file = database(folder.path());
        let program = Program::start(folder.path(), &[CHEAP]);
        let client = program.client();
        client.register("ada");
        let backup = back_up(folder.path());
        (0..many).for_each(|n| drop(client.register(&format!("user{n}"))));
        fs::copy(&backup, &file).unwrap();
        accounts_are_off(&client);
        let told = program.log().matches("was written over or cut short").count();
        assert_eq!(told, 1, "told once: {}", program.log());
        program.stop();
        assert_eq!(fs::read(&file).unwrap(), fs::read(&backup).unwrap(), "after {many} users");
        delete(&file, &["-wal", "-shm"]);
        let program = Program::start(folder.path(), &[CHEAP]);
        assert_eq!(log_in(&program.client(), "ada").status, 200);
    }
}

#[test]
fn d16_a_database_that_is_cut_short_acknowledges_nothing() {
    for length in [0, 50, 4096] {
        let folder = folder_with_keys();
        let file = database(folder.path());
        let program = Program::start(folder.path(), &[CHEAP]);
        let client = program.client();
        client.register("ada");
        let other = rusqlite::Connection::open(&file).unwrap();
        other.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(())).unwrap();
        drop(other);
        assert!(fs::metadata(&file).unwrap().len() > 4096);
        client.register("grace");
        fs::OpenOptions::new().write(true).open(&file).unwrap().set_len(length).unwrap();
        accounts_are_off(&client);
        program.stop();
        assert_eq!(fs::metadata(&file).unwrap().len(), length, "nothing was written");
    }
}

#[test]
fn d16_what_other_programs_do_through_sqlite_is_no_damage() {
    let folder = folder_with_keys();
    let program = Program::start(folder.path(), &[CHEAP]);
    let client = program.client();
    (0..40).for_each(|n| drop(client.register(&format!("user{n}"))));
    client.register("ada");
    let other = rusqlite::Connection::open(database(folder.path())).unwrap();
    let statements = [
        "PRAGMA wal_checkpoint(TRUNCATE)",
        "DELETE FROM users WHERE username LIKE 'user%'; VACUUM; PRAGMA wal_checkpoint(TRUNCATE)",
        "CREATE TABLE other (n INTEGER); DROP TABLE other; PRAGMA wal_checkpoint(TRUNCATE)",
        "PRAGMA wal_checkpoint(TRUNCATE)",
    ];
    for (n, statement) in statements.into_iter().enumerate() {
        other.execute_batch(statement).unwrap();
        client.register(&format!("grace{n}"));
        assert_eq!(log_in(&client, "ada").status, 200);
        client.register(&format!("alan{n}"));
    }
    drop(other);
    assert!(!program.log().contains("written over"), "{}", program.log());
}

/// Seen before: the server accepted an empty database of another program as its own, and names were free again.
#[test]
fn d16_an_empty_database_does_not_take_the_place_of_one_with_users() {
    let (folder, other) = (folder_with_keys(), folder_with_keys());
    Program::start(other.path(), &[CHEAP]).stop();
    let file = database(folder.path());
    let program = Program::start(folder.path(), &[CHEAP]);
    let client = program.client();
    client.register("ada");
    let backup = back_up(folder.path());
    delete(&file, &["", "-wal", "-shm"]);
    fs::copy(back_up(other.path()), folder.path().join("data/new")).unwrap();
    fs::rename(folder.path().join("data/new"), &file).unwrap();
    accounts_are_off(&client);
    eventually("the log says why", || {
        program.log().contains("with no users and no keys in it").then_some(())
    });
    for end in ["-wal", "-shm"] {
        let _ = fs::remove_file(format!("{}{end}", file.display()));
    }
    fs::rename(&backup, &file).unwrap();
    accounts_are_back(&client);
}
