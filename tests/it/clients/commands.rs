//! `jwt-generator clients`.

use std::path::Path;

use serde_json::{Value, json};

use crate::support::{Program, eventually, folder_with_keys, jwt_generator, refused, run};

const PATH: &str = "/api/token/generate";

fn command(folder: &Path, arguments: &[&str]) -> std::process::Command {
    let mut command = jwt_generator(folder);
    command.arg("clients").args(arguments).env("LOG_LEVEL", "warn");
    command
}

fn text(folder: &Path, arguments: &[&str]) -> String {
    run(&mut command(folder, arguments))
}

fn json_of(folder: &Path, arguments: &[&str]) -> Value {
    serde_json::from_str(&run(command(folder, arguments).arg("--json"))).unwrap()
}

#[test]
fn create_prints_the_id_and_the_secret_once() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let said = text(folder, &["create", "mailer", "--generate"]);
    let lines: Vec<_> = said.lines().collect();
    assert_eq!(lines[0], "client_id      mailer");
    let secret = lines[1].strip_prefix("client_secret  ").unwrap();
    assert_eq!((secret.len(), lines[2], lines.len()), (43, "", 4));
    assert_eq!(lines[3], "Keep the secret: it is stored as a hash, and never shown again.");
    for shown in [text(folder, &["show", "mailer"]), run(command(folder, &["list"]).arg("--json"))] {
        assert!(!shown.contains(secret) && !shown.contains("sha256"), "{shown}");
    }
    let taken = refused(&mut command(folder, &["create", "mailer", "--generate"]), 1);
    assert!(taken.contains("there is already a client mailer"), "{taken}");
    let unnamed = json_of(folder, &["create"]);
    assert_eq!(unnamed["client_id"].as_str().unwrap().len(), 32);
    assert_eq!(unnamed["grant_types"], json!(["client_credentials"]));
}

#[test]
fn options_become_the_members_of_rfc_7591() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let created = json_of(
        folder,
        &[
            "create",
            "shop",
            "--name",
            "The shop",
            "--redirect-uri",
            "https://shop.example/cb",
            "--redirect-uri",
            "http://127.0.0.1/cb",
            "--grant",
            "authorization_code",
            "--grant",
            "refresh_token",
            "--scope",
            "openid email",
            "--post-logout-redirect-uri",
            "https://shop.example/",
            "--resource",
            "https://api.example",
            "--access-token-lifetime",
            "10m",
            "--first-party",
            "--generate",
            "--generate-subject",
            "user-*",
            "--generate-audience",
            "a",
            "--generate-claim",
            "role",
            "--generate-lifetime",
            "5m",
        ],
    );
    for (member, value) in [
        ("client_name", json!("The shop")),
        ("redirect_uris", json!(["https://shop.example/cb", "http://127.0.0.1/cb"])),
        ("grant_types", json!(["authorization_code", "refresh_token"])),
        ("scope", json!("openid email")),
        ("post_logout_redirect_uris", json!(["https://shop.example/"])),
        ("resources", json!(["https://api.example"])),
        ("access_token_lifetime", json!(600)),
        ("first_party", json!(true)),
        (
            "generate",
            json!({ "subjects": ["user-*"], "audiences": ["a"], "claims": ["role"], "max_lifetime": 300 }),
        ),
    ] {
        assert_eq!(created[member], value, "{member}");
    }
    assert_eq!(
        created.get("token_endpoint_auth_method"),
        None,
        "its secret counts in the header and in the form"
    );
    let public =
        json_of(folder, &["create", "app", "--auth-method", "none", "--redirect-uri", "com.example.app:/cb"]);
    assert_eq!((public.get("client_secret"), &public["grant_types"]), (None, &json!(["authorization_code"])));
    std::fs::write(folder.join("more.json"), r#"{"require_pkce": false, "client_name": "From the file"}"#)
        .unwrap();
    let more = [
        "create",
        "more",
        "--redirect-uri",
        "https://more.example/",
        "--metadata",
        "more.json",
        "--name",
        "Mine",
    ];
    let more = json_of(folder, &more);
    assert_eq!(
        (&more["require_pkce"], &more["client_name"]),
        (&json!(false), &json!("Mine")),
        "options come first"
    );
}

/// What the command prints on standard output and on standard error.
fn told(folder: &Path, arguments: &[&str]) -> (String, String) {
    let output = command(folder, arguments).output().unwrap();
    assert!(output.status.success(), "{output:?}");
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    (text(output.stdout), text(output.stderr))
}

