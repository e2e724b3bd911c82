//! D1, D7 to D9, D15 and K13 on SQLite: locked, damaged, full, killed, slow.

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};

use rusqlite::Connection;
use serde_json::json;

use crate::support::client::registration;
use crate::support::{
    Client, Program, eventually, folder_with_keys, jwt_generator, on_small_disk, refused, run,
};

pub(super) const CHEAP: (&str, &str) = ("BCRYPT_ROUNDS", "4");

pub(super) fn database(folder: &Path) -> std::path::PathBuf {
    folder.join("data/jwt-generator.db")
}

#[track_caller]
pub(super) fn is_unavailable(answer: &crate::support::Answer) {
    answer.is_refused(503, "database_unavailable", "The database is unavailable; try again shortly");
    assert_eq!(answer.header("retry-after"), Some("5"));
}

pub(super) fn log_in(client: &Client, name: &str) -> crate::support::Answer {
    client.post("/api/auth/login", &json!({ "username": name, "password": format!("secret-{name}") }))
}

#[test]
fn d1_a_database_that_cannot_be_opened_leaves_tokens_alone_and_recovers() {
    let folder = folder_with_keys();
    fs::write(folder.path().join("data"), "no folder").unwrap();
    let program = Program::start(folder.path(), &[CHEAP]);
    let client = program.client();
    assert_eq!(client.get("/health").ok()["database_connected"], false);
    let token = client.demo_token(&json!({}));
    assert_eq!(client.post("/api/token/validate", &json!({ "token": token })).status, 200);
    is_unavailable(&client.post("/api/auth/register", &registration("alice")));
    is_unavailable(&log_in(&client, "alice"));
    fs::remove_file(folder.path().join("data")).unwrap();
    eventually("accounts are back", || {
        (client.post("/api/auth/register", &registration("alice")).status == 201).then_some(())
    });
    eventually("health tells that the database is back", || {
        (client.get("/health").ok()["database_connected"] == true).then_some(())
    });
}

#[test]
fn d7_a_lock_of_another_process_is_waited_for_or_503_and_reads_go_on() {
    let folder = folder_with_keys();
    let program = Program::start(folder.path(), &[CHEAP]);
    let client = program.client();
    let alice = client.register("alice");
    let other = Connection::open(database(folder.path())).unwrap();
    other.execute_batch("BEGIN EXCLUSIVE").unwrap();
    let profile = alice.get("/api/auth/profile");
    assert_eq!(profile.status, 200, "readers do not wait for a writer");
    is_unavailable(&log_in(&client, "alice"));
    is_unavailable(&client.post("/api/auth/register", &registration("bob")));
    other.execute_batch("COMMIT").unwrap();
    client.register("bob");
    let (_, log) = program.stop();
    assert!(!log.contains("panicked"), "{log}");
}

/// Seen before: each operation should end within two seconds, but a query had no limit, and later queries waited for
/// it.
#[test]
fn d15_a_query_that_does_not_end_is_interrupted_and_those_that_wait_for_it_are_503() {
    const ENDLESS: &str = "
        ALTER TABLE users RENAME TO kept;
        CREATE VIEW users AS
            WITH RECURSIVE endless(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM endless)
            SELECT kept.* FROM kept, endless WHERE n < 0";
    let folder = folder_with_keys();
    let program = Program::start(folder.path(), &[CHEAP]);
    let client = program.client();
    client.register("alice");
    let other = Connection::open(database(folder.path())).unwrap();
    other.execute_batch(ENDLESS).unwrap();
    std::thread::scope(|scope| {
        for _ in 0..24 {
            scope.spawn(|| is_unavailable(&log_in(&client, "alice")));
        }
    });
    other.execute_batch("DROP VIEW users; ALTER TABLE kept RENAME TO users").unwrap();
    eventually("queries are answered again", || (log_in(&client, "alice").status == 200).then_some(()));
    client.register("bob");
}

