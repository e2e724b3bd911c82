//! `backup` beside a running server, and a server that starts from the copy.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};

use mongodb::bson::doc;
use serde_json::{Value, json};

use crate::keys::custody::SEALING_KEY;
use crate::readme::blocks_of;
use crate::support::client::registration;
use crate::support::{Client, Program, eventually, jwt_generator, mongod, read, refused, run};

const QUICK: [(&str, &str); 2] = [("BCRYPT_ROUNDS", "4"), ("JWT_ALGORITHM", "ES256")];

fn backup(folder: &Path, settings: &[(&str, &str)], to: &Path) -> Command {
    let mut command = jwt_generator(folder);
    command.envs(QUICK).envs(settings.iter().copied()).args(["--json", "backup"]).arg(to);
    command
}

fn copied(mut command: Command) -> Value {
    let output = command.output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).unwrap()
}

/// Restores a copy for a new server, as the documentation says.
fn restored(copy: &Path) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    fs::create_dir(folder.path().join("data")).unwrap();
    fs::copy(copy.join("jwt-generator.db"), folder.path().join("data/jwt-generator.db")).unwrap();
    if copy.join("keys").exists() {
        fs::rename(copy.join("keys"), folder.path().join("keys")).unwrap();
    }
    folder
}

fn logs_in(client: &Client, username: &str) -> bool {
    let login = json!({ "username": username, "password": format!("secret-{username}") });
    client.post("/api/auth/login", &login).status == 200
}

#[test]
fn a_copy_of_a_busy_server_has_all_that_it_had_answered_for() {
    let folder = tempfile::tempdir().unwrap();
    let program = Program::start(folder.path(), &QUICK);
    let client = program.client();
    let token = client.register("first").token().to_owned();
    let (registered, stop) = (AtomicUsize::new(0), AtomicUsize::new(0));
    let copy = folder.path().join("copy");
    let before = std::thread::scope(|scope| {
        scope.spawn(|| {
            while stop.load(Ordering::Relaxed) == 0 {
                let name = format!("user{}", registered.load(Ordering::Relaxed));
                assert_eq!(client.post("/api/auth/register", &registration(&name)).status, 201);
                registered.fetch_add(1, Ordering::Relaxed);
            }
        });
        eventually("there is load", || (registered.load(Ordering::Relaxed) > 20).then_some(()));
        let before = registered.load(Ordering::Relaxed);
        let said = copied(backup(folder.path(), &[], &copy));
        assert_eq!(said["database"], json!(copy.join("jwt-generator.db")));
        assert_eq!(said["keys"], json!(copy.join("keys")));
        stop.store(1, Ordering::Relaxed);
        before
    });
    drop(program);

    for file in ["jwt-generator.db", "keys/ring.json", "keys/private-key.pem"] {
        let mode = fs::metadata(copy.join(file)).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600, "{file}");
    }
    for place in [copy.clone(), copy.join("keys")] {
        assert_eq!(fs::metadata(&place).unwrap().permissions().mode() & 0o777, 0o700, "{}", place.display());
    }
    let folder = restored(&copy);
    let program = Program::start(folder.path(), &QUICK);
    let client = program.client();
    assert_eq!(client.post("/api/token/validate", &json!({ "token": token })).status, 200);
    for name in ["first".to_owned(), "user0".to_owned(), format!("user{}", before - 1)] {
        assert!(logs_in(&client, &name), "{name} of {before}");
    }
    client.register("afterwards");
}

