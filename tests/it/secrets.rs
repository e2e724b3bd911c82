//! K16: no log contains a secret, at any level. No answer contains a secret, unless it is the purpose of the answer.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use http::Method;
use jwt_generator::config::SETTINGS;
use serde_json::json;

use crate::clients::{OLD_SECRET, SECRET, generator};
use crate::support::client::registration;
use crate::support::{Program, eventually, folder_with_keys, jwt_generator, mongod, read, refused, run};

/// Uses every endpoint, with and without faults. Returns the log and the secrets that were sent.
fn all_uses(settings: &[(&str, &str)]) -> (String, Vec<String>) {
    let folder = folder_with_keys();
    let mailer = generator("mailer", &json!({}));
    std::fs::write(folder.path().join("clients.json"), json!([mailer]).to_string()).unwrap();
    let mut usual = vec![
        ("BCRYPT_ROUNDS", "4"),
        ("LOG_LEVEL", "trace"),
        ("CLIENTS_FILE", "clients.json"),
        ("DEMO_TOKENS", "true"),
    ];
    usual.extend(settings);
    let program = Program::start(folder.path(), &usual);
    let client = program.client();
    let user = client.register("alice");
    let demo = client.demo_token(&json!({}));
    let mut secrets = vec!["secret-alice".to_owned(), user.token().to_owned(), demo.clone()];
    for secret in [SECRET, OLD_SECRET] {
        let answer = client.with_secret("mailer", secret).post("/api/token/generate", &json!({}));
        secrets.extend([secret.to_owned(), STANDARD.encode(format!("mailer:{secret}"))]);
        secrets.extend(answer.json()["data"]["access_token"].as_str().map(str::to_owned));
    }
    for password in ["secret-alice", "Wrong-Password-1"] {
        let login = client.post("/api/auth/login", &json!({ "username": "alice", "password": password }));
        if let Some(token) = login.json()["data"]["token"]["access_token"].as_str() {
            secrets.push(token.to_owned());
        }
    }
    secrets.push("Wrong-Password-1".to_owned());
    let refreshed = user.send(Method::POST, "/api/auth/refresh", &[], "").ok();
    secrets.push(refreshed["data"]["access_token"].as_str().unwrap().to_owned());
    client.post("/api/auth/register", &registration("alice"));
    let cut = demo[..demo.len() - 9].to_owned();
    for token in [&demo, &cut] {
        client.post("/api/token/validate", &json!({ "token": token }));
        client.bearing(token).get("/api/auth/profile");
        client.get(&format!("/nothing?token={token}"));
        client.get(&format!("/verify/{token}"));
    }
    let broken = "{\"username\":\"bob\",\"password\":\"Broken-Password-2";
    client.send(Method::POST, "/api/auth/login", &[("content-type", "application/json")], broken);
    client.send(Method::GET, "/api/auth/profile", &[("authorization", "Basic QmFzaWMtU2VjcmV0LTM=")], "");
    secrets.extend(
        ["Broken-Password-2", "QmFzaWMtU2VjcmV0LTM=", "$2b$04$", "BEGIN PRIVATE", "BEGIN RSA"]
            .map(str::to_owned),
    );
    secrets.push(read("tests/data/adoption/keys/private-key.pem").lines().nth(1).unwrap().to_owned());
    secrets.push(cut);
    let (_, log) = program.stop();
    (log, secrets)
}

#[track_caller]
fn holds_none(log: &str, secrets: &[String]) {
    let fullest = ["\"level\":\"TRACE\"", "\"level\":\"DEBUG\"", "\"target\":\"access\""];
    assert!(fullest.iter().any(|part| log.contains(part)), "the log is at its fullest");
    for secret in secrets {
        assert!(!log.contains(secret), "the log holds {secret}");
    }
    assert!(!log.contains("eyJ"), "the log holds a token");
}

#[test]
fn k16_no_secret_is_in_the_fullest_log_on_sqlite() {
    let (log, secrets) = all_uses(&[]);
    holds_none(&log, &secrets);
}

#[test]
fn k16_no_secret_is_in_the_fullest_log_on_mongodb() {
    let uri = mongod::new_database();
    let (log, secrets) = all_uses(&[("MONGODB_URI", &uri)]);
    holds_none(&log, &secrets);
}

#[test]
fn k16_no_private_or_sealing_key_is_in_the_fullest_log_while_keys_change() {
    const SEALING_KEY: &str = "MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE=";
    let folder = tempfile::tempdir().unwrap();
    let uri = mongod::new_database();
    let settings =
        [("MONGODB_URI", uri.as_str()), ("KEY_ENCRYPTION_KEY", SEALING_KEY), ("KEY_REFRESH", "1s")];
    let program = Program::start(
        folder.path(),
        &[&settings[..], &[("LOG_LEVEL", "trace"), ("ACCESS_LOG", "all")]].concat(),
    );
    let command = |arguments: &[&str]| {
        let mut command = jwt_generator(folder.path());
        run(command.envs(settings).args(arguments))
    };
    let private = command(&["keys", "export", "--private"]);
    command(&["keys", "rotate", "--now", "--yes"]);
    eventually("the server sees it", || {
        (program.client().get("/api/jwks").ok()["keys"].as_array().unwrap().len() == 2).then_some(())
    });
    let (_, log) = program.stop();
    let lines = private.lines().filter(|line| !line.starts_with('-')).map(str::to_owned);
    let mut secrets: Vec<_> = lines.collect();
    secrets.extend([SEALING_KEY.to_owned(), "PRIVATE KEY".to_owned()]);
    holds_none(&log, &secrets);
}

