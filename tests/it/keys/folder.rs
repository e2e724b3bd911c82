//! K4 to K12: files in `KEYS_DIR`, and what the service does with them.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};

use rustix::fs::{CWD, Mode, mkfifoat};
use serde_json::json;

use crate::support::{
    Program, eventually, folder_with_keys, jwt_generator, on_small_disk, read, refused, repository, set_mode,
};

const PRIVATE: &str = "keys/private-key.pem";
const PUBLIC: &str = "keys/public-key.pem";

pub fn vector(name: &str) -> PathBuf {
    repository().join("crates/jose/tests/vectors/keys").join(name)
}

/// All regular files below a folder, with their contents.
fn contents(folder: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let mut all = BTreeMap::new();
    for entry in fs::read_dir(folder).into_iter().flatten() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            all.extend(contents(&path));
        } else if path.is_file() {
            let bytes = fs::read(&path).unwrap();
            all.insert(path, bytes);
        }
    }
    all
}

/// Starts the server on `folder`. It must refuse to start, change no file, and name the file and its fault.
#[track_caller]
fn does_not_start(folder: &Path, says: &[&str]) {
    let keys = folder.join("keys");
    let before = contents(&keys);
    let told = refused(jwt_generator(folder).env("PORT", "0").env("SKIP_DATABASE", "true"), 1);
    for words in says {
        assert!(told.contains(words), "{words:?} is missing in: {told}");
    }
    assert!(!told.contains("PRIVATE KEY") && !told.contains("panicked"), "{told}");
    assert_eq!(contents(&keys), before, "files were changed");
}

/// Starts the server on `folder`. It must use the key of the folder, and its tokens must be valid.
#[track_caller]
fn starts_with(folder: &Path, public_pem: &str) {
    let program = Program::start(folder, &[("SKIP_DATABASE", "true")]);
    let client = program.client();
    assert_eq!(client.get("/api/public-key").text(), public_pem);
    let token = client.demo_token(&json!({}));
    assert_eq!(client.post("/api/token/validate", &json!({ "token": token })).status, 200);
}

fn original_public() -> String {
    read("tests/data/adoption/keys/public-key.pem")
}

#[test]
fn k4_a_truncated_private_key_stops_the_start_and_stays_as_it_is() {
    let whole = read("tests/data/adoption/keys/private-key.pem");
    for length in [0, 1, 100, whole.len() / 2, whole.len() - 30, whole.len() - 2] {
        let folder = folder_with_keys();
        fs::write(folder.path().join(PRIVATE), &whole[..length]).unwrap();
        does_not_start(folder.path(), &["private-key.pem", "restore it from a backup"]);
    }
}

#[test]
fn k5_a_missing_public_half_is_derived() {
    let folder = folder_with_keys();
    fs::remove_file(folder.path().join(PUBLIC)).unwrap();
    starts_with(folder.path(), &original_public());
    assert_eq!(fs::read_to_string(folder.path().join(PUBLIC)).unwrap(), original_public());
    assert_eq!(
        fs::read(folder.path().join(PRIVATE)).unwrap(),
        read("tests/data/adoption/keys/private-key.pem").into_bytes()
    );
}

#[test]
fn k6_a_missing_private_half_stops_the_start() {
    let folder = folder_with_keys();
    fs::remove_file(folder.path().join(PRIVATE)).unwrap();
    does_not_start(
        folder.path(),
        &["public-key.pem is there but", "private-key.pem is not", "from a backup"],
    );
}

#[test]
fn k7_halves_of_two_keys_stop_the_start() {
    let folder = folder_with_keys();
    fs::copy(vector("rsa_2048_public.pem"), folder.path().join(PUBLIC)).unwrap();
    does_not_start(folder.path(), &["public-key.pem is not the public half of", "private-key.pem"]);
}

#[test]
fn k8_keys_of_another_kind_or_too_weak_stop_the_start() {
    for (file, says) in [
        ("p256.pem", "this is an EC P-256 key; an RSA key is needed"),
        ("ed25519.pem", "this is an Ed25519 key; an RSA key is needed"),
        ("rsa_1024.pem", "the RSA key has 1024 bits; at least 2048 are needed"),
        ("rsa_e3.pem", "the public exponent of the RSA key is not 65537"),
        ("rsa_2048_encrypted.pem", "the private key is encrypted with a passphrase"),
        ("rsa_2048_pkcs1_encrypted.pem", "the private key is encrypted with a passphrase"),
        ("rsa_pss.pem", "this is an RSA key restricted to PSS; an RSA key is needed"),
        ("rsa_2048_public.pem", "this is a public key; a private key is needed"),
        ("certificate.pem", "the PEM block is not a key"),
    ] {
        let folder = folder_with_keys();
        fs::remove_file(folder.path().join(PUBLIC)).unwrap();
        fs::copy(vector(file), folder.path().join(PRIVATE)).unwrap();
        does_not_start(folder.path(), &["private-key.pem", says]);
    }
}