/// The documentation's own commands, in the folder of a server.
#[test]
fn a_backup_and_its_restore_work_as_printed() {
    let text = read("docs/deploy.md");
    let [copy, restore] = &blocks_of(&text, "### The embedded store")[..] else { panic!("two blocks") };
    let [look] = &blocks_of(&text, "### Try it")[..] else { panic!("one block") };
    let folder = tempfile::tempdir().unwrap();
    let shell = |script: &str| {
        let program = jwt_generator(folder.path());
        let bin = Path::new(program.get_program()).parent().unwrap();
        let path = format!("{}:{}", bin.display(), std::env::var("PATH").unwrap());
        let script = format!("set -euo pipefail\n{script}");
        let mut bash = Command::new("bash");
        bash.args(["-c", &script]).current_dir(folder.path()).env_clear().env("PATH", path).envs(QUICK);
        run(&mut bash)
    };
    let program = Program::start(folder.path(), &QUICK);
    let ada = program.client().register("ada");
    shell(copy);
    program.client().register("grace");
    program.kill();
    shell(restore);
    let told = shell(look);
    assert!(told.contains("ada") && !told.contains("grace"), "{told}");
    let program = Program::start(folder.path(), &QUICK);
    assert!(logs_in(&program.client(), "ada") && !logs_in(&program.client(), "grace"));
    let token = json!({ "token": ada.token() });
    assert_eq!(program.client().post("/api/token/validate", &token).status, 200);
}

#[test]
fn a_copy_of_mongodbs_files_that_was_taken_under_a_lock_serves_again() {
    let mut replica = mongod::ReplicaSet::start(1);
    let uri = replica.uri("jwt");
    let settings =
        [&QUICK[..], &[("MONGODB_URI", uri.as_str()), ("KEY_ENCRYPTION_KEY", SEALING_KEY)]].concat();
    let folder = tempfile::tempdir().unwrap();
    let program = Program::start(folder.path(), &settings);
    let ada = program.client().register("ada");
    let (data, copy) = (replica.data(0), folder.path().join("copy"));
    let admin = replica.uri("admin");
    mongod::command(&admin, doc! { "fsync": 1, "lock": true }).unwrap();
    run(Command::new("cp").arg("-r").arg(&data).arg(&copy));
    mongod::command(&admin, doc! { "fsyncUnlock": 1 }).unwrap();
    program.client().register("grace");
    drop(program);
    replica.kill_member(0);
    fs::remove_dir_all(&data).unwrap();
    fs::remove_file(copy.join("mongod.lock")).unwrap();
    fs::rename(&copy, &data).unwrap();
    replica.start_member(0);
    replica.wait_for_primary();
    let program = Program::start(folder.path(), &settings);
    let client = program.client();
    eventually("ada logs in", || logs_in(&client, "ada").then_some(()));
    assert!(!logs_in(&client, "grace"));
    assert_eq!(client.post("/api/token/validate", &json!({ "token": ada.token() })).status, 200);
}

#[test]
fn sealed_keys_are_in_the_copy_of_the_database_and_the_sealing_key_is_not() {
    let folder = tempfile::tempdir().unwrap();
    let settings = [&QUICK[..], &[("KEY_CUSTODY", "database"), ("KEY_ENCRYPTION_KEY", SEALING_KEY)]].concat();
    let program = Program::start(folder.path(), &settings);
    let token = program.client().demo_token(&json!({}));
    let copy = folder.path().join("copy");
    let said = copied(backup(folder.path(), &settings, &copy));
    assert!(said["elsewhere"][0].as_str().unwrap().starts_with("KEY_ENCRYPTION_KEY"), "{said}");
    drop(program);
    let folder = restored(&copy);
    let program = Program::start(folder.path(), &settings);
    assert_eq!(program.client().post("/api/token/validate", &json!({ "token": token })).status, 200);
}

#[test]
fn what_is_elsewhere_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let uri = mongod::new_database();
    drop(Program::start(folder.path(), &[("MONGODB_URI", &uri), ("JWT_ALGORITHM", "ES256")]));
    let said = copied(backup(folder.path(), &[("MONGODB_URI", &uri)], &folder.path().join("copy")));
    assert_eq!(said["database"], Value::Null);
    assert!(said["elsewhere"][0].as_str().unwrap().contains("mongodump"), "{said}");
    assert!(folder.path().join("copy/keys/ring.json").exists());
}