#[test]
fn d8_a_damaged_file_is_told_and_never_written_over() {
    let folder = folder_with_keys();
    let program = Program::start(folder.path(), &[CHEAP]);
    for n in 0..200 {
        program.client().register(&format!("user{n}"));
    }
    program.stop();
    let connection = Connection::open(database(folder.path())).unwrap();
    connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(())).unwrap();
    drop(connection);
    let whole = fs::read(database(folder.path())).unwrap();
    assert!(whole.len() > 3 * 4096);
    let spoil = |from: usize, to: usize| {
        let mut bytes = whole.clone();
        bytes[from..to].fill(0xa5);
        bytes
    };
    for (what, bytes) in [
        ("no database", b"this is a text file, and long enough to be looked at".repeat(100)),
        ("the header", spoil(0, 100)),
        ("every page but the first", spoil(4096, whole.len())),
        ("cut short", whole[..whole.len() / 2].to_vec()),
    ] {
        fs::write(database(folder.path()), &bytes).unwrap();
        let program = Program::start(folder.path(), &[CHEAP]);
        let client = program.client();
        let answer = log_in(&client, "user7");
        assert!(answer.status == 503 || answer.status == 401, "{what}: {} {}", answer.status, answer.text());
        let answer = client.post("/api/auth/register", &registration(&format!("new{}", bytes.len())));
        assert!(answer.status == 503, "{what}: {} {}", answer.status, answer.text());
        let token = client.demo_token(&json!({}));
        assert_eq!(client.post("/api/token/validate", &json!({ "token": token })).status, 200, "{what}");
        let (_, log) = program.stop();
        assert!(!log.contains("panicked"), "{what}: {log}");
        assert_eq!(fs::read(database(folder.path())).unwrap(), bytes, "{what}: the file was changed");
        for end in ["-wal", "-shm"] {
            let _ = fs::remove_file(folder.path().join(format!("data/jwt-generator.db{end}")));
        }
    }
    fs::write(database(folder.path()), &whole).unwrap();
    let program = Program::start(folder.path(), &[CHEAP]);
    assert_eq!(log_in(&program.client(), "user7").status, 200, "the backup works");
}

#[test]
fn d8_a_folder_in_place_of_the_database_turns_accounts_off_and_stays() {
    let folder = folder_with_keys();
    fs::create_dir_all(database(folder.path()).join("kept")).unwrap();
    let program = Program::start(folder.path(), &[CHEAP]);
    let client = program.client();
    is_unavailable(&client.post("/api/auth/register", &registration("alice")));
    is_unavailable(&log_in(&client, "alice"));
    let token = client.demo_token(&json!({}));
    assert_eq!(client.post("/api/token/validate", &json!({ "token": token })).status, 200);
    let (_, log) = program.stop();
    assert!(!log.contains("panicked"), "{log}");
    assert!(database(folder.path()).join("kept").is_dir());
}

#[test]
fn d8_a_database_of_a_newer_program_is_left_alone() {
    let folder = folder_with_keys();
    Program::start(folder.path(), &[CHEAP]).stop();
    Connection::open(database(folder.path())).unwrap().pragma_update(None, "user_version", 99).unwrap();
    let told = "the tables of the database are of version 99, newer than this program's";
    // Seen before: the service started without accounts, and both probes succeeded.
    for custody in [&[CHEAP][..], &[CHEAP, IN_DATABASE, ("KEY_ENCRYPTION_KEY", KEY)]] {
        let Err(log) = Program::try_start(folder.path(), custody) else { panic!("started; {custody:?}") };
        assert!(log.contains(told) && log.contains("start the newer program"), "{log}");
    }
    for command in [&["users", "list"][..], &["users", "delete", "alice"]] {
        let said = refused(jwt_generator(folder.path()).args(command), 1);
        assert!(said.contains(told), "{said}");
    }
    assert_eq!(version(folder.path()), 99);
}

const IN_DATABASE: (&str, &str) = ("KEY_CUSTODY", "database");
const KEY: &str = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAE=";
const WRONG_KEY: &str = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAI=";

fn version(folder: &Path) -> u32 {
    let connection = Connection::open(database(folder)).unwrap();
    connection.query_row("PRAGMA user_version", [], |row| row.get(0)).unwrap()
}