/// Seen: at `/profile` and `/refresh`, the log did not say why a token was refused. The answer still does not say it.
#[test]
fn the_log_says_why_a_token_was_refused_and_never_shows_the_token() {
    let folder = folder_with_keys();
    let settings = [("BCRYPT_ROUNDS", "4"), ("LOG_LEVEL", "debug")];
    let program = Program::start(folder.path(), &settings);
    let user = program.client().register("alice");
    let token = user.token();
    let (signed, _) = token.rsplit_once('.').unwrap();
    let forged = format!("{signed}.{}", "A".repeat(342));
    let asked = [
        (Method::GET, "/api/auth/profile", forged.as_str(), "forged-1", "the token's signature is invalid"),
        (Method::POST, "/api/auth/refresh", "no-token", "shapeless-2", "the token is not a well-formed JWT"),
    ];
    for (method, path, token, id, _) in &asked {
        let answer = user.bearing(token).send(method.clone(), path, &[("x-request-id", id)], "");
        answer.is_refused(401, "invalid_token", "Token verification failed");
    }
    let (_, log) = program.stop();
    for (method, path, token, id, cause) in asked {
        let told = json!({ "message": "request refused", "http.request.method": method.as_str(),
                           "http.route": path, "http.response.status_code": 401, "error.type": "invalid_token", "request_id": id, "cause": cause });
        let lines = log.lines().filter_map(|line| serde_json::from_str::<serde_json::Value>(line).ok());
        let of_request: Vec<_> = lines.filter(|line| line["request_id"] == id).collect();
        let [line] = &of_request[..] else { panic!("{} lines of {id}", of_request.len()) };
        assert_eq!(line["level"], "INFO");
        for (name, value) in told.as_object().unwrap() {
            assert_eq!(&line[name], value, "{name}");
        }
        assert!(!log.contains(token), "the log holds the token");
    }
    assert!(!log.contains(signed), "the log holds the token");
}

#[test]
fn memory_with_keys_in_it_is_never_dumped() {
    let folder = folder_with_keys();
    let program = Program::start(folder.path(), &[]);
    let limits = std::fs::read_to_string(format!("/proc/{}/limits", program.pid().as_raw_nonzero())).unwrap();
    let core = limits.lines().find(|line| line.starts_with("Max core file size")).unwrap();
    let limits: Vec<_> = core.split_whitespace().skip(4).take(2).collect();
    assert_eq!(limits, ["1", "1"], "{core}");
}

/// No command and no failed start prints the value of a secret setting, whatever the value is and wherever it is set.
#[test]
fn k16_no_secret_setting_is_in_what_config_and_a_refused_start_print() {
    const MARKER: &str = "Marker-7f3a91-Marker-7f3a91-Marker-7f3a91";
    // The same marker in the forms that the settings require. A start with these values fails later.
    let well_formed = [
        ("MONGODB_URI", "mongodb://app:Marker-7f3a91?x@db/app"),
        ("KEY_ENCRYPTION_KEY", "TWFya2VyLTdmM2E5MS1NYXJrZXItN2YzYTkxLU1hcms="),
        ("OTEL_EXPORTER_OTLP_HEADERS", "api-key=Marker-7f3a91"),
    ];
    let folder = tempfile::tempdir().unwrap();
    let value_of = |name: &str, formed: bool| {
        let found = well_formed.iter().find(|(known, _)| formed && *known == name);
        found.map_or(MARKER, |(_, value)| value)
    };
    for (formed, in_files) in [(false, false), (false, true), (true, false), (true, true)] {
        for arguments in
            [&["config", "show"][..], &["config", "show", "--json"], &["config", "check"], &["serve"]]
        {
            let mut command = jwt_generator(folder.path());
            command.args(arguments).env("PORT", "0").env("LOG_LEVEL", "trace");
            command.env("KEY_CUSTODY", "vault").env("VAULT_ADDR", "http://127.0.0.1:1");
            for setting in SETTINGS.iter().filter(|setting| setting.secret) {
                let (name, value) = (setting.name, value_of(setting.name, formed));
                if in_files {
                    let file = folder.path().join(name);
                    std::fs::write(&file, value).unwrap();
                    command.env(format!("{name}_FILE"), file);
                } else {
                    command.env(name, value);
                }
            }
            let ended = command.output().unwrap();
            let told = [ended.stdout, ended.stderr].concat();
            let told = String::from_utf8_lossy(&told);
            assert!(told.contains("MONGODB_URI"), "{arguments:?}: {told}");
            for shown in ["7f3a91", "TWFya2Vy"] {
                assert!(!told.contains(shown), "{arguments:?}: {told}");
            }
            assert_eq!(ended.status.success(), arguments[1..].contains(&"show"), "{arguments:?}: {told}");
        }
    }
}

#[test]
fn k16_a_database_address_that_cannot_be_read_is_not_told() {
    let folder = folder_with_keys();
    for arguments in [&["serve"][..], &["users", "list"]] {
        let mut command = jwt_generator(folder.path());
        command.args(arguments).env("PORT", "0").env("MONGODB_URI", "mongodb://app:S3cret?x@db/app");
        let told = refused(&mut command, 1);
        assert!(told.contains("MONGODB_URI cannot be used") && !told.contains("S3cret"), "{told}");
    }
}

#[test]
fn k16_the_password_of_a_database_that_is_away_is_nowhere() {
    let folder = folder_with_keys();
    let uri = "mongodb://app:Mongo-Password-4@127.0.0.1:1/app";
    let program = Program::start(folder.path(), &[("MONGODB_URI", uri), ("LOG_LEVEL", "trace")]);
    let answer = program.client().post("/api/auth/login", &json!({ "username": "a", "password": "b" }));
    assert_eq!(answer.status, 503);
    let (_, log) = program.stop();
    assert!(log.contains("accounts are off until the database answers"));
    assert!(!log.contains("Mongo-Password-4"), "{log}");
}
