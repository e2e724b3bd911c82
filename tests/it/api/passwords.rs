//! The rules for new passwords: their length, and the list of the most common ones.

use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};

use jwt_generator::domain::{Password, PasswordError, PasswordPolicy};
use serde_json::json;

use crate::support::{Answer, Client, Service, jwt_generator, repository, run};

const COMMON: &str = "Password must not be one of the most common passwords";
const STRICT: PasswordPolicy = PasswordPolicy { min_length: 6, allows_common: false };

#[track_caller]
fn register(client: &Client, name: &str, password: &str) -> Answer {
    let email = format!("{name}@example.com");
    client.post("/api/auth/register", &json!({ "username": name, "email": email, "password": password }))
}

#[test]
fn in_production_a_common_password_is_refused_in_any_case_and_another_one_is_not() {
    let service = Service::with(&[("NODE_ENV", "production")]);
    let client = service.anonymous();
    for common in ["secret123", "123456", "Password123", "QWERTYUIOP"] {
        register(&client, "ada", common).is_refused(400, "invalid_field", COMMON);
    }
    assert_eq!(register(&client, "ada", "correct horse").status, 201);
}

#[test]
fn a_common_password_is_refused_among_blanks_and_invisible_characters_and_in_other_forms_of_its_letters() {
    let service = Service::with(&[("NODE_ENV", "production")]);
    let client = service.anonymous();
    for common in [
        " 123456 ",
        "pass word",
        "pass\u{200b}word",
        "\u{ff11}\u{ff12}\u{ff13}\u{ff14}\u{ff15}\u{ff16}",
        "\u{3000}qwertyuiop",
    ] {
        register(&client, "ada", common).is_refused(400, "invalid_field", COMMON);
    }
    let short = register(&client, "ada", "x\u{200b}\u{200b}\u{200b}\u{200b}\u{200b}\u{200b}\u{200b}\u{200b}");
    short.is_refused(400, "invalid_field", "Password must be at least 6 characters long");
}

#[test]
fn a_password_is_stored_as_it_was_typed() {
    let service = Service::start();
    let client = service.anonymous();
    let typed = " \u{ff41}\u{200b}b correct ";
    assert_eq!(register(&client, "ada", typed).status, 201);
    let log_in = |password: &str| {
        client.post("/api/auth/login", &json!({ "username": "ada", "password": password })).status
    };
    assert_eq!([typed, typed.trim(), " ab correct "].map(log_in), [200, 401, 401]);
}

#[test]
fn a_common_password_is_accepted_if_the_operator_allows_it_and_in_development_by_default() {
    for settings in [&[("NODE_ENV", "production"), ("PASSWORD_COMMON", "allow")][..], &[("NODE_ENV", "test")]]
    {
        assert_eq!(register(&Service::with(settings).anonymous(), "ada", "secret123").status, 201);
    }
    let service = Service::with(&[("PASSWORD_COMMON", "refuse")]);
    register(&service.anonymous(), "ada", "secret123").is_refused(400, "invalid_field", COMMON);
}

#[test]
fn the_shortest_password_is_the_operators_choice_and_the_refusal_says_it() {
    let service = Service::with(&[("PASSWORD_MIN_LENGTH", "10")]);
    let refused = register(&service.anonymous(), "ada", "123456789");
    refused.is_refused(400, "invalid_field", "Password must be at least 10 characters long");
    assert_eq!(register(&service.anonymous(), "ada", "corn horse").status, 201);
}

#[test]
fn users_keep_the_passwords_that_they_have() {
    let folder = tempfile::tempdir().unwrap();
    let data = ("DATA_DIR", folder.path().to_str().unwrap());
    let service = Service::with(&[data]);
    assert_eq!(register(&service.anonymous(), "ada", "123456").status, 201);
    drop(service);
    let service = Service::with(&[data, ("PASSWORD_COMMON", "refuse"), ("PASSWORD_MIN_LENGTH", "64")]);
    let request = json!({ "username": "ada", "password": "123456" });
    assert_eq!(service.anonymous().post("/api/auth/login", &request).status, 200);
}

/// The exit code and what a command wrote to standard error.
fn users(folder: &Path, arguments: &[&str], password: &str) -> (Option<i32>, String) {
    let mut command = jwt_generator(folder);
    command.args(["users"]).args(arguments).arg("--password-stdin");
    command.envs([("NODE_ENV", "production"), ("PASSWORD_MIN_LENGTH", "8"), ("BCRYPT_ROUNDS", "4")]);
    command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    writeln!(child.stdin.take().unwrap(), "{password}").unwrap();
    let output = child.wait_with_output().unwrap();
    (output.status.code(), String::from_utf8(output.stderr).unwrap())
}

#[test]
fn the_command_line_refuses_what_the_api_refuses() {
    let folder = tempfile::tempdir().unwrap();
    let (create, change) = (["create", "ada", "ada@example.com"], ["password", "ada"]);
    let (common, short) =
        (format!("error: {COMMON}\n"), "error: Password must be at least 8 characters long\n".to_owned());
    assert_eq!(users(folder.path(), &create, "password123"), (Some(2), common.clone()));
    assert_eq!(users(folder.path(), &create, "7-chars"), (Some(2), short.clone()));
    assert_eq!(users(folder.path(), &create, "correct horse").0, Some(0));
    assert_eq!(users(folder.path(), &change, "password123"), (Some(2), common));
    assert_eq!(users(folder.path(), &change, "7-chars"), (Some(2), short));
    assert_eq!(users(folder.path(), &change, "battery staple").0, Some(0));
}

/// Runs `tests/tools/common_passwords.py` on the packages that `tests/tools/install` installs.
fn generator(argument: &str) -> String {
    run(Command::new("python3").arg(repository().join("tests/tools/common_passwords.py")).arg(argument))
}

#[test]
fn the_filter_is_what_its_generator_makes() {
    let folder = tempfile::tempdir().unwrap();
    let made = folder.path().join("common_passwords.bin");
    generator(made.to_str().unwrap());
    let kept = repository().join("src/domain/common_passwords.bin");
    let equal = std::fs::read(made).unwrap() == std::fs::read(kept).unwrap();
    assert!(equal, "run tests/tools/common_passwords.py src/domain/common_passwords.bin");
}

#[test]
fn every_password_of_the_lists_is_refused() {
    let list = generator("--list");
    for password in list.lines() {
        assert_eq!(Password::parse(password, STRICT).err(), Some(PasswordError::Common), "{password}");
    }
    assert!(list.lines().count() > 80_000, "these are those of 100,000 that have 6 characters or more");
}