/// As Kubernetes mounts a secret: links to links.
#[test]
fn keys_that_are_links_are_copied_as_what_they_lead_to() {
    let folder = tempfile::tempdir().unwrap();
    drop(Program::start(folder.path(), &QUICK));
    fs::rename(folder.path().join("keys"), folder.path().join("..data")).unwrap();
    fs::create_dir(folder.path().join("keys")).unwrap();
    for name in ["ring.json", "private-key.pem", "public-key.pem"] {
        std::os::unix::fs::symlink(format!("../..data/{name}"), folder.path().join("keys").join(name))
            .unwrap();
    }
    fs::write(folder.path().join("keys/.notes.swp"), [0xff, 0xfe]).unwrap();
    for to in ["copy", "file:copy"] {
        let copy = folder.path().join(to);
        copied(backup(folder.path(), &[], Path::new(to)));
        for name in ["ring.json", "private-key.pem", ".notes.swp"] {
            let there = fs::read(folder.path().join("keys").join(name)).unwrap();
            assert_eq!(fs::read(copy.join("keys").join(name)).unwrap(), there, "{name}");
        }
        assert!(fs::metadata(copy.join("jwt-generator.db")).unwrap().len() > 4096);
    }
}

#[test]
fn a_copy_that_cannot_be_made_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let nothing = refused(&mut backup(folder.path(), &[], &folder.path().join("copy")), 1);
    assert!(nothing.contains("there is nothing to copy"), "{nothing}");
    drop(Program::start(folder.path(), &QUICK));
    // Seen: with a mistake in a setting, a backup without keys was reported as complete.
    for (setting, told) in [
        ("KEYS_DIR", "no keys are in ./elsewhere (KEYS_DIR)"),
        ("DATA_DIR", "no database is in ./elsewhere (DATA_DIR)"),
    ] {
        for to in [folder.path().join("copy").to_str().unwrap(), "-"] {
            let slip = refused(&mut backup(folder.path(), &[(setting, "./elsewhere")], Path::new(to)), 1);
            assert!(slip.contains(told), "{slip}");
        }
    }
    let taken = refused(&mut backup(folder.path(), &[], folder.path()), 1);
    assert!(taken.contains("is not empty"), "{taken}");
    let nowhere = refused(&mut backup(folder.path(), &[], Path::new("/proc/nowhere")), 1);
    assert!(nowhere.contains("cannot copy"), "{nowhere}");
    // Without the other files of SQLite, which would repair it.
    fs::remove_file(folder.path().join("data/jwt-generator.db-wal")).unwrap();
    fs::write(folder.path().join("data/jwt-generator.db"), "no database").unwrap();
    let damaged = refused(&mut backup(folder.path(), &[], &folder.path().join("copy")), 1);
    assert!(damaged.contains("cannot copy the database"), "{damaged}");
    assert_eq!(fs::read_dir(folder.path().join("copy")).unwrap().count(), 0, "no half copy stays");
    std::os::unix::fs::symlink("nowhere", folder.path().join("keys/lost.pem")).unwrap();
    let lost = refused(&mut backup(folder.path(), &[], &folder.path().join("copy")), 1);
    assert!(lost.contains("keys/lost.pem"), "{lost}");
}

/// The names, kinds, modes and contents of all entries of `folder`.
fn tree(folder: &Path) -> Vec<(String, u32, Vec<u8>)> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap().map(Result::unwrap) {
        let (name, path) = (entry.file_name().into_string().unwrap(), entry.path());
        let mode = entry.metadata().unwrap().permissions().mode();
        if path.is_dir() {
            found.extend(
                tree(&path).into_iter().map(|(below, mode, bytes)| (format!("{name}/{below}"), mode, bytes)),
            );
            found.push((name, mode, Vec::new()));
        } else {
            found.push((name, mode, fs::read(&path).unwrap()));
        }
    }
    found.sort();
    found
}

fn leaves_something(folder: &Path) -> bool {
    tree(&folder.join("data")).iter().any(|(name, ..)| name.starts_with(".backup"))
}

fn to_stdout(folder: &Path) -> Command {
    let mut command = jwt_generator(folder);
    command.envs(QUICK).args(["--json", "backup", "--to", "-"]);
    command
}

