//! `users claims`: an operator gives a user claims that apps get.

use std::io::Write;
use std::path::Path;
use std::process::Stdio;

use serde_json::{Value, json};

use crate::support::jwt_generator;

/// The exit code, standard output and standard error of `users claims`.
fn claims(folder: &Path, arguments: &[&str], input: &str) -> (Option<i32>, String, String) {
    let mut command = jwt_generator(folder);
    command.args(["users", "claims"]).args(arguments);
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    let [told, errors] = [output.stdout, output.stderr].map(|bytes| String::from_utf8(bytes).unwrap());
    (output.status.code(), told, errors)
}

fn with_ada() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let mut command = jwt_generator(folder.path());
    command.args(["users", "create", "ada", "ada@example.com", "--password-stdin"]);
    let mut child =
        command.env("BCRYPT_ROUNDS", "4").stdin(Stdio::piped()).stdout(Stdio::null()).spawn().unwrap();
    writeln!(child.stdin.take().unwrap(), "correct horse").unwrap();
    assert!(child.wait().unwrap().success());
    folder
}

#[test]
fn claims_are_shown_set_and_removed() {
    let folder = with_ada();
    let told = |arguments: &[&str], input: &str| {
        let (code, told, errors) = claims(folder.path(), arguments, input);
        assert_eq!((code, errors.as_str()), (Some(0), ""));
        told
    };
    assert_eq!(told(&["ada"], ""), "ada has no claims\n");
    let set = r#"{"family_name":"King","given_name":"Ada","address":{"country":"GB"}}"#;
    let shown = "given_name: Ada\nfamily_name: King\naddress: {\"country\":\"GB\"}\n";
    assert_eq!(told(&["ADA@example.com", "--set", set], ""), shown);
    assert_eq!(
        told(&["ada", "--set", "-"], r#"{"family_name":"Lovelace","address":null}"#),
        "given_name: Ada\nfamily_name: Lovelace\n"
    );
    let json: Value = serde_json::from_str(&told(&["ada", "--json"], "")).unwrap();
    assert_eq!(
        (&json["username"], &json["claims"]),
        (&json!("ada"), &json!({ "family_name": "Lovelace", "given_name": "Ada" }))
    );
    assert_eq!(told(&["ada", "--clear", "--set", r#"{"locale":"en"}"#], ""), "locale: en\n");
    assert_eq!(told(&["ada", "--clear"], ""), "ada has no claims\n");
}

#[test]
fn a_change_that_is_not_allowed_changes_nothing() {
    let folder = with_ada();
    for (set, fault) in [
        (
            r#"{"email":"x@example.com"}"#,
            "error: email is not a claim that you can give a user; these are: name, ",
        ),
        (r#"{"name":"Ada","birthdate":"soon"}"#, "error: birthdate must be a date such as 1985-12-10"),
        ("ada", "error: the claims must be a JSON object, such as {\"given_name\": \"Ada\"}: "),
    ] {
        let (code, told, errors) = claims(folder.path(), &["ada", "--set", set], "");
        assert_eq!((code, told.as_str()), (Some(2), ""));
        assert!(errors.starts_with(fault), "{errors}");
    }
    assert_eq!(claims(folder.path(), &["ada"], "").1, "ada has no claims\n");
    let (code, _, errors) = claims(folder.path(), &["bob"], "");
    assert_eq!((code, errors.as_str()), (Some(1), "error: there is no user bob\n"));
}
