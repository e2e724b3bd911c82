//! Runs the recipes of docs/operations.md as they are printed, against a running server.

use std::path::Path;
use std::process::{Command, Output};

use serde_json::json;

use crate::readme::blocks_of;
use crate::support::{Client, Program, eventually, folder_with_keys, jwt_generator, read, tool};

const CHEAP: (&str, &str) = ("BCRYPT_ROUNDS", "4");

/// The blocks of shell code of a chapter, also those in lists.
fn recipes(heading: &str) -> Vec<String> {
    let text: Vec<_> = read("docs/operations.md")
        .lines()
        .map(|line| line.strip_prefix("   ").unwrap_or(line).to_owned())
        .collect();
    blocks_of(&text.join("\n"), heading)
}

/// Runs commands in the folder of the server, in which `jwt-generator` is this program.
fn run_in(folder: &Path, commands: &str) -> Output {
    let program = jwt_generator(folder).get_program().to_owned();
    let links = tempfile::tempdir().unwrap();
    std::os::unix::fs::symlink(program, links.path().join("jwt-generator")).unwrap();
    let tools = tool("bin/jq").parent().unwrap().to_owned();
    let rest = std::env::var("PATH").unwrap();
    let path = format!("{}:{}:{rest}", links.path().display(), tools.display());
    let mut shell = Command::new("bash");
    shell.args(["-xeuo", "pipefail", "-c", commands]).env_clear().env("PATH", path).env(CHEAP.0, CHEAP.1);
    shell.current_dir(folder).output().unwrap()
}

#[track_caller]
fn succeeds(output: &Output) -> String {
    let [told, errors] =
        [&output.stdout, &output.stderr].map(|bytes| String::from_utf8_lossy(bytes).into_owned());
    assert!(output.status.success(), "{told}\n{errors}");
    told
}

fn kid(client: &Client) -> String {
    client.get("/api/key-info").ok()["data"]["kid"].as_str().unwrap().to_owned()
}

#[test]
fn a_leaked_key_is_revoked_as_printed() {
    let [revoke, look] = &recipes("## A key has leaked")[..] else { panic!("two blocks") };
    let folder = folder_with_keys();
    let program = Program::start(folder.path(), &[("KEY_REFRESH", "1s"), CHEAP]);
    let client = program.client();
    let leaked = kid(&client);
    let revoke = revoke.replace("KID ", &format!("{leaked} --yes "));
    let told = succeeds(&run_in(folder.path(), &revoke));
    assert!(told.contains(&format!("{leaked} is revoked")), "{told}");
    eventually("another key signs", || (kid(&client) != leaked).then_some(()));
    let look = look.replace("https://tokens.example.com", client.base()).replace("KID", &leaked);
    let looked = run_in(folder.path(), &look);
    assert_eq!(String::from_utf8_lossy(&looked.stdout), "0\n", "as the comment says");
}

#[test]
fn the_addresses_of_guesses_are_found_and_accounts_are_helped_as_printed() {
    let [find, password] = &recipes("## Passwords are being guessed")[..] else { panic!("two blocks") };
    let folder = folder_with_keys();
    let program =
        Program::start(folder.path(), &[CHEAP, ("TRUSTED_PROXIES", "127.0.0.1"), ("RATE_LIMITS", "off")]);
    let client = program.client();
    client.register("ada");
    let guess = json!({ "username": "ada", "password": "wrong-one" }).to_string();
    for address in ["203.0.113.7", "203.0.113.9", "203.0.113.7"] {
        let headers = [("content-type", "application/json"), ("x-forwarded-for", address)];
        assert_eq!(client.send(http::Method::POST, "/api/auth/login", &headers, guess.clone()).status, 401);
    }
    eventually("the log has the guesses", || {
        (program.log().matches("invalid_credentials").count() == 3).then_some(())
    });
    std::fs::write(folder.path().join("LOG"), program.log()).unwrap();
    let found = succeeds(&run_in(folder.path(), find));
    let found: Vec<_> = found.lines().map(str::trim).collect();
    assert_eq!(found, ["2 203.0.113.7", "1 203.0.113.9"]);
    // At a terminal, the command asks for the password.
    let password = password.trim().replace("NAME", "ada --password-stdin <<<another-secret");
    succeeds(&run_in(folder.path(), &password));
    succeeds(&run_in(folder.path(), "jwt-generator users unlock ada"));
    let answer = client.post("/api/auth/login", &json!({ "username": "ada", "password": "another-secret" }));
    assert_eq!(answer.status, 200, "{}", answer.text());
}

#[test]
fn a_lost_database_is_restored_as_printed_while_the_server_runs() {
    let [restore, look, compare] = &recipes("## The database is lost")[..] else { panic!("three blocks") };
    let folder = folder_with_keys();
    let program = Program::start(folder.path(), &[CHEAP]);
    let client = program.client();
    client.register("ada");
    succeeds(&run_in(folder.path(), "jwt-generator backup --to backup/today"));
    std::fs::remove_dir_all(folder.path().join("data")).unwrap();
    let log_in =
        || client.post("/api/auth/login", &json!({ "username": "ada", "password": "secret-ada" })).status;
    eventually("the server has noticed it", || (log_in() == 503).then_some(()));
    succeeds(&run_in(folder.path(), restore));
    eventually("ada logs in again", || (log_in() == 200).then_some(()));
    let listed = succeeds(&run_in(folder.path(), look));
    assert!(listed.contains("default-key-id") && listed.contains("ada@example.com"), "{listed}");
    let compare = compare.replace("https://tokens.example.com", client.base());
    assert!(succeeds(&run_in(folder.path(), &compare)).contains("default-key-id"));
    assert!(program.log().contains("the database was opened anew"), "{}", program.log());
}

#[test]
fn every_line_of_limits_that_is_printed_is_valid() {
    let text = read("docs/operations.md");
    let printed = text.split('`').skip(1).step_by(2).filter_map(|code| code.strip_prefix("RATE_LIMITS='"));
    let in_blocks = text.lines().filter_map(|line| line.strip_prefix("RATE_LIMITS='"));
    let lines: Vec<_> = printed.chain(in_blocks).map(|rest| rest.split('\'').next().unwrap()).collect();
    assert!(lines.len() >= 2, "{lines:?}");
    let folder = tempfile::tempdir().unwrap();
    for line in lines {
        succeeds(&run_in(folder.path(), &format!("RATE_LIMITS='{line}' jwt-generator config check")));
    }
}
