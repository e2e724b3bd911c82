//! K2 and K3: the process is killed at any moment of a rotation, and the folder has unfinished files.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::process::Stdio;
use std::sync::mpsc;
use std::time::Duration;

use serde_json::{Value, json};

use super::rotation::kid_of;
use crate::support::{Program, jwt_generator, refused, run};

const SETTINGS: [(&str, &str); 2] = [("JWT_ALGORITHM", "ES256"), ("SKIP_DATABASE", "true")];

fn told(folder: &Path, arguments: &[&str]) -> Value {
    let mut command = jwt_generator(folder);
    command.envs(SETTINGS).env("LOG_LEVEL", "error").args(arguments).arg("--json");
    serde_json::from_str(&run(&mut command)).unwrap()
}

fn kids(set: &Value) -> BTreeSet<String> {
    set["keys"].as_array().unwrap().iter().map(|key| key["kid"].as_str().unwrap().to_owned()).collect()
}

fn ring(folder: &Path) -> Value {
    serde_json::from_str(&fs::read_to_string(folder.join("keys/ring.json")).unwrap()).unwrap()
}

#[test]
fn k2_a_kill_at_any_moment_of_a_rotation_loses_no_key_and_signs_with_none_that_is_unknown() {
    let folder = tempfile::tempdir().unwrap();
    told(folder.path(), &["keys", "generate"]);
    let (_never, nothing) = mpsc::channel::<()>();
    let (mut before, mut after) = (0, 0);
    for kill in 0..200u64 {
        let known = kids(&told(folder.path(), &["keys", "export", "--public"]));
        let mut command = jwt_generator(folder.path());
        command.envs(SETTINGS).env("LOG_LEVEL", "error").args(["keys", "rotate", "--now", "--yes"]);
        let mut child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        let _ = nothing.recv_timeout(Duration::from_micros(kill * 250));
        child.kill().unwrap();
        child.wait().unwrap();
        let now = kids(&told(folder.path(), &["keys", "export", "--public"]));
        assert!(known.is_subset(&now), "{known:?} {now:?}");
        if known == now {
            before += 1;
        } else {
            after += 1;
        }
        let ring = ring(folder.path());
        for key in ring["keys"].as_array().unwrap() {
            let file = key["home"].as_str().unwrap().strip_prefix("file:").unwrap();
            assert!(folder.path().join("keys").join(file).exists(), "{file} is named and not there");
        }
        let active: Vec<_> =
            ring["keys"].as_array().unwrap().iter().filter(|key| key["state"] == "active").collect();
        assert_eq!(active.len(), 1);
        if kill % 20 == 19 {
            let program = Program::start(folder.path(), &SETTINGS);
            let token = program.client().demo_token(&json!({}));
            assert_eq!(kid_of(&token), active[0]["kid"].as_str().unwrap());
            assert!(now.contains(&kid_of(&token)));
            assert_eq!(program.client().get("/api/public-key").text(), active[0]["public"].as_str().unwrap());
            drop(program);
            // The start updates the original's files, and deletes unfinished files.
            let files = fs::read_dir(folder.path().join("keys")).unwrap();
            let names: Vec<_> = files.map(|file| file.unwrap().file_name().into_string().unwrap()).collect();
            assert!(!names.iter().any(|name| name.starts_with(".unfinished")), "{names:?}");
            let public = fs::read_to_string(folder.path().join("keys/public-key.pem")).unwrap();
            assert_eq!(active[0]["public"], public);
        }
    }
    println!("killed {before} times before the rotation was written and {after} times after");
    assert!(before > 0 && after > 0);
}

#[test]
fn k3_a_private_half_without_a_record_is_left_alone_and_prune_takes_it_away() {
    let folder = tempfile::tempdir().unwrap();
    told(folder.path(), &["keys", "generate"]);
    let (keys, kid) = (folder.path().join("keys"), kid_of_ring(folder.path()));
    let orphan = keys.join("key-orphan.pem");
    let own =
        keys.join(ring(folder.path())["keys"][0]["home"].as_str().unwrap().strip_prefix("file:").unwrap());
    fs::copy(&own, &orphan).unwrap();
    let program = Program::start(folder.path(), &SETTINGS);
    assert_eq!(kid_of(&program.client().demo_token(&json!({}))), kid);
    drop(program);
    assert!(orphan.exists());
    assert_eq!(
        told(folder.path(), &["keys", "prune"])["files"],
        json!([]),
        "a server may just be about to use it"
    );
    let hour_ago = std::time::UNIX_EPOCH + Duration::from_secs(super::rotation::now() - 3_600);
    fs::File::options().write(true).open(&orphan).unwrap().set_modified(hour_ago).unwrap();
    assert_eq!(told(folder.path(), &["keys", "prune"])["files"], json!(["key-orphan.pem"]));
    assert!(!orphan.exists() && own.exists());
}