#[test]
fn k8_a_post_quantum_key_does_not_become_the_first_key() {
    let folder = folder_with_keys();
    fs::remove_file(folder.path().join(PUBLIC)).unwrap();
    fs::copy(vector("ml_dsa_65_seed.pem"), folder.path().join(PRIVATE)).unwrap();
    let mut server = jwt_generator(folder.path());
    server.envs([("PORT", "0"), ("SKIP_DATABASE", "true"), ("JWT_ALGORITHM", "RS256,ML-DSA-65")]);
    let told = refused(&mut server, 1);
    assert!(told.contains("private-key.pem: this is an ML-DSA-65 key; an RSA key is needed"), "{told}");
    assert!(!folder.path().join("keys/ring.json").exists());
}

#[test]
fn k8_two_blocks_and_der_stop_the_start() {
    let folder = folder_with_keys();
    let whole = read("tests/data/adoption/keys/private-key.pem");
    fs::write(folder.path().join(PRIVATE), format!("{whole}{whole}")).unwrap();
    does_not_start(folder.path(), &["private-key.pem", "the file holds more than one PEM block"]);
    fs::write(folder.path().join(PRIVATE), [0x30, 0x82, 0x04, 0xbd, 0x02, 0x01, 0x00, 0xff, 0xfe]).unwrap();
    does_not_start(folder.path(), &["private-key.pem", "convert it to PEM"]);
}

#[test]
fn k8_pkcs1_line_ends_and_a_byte_order_mark_do_no_harm() {
    let whole = read("tests/data/adoption/keys/private-key.pem");
    for text in [whole.replace('\n', "\r\n"), format!("\u{feff}{whole}"), format!("\n\n{whole}\n\n")] {
        let folder = folder_with_keys();
        fs::write(folder.path().join(PRIVATE), text).unwrap();
        starts_with(folder.path(), &original_public());
    }
    let folder = folder_with_keys();
    fs::remove_file(folder.path().join(PUBLIC)).unwrap();
    fs::copy(vector("rsa_2048_pkcs1.pem"), folder.path().join(PRIVATE)).unwrap();
    starts_with(folder.path(), &fs::read_to_string(vector("rsa_2048_public.pem")).unwrap());
}

/// The program as a user to whom file permissions apply. They do not apply to root.
fn as_unprivileged_user(folder: &Path) -> std::process::Command {
    as_unprivileged_user_with(folder, &[("SKIP_DATABASE", "true")])
}

/// The same, with these settings.
pub fn as_unprivileged_user_with(folder: &Path, settings: &[(&str, &str)]) -> std::process::Command {
    use std::os::unix::process::CommandExt;
    let mut command = jwt_generator(folder);
    if rustix::process::geteuid().is_root() {
        command.uid(65_534).gid(65_534);
    }
    command.env("HOST", "127.0.0.1").env("PORT", "0").envs(settings.iter().copied());
    command
}

#[test]
fn k9_a_key_that_cannot_be_kept_is_not_used() {
    let folder = tempfile::tempdir().unwrap();
    set_mode(folder.path(), 0o755);
    let keys = folder.path().join("keys");
    fs::create_dir(&keys).unwrap();
    set_mode(&keys, 0o555);
    let told = refused(&mut as_unprivileged_user(folder.path()), 1);
    assert!(told.contains("a key that is not stored would be lost at the next start"), "{told}");
    assert!(contents(&keys).is_empty());
}

#[test]
fn k10_a_folder_that_cannot_be_written_serves_the_keys_in_it() {
    let folder = folder_with_keys();
    fs::remove_file(folder.path().join(PUBLIC)).unwrap();
    set_mode(folder.path(), 0o755);
    set_mode(&folder.path().join(PRIVATE), 0o644);
    set_mode(&folder.path().join("keys"), 0o555);
    let program = Program::spawn(&mut as_unprivileged_user(folder.path())).unwrap();
    assert_eq!(program.client().get("/api/public-key").text(), original_public());
    assert!(program.log().contains("the service uses the keys of the ring all the same"));
}

#[test]
fn k11_what_is_no_folder_or_no_file_stops_the_start_at_once() {
    let folder = tempfile::tempdir().unwrap();
    let keys = folder.path().join("keys");
    fs::write(&keys, "").unwrap();
    does_not_start(folder.path(), &["is not a folder; move it away, or set KEYS_DIR to another place"]);
    fs::remove_file(&keys).unwrap();
    symlink("nowhere", &keys).unwrap();
    does_not_start(folder.path(), &["is not a folder"]);

    let folder = folder_with_keys();
    let private = folder.path().join(PRIVATE);
    fs::remove_file(&private).unwrap();
    mkfifoat(CWD, &private, Mode::from(0o600)).unwrap();
    does_not_start(folder.path(), &["private-key.pem", "it is not a regular file"]);
    fs::remove_file(&private).unwrap();
    fs::create_dir(&private).unwrap();
    does_not_start(folder.path(), &["private-key.pem", "it is not a regular file"]);
    fs::remove_dir(&private).unwrap();
    symlink("nowhere", &private).unwrap();
    does_not_start(folder.path(), &["private-key.pem", "it is a dangling link"]);
    fs::remove_file(&private).unwrap();
    fs::File::create(&private).unwrap().set_len(1 << 30).unwrap();
    let told = refused(jwt_generator(folder.path()).env("PORT", "0"), 1);
    assert!(told.contains("it is larger than 64 KiB, the limit for a key"), "{told}");
}