#[test]
fn create_says_where_the_client_is_and_what_its_library_needs() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let web = ["create", "web", "--redirect-uri", "http://localhost:8080/callback"];
    let (shown, said) = told(folder, &web);
    for line in [
        "The client may ask for the scopes openid profile email; --scope names others.",
        "Added to ./data/jwt-generator.db (new database). If your server has another one, run this in the server's folder, or \
         set DATA_DIR.",
        "Demo tokens are now off, because there is a client; DEMO_TOKENS=true keeps them on.",
    ] {
        assert!(said.contains(line), "{said}");
    }
    assert!(!said.contains("KEY_REFRESH"), "a new database has no servers: {said}");
    assert!(shown.contains("\nissuer         http://localhost:3000\n"), "{shown}");
    assert_eq!(json_of(folder, &["show", "web"])["scope"], "openid profile email");
    let public = ["create", "app", "--auth-method", "none", "--redirect-uri", "com.example.app:/cb"];
    let (shown, said) = told(folder, &[&public[..], &["--scope", "openid"]].concat());
    let lines = "client_id      app\nclient_secret  none: this is a public client\nissuer         http://localhost:3000\n";
    assert_eq!(shown, lines);
    assert_eq!(said, "Servers that run see this within 15 s (KEY_REFRESH).\n");
    let star = ["create", "star", "--redirect-uri", "https://*.example.com/callback"];
    let said = refused(&mut command(folder, &star), 2);
    assert!(said.contains("redirect_uris: `*` is not a wildcard; give each address in full"), "{said}");
}

#[test]
fn a_command_that_finds_no_database_says_where_to_run_it_and_promises_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    for arguments in [&["list"][..], &["rotate-secret", "x"]] {
        let said = refused(&mut command(folder, arguments), 1);
        let sentence =
            "there is no ./data/jwt-generator.db: run this in the server's folder, or set DATA_DIR";
        assert!(said.contains(sentence), "{said}");
    }
    text(folder, &["create", "a"]);
    let said = refused(&mut command(folder, &["rotate-secret", "nope"]), 1);
    assert!(said.contains("there is no client nope") && !said.contains("KEY_REFRESH"), "{said}");
}

#[test]
fn help_names_the_defaults_of_a_new_client_and_not_those_of_a_change() {
    let folder = tempfile::tempdir().unwrap();
    let help = |name| text(folder.path(), &[name, "--help"]);
    assert!(
        help("create").contains("Without --scope, a client with a --redirect-uri gets openid profile email.")
    );
    let update = help("update");
    assert!(update.contains("Without an option, its member stays unchanged."), "{update}");
    for default in
        ["[default: JWT_AUDIENCE]", "[default: client_secret_basic]", "[default: authorization_code"]
    {
        assert!(!update.contains(default), "{update}");
    }
}

#[test]
fn wrong_metadata_is_refused_with_all_its_faults() {
    let folder = tempfile::tempdir().unwrap();
    let arguments = ["create", "jwt-generator-api", "--grant", "refresh_token"];
    let said = refused(&mut command(folder.path(), &arguments), 2);
    for line in [
        "the client cannot be registered:",
        "client_id: must not be the value of JWT_AUDIENCE",
        "grant_types: refresh_token needs authorization_code beside it",
    ] {
        assert!(said.contains(line), "{said}");
    }
    let said = refused(&mut command(folder.path(), &["create", "a b"]), 2);
    assert!(said.contains("must be 1 to 200 letters, digits or characters of -._~:/"), "{said}");
    for unknown in [&["show", "x"][..], &["delete", "x", "--yes"], &["rotate-secret", "x"]] {
        let said = refused(&mut command(folder.path(), unknown), 1);
        assert!(said.contains("jwt-generator.db"), "there is no database yet: {said}");
    }
    text(folder.path(), &["create", "a"]);
    for unknown in [&["show", "x"][..], &["delete", "x", "--yes"], &["rotate-secret", "x"]] {
        let said = refused(&mut command(folder.path(), unknown), 1);
        assert!(said.contains("there is no client x"), "{said}");
    }
}