/// Seen before: a new version with a wrong key upgraded the tables, though its start was refused ("nothing has been
/// changed"). The previous version could not serve users any more.
#[test]
fn a_start_that_is_refused_leaves_the_tables_to_the_version_before() {
    let folder = folder_with_keys();
    let with = |key| [CHEAP, IN_DATABASE, ("KEY_ENCRYPTION_KEY", key)];
    Program::start(folder.path(), &with(KEY)).stop();
    let today = version(folder.path());
    let ring: (i64, String) = Connection::open(database(folder.path()))
        .unwrap()
        .query_row("SELECT revision, record FROM rings", [], |row| Ok((row.get(0)?, row.get(1)?)))
        .unwrap();
    fs::remove_dir_all(folder.path().join("data")).unwrap();
    fs::create_dir(folder.path().join("data")).unwrap();
    let old = Connection::open(database(folder.path())).unwrap();
    old.execute_batch(&crate::support::read("tests/data/sqlite/v3.sql")).unwrap();
    old.execute("UPDATE rings SET revision = ?1, record = ?2", ring).unwrap();
    drop(old);

    assert!(Program::try_start(folder.path(), &with(WRONG_KEY)).is_err());
    let mut keys = jwt_generator(folder.path());
    refused(keys.args(["keys", "rotate", "--yes"]).envs(with(WRONG_KEY)), 1);
    assert_eq!(version(folder.path()), 3, "the version before can still use it");
    let program = Program::start(folder.path(), &with(KEY));
    assert_eq!(version(folder.path()), today);
    program.client().register("alice");
}

/// Seen before: a command that only reads created an empty database if the server's database was missing.
#[test]
fn a_command_that_reads_makes_no_database() {
    let folder = tempfile::tempdir().unwrap();
    let settings = [IN_DATABASE, ("KEY_ENCRYPTION_KEY", KEY)];
    for command in [
        &["users", "list"][..],
        &["users", "show", "alice"],
        &["users", "log-out", "alice"],
        &["users", "delete", "alice"],
        &["keys", "list"],
        &["keys", "show"],
    ] {
        let said = refused(jwt_generator(folder.path()).args(command).envs(settings), 1);
        let why = if command[0] == "users" { "data/jwt-generator.db" } else { "`keys generate` makes one" };
        assert!(said.contains("there is no ") && said.contains(why), "{command:?}: {said}");
        assert!(!folder.path().join("data").exists(), "{command:?}");
    }
    run(jwt_generator(folder.path()).args(["keys", "generate"]).envs(settings));
    assert!(database(folder.path()).exists());
}

#[test]
fn d9_no_acknowledged_user_is_lost_to_a_kill() {
    let folder = folder_with_keys();
    let mut acknowledged = Vec::new();
    for round in 0..100 {
        let program = Program::start(folder.path(), &[CHEAP]);
        let client = program.client();
        let (names, over) = (Mutex::new(Vec::new()), AtomicBool::new(false));
        std::thread::scope(|scope| {
            for racer in 0..20 {
                let (client, names, over) = (&client, &names, &over);
                scope.spawn(move || {
                    for n in 0.. {
                        let name = format!("u{round}r{racer}n{n}");
                        let request = registration(&name).to_string();
                        let json = [("content-type", "application/json")];
                        let answer =
                            client.try_send(http::Method::POST, "/api/auth/register", &json, request);
                        match answer {
                            Ok(answer) if answer.status == 201 => names.lock().unwrap().push(name),
                            Ok(answer) => assert_eq!(answer.status, 503, "{}", answer.text()),
                            Err(_) => break,
                        }
                        if over.load(Ordering::Relaxed) {
                            break;
                        }
                    }
                });
            }
            let enough = 1 + round % 40;
            eventually("some users are acknowledged", || {
                (names.lock().unwrap().len() >= enough).then_some(())
            });
            program.kill();
            over.store(true, Ordering::Relaxed);
        });
        acknowledged.extend(names.into_inner().unwrap());
    }
    println!("{} users were acknowledged in 100 rounds", acknowledged.len());
    let connection = Connection::open(database(folder.path())).unwrap();
    let sound: String = connection.query_row("PRAGMA integrity_check", [], |row| row.get(0)).unwrap();
    assert_eq!(sound, "ok");
    let mut stored = connection.prepare("SELECT password_hash FROM users WHERE username = ?1").unwrap();
    for name in &acknowledged {
        let hash: String =
            stored.query_row([name], |row| row.get(0)).unwrap_or_else(|_| panic!("{name} was lost"));
        assert!(hash.starts_with("$2b$04$"));
    }
    let program = Program::start(folder.path(), &[CHEAP]);
    for name in acknowledged.iter().step_by(acknowledged.len() / 20) {
        assert_eq!(log_in(&program.client(), name).status, 200, "{name}");
    }
}

