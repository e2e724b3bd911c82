//! `doctor`: it finds nothing wrong with a sound deployment, and each check has a deployment in which it finds a fault.

mod amazon;
mod faults;
mod front;
mod hostile;
mod oauth;
mod tls;
mod wrong_tokens;

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Command, Output};
use std::sync::{Arc, Mutex, Weak};

use serde_json::{Value, json};

use crate::support::{Program, folder_with_keys, jwt_generator, read, refused, run};

/// The doctor's report and exit code.
struct Told {
    code: i32,
    report: Value,
}

/// A call of the doctor, in a folder without settings.
fn doctor(arguments: &[&str]) -> Command {
    let mut command = jwt_generator(Path::new("/"));
    command.arg("doctor").args(arguments).env("LOG_LEVEL", "warn");
    command
}

/// Calls the doctor for an address.
fn ask(address: &str, arguments: &[&str]) -> Told {
    let mut command = doctor(&[&[address, "--json"], arguments].concat());
    let Output { status, stdout, stderr } = command.output().unwrap();
    let report = serde_json::from_slice(&stdout).unwrap_or_else(|_| {
        panic!("{}\n{}", String::from_utf8_lossy(&stdout), String::from_utf8_lossy(&stderr))
    });
    let told = Told { code: status.code().unwrap(), report };
    told.findings().iter().for_each(stands_by_itself);
    told
}

/// A finding is a whole sentence that names its subject, so that a reader of this line alone understands it.
#[track_caller]
fn stands_by_itself(finding: &Value) {
    for text in [&finding["seen"], &finding["remedy"]].into_iter().filter_map(Value::as_str) {
        assert!(text.starts_with(|c: char| c.is_ascii_uppercase() || c == '/'), "{finding:#}");
        assert!(text.ends_with('.') || text.ends_with('…'), "{finding:#}");
        assert!(text.split(' ').count() >= 4, "{finding:#}");
        for dangling in ["It ", "They ", "None ", "Nobody "] {
            assert!(!text.starts_with(dangling), "{finding:#}");
        }
    }
}

fn http(address: SocketAddr) -> String {
    format!("http://{address}")
}

impl Told {
    fn findings(&self) -> &Vec<Value> {
        self.report["findings"].as_array().unwrap()
    }

    /// The finding of one check.
    #[track_caller]
    fn of(&self, id: &str) -> &Value {
        self.findings()
            .iter()
            .find(|finding| finding["id"] == id)
            .unwrap_or_else(|| panic!("{id} is not there"))
    }

    fn status(&self, id: &str) -> &str {
        self.of(id)["status"].as_str().unwrap()
    }

    /// Asserts that exactly these checks warn or fail, and that the exit code fits.
    #[track_caller]
    fn complains(&self, expected: &[(&str, &str)]) {
        let pair = |finding: &Value| {
            let text = |name: &str| finding[name].as_str().unwrap().to_owned();
            (text("id"), text("status"))
        };
        let found: BTreeSet<_> = self.findings().iter().map(pair).collect();
        let found: BTreeSet<_> =
            found.iter().filter(|(_, status)| status == "warn" || status == "fail").cloned().collect();
        let wanted: BTreeSet<_> =
            expected.iter().map(|(id, status)| ((*id).to_owned(), (*status).to_owned())).collect();
        assert_eq!(found, wanted, "{:#}", self.report);
        let fails = expected.iter().any(|(_, status)| *status == "fail");
        assert_eq!((self.code, &self.report["healthy"]), (i32::from(fails), &json!(!fails)));
    }
}

/// A service without faults, for tests to put proxies in front of. It ends with the last test that uses it.
struct Sound {
    program: Program,
    _folder: tempfile::TempDir,
}

impl Sound {
    fn address(&self) -> SocketAddr {
        self.program.address()
    }
}

/// The service that other tests use already, or a new one.
fn service() -> Arc<Sound> {
    static SHARED: Mutex<Weak<Sound>> = Mutex::new(Weak::new());
    let mut shared = SHARED.lock().unwrap();
    shared.upgrade().unwrap_or_else(|| {
        let folder = folder_with_keys();
        let program = Program::start(folder.path(), &[("BCRYPT_ROUNDS", "4"), ("LOG_FORMAT", "json")]);
        let sound = Arc::new(Sound { program, _folder: folder });
        *shared = Arc::downgrade(&sound);
        sound
    })
}