/// The archive of a backup, unpacked by the system's own `tar`.
fn unpacked(folder: &Path, archive: &[u8]) -> std::path::PathBuf {
    let (file, to) = (folder.join("backup.tar"), folder.join("unpacked"));
    fs::write(&file, archive).unwrap();
    fs::create_dir(&to).unwrap();
    run(Command::new("tar").arg("-xf").arg(&file).arg("-C").arg(&to));
    to
}

#[test]
fn an_archive_on_standard_output_holds_what_a_folder_does() {
    let folder = tempfile::tempdir().unwrap();
    let program = Program::start(folder.path(), &QUICK);
    let token = program.client().register("ada").token().to_owned();
    program.stop();
    fs::write(folder.path().join("keys/.notes.swp"), [0xff, 0xfe]).unwrap();
    let copy = folder.path().join("copy");
    let mut to_folder = jwt_generator(folder.path());
    run(to_folder.envs(QUICK).args(["backup", "--to"]).arg(&copy));

    let output = to_stdout(folder.path()).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let said: Value = serde_json::from_slice(&output.stderr).unwrap();
    assert_eq!(said, json!({ "database": "jwt-generator.db", "keys": "keys", "elsewhere": [] }));
    assert_eq!(to_stdout(folder.path()).output().unwrap().stdout.len(), output.stdout.len());
    let unpacked = unpacked(folder.path(), &output.stdout);
    assert_eq!(tree(&unpacked), tree(&copy));
    let names = run(Command::new("tar").arg("-tf").arg(folder.path().join("backup.tar")));
    let names: Vec<_> = names.lines().collect();
    let mut sorted = names.clone();
    sorted.sort_unstable_by_key(|name| (*name == "keys/ring.json", *name));
    assert_eq!(
        names, sorted,
        "the order is always the same, and an archive that was cut short lacks the ring"
    );
    assert!(!leaves_something(folder.path()));

    let restored = restored(&unpacked);
    let program = Program::start(restored.path(), &QUICK);
    assert!(logs_in(&program.client(), "ada"));
    assert_eq!(program.client().post("/api/token/validate", &json!({ "token": token })).status, 200);
}

#[test]
fn an_archive_is_taken_from_a_running_server() {
    let folder = tempfile::tempdir().unwrap();
    let program = Program::start(folder.path(), &QUICK);
    program.client().register("ada");
    let output = to_stdout(folder.path()).output().unwrap();
    program.client().register("grace");
    program.kill();
    let restored = restored(&unpacked(folder.path(), &output.stdout));
    let program = Program::start(restored.path(), &QUICK);
    assert!(logs_in(&program.client(), "ada") && !logs_in(&program.client(), "grace"));
}

#[test]
fn an_archive_that_cannot_be_written_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let nothing = refused(&mut to_stdout(folder.path()), 1);
    assert!(nothing.contains("there is nothing to copy"), "{nothing}");
    Program::start(folder.path(), &QUICK).stop();

    let program = to_stdout(folder.path());
    let mut terminal = Command::new("script");
    let line = format!("{} backup --to -", program.get_program().to_str().unwrap());
    terminal
        .args(["--quiet", "--return", "--command", &line, "/dev/null"])
        .current_dir(folder.path())
        .env("NO_COLOR", "1");
    let output = terminal.output().unwrap();
    assert_eq!(output.status.code(), Some(2));
    let said = String::from_utf8(output.stdout).unwrap();
    assert_eq!(
        said.trim_end(),
        "error: a terminal cannot show the archive: redirect standard output to a file or a pipe"
    );

    let mut child = to_stdout(folder.path()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    drop(child.stdout.take());
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    let said: Value = serde_json::from_slice(&output.stderr).unwrap();
    let broken = "cannot write the archive: Broken pipe (os error 32)";
    assert_eq!(said, json!({ "success": false, "error": broken }));
    assert!(!leaves_something(folder.path()));
    let both = refused(jwt_generator(folder.path()).args(["backup", "there", "--to", "-"]), 2);
    assert!(both.contains("cannot be used with"), "{both}");
}