#[test]
fn d9_a_commit_is_synced_before_it_is_answered() {
    let folder = folder_with_keys();
    let trace = folder.path().join("trace");
    let program = Program::start(folder.path(), &[CHEAP]);
    program.client().register("alice");
    let mut strace = Command::new(crate::support::tool("bin/strace"))
        .args(["-f", "-y", "-e", "trace=fsync,fdatasync,write,writev,sendto", "-p"])
        .arg(program.pid().as_raw_nonzero().to_string())
        .arg("-o")
        .arg(&trace)
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let traced = |name: &str| {
        program.client().register(name);
        let text = fs::read_to_string(&trace).unwrap_or_default();
        text.contains("201 Created").then_some(text)
    };
    let mut names = (0..).map(|n| format!("traced{n}"));
    eventually("strace has attached", || traced(&names.next().unwrap()));
    program.client().register("traced-last");
    let text = eventually("the last answer is in the trace", || {
        fs::read_to_string(&trace).ok().filter(|text| text.matches("201 Created").count() > 1)
    });
    strace.kill().unwrap();
    strace.wait().unwrap();
    let (_, behind) = text.split_once("201 Created").unwrap();
    let (between, _) = behind.split_once("201 Created").unwrap();
    let synced = between.lines().any(|line| line.contains("sync(") && line.contains("jwt-generator.db"));
    assert!(synced, "{text}");
}

#[test]
fn k13_a_full_disk_is_503_for_writers_and_nothing_for_readers() {
    let folder = folder_with_keys();
    let data = folder.path().join("data");
    fs::create_dir(&data).unwrap();
    let mut command = on_small_disk(folder.path(), &data, "1m");
    let program =
        Program::spawn(command.env("HOST", "127.0.0.1").env("PORT", "0").env(CHEAP.0, CHEAP.1)).unwrap();
    let client = program.client();
    let alice = client.register("alice");
    // Only the program sees the small disk. This is the program's path to it.
    let disk = Path::new("/proc").join(program.pid().as_raw_nonzero().to_string()).join("root");
    let disk = disk.join(data.strip_prefix("/").unwrap());
    let _ = fs::write(disk.join("ballast"), vec![0; 1024 * 1024]);
    let mut names = (0..).map(|n| format!("filler{n}"));
    let refused = eventually("the disk is full", || {
        let answer = client.post("/api/auth/register", &registration(&names.next().unwrap()));
        (answer.status != 201).then_some(answer)
    });
    is_unavailable(&refused);
    let refused = eventually("the event of a log-in does not fit", || {
        Some(log_in(&client, "alice")).filter(|answer| answer.status != 200)
    });
    is_unavailable(&refused);
    alice.get("/api/auth/profile").ok();
    fs::remove_file(disk.join("ballast")).unwrap();
    client.register("bob");
    assert_eq!(log_in(&client, "alice").status, 200);
    let connection = Connection::open(disk.join("jwt-generator.db")).unwrap();
    let sound: String = connection.query_row("PRAGMA integrity_check", [], |row| row.get(0)).unwrap();
    assert_eq!(sound, "ok");
}

/// Seen before (issue 11, row 15): if any constraint of the database failed, the answer was that the user exists.
#[test]
fn a_constraint_that_is_not_about_users_is_a_fault_and_no_conflict() {
    let folder = folder_with_keys();
    let program = Program::start(folder.path(), &[CHEAP]);
    let client = program.client();
    client.register("alice");
    let refuse = "CREATE TRIGGER refuse BEFORE INSERT ON users BEGIN SELECT RAISE(ABORT, 'no more'); END";
    Connection::open(database(folder.path())).unwrap().execute_batch(refuse).unwrap();
    let answer = client.post("/api/auth/register", &registration("bob"));
    answer.is_refused(500, "internal", "Internal server error");
    let answer = client.post("/api/auth/register", &registration("alice"));
    answer.is_refused(409, "user_exists", "User with this username or email already exists");
}