#[test]
fn nothing_is_wrong_with_a_sound_service() {
    let service = service();
    let told = ask(&http(service.address()), &[]);
    told.complains(&[]);
    let skipped = |finding: &&Value| finding["status"] == "skip";
    let skipped: BTreeSet<_> =
        told.findings().iter().filter(skipped).map(|finding| finding["id"].as_str().unwrap()).collect();
    let tls = ["plain-http", "hsts", "tls-handshake", "tls-trusted", "certificate-expiry", "tls-old"];
    let unknown = ["key-lead", "token-issuer", "token-audience", "redirect-uri", "cors-invited"];
    let aws = ["aws-rsa", "aws-issuer", "aws-discovery", "aws-key-lead", "aws-limits"];
    assert_eq!(skipped, tls.into_iter().chain(unknown).chain(aws).collect());
    assert_eq!(
        told.report["counts"],
        json!({ "ok": told.findings().len() - 16, "warn": 0, "fail": 0, "skip": 16 })
    );
}

#[test]
fn nothing_is_wrong_with_a_proxy_that_alters_nothing() {
    let service = service();
    ask(&http(front::before(service.address(), |_, _| {})), &[]).complains(&[]);
}

#[test]
fn the_report_for_scripts_has_this_shape() {
    let service = service();
    let address = http(service.address());
    let told = ask(&format!("{address}/"), &["--origin", "https://app.example.com"]);
    let members: BTreeSet<_> = told.report.as_object().unwrap().keys().map(String::as_str).collect();
    assert_eq!(members, ["counts", "findings", "healthy", "keys", "url"].into());
    assert_eq!(told.report["url"], address);
    let expected =
        json!({ "id": "key-set", "group": "Key set", "status": "ok", "seen": "The key set contains 1 key." });
    assert_eq!(told.of("key-set"), &expected);
    let front = front::before(service.address(), |_, reply| reply.add("server", "nginx/1.22.1"));
    let warned = ask(&http(front), &[]);
    let expected = json!({
        "id": "version-leak", "group": "Responses", "status": "warn",
        "seen": "The header \"server: nginx/1.22.1\" names the server's program.",
        "remedy": "Turn the header off in the proxy: in nginx with `server_tokens off;`.",
    });
    assert_eq!(warned.of("version-leak"), &expected);
    let key = &told.report["keys"][0];
    assert_eq!(
        (&key["kty"], &key["alg"], &key["bits"], key["thumbprint"].as_str().unwrap().len()),
        (&json!("RSA"), &json!("RS256"), &json!(2048), 43)
    );
    assert_eq!(key["status"], "active");
}

#[test]
fn the_report_for_people_is_in_groups_and_has_no_colour_in_a_pipe() {
    let service = service();
    let front = front::before(service.address(), |_, reply| reply.add("server", "nginx/1.22.1"));
    let text = run(&mut doctor(&[&http(front)]));
    for line in [
        ", seen from outside\n\nConnection\n  ok    reachable           The first request was answered with status 200 after\n",
        "\nTLS: skipped. The address uses plain HTTP.\n",
        "\n  warn  version-leak        The header \"server: nginx/1.22.1\" names the server's\n                            program.\n                            -> Turn the header off in the proxy: in nginx with\n",
        "\n\n61 ok, 1 warn, 0 fail, 16 skip\n",
    ] {
        assert!(text.contains(line), "{line:?} is not in\n{text}");
    }
    assert!(!text.contains('\x1b'));
    let widest = text.lines().map(|line| line.chars().count()).max();
    assert!(widest <= Some(80), "{widest:?} columns:\n{text}");
}

#[test]
fn warnings_count_as_failures_if_the_option_says_so() {
    let service = service();
    let front = http(front::before(service.address(), |_, reply| reply.add("server", "nginx/1.22.1")));
    let told = ask(&front, &["--strict"]);
    assert_eq!((told.code, &told.report["healthy"]), (1, &json!(false)));
    let error = refused(&mut doctor(&[&front, "--strict"]), 1);
    assert_eq!(error, "error: 1 warning, and --strict counts warnings as failures\n");
    assert_eq!(ask(&http(service.address()), &["--strict"]).code, 0);
}

