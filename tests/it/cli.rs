//! The command line: each command, for people and for scripts, and its exit codes.

use std::io::Write;
use std::path::Path;
use std::process::{Command, Output, Stdio};

use serde_json::{Value, json};

use crate::support::{Program, folder_with_keys, jwt_generator, read, refused, run};

fn command(folder: &Path, arguments: &[&str]) -> Command {
    let mut command = jwt_generator(folder);
    command.args(arguments).env("BCRYPT_ROUNDS", "4").env("LOG_LEVEL", "warn");
    command
}

fn text(folder: &Path, arguments: &[&str]) -> String {
    run(&mut command(folder, arguments))
}

fn json_of(folder: &Path, arguments: &[&str]) -> Value {
    serde_json::from_str(&run(command(folder, arguments).arg("--json"))).unwrap()
}

/// Runs a command that reads `input`.
fn with_input(folder: &Path, arguments: &[&str], input: &str) -> Output {
    let mut child = command(folder, arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    // A command that refuses may not read at all.
    let _ = child.stdin.take().unwrap().write_all(input.as_bytes());
    child.wait_with_output().unwrap()
}

#[test]
fn help_and_version_are_there_for_every_command() {
    let folder = tempfile::tempdir().unwrap();
    assert!(text(folder.path(), &["--version"]).starts_with("jwt-generator "));
    let help = text(folder.path(), &["--help"]);
    for command in [
        "serve",
        "token",
        "keys",
        "users",
        "clients",
        "config",
        "openapi",
        "healthcheck",
        "doctor",
        "completions",
        "man",
    ] {
        assert!(help.contains(&format!("\n  {command} ")), "{help}");
        assert!(text(folder.path(), &[command, "--help"]).contains("Usage: jwt-generator "));
    }
    assert!(help.contains("Exit codes: 0 success; 1 the command failed or the answer is no;"));
    refused(&mut command(folder.path(), &["nonsense"]), 2);
}

/// Seen before: `token inspect` and `token verify` printed U+009B (CSI), U+009D (OSC) and the characters that reverse text
/// exactly as the token contained them.
#[test]
fn what_a_token_says_cannot_steer_the_terminal_and_json_keeps_its_meaning() {
    let folder = folder_with_keys();
    let hostile = "\u{9b}2J\u{9d}0;title\u{7}\u{7f}\u{202e}live\u{2066}\u{200f}";
    let claims = json!({ "note": hostile }).to_string();
    let minted = json_of(folder.path(), &["token", "mint", "--claims", &claims]);
    let token = minted["access_token"].as_str().unwrap();
    for command in ["inspect", "verify"] {
        for form in [&["token", command, token][..], &["token", command, token, "--json"]] {
            let said = text(folder.path(), form);
            assert!(
                said.contains("\\u009b2J\\u009d0;title\\u0007\\u007f\\u202elive\\u2066\\u200f"),
                "{said:?}"
            );
            assert!(
                !said.contains(|c: char| c != '\n' && hostile.contains(c) && !c.is_ascii_graphic()),
                "{said:?}"
            );
        }
        assert_eq!(json_of(folder.path(), &["token", command, token])["claims"]["note"], hostile);
    }
    std::fs::write(folder.path().join("password"), "secret-ada").unwrap();
    text(folder.path(), &["users", "create", "ada", "ada@example.com", "--password-file", "password"]);
    let refused = refused(&mut self::command(folder.path(), &["users", "show", "nobody\u{202e}\u{9b}2J"]), 1);
    assert!(refused.contains("nobody\\u202e\\u009b2J"), "{refused:?}");
}

#[test]
fn a_minted_token_is_inspected_and_verified_offline() {
    let folder = folder_with_keys();
    let minted = json_of(
        folder.path(),
        &[
            "token",
            "mint",
            "--subject",
            "job",
            "--audience",
            "a",
            "--audience",
            "b",
            "--expires-in",
            "7 days",
            "--claims",
            r#"{"x":1}"#,
        ],
    );
    let token = minted["access_token"].as_str().unwrap();
    assert_eq!(
        (minted["token_type"].as_str(), minted["expires_in"].as_u64()),
        (Some("Bearer"), Some(604_800))
    );
    let inspected = json_of(folder.path(), &["token", "inspect", token]);
    assert_eq!(inspected["claims"]["aud"], json!(["a", "b"]));
    assert_eq!((&inspected["claims"]["x"], &inspected["verified"]), (&json!(1), &json!(false)));
    assert!(inspected["claims"].get("demo").is_none(), "the operator's own tokens are no demo tokens");
    let verified = json_of(folder.path(), &["token", "verify", token, "--audience", "b"]);
    assert_eq!((&verified["valid"], &verified["claims"]["sub"]), (&json!(true), &json!("job")));
    let told = refused(&mut command(folder.path(), &["token", "verify", token]), 1);
    assert_eq!(told, "error: the token is not meant for this audience (wrong_audience)\n");
}

/// RFC 9068: an access token says that it is one, and then its issuer is that of OAuth.
#[test]
fn access_tokens_of_oauth_are_verified_too() {
    let folder = folder_with_keys();
    let file = folder.path().join("clients.json");
    let client = json!({
        "client_id": "orders", "client_secret_sha256": crate::clients::SECRET_HASH, "grant_types": ["client_credentials"],
        "resources": ["https://stock.example.com"],
    });
    std::fs::write(&file, json!([client]).to_string()).unwrap();
    let issuer = "http://localhost:3000";
    let settings =
        [("CLIENTS_FILE", file.to_str().unwrap()), ("ISSUER_URL", issuer), ("SKIP_DATABASE", "true")];
    let program = Program::start(folder.path(), &settings);
    let orders = program.client().with_secret("orders", crate::clients::SECRET);
    let form = [("content-type", "application/x-www-form-urlencoded")];
    let answer = orders.send(http::Method::POST, "/oauth/token", &form, "grant_type=client_credentials");
    let answer = answer.ok();
    let token = answer["access_token"].as_str().unwrap();
    let verify = ["token", "verify", "--audience", "https://stock.example.com", token];
    assert_eq!(json_of(folder.path(), &verify)["claims"]["client_id"], "orders");
    let named = [&verify[..], &["--issuer", issuer]].concat();
    assert_eq!(json_of(folder.path(), &named)["valid"], true);
    let said = refused(&mut command(folder.path(), &["token", "verify", token]), 1);
    assert!(said.contains("(wrong_audience)"), "{said}");
    let other = [&verify[..], &["--issuer", "http://127.0.0.1:3000"]].concat();
    let said = refused(&mut command(folder.path(), &other), 1);
    assert!(said.contains("(wrong_issuer)"), "{said}");
}

#[test]
fn tokens_come_from_standard_input_too() {
    let folder = folder_with_keys();
    let token = text(folder.path(), &["token", "mint"]);
    for input in [token.clone(), format!("Bearer {token}"), format!("  {token}\n\n")] {
        let Output { status, stdout, .. } = with_input(folder.path(), &["token", "verify"], &input);
        assert!(status.success() && String::from_utf8(stdout).unwrap().starts_with("The token is valid.\n"));
    }
    let shown = with_input(folder.path(), &["token", "inspect"], &token);
    let shown = String::from_utf8(shown.stdout).unwrap();
    assert!(shown.contains("This token was not checked. `token verify` checks it."), "{shown}");
    assert!(shown.contains("\nexpires 20") && shown.contains("\"kid\": \"default-key-id\""), "{shown}");
    assert_eq!(with_input(folder.path(), &["token", "verify"], "").status.code(), Some(2));
    assert_eq!(with_input(folder.path(), &["token", "inspect"], "no token").status.code(), Some(1));
}

#[test]
fn tokens_are_verified_against_a_key_set_in_a_file_or_at_an_address() {
    let folder = folder_with_keys();
    let program = Program::start(folder.path(), &[("SKIP_DATABASE", "true")]);
    let client = program.client();
    let token = client.demo_token(&json!({}));
    let elsewhere = tempfile::tempdir().unwrap();
    let url = format!("{}/api/jwks", client.base());
    assert_eq!(json_of(elsewhere.path(), &["token", "verify", &token, "--jwks", &url])["valid"], true);
    std::fs::write(elsewhere.path().join("set.json"), client.get("/api/jwks").body).unwrap();
    assert_eq!(json_of(elsewhere.path(), &["token", "verify", &token, "--jwks", "set.json"])["valid"], true);
    std::fs::write(elsewhere.path().join("empty.json"), r#"{"keys":[]}"#).unwrap();
    let told =
        refused(&mut command(elsewhere.path(), &["token", "verify", &token, "--jwks", "empty.json"]), 1);
    assert!(told.contains("(unknown_key)"), "{told}");
    refused(&mut command(elsewhere.path(), &["token", "verify", &token, "--jwks", "nowhere.json"]), 2);
    refused(
        &mut command(elsewhere.path(), &["token", "verify", &token, "--jwks", "http://127.0.0.1:1/jwks"]),
        1,
    );
}

#[test]
fn a_command_that_reads_never_makes_a_key() {
    let folder = tempfile::tempdir().unwrap();
    for arguments in [&["token", "mint"][..], &["token", "verify", "a.b.c"], &["keys", "show"]] {
        let told = refused(&mut command(folder.path(), arguments), 1);
        assert!(told.contains("there is no key in ./keys: `keys generate` makes one"), "{told}");
    }
    assert!(!folder.path().join("keys").exists());
}

#[test]
fn keys_are_made_once_and_shown() {
    let folder = tempfile::tempdir().unwrap();
    let made = json_of(folder.path(), &["keys", "generate"]);
    assert_eq!(
        (made["kid"].as_str(), made["alg"].as_str(), made["bits"].as_u64()),
        (Some("default-key-id"), Some("RS256"), Some(2048))
    );
    assert_eq!(json_of(folder.path(), &["keys", "show"]), made);
    let shown = text(folder.path(), &["keys", "show"]);
    assert!(
        shown.contains("RS256 (2048 bits)")
            && shown.contains("-----BEGIN PUBLIC KEY-----")
            && !shown.contains("PRIVATE"),
        "{shown}"
    );
    let told = refused(&mut command(folder.path(), &["keys", "generate"]), 1);
    assert!(told.contains("there is a key in ./keys already; it was left as it is"), "{told}");
}

#[test]
fn users_are_managed_beside_a_running_server() {
    let folder = folder_with_keys();
    let program = Program::start(folder.path(), &[("BCRYPT_ROUNDS", "4")]);
    let client = program.client();
    let log_in = |password: &str| {
        client.post("/api/auth/login", &json!({ "username": "ada", "password": password })).status
    };
    let users = |arguments: &[&str], input: &str| {
        let output = with_input(folder.path(), &[&["--json", "users"], arguments].concat(), input);
        (
            output.status.code(),
            String::from_utf8(output.stdout).unwrap(),
            String::from_utf8(output.stderr).unwrap(),
        )
    };
    let profile = |token: &Value| client.bearing(token.as_str().unwrap()).get("/api/auth/profile").status;
    let session = |password: &str| {
        let login = json!({ "username": "ada", "password": password });
        client.post("/api/auth/login", &login).ok()["data"]["token"]["access_token"].clone()
    };
    let (code, made, _) = users(&["create", "ada", "Ada@Example.com", "--password-stdin"], "first-secret\n");
    assert_eq!(code, Some(0));
    let made: Value = serde_json::from_str(&made).unwrap();
    assert_eq!((made["username"].as_str(), made["email"].as_str()), (Some("ada"), Some("ada@example.com")));
    assert_eq!(log_in("first-secret"), 200);
    let (code, _, told) =
        users(&["create", "ada", "other@example.com", "--password-stdin"], "second-secret\n");
    assert_eq!(code, Some(1));
    assert!(told.contains("a user with this username or email already exists"), "{told}");
    assert_eq!(users(&["create", "x", "x@example.com", "--password-stdin"], "long-enough").0, Some(2));
    client.register("grace");
    let (_, listed, _) = users(&["list"], "");
    let mut names: Vec<_> =
        listed.lines().map(|line| serde_json::from_str::<Value>(line).unwrap()["username"].clone()).collect();
    names.sort_by_key(Value::to_string);
    assert_eq!(names, ["ada", "grace"]);
    std::fs::write(folder.path().join("secret"), "third-secret\n").unwrap();
    let first = session("first-secret");
    assert_eq!(users(&["password", "ada@example.com", "--password-file", "secret"], "").0, Some(0));
    let third = session("third-secret");
    assert_eq!((profile(&first), profile(&third)), (401, 200), "another password ends the sessions");
    let (code, shown, _) = users(&["log-out", "Ada"], "");
    assert_eq!((code, shown.lines().count()), (Some(0), 1));
    assert_eq!((profile(&third), profile(&session("third-secret"))), (401, 200));
    assert_eq!((log_in("first-secret"), log_in("third-secret")), (401, 200));
    assert_eq!(users(&["show", "ada"], "").1.lines().count(), 1);
    assert_eq!(users(&["delete", "ada", "--yes"], "").0, Some(0));
    assert_eq!(log_in("third-secret"), 401);
    for gone in [["show", "ada"], ["delete", "ada"], ["log-out", "ada"], ["password", "ada"]] {
        assert_eq!(users(&gone, "").0, Some(1));
    }
}

/// Seen: an empty standard input was used as an empty password: "Password must be at least 6 characters long".
#[test]
fn a_password_that_is_missing_is_told_apart_from_one_that_is_too_short() {
    let folder = tempfile::tempdir().unwrap();
    let create = |options: &[&str], input: &str| {
        let arguments = [&["users", "create", "ada", "ada@example.com"], options].concat();
        let output = with_input(folder.path(), &arguments, input);
        assert_eq!(output.status.code(), Some(2), "{output:?}");
        String::from_utf8(output.stderr).unwrap()
    };
    assert_eq!(
        create(&[], "secret-ada\n"),
        "error: there is no password: standard input is not a terminal, so this command cannot ask for it. Use \
         --password-stdin or --password-file FILE\n"
    );
    assert_eq!(
        create(&["--password-stdin"], ""),
        "error: standard input is empty; its first line must be the password\n"
    );
    assert_eq!(
        create(&["--password-stdin"], "\nsecret-ada\n"),
        "error: the first line of standard input is empty; it must be the password\n"
    );
    std::fs::write(folder.path().join("empty"), "").unwrap();
    assert_eq!(
        create(&["--password-file", "empty"], ""),
        "error: the file empty is empty; its first line must be the password\n"
    );
    assert_eq!(
        create(&["--password-stdin"], "short"),
        "error: Password must be at least 6 characters long\n"
    );
}

/// Seen: "key must be a string at line 1 column 2", "cannot fetch localhost:3000/health: bad scheme".
#[test]
fn a_wrong_value_is_refused_with_its_option_and_what_is_allowed() {
    let folder = folder_with_keys();
    let told = |arguments: &[&str]| {
        let told = refused(&mut command(folder.path(), arguments), 2);
        told.lines().next().unwrap().to_owned()
    };
    let allowed = "Give a JSON object of at most 4096 bytes without iss, sub, aud, exp, nbf, iat, jti, demo, client_id, \
                   username, email, email_verified, auth_time, such as '{\"role\": \"editor\"}'";
    assert_eq!(
        told(&["token", "mint", "--claims", "{bad}"]),
        format!(
            "error: invalid value '{{bad}}' for '--claims <JSON>': it is not JSON: key must be a string at line 1 column 2. \
             {allowed}"
        )
    );
    assert_eq!(
        told(&["token", "mint", "--claims", r#"{"exp":1}"#]),
        format!(
            "error: invalid value '{{\"exp\":1}}' for '--claims <JSON>': claims must not contain 'exp': the service sets it. \
             {allowed}"
        )
    );
    assert_eq!(
        told(&["token", "mint", "--expires-in", "soon"]),
        "error: invalid value 'soon' for '--expires-in <EXPIRES_IN>': must be a length of time above zero, such as 3600 \
         (seconds), 90s, 15m, 1h, 7 days or 2w"
    );
    assert_eq!(
        told(&["healthcheck", "--url", "localhost:3000"]),
        "error: invalid value 'localhost:3000' for '--url <URL>': \"localhost:3000\" begins with neither http:// nor https://: \
         give an address such as https://tokens.example.com"
    );
    assert_eq!(
        told(&["token", "verify", "a.b.c", "--jwks", "localhost:3000/api/jwks"]),
        "error: --jwks: cannot read the file localhost:3000/api/jwks: No such file or directory (os error 2); an address \
         begins with http:// or https://"
    );
}

#[test]
fn settings_are_shown_with_their_sources_and_without_secrets() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join(".env"), "JWT_ISSUER=https://id.example.com\n").unwrap();
    std::fs::write(folder.path().join("uri"), "mongodb://app:hidden-password@db/app\n").unwrap();
    let shown = run(command(folder.path(), &["config", "show", "--json"])
        .env("MONGODB_URI_FILE", "uri")
        .env("PORT", "4000"));
    assert!(!shown.contains("hidden-password"));
    let shown: Value = serde_json::from_str(&shown).unwrap();
    let of = |name: &str| (shown[name]["value"].as_str().unwrap(), shown[name]["source"].as_str().unwrap());
    assert_eq!(of("JWT_ISSUER"), ("https://id.example.com", "from .env"));
    assert_eq!(of("PORT"), ("4000", "from the environment"));
    assert_eq!(of("MONGODB_URI"), ("(hidden)", "from the file uri"));
    assert_eq!(of("JWT_AUDIENCE"), ("jwt-generator-api", "default"));
}

#[test]
fn all_faults_of_the_settings_are_told_at_once_and_typos_are_pointed_out() {
    let folder = tempfile::tempdir().unwrap();
    assert_eq!(text(folder.path(), &["config", "check"]), "the settings are valid\n");
    let told = refused(command(folder.path(), &["config", "check"]).env("PORT", "x").env("KEY_BITS", "7"), 2);
    assert!(told.contains("PORT=\"x\"") && told.contains("KEY_BITS=\"7\""), "{told}");
    let told = run(command(folder.path(), &["config", "check"]).env("JWT_ISUER", "x"));
    assert!(told.contains("warning: JWT_ISUER is not a setting; did you mean JWT_ISSUER?"), "{told}");
    let told =
        refused(command(folder.path(), &["config", "check"]).env("PORT", "x").env("JWT_ISUER", "x"), 2);
    assert!(told.contains("PORT=") && told.contains("did you mean JWT_ISSUER?"), "{told}");
    let told = refused(
        command(folder.path(), &["config", "check"]).env("MONGODB_URI", "mongodb://u:p@ss@host/db"),
        2,
    );
    assert!(told.contains("MONGODB_URI cannot be used") && !told.contains("p@ss"), "{told}");
    let told = refused(command(folder.path(), &["--json", "config", "check"]).env("PORT", "x"), 2);
    assert_eq!(serde_json::from_str::<Value>(&told).unwrap()["success"], false);
}

/// Seen: `hm=` was accepted, and the log stayed empty.
#[test]
fn a_log_level_that_is_no_filter_is_a_fault() {
    let folder = tempfile::tempdir().unwrap();
    let check = |level: &str| {
        let mut check = command(folder.path(), &["config", "check"]);
        check.env("LOG_LEVEL", level);
        check
    };
    for level in ["hm=", "hm=debug", "=debug", "a=,b=info", "info,", "loud"] {
        let told = refused(&mut check(level), 2);
        let fault = format!(
            "LOG_LEVEL={level:?} (from the environment): must be off, error, warn, info, debug or trace, or one of them and the \
             levels of modules, such as info,jwt_generator=debug"
        );
        assert!(told.contains(&fault), "{told}");
    }
    let told = refused(&mut check("info,mongodb=debug"), 2);
    assert!(told.contains("must not name a module that begins with mongodb: its level is fixed"), "{told}");
    assert_eq!(run(&mut check("warn,jwt_generator=debug")), "the settings are valid\n");
}

/// Seen: `prod` counted as development, and nothing said so.
#[test]
fn a_node_env_that_is_nearly_production_counts_as_it_and_is_pointed_out() {
    let folder = folder_with_keys();
    let told = run(command(folder.path(), &["config", "check"]).env("NODE_ENV", "prod"));
    assert_eq!(
        told,
        "the settings are valid\nwarning: NODE_ENV=\"prod\" (from the environment) counts as production: only \
         development and test do not; set it to production\nwarning: OAuth is off: in production it needs ISSUER_URL, \
         the https address at which clients reach the service\n"
    );
    let told = run(command(folder.path(), &["config", "check"])
        .env("NODE_ENV", "production")
        .env("ISSUER_URL", "http://auth.example.com"));
    assert_eq!(
        told,
        "the settings are valid\nwarning: OAuth is off: in production the issuer must be an https address, and ISSUER_URL is \
         http://auth.example.com; set ISSUER_URL\n"
    );
    let https = run(command(folder.path(), &["config", "check"])
        .env("NODE_ENV", "production")
        .env("ISSUER_URL", "https://auth.example.com"));
    assert_eq!(https, "the settings are valid\n");
    let program = Program::start(folder.path(), &[("SKIP_DATABASE", "true"), ("NODE_ENV", "prod")]);
    assert!(program.log().contains("counts as production"), "{}", program.log());
    program.client().post("/api/token/generate", &json!({})).is_refused(
        403,
        "demo_tokens_disabled",
        "Demo tokens are off on this server, because everyone can get one; a client gets tokens with its credentials, and the operator can allow demo tokens with DEMO_TOKENS=true",
    );
}

/// Seen: nothing at the start told an operator that the server signed for strangers.
#[test]
fn a_start_with_demo_tokens_for_other_machines_names_the_risk_and_the_remedy() {
    let folder = folder_with_keys();
    let warned = |settings: &[(&str, &str)]| {
        let program = Program::start(folder.path(), &[&[("SKIP_DATABASE", "true")], settings].concat());
        let (_, log) = program.stop();
        let warning = "everyone there can get tokens with any claims, signed with its key. NODE_ENV=production or \
                       DEMO_TOKENS=false turns them off; HOST=127.0.0.1 keeps other machines out";
        log.lines().any(|line| line.contains("\"WARN\"") && line.contains(warning))
    };
    assert!(warned(&[("HOST", "0.0.0.0")]));
    assert!(!warned(&[("HOST", "127.0.0.1")]));
    assert!(!warned(&[("HOST", "0.0.0.0"), ("NODE_ENV", "production")]));
    assert!(warned(&[("HOST", "0.0.0.0"), ("NODE_ENV", "production"), ("DEMO_TOKENS", "true")]));
}

#[test]
fn the_health_of_a_server_is_an_exit_code() {
    let folder = folder_with_keys();
    let program = Program::start(folder.path(), &[("SKIP_DATABASE", "true")]);
    let base = program.client().base().to_owned();
    assert_eq!(
        text(folder.path(), &["healthcheck", "--url", &base]),
        "healthy; the database does not answer\n"
    );
    let port = program.address().port().to_string();
    assert!(run(command(folder.path(), &["healthcheck"]).env("PORT", &port)).starts_with("healthy"));
    let told = refused(&mut command(folder.path(), &["healthcheck", "--url", &base, "--database"]), 1);
    assert!(told.contains("the database does not answer"), "{told}");
    drop(program);
    refused(&mut command(folder.path(), &["healthcheck", "--url", &base]), 1);
}

#[test]
fn the_api_document_and_completions_are_printed() {
    let folder = tempfile::tempdir().unwrap();
    assert_eq!(text(folder.path(), &["openapi"]), read("openapi.yaml"));
    assert_eq!(json_of(folder.path(), &["openapi"])["openapi"], "3.0.3");
    // completions.rs tests the scripts in bash, zsh and fish.
    for shell in ["elvish", "powershell"] {
        assert!(text(folder.path(), &["completions", shell]).contains("jwt-generator"), "{shell}");
    }
}

#[test]
fn output_that_cannot_be_written_is_a_failure() {
    let folder = tempfile::tempdir().unwrap();
    let full = std::fs::File::options().write(true).open("/dev/full").unwrap();
    let output = command(folder.path(), &["openapi"]).stdout(full).stderr(Stdio::piped()).spawn().unwrap();
    let Output { status, stderr, .. } = output.wait_with_output().unwrap();
    assert_eq!(status.code(), Some(1));
    assert!(String::from_utf8(stderr).unwrap().starts_with("error: cannot write the answer: "));
}

#[test]
fn output_that_no_program_reads_is_no_failure() {
    let folder = tempfile::tempdir().unwrap();
    let mut child = command(folder.path(), &["openapi"]).stdout(Stdio::piped()).spawn().unwrap();
    drop(child.stdout.take());
    assert!(child.wait().unwrap().success());
}
