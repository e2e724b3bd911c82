//! `RATE_LIMITS`, and what the log says of limits at the start.

use std::path::Path;

use crate::support::{Program, folder_with_keys, jwt_generator, read, refused, run};
use jwt_generator::limits::DEFAULTS;

fn check(limits: &str) -> std::process::Command {
    let mut command = jwt_generator(Path::new("/"));
    command.args(["config", "check"]).env("RATE_LIMITS", limits).env("KEYS_DIR", "/nowhere");
    command
}

#[test]
fn faults_of_rate_limits_are_reported_with_what_is_allowed() {
    for (limits, told) in [
        (
            "10/m",
            r#"must be off, or limits such as "login=10/m per account, 30/m per address; generate=off"; "10/m" is neither"#,
        ),
        (
            "jwks=1/s per address",
            r#""jwks" is no group (the key set, the documents and the probes are never limited)"#,
        ),
        (
            "login=10/m",
            r#"must say for whom each limit is: per address, per account, per client or global; "10/m" does not"#,
        ),
        (
            "login=10/m per address, generate=5/s per address",
            r#"must begin a new group with ";": "generate=5/s per address" stands behind a comma"#,
        ),
        ("login=0/m per address", r#"must be limits; "0/m" is no limit: a limit is such as 10/m"#),
        ("profile=1/s per account", "must have limits per account only for login and register"),
        ("login=off; login=1/m global", r#"must have each limit once; "1/m global" is there twice"#),
    ] {
        let error = refused(&mut check(limits), 2);
        assert!(error.contains(&format!("RATE_LIMITS={limits:?} (from the environment): ")), "{error}");
        assert!(error.contains(told), "{error}");
    }
    for limits in ["", "off", "login=10/m per account, 30/m per address; generate=50/s per address; off"] {
        run(&mut check(limits));
    }
}

#[test]
fn the_log_says_at_the_start_whose_limits_do_not_hold_and_what_to_do() {
    let log = |settings: &[(&str, &str)]| {
        let folder = folder_with_keys();
        let settings = [&[("SKIP_DATABASE", "true"), ("LOG_FORMAT", "json")], settings].concat();
        let (_, log) = Program::start(folder.path(), &settings).stop();
        let line =
            log.lines().find(|line| line.contains("rate limits by address do not hold")).map(str::to_owned);
        line.map(|line| {
            assert!(line.contains("TRUSTED_PROXIES"), "{line}");
            line.contains("\"WARN\"")
        })
    };
    assert_eq!(log(&[]), Some(false));
    assert_eq!(log(&[("NODE_ENV", "production")]), Some(true));
    assert_eq!(log(&[("NODE_ENV", "production"), ("TRUSTED_PROXIES", "10.0.0.0/8")]), None);
    assert_eq!(log(&[("NODE_ENV", "production"), ("RATE_LIMITS", "off")]), None);
}

#[test]
fn the_documentation_lists_the_defaults() {
    let expected: Vec<_> = DEFAULTS
        .iter()
        .map(|(group, scope, quota)| format!("| `{}` | {} | `{quota}` |", group.name(), scope.name()))
        .collect();
    let text = read("docs/operations.md");
    let section = text.split("\n### The usual limits\n").nth(1).unwrap().split("\n### ").next().unwrap();
    let rows: Vec<_> = section.lines().filter(|line| line.starts_with("| `")).collect();
    assert_eq!(rows, expected);
}
