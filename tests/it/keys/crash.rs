//! K1 and K15: the process is killed while it makes a key, and two processes make a key at the same time.

use std::fs;
use std::path::Path;
use std::process::{Child, Stdio};
use std::sync::mpsc;
use std::time::Duration;

use serde_json::json;

use crate::support::{Program, eventually, jwt_generator, run, tool};

/// Small steps through the time that a start takes.
const KILLS: u64 = 200;

fn begin(folder: &Path) -> Child {
    let mut command = jwt_generator(folder);
    command.env("HOST", "127.0.0.1").env("PORT", "0").env("SKIP_DATABASE", "true");
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap()
}

/// Waits before the other process is killed: the test varies this moment.
fn let_pass(time: Duration) {
    let (_never, nothing) = mpsc::channel::<()>();
    let _ = nothing.recv_timeout(time);
}

/// A running server makes the key at the start, or a little later if the disk is slow.
fn server_secret_is_kept(folder: &Path) {
    eventually("a server secret is kept", || folder.join("keys/server-secret").exists().then_some(()));
}

#[test]
fn k1_a_kill_at_any_moment_leaves_a_whole_pair_or_none() {
    let sign_key = |folder: &Path| fs::read(folder.join("keys/private-key.pem")).ok();
    let (mut before, mut after) = (0, 0);
    let mut folder = tempfile::tempdir().unwrap();
    for kill in 0..KILLS {
        let mut child = begin(folder.path());
        let_pass(Duration::from_micros(kill * 2_000));
        child.kill().unwrap();
        child.wait().unwrap();
        let Some(kept) = sign_key(folder.path()) else {
            before += 1;
            continue;
        };
        after += 1;
        let program = Program::start(folder.path(), &[("SKIP_DATABASE", "true")]);
        let token = program.client().demo_token(&json!({}));
        assert_eq!(program.client().post("/api/token/validate", &json!({ "token": token })).status, 200);
        assert_eq!(sign_key(folder.path()).unwrap(), kept, "a key that was kept is the key that signs");
        server_secret_is_kept(folder.path());
        let mut names: Vec<_> = fs::read_dir(folder.path().join("keys"))
            .unwrap()
            .map(|entry| entry.unwrap().file_name())
            .collect();
        names.sort();
        let [key, private, public, ring, secret] = names.as_slice() else { panic!("{names:?}") };
        assert!(key.to_string_lossy().starts_with("key-"), "{names:?}");
        assert_eq!(
            [private, public, ring, secret],
            ["private-key.pem", "public-key.pem", "ring.json", "server-secret"]
        );
        folder = tempfile::tempdir().unwrap();
    }
    // The process must have been killed before the key existed and after it.
    println!("killed {before} times before the key was kept and {after} times after");
    assert!(before > 0 && after > 0);
    let program = Program::start(folder.path(), &[("SKIP_DATABASE", "true")]);
    server_secret_is_kept(folder.path());
    drop(program);
    let names = fs::read_dir(folder.path().join("keys")).unwrap().count();
    assert_eq!(names, 5, "what killed processes left is gone, or taken up");
}

#[test]
fn k1_files_are_synced_before_they_are_renamed_and_folders_after() {
    let folder = tempfile::tempdir().unwrap();
    let trace = folder.path().join("trace");
    let binary = jwt_generator(folder.path());
    let mut strace = std::process::Command::new(tool("bin/strace"));
    strace.args(["-f", "-y", "-e", "trace=openat,fsync,renameat2,rename", "-o"]).arg(&trace);
    strace.arg(binary.get_program()).args(["keys", "generate"]).env_clear().current_dir(folder.path());
    run(strace.env("JWT_ALGORITHM", "ES256"));
    let text = fs::read_to_string(trace).unwrap();
    let position = |from: usize, words: &[&str]| {
        let found = text.lines().skip(from).position(|line| words.iter().all(|word| line.contains(word)));
        from + found.unwrap_or_else(|| panic!("no {words:?} after line {from}:\n{text}"))
    };
    let mut line = 0;
    for (name, how) in [
        ("key-", "RENAME_NOREPLACE"),
        ("ring.json", "rename"),
        ("private-key.pem", "rename"),
        ("public-key.pem", "rename"),
    ] {
        line = position(line, &["fsync", &format!(".unfinished-{name}")]);
        line = position(line, &["rename", &format!(".unfinished-{name}"), how]);
        line = position(line, &["fsync", "/keys>"]);
    }
}

#[test]
fn k15_two_servers_that_start_at_once_end_with_one_key() {
    for _ in 0..50 {
        let folder = tempfile::tempdir().unwrap();
        let settings = [("SKIP_DATABASE", "true"), ("JWT_ALGORITHM", "ES256")];
        let [one, two] = std::thread::scope(|scope| {
            [(); 2]
                .map(|()| scope.spawn(|| Program::start(folder.path(), &settings)))
                .map(|start| start.join().unwrap())
        });
        assert_eq!(one.client().get("/api/jwks").body, two.client().get("/api/jwks").body);
        let token = one.client().demo_token(&json!({}));
        assert_eq!(two.client().post("/api/token/validate", &json!({ "token": token })).status, 200);
    }
}