#[test]
fn list_is_a_table_of_80_columns() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    assert!(!refused(&mut command(folder, &["list"]), 1).is_empty(), "there is no database");
    text(
        folder,
        &["create", "a", "--name", &"A long name ".repeat(10), "--redirect-uri", "https://a.example/"],
    );
    text(folder, &["create", &"b".repeat(60), "--generate", "--grant", "client_credentials"]);
    let said = text(folder, &["list"]);
    let lines: Vec<_> = said.lines().collect();
    assert!(lines.iter().all(|line| line.chars().count() <= 80), "{said}");
    assert!(lines[0].starts_with("CLIENT ") && lines[0].ends_with("MADE BY"), "{said}");
    assert!(lines[1].starts_with("a ") && lines[1].contains("  code"), "{said}");
    assert!(
        lines[2].starts_with(&format!("{}…", "b".repeat(31))) && lines[2].contains("credentials,generate")
    );
    let shown = text(folder, &["show", "a"]);
    assert!(shown.starts_with("client_id: a\nmade by: command at "), "{shown}");
    assert!(
        shown.contains("\nsecrets: 1 valid\n") && shown.contains("\nredirect_uris:\n  https://a.example/"),
        "{shown}"
    );
}

#[test]
fn update_changes_what_is_named_and_asks_before_it_breaks_something() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    text(folder, &["create", "a", "--redirect-uri", "https://a.example/", "--scope", "openid"]);
    let updated = json_of(folder, &["update", "a", "--scope", "openid email", "--name", "A"]);
    assert_eq!((&updated["scope"], &updated["client_name"]), (&json!("openid email"), &json!("A")));
    assert_eq!(
        (&updated["redirect_uris"], updated.get("client_secret")),
        (&json!(["https://a.example/"]), None)
    );
    let breaking = ["update", "a", "--redirect-uri", "https://b.example/"];
    let said = refused(&mut command(folder, &breaking), 2);
    for line in [
        "This changes the client a. Then:\n  - log-ins that return to https://a.example/ fail",
        "Nothing was changed: standard input is not a terminal",
    ] {
        assert!(said.contains(line), "{said}");
    }
    assert_eq!(json_of(folder, &["show", "a"])["revision"], 2);
    let updated = json_of(folder, &[&breaking[..], &["--yes"]].concat());
    assert_eq!(updated["redirect_uris"], json!(["https://b.example/"]));
    let updated = json_of(folder, &["update", "a", "--unset", "client_name"]);
    assert_eq!(updated.get("client_name"), None);
    let said = refused(&mut command(folder, &["update", "a", "--unset", "client_name"]), 2);
    assert!(said.contains("the client has no member client_name"), "{said}");
    let said = refused(&mut command(folder, &["update", "a"]), 2);
    assert!(said.contains("there is nothing to change"), "{said}");
    let public = json_of(folder, &["update", "a", "--auth-method", "none", "--yes"]);
    assert_eq!(public["secrets"], json!([]));
    let again = json_of(folder, &["update", "a", "--auth-method", "client_secret_post", "--yes"]);
    assert_eq!(
        again["client_secret"].as_str().unwrap().len(),
        43,
        "it uses a secret again, and gets a new one"
    );
}

#[test]
fn a_running_server_sees_new_secrets_and_deletions() {
    let folder = folder_with_keys();
    let folder = folder.path();
    let settings = [("PORT", "0"), ("HOST", "127.0.0.1"), ("KEYS_DIR", "keys"), ("KEY_REFRESH", "1s")];
    let program = Program::start(folder, &settings);
    let demo = |status| {
        eventually("demo tokens follow the clients", || {
            (program.client().post(PATH, &json!({})).status == status).then_some(())
        });
    };
    demo(200);
    let first = json_of(folder, &["create", "a", "--generate"])["client_secret"].as_str().unwrap().to_owned();
    demo(403);
    let status = |secret: &str| program.client().with_secret("a", secret).post(PATH, &json!({})).status;
    assert_eq!(status(&first), 200);
    let second = json_of(folder, &["rotate-secret", "a"])["client_secret"].as_str().unwrap().to_owned();
    eventually("the new secret is valid", || (status(&second) == 200).then_some(()));
    assert_eq!(status(&first), 200, "the one before stays valid for a day");
    let third =
        json_of(folder, &["rotate-secret", "a", "--keep", "0"])["client_secret"].as_str().unwrap().to_owned();
    eventually("the third secret is valid", || (status(&third) == 200).then_some(()));
    assert_eq!((status(&first), status(&second)), (401, 401));
    let asked = refused(&mut command(folder, &["delete", "a"]), 2);
    assert!(
        asked.contains("This deletes the client a. Then:\n  - the client gets no more tokens"),
        "{asked}"
    );
    assert_eq!(json_of(folder, &["delete", "a", "--yes"])["deleted"]["client_id"], "a");
    demo(200);
    let (_, log) = program.stop();
    for line in ["demo tokens are off, because there is a client", "demo tokens are on again"] {
        assert!(log.contains(line), "{log}");
    }
}
