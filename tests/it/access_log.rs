//! The log of a running server: the access log, the level that changes at SIGHUP, and a reader that does not read.

use std::io::{BufRead, BufReader, Read};
use std::process::Stdio;
use std::sync::{Arc, Mutex};

use http::Method;
use rustix::process::{Pid, Signal, kill_process};
use serde_json::{Value, json};

use crate::callers::answered;
use crate::pages::browser::{Browser, authorize, is_told};
use crate::support::{Client, Program, eventually, folder_with_keys, jwt_generator};

const CHEAP: (&str, &str) = ("BCRYPT_ROUNDS", "4");

/// The lines about requests, after a log-in, a wrong one, and as many questions for the key set.
fn lines(settings: &[(&str, &str)]) -> Vec<Value> {
    let folder = folder_with_keys();
    let program = Program::start(folder.path(), &[&[CHEAP], settings].concat());
    let client = program.client();
    client.register("ada");
    let wrong = json!({ "username": "ada", "password": "wrong-password" });
    assert_eq!(client.post("/api/auth/login", &wrong).status, 401);
    for _ in 0..10 {
        client.get("/api/jwks").ok();
    }
    let (_, log) = program.stop();
    answered(&log)
}

#[test]
fn the_access_log_has_all_requests_or_those_that_were_refused_or_no_line() {
    assert_eq!(lines(&[("ACCESS_LOG", "all")]).len(), 12);
    // At this level the server still says where it listens.
    let quiet = ("LOG_LEVEL", "error,jwt_generator::cli=info");
    assert_eq!(lines(&[("ACCESS_LOG", "all"), quiet]).len(), 12, "LOG_LEVEL is another matter");
    assert_eq!(lines(&[]).len(), 1);
    assert_eq!(lines(&[("ACCESS_LOG", "off"), ("LOG_LEVEL", "trace")]).len(), 0);
    let sampled = lines(&[("ACCESS_LOG", "all"), ("ACCESS_LOG_SAMPLE", "10")]);
    let operations: Vec<_> = sampled.iter().map(|line| line["operation"].as_str().unwrap()).collect();
    assert_eq!(operations, ["register_user", "login_user", "get_jwks"]);
}

#[test]
fn a_line_says_which_operation_of_which_client_and_user_ended_how() {
    let lines = lines(&[("ACCESS_LOG", "all")]);
    let [registered, refused, jwks, ..] = &lines[..] else { panic!("{lines:#?}") };
    for (name, value) in [
        ("level", json!("INFO")),
        ("message", json!("request refused")),
        ("operation", json!("login_user")),
        ("http.request.method", json!("POST")),
        ("http.route", json!("/api/auth/login")),
        ("http.response.status_code", json!(401)),
        ("error.type", json!("invalid_credentials")),
        ("client.address", json!("127.0.0.1")),
        ("target", json!("access")),
    ] {
        assert_eq!(refused[name], value, "{name}: {refused:#}");
    }
    assert!(refused["http.server.request.duration"].as_f64().unwrap() > 0.0);
    assert!(refused["timestamp"].as_str().unwrap().ends_with('Z'));
    assert_eq!(refused["user.id"], registered["user.id"], "the account that was asked for");
    assert!(jwks.get("user.id").is_none() && jwks.get("error.type").is_none(), "{jwks:#}");
    assert!(jwks["http.response.body.size"].as_u64().unwrap() > 100);
    assert!(jwks["request_id"].as_str().is_some_and(|id| !id.is_empty()));
}

/// Seen: a client that was refused again and again wrote 14 GB an hour.
#[test]
fn a_client_that_is_refused_again_and_again_has_few_lines_and_their_number() {
    const REQUESTS: u64 = 500;
    let folder = folder_with_keys();
    let program = Program::start(folder.path(), &[("SKIP_DATABASE", "true"), ("ACCESS_LOG", "all")]);
    let client = program.client();
    (0..REQUESTS).for_each(|_| assert_eq!(client.get("/no-such-path").status, 404));
    let counted = eventually("the line about further refusals", || {
        client.get("/livez").ok();
        let log = program.log();
        let entries = log.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
        let refused: Vec<_> = entries.filter(|entry| entry["error.type"] == "not_found").collect();
        let more: u64 = refused.iter().filter_map(|entry| entry["count"].as_u64()).sum();
        let lines = refused.iter().filter(|entry| entry["message"] == "request refused").count() as u64;
        (lines + more == REQUESTS).then_some((lines, more))
    });
    assert!(counted.1 > 0 && counted.0 >= 20, "{counted:?}");
}