#[test]
fn k12_keys_are_for_their_owner_alone_whatever_the_umask() {
    let folder = tempfile::tempdir().unwrap();
    let mut shell = std::process::Command::new("sh");
    let program = jwt_generator(folder.path());
    shell
        .args(["-c", "umask 000; exec \"$0\""])
        .arg(program.get_program())
        .env_clear()
        .current_dir(folder.path());
    shell.env("HOST", "127.0.0.1").env("PORT", "0").env("BCRYPT_ROUNDS", "4");
    let program = Program::spawn(&mut shell).unwrap();
    program.client().register("alice");
    let mode = |path: &str| fs::metadata(folder.path().join(path)).unwrap().permissions().mode() & 0o777;
    assert_eq!((mode("keys"), mode(PRIVATE), mode(PUBLIC)), (0o700, 0o600, 0o644));
    assert_eq!(mode("data"), 0o700);
}

#[test]
fn k12_a_private_key_that_others_can_read_is_pointed_out() {
    let folder = folder_with_keys();
    set_mode(&folder.path().join(PRIVATE), 0o644);
    let program = Program::start(folder.path(), &[("SKIP_DATABASE", "true")]);
    assert!(program.log().contains("can be read by others (mode 0644): chmod 600 it"), "{}", program.log());
}

#[test]
fn k13_a_key_that_does_not_fit_on_the_disk_stops_the_start() {
    let folder = tempfile::tempdir().unwrap();
    let keys = folder.path().join("keys");
    fs::create_dir(&keys).unwrap();
    let mut command = on_small_disk(folder.path(), &keys, "8k");
    let told = refused(command.env("BEFORE", "head -c 100000 /dev/zero >keys/ballast").env("PORT", "0"), 1);
    assert!(told.contains("/key-") && told.contains("free some space"), "{told}");
}

#[test]
fn k14_keys_that_go_away_while_the_server_runs_are_not_missed_and_no_others_are_made() {
    let folder = tempfile::tempdir().unwrap();
    let program = Program::start(folder.path(), &[("SKIP_DATABASE", "true"), ("KEY_REFRESH", "1s")]);
    let client = program.client();
    let (token, jwks) = (client.demo_token(&json!({})), client.get("/api/jwks").body);
    fs::remove_dir_all(folder.path().join("keys")).unwrap();
    eventually("the log tells", || {
        program.log().contains("the ring of keys is gone from ./keys").then_some(())
    });
    assert_eq!(client.post("/api/token/validate", &json!({ "token": token })).status, 200);
    client.demo_token(&json!({}));
    assert_eq!(client.get("/api/jwks").body, jwks);
    assert!(!folder.path().join("keys").exists());
}

#[test]
fn a_new_key_has_the_size_that_was_asked_for() {
    for bits in [2048, 3072, 4096] {
        let folder = tempfile::tempdir().unwrap();
        let mut command = jwt_generator(folder.path());
        command.args(["keys", "generate", "--json"]).env("KEY_BITS", bits.to_string());
        let shown: serde_json::Value = serde_json::from_str(&crate::support::run(&mut command)).unwrap();
        assert_eq!(shown["bits"], bits);
    }
}

#[test]
fn the_original_reads_the_keys_that_we_make() {
    let folder = tempfile::tempdir().unwrap();
    drop(Program::start(folder.path(), &[("SKIP_DATABASE", "true")]));
    let read = "const { createPrivateKey, createPublicKey, sign, verify } = require('node:crypto');\
        const { readFileSync } = require('node:fs');\
        const key = createPrivateKey({ key: readFileSync('keys/private-key.pem', 'utf8'), format: 'pem', type: 'pkcs8' });\
        const pub = createPublicKey({ key: readFileSync('keys/public-key.pem', 'utf8'), format: 'pem', type: 'spki' });\
        const data = Buffer.from('x');\
        console.log(key.asymmetricKeyType, verify('RSA-SHA256', data, pub, sign('RSA-SHA256', data, key)))";
    let told = crate::support::run(
        std::process::Command::new("node").args(["--eval", read]).current_dir(folder.path()),
    );
    assert_eq!(told, "rsa true\n");
}

#[test]
fn a_process_that_is_stopped_while_it_holds_the_lock_delays_others_only_for_a_while() {
    let folder = folder_with_keys();
    let lock = fs::File::open(folder.path().join("keys")).unwrap();
    lock.lock().unwrap();
    let program = Program::start(folder.path(), &[("SKIP_DATABASE", "true"), ("KEY_REFRESH", "1s")]);
    // The folder is read-only, so the service cannot adopt the keys. It says so, and continues when it can write.
    assert!(program.log().contains("another process holds the lock"), "{}", program.log());
    drop(lock);
    eventually("it signs", || {
        program.client().get("/health").ok()["signing"].as_bool().filter(|signing| *signing)
    });
}