#[test]
fn without_an_address_it_is_the_service_of_the_settings() {
    let service = service();
    let (address, folder) = (service.address(), tempfile::tempdir().unwrap());
    let ask = |settings: &[(&str, &str)]| -> Value {
        let mut command = jwt_generator(folder.path());
        command.args(["doctor", "--json"]).envs(settings.iter().copied());
        serde_json::from_str(&run(&mut command)).unwrap()
    };
    let port = address.port().to_string();
    let status = |report: &Value, id: &str| {
        let found = report["findings"].as_array().unwrap().iter().find(|finding| finding["id"] == id);
        found.unwrap()["status"].clone()
    };
    let report = ask(&[("PORT", &port)]);
    assert_eq!(report["url"], format!("http://localhost:{port}"));
    // Here the settings say what to expect.
    assert_eq!(
        (status(&report, "token-issuer"), status(&report, "token-audience")),
        (json!("ok"), json!("ok"))
    );
    let report = ask(&[("PUBLIC_URL", &http(address)), ("PORT", "1")]);
    assert_eq!(report["url"], http(address));
}

#[test]
fn a_wrong_call_is_told_apart_from_a_bad_deployment() {
    let folder = tempfile::tempdir().unwrap();
    let empty = folder.path().join("empty");
    std::fs::write(&empty, "\n").unwrap();
    let empty = empty.to_str().unwrap();
    for (arguments, told) in [
        (&["tokens.example.com"][..], "begins with neither http:// nor https://"),
        (&["https://user:secret@tokens.example.com"], "contains a user name or a password"),
        (&["http://127.0.0.1:1", "--ca-file", empty], "contains no certificate in PEM form"),
        (&["http://127.0.0.1:1", "--token-file", empty], "the token is empty"),
        (&["http://127.0.0.1:1", "--token-file", "nowhere"], "cannot read nowhere"),
        (&["http://127.0.0.1:1", "--timeout", "0"], "--timeout"),
        (&["http://127.0.0.1:1", "--jwks", "http://127.0.0.1:1"], "cannot be used with"),
    ] {
        let error = refused(&mut doctor(arguments), 2);
        assert!(error.contains(told) && !error.contains("secret"), "{error}");
    }
}

#[test]
fn docs_doctor_has_every_check() {
    let list: Value = serde_json::from_str(&run(&mut doctor(&["--list", "--json"]))).unwrap();
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let expected: Vec<_> = list
        .as_array()
        .unwrap()
        .iter()
        .map(|check| {
            (
                text(&check["group"]),
                [format!("`{}`", text(&check["id"])), text(&check["about"]), text(&check["remedy"])],
            )
        })
        .collect();
    let mut written = Vec::new();
    let mut group = String::new();
    for line in read("docs/doctor.md").lines() {
        if let Some(title) = line.strip_prefix("### ") {
            title.clone_into(&mut group);
        } else if line.starts_with("| `") {
            let cells: Vec<_> =
                line.trim_matches('|').split(" | ").map(|cell| cell.trim().to_owned()).collect();
            written.push((group.clone(), [cells[0].clone(), cells[1].clone(), cells[2].clone()]));
        }
    }
    assert_eq!(written, expected);
    let plain = run(&mut doctor(&["--list"]));
    assert!(
        plain.starts_with("Connection\n  reachable           The address answers HTTP requests.\n"),
        "{plain}"
    );
}

#[test]
fn each_check_has_a_test_in_which_it_fires() {
    let files = ["amazon", "faults", "hostile", "oauth", "tls", "wrong_tokens"];
    let source: String = files.iter().map(|file| read(&format!("tests/it/doctor/{file}.rs"))).collect();
    let list: Value = serde_json::from_str(&run(&mut doctor(&["--list", "--json"]))).unwrap();
    for check in list.as_array().unwrap() {
        let id = check["id"].as_str().unwrap();
        // How slow is slow has a test beside the rule: here it would have to be slow.
        let fires = source.contains(&format!("(\"{id}\", \"")) || id == "latency";
        assert!(fires, "no test has {id} fire");
    }
}