#[test]
fn text_for_people_has_the_same_fields_on_one_line() {
    let folder = folder_with_keys();
    // A server that logs text does not say where it listens in a form that this program reads.
    let port = crate::support::mongod::free_port().to_string();
    let mut command = jwt_generator(folder.path());
    command
        .env("HOST", "127.0.0.1")
        .env("PORT", &port)
        .env("SKIP_DATABASE", "true")
        .env("ADMIN_ADDRESS", "off");
    command.env("LOG_FORMAT", "text").env("ACCESS_LOG", "all").stdin(Stdio::null());
    let mut child = command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
    let client = Client::new(&format!("http://127.0.0.1:{port}"));
    let named = [("x-request-id", "mine-1")];
    eventually("it answers", || client.try_send(Method::GET, "/health", &named, "").ok());
    kill_process(Pid::from_child(&child), Signal::TERM).unwrap();
    let mut log = String::new();
    child.stderr.take().unwrap().read_to_string(&mut log).unwrap();
    child.wait().unwrap();
    let line = log.lines().find(|line| line.contains("request answered")).unwrap();
    for part in [
        "  INFO request answered operation=get_health http.request.method=GET http.route=/health",
        " http.response.status_code=200 ",
        " client.address=127.0.0.1 ",
        " request_id=mine-1",
    ] {
        assert!(line.contains(part), "{part}: {line}");
    }
    assert!(!log.contains('\u{1b}'), "no colors outside a terminal: {log}");
}

#[test]
fn sighup_reads_the_log_level_again_and_a_wrong_one_changes_nothing() {
    let folder = folder_with_keys();
    let file = folder.path().join("level");
    std::fs::write(&file, "info\n").unwrap();
    let settings = [("SKIP_DATABASE", "true"), ("LOG_LEVEL_FILE", file.to_str().unwrap())];
    let program = Program::start(folder.path(), &settings);
    let client = program.client();
    let token = json!({ "token": client.demo_token(&json!({})) });
    assert!(!program.log().contains("a demo token is issued"));
    std::fs::write(&file, "info,jwt_generator=debug\n").unwrap();
    program.signal(Signal::HUP);
    eventually("it is read", || program.log().contains("LOG_LEVEL was read again").then_some(()));
    client.post("/api/token/validate", &token).ok();
    assert!(program.log().contains("a token is checked"), "{}", program.log());
    std::fs::write(&file, "loud\n").unwrap();
    program.signal(Signal::HUP);
    eventually("it is refused", || program.log().contains("the log level stays as it was").then_some(()));
    client.demo_token(&json!({}));
    let (status, log) = program.stop();
    assert!(status.success() && log.contains("a demo token is issued"), "{log}");
}

/// The pipe to a reader that stalls holds 64 KiB. Before, the next line stopped the thread that wrote it, and then the server.
#[test]
fn a_log_that_nothing_reads_holds_up_no_request_and_is_whole_when_it_is_read() {
    const REQUESTS: usize = 1_000;
    let folder = folder_with_keys();
    let mut command = jwt_generator(folder.path());
    command
        .env("HOST", "127.0.0.1")
        .env("PORT", "0")
        .env("SKIP_DATABASE", "true")
        .env("ACCESS_LOG", "all")
        .env("ADMIN_ADDRESS", "off");
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    let mut log = BufReader::new(child.stderr.take().unwrap());
    let address = loop {
        let mut line = String::new();
        assert!(log.read_line(&mut line).unwrap() > 0, "the server ended");
        let entry: Value = serde_json::from_str(&line).unwrap();
        if entry["message"] == "listening" {
            break entry["address"].as_str().unwrap().to_owned();
        }
    };
    let client = Client::new(&format!("http://{address}"));
    for _ in 0..REQUESTS {
        assert_eq!(client.get("/health").status, 200);
    }
    let text = Arc::new(Mutex::new(String::new()));
    let reader = std::thread::spawn({
        let text = Arc::clone(&text);
        move || {
            let mut line = String::new();
            while log.read_line(&mut line).unwrap() > 0 {
                text.lock().unwrap().push_str(&line);
                line.clear();
            }
        }
    });
    eventually("all lines are read", || (answered(&text.lock().unwrap()).len() >= REQUESTS).then_some(()));
    assert_eq!(client.get("/health").status, 200);
    kill_process(Pid::from_child(&child), Signal::TERM).unwrap();
    assert!(child.wait().unwrap().success());
    reader.join().unwrap();
    let text = text.lock().unwrap();
    assert_eq!(answered(&text).len(), REQUESTS + 1, "later lines come as well");
    assert!(!text.contains("were dropped"), "{text}");
    assert!(text.trim_end().ends_with('}'), "the last line is whole");
}