fn kid_of_ring(folder: &Path) -> String {
    ring(folder)["keys"][0]["kid"].as_str().unwrap().to_owned()
}

#[test]
fn k3_a_record_without_its_private_half_never_signs_and_the_log_names_it() {
    let folder = tempfile::tempdir().unwrap();
    told(folder.path(), &["keys", "generate"]);
    told(folder.path(), &["keys", "rotate"]);
    let next = ring(folder.path())["keys"][1].clone();
    let file = next["home"].as_str().unwrap().strip_prefix("file:").unwrap();
    fs::remove_file(folder.path().join("keys").join(file)).unwrap();
    let program = Program::start(folder.path(), &SETTINGS);
    assert_eq!(kid_of(&program.client().demo_token(&json!({}))), "default-key-id");
    assert!(program.log().contains(&format!("{file} is not there")), "{}", program.log());
    assert!(kids(&program.client().get("/api/jwks").ok()).contains(next["kid"].as_str().unwrap()));
}

#[test]
fn k3_the_originals_files_are_brought_in_line_with_the_ring() {
    let folder = tempfile::tempdir().unwrap();
    told(folder.path(), &["keys", "generate"]);
    let (private, public) =
        (folder.path().join("keys/private-key.pem"), folder.path().join("keys/public-key.pem"));
    let old = (fs::read(&private).unwrap(), fs::read(&public).unwrap());
    told(folder.path(), &["keys", "rotate", "--now", "--yes"]);
    let new = (fs::read(&private).unwrap(), fs::read(&public).unwrap());
    assert!(old.0 != new.0 && old.1 != new.1, "they follow the key that signs");
    // As if the machine had stopped after the ring was written, or between the two files.
    for halves in [(&old.0, &old.1), (&new.0, &old.1), (&old.0, &new.1)] {
        fs::write(&private, halves.0).unwrap();
        fs::write(&public, halves.1).unwrap();
        drop(Program::start(folder.path(), &SETTINGS));
        assert_eq!((fs::read(&private).unwrap(), fs::read(&public).unwrap()), new);
    }
    fs::remove_file(&private).unwrap();
    drop(Program::start(folder.path(), &SETTINGS));
    assert_eq!(fs::read(&private).unwrap(), new.0);
}

#[test]
fn k3_a_key_that_the_ring_does_not_know_stops_the_start_and_stays() {
    let folder = tempfile::tempdir().unwrap();
    told(folder.path(), &["keys", "generate"]);
    let stranger = tempfile::tempdir().unwrap();
    told(stranger.path(), &["keys", "generate"]);
    let private = folder.path().join("keys/private-key.pem");
    fs::copy(stranger.path().join("keys/private-key.pem"), &private).unwrap();
    let before = fs::read(&private).unwrap();
    let said = refused(jwt_generator(folder.path()).envs(SETTINGS).env("PORT", "0"), 1);
    assert!(said.contains("private-key.pem holds a key that ring.json does not know"), "{said}");
    assert_eq!(fs::read(&private).unwrap(), before);
}

#[test]
fn a_ring_that_is_damaged_or_of_a_newer_program_stops_the_start() {
    for (text, says) in [
        ("{\"version\":1,", "is not a ring of keys"),
        ("[]", "is not a ring of keys"),
        (
            "{\"version\":2,\"revision\":1,\"lead\":1,\"kept_until\":0,\"keys\":[]}",
            "newer than this program's",
        ),
    ] {
        let folder = tempfile::tempdir().unwrap();
        told(folder.path(), &["keys", "generate"]);
        let path = folder.path().join("keys/ring.json");
        fs::write(&path, text).unwrap();
        let said = refused(jwt_generator(folder.path()).envs(SETTINGS).env("PORT", "0"), 1);
        assert!(said.contains("ring.json") && said.contains(says), "{said}");
        assert_eq!(fs::read_to_string(&path).unwrap(), text);
    }
}