/// The person who runs the service looks here for the reason that a client may not learn.
#[test]
fn a_refusal_of_the_token_endpoint_has_its_cause_and_its_client_and_no_secret() {
    const SECRET: &str = crate::clients::SECRET;
    let folder = folder_with_keys();
    let file = folder.path().join("clients.json");
    let client = json!({
        "client_id": "machine", "client_secret_sha256": crate::clients::SECRET_HASH, "grant_types": ["client_credentials"],
        "scope": "stock.read", "token_endpoint_auth_method": "client_secret_basic",
    });
    std::fs::write(&file, json!([client]).to_string()).unwrap();
    let program = Program::start(folder.path(), &[("CLIENTS_FILE", file.to_str().unwrap())]);
    let machine = program.client().with_secret("machine", SECRET);
    let ask = |client: &Client, form: &str| {
        let headers = [("content-type", "application/x-www-form-urlencoded")];
        assert!(client.send(Method::POST, "/oauth/token", &headers, form).status >= 400);
    };
    const WRONG: &str = "not-the-secret-of-this-client";
    ask(&program.client().with_secret("machine", WRONG), "grant_type=client_credentials");
    ask(
        &program.client(),
        &format!("grant_type=client_credentials&client_id=machine&client_secret={SECRET}"),
    );
    ask(&program.client().with_secret(WRONG, "machine"), "grant_type=client_credentials");
    ask(&machine, "grant_type=authorization_code&code=x");
    ask(&machine, "grant_type=client_credentials&scope=admin");
    ask(&machine, "grant_type=password");
    let (_, log) = program.stop();
    assert!(!log.contains(WRONG) && !log.contains(SECRET), "{log}");
    let line = |line: &Value| {
        let [error, cause, client] = ["error.type", "cause", "client_id"].map(|name| line[name].clone());
        (error, cause, client)
    };
    let expected = [
        ("invalid_client", "the secret is wrong or has expired", Some("machine")),
        (
            "invalid_client",
            "the client is registered for another method (token_endpoint_auth_method)",
            Some("machine"),
        ),
        ("invalid_client", "there is no such client", None),
        ("unauthorized_client", "the client may not use this grant_type", Some("machine")),
        ("invalid_scope", "the client may not have one of these scopes", Some("machine")),
        (
            "unsupported_grant_type",
            "The service does not support this grant_type; the discovery document lists those that it supports",
            Some("machine"),
        ),
    ];
    let expected = expected.map(|(error, cause, client)| (json!(error), json!(cause), json!(client)));
    assert_eq!(answered(&log).iter().map(line).collect::<Vec<_>>(), expected);
}

/// What a page tells the user, or a redirect tells the client, is in the log as well.
#[test]
fn a_page_that_refuses_leaves_its_code_in_the_log() {
    let folder = folder_with_keys();
    let file = folder.path().join("clients.json");
    let client = json!({
        "client_id": "web", "token_endpoint_auth_method": "none", "scope": "openid",
        "redirect_uris": [crate::pages::browser::CALLBACK],
    });
    std::fs::write(&file, json!([client]).to_string()).unwrap();
    let program = Program::start(folder.path(), &[CHEAP, ("CLIENTS_FILE", file.to_str().unwrap())]);
    program.client().register("alice");
    let browser = Browser::at(&program.client());
    let page = browser.open("/oauth/login").unwrap();
    assert_eq!(browser.submit(&page, &[("username", "alice"), ("password", "wrong")]).unwrap().status, 400);
    assert_eq!(browser.submit(&page, &[("username", "alice")]).unwrap().status, 400);
    let form = browser.open("/oauth/register").unwrap();
    let taken = [("username", "alice"), ("email", "a@example.com"), ("password", "a-long-enough-one")];
    assert_eq!(browser.submit(&form, &taken).unwrap().status, 409);
    assert_eq!(browser.submit(&form, &[("username", "a")]).unwrap().status, 400);
    is_told(browser.open(&authorize("web", &[("scope", "openid"), ("prompt", "none")])), "login_required");
    let elsewhere = authorize("web", &[("redirect_uri", "https://elsewhere.example/?secret=x")]);
    assert_eq!(browser.get(&elsewhere).status, 400);
    browser.log_in(&page, "alice").unwrap();
    let consent = browser.open(&authorize("web", &[("scope", "openid")])).unwrap();
    is_told(browser.submit(&consent, &[("answer", "deny")]), "access_denied");
    let (_, log) = program.stop();
    let refused: Vec<_> = answered(&log)
        .iter()
        .map(|line| {
            (line["operation"].clone(), line["http.response.status_code"].clone(), line["error.type"].clone())
        })
        .collect();
    let expected = [
        ("log_in_on_page", 400, "invalid_credentials"),
        ("log_in_on_page", 400, "missing_field"),
        ("register_on_page", 409, "user_exists"),
        ("register_on_page", 400, "invalid_field"),
        ("authorize", 303, "login_required"),
        ("authorize", 400, "untrusted_request"),
        ("answer_consent", 303, "access_denied"),
    ];
    assert_eq!(
        refused,
        expected.map(|(operation, status, code)| (json!(operation), json!(status), json!(code)))
    );
    let lines = answered(&log);
    let untrusted = lines.iter().find(|line| line["error.type"] == "untrusted_request").unwrap();
    let cause = "redirect_uri is not one of the addresses that the client registered";
    assert_eq!((&untrusted["cause"], &untrusted["client_id"]), (&json!(cause), &json!("web")));
    assert!(!log.contains("elsewhere.example"), "an address may contain a secret: {log}");
}
