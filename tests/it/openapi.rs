//! `openapi.yaml` against the server: the same operations, the same answers.

use std::collections::BTreeSet;
use std::process::Command;

use serde_json::Value;

use crate::support::{Program, Service, read, repository, run, tool};

#[test]
fn router_and_document_list_the_same_operations() {
    let document: Value = serde_json::from_str(jwt_generator::http::OPENAPI_JSON).unwrap();
    let mut documented = BTreeSet::new();
    for (path, item) in document["paths"].as_object().unwrap() {
        for (method, operation) in item.as_object().unwrap() {
            if let Some(id) = operation["operationId"].as_str() {
                // OPTIONS is there for the gateway, which answers preflights itself; the server answers it everywhere.
                if method != "options" {
                    documented.insert((method.clone(), path.clone(), id.to_owned()));
                }
            }
        }
    }
    let routed: BTreeSet<_> = jwt_generator::http::operations()
        .map(|(method, path, id)| (method.to_owned(), path.to_owned(), id.to_owned()))
        .collect();
    assert_eq!(documented, routed);
}

#[test]
fn the_document_is_served_as_yaml_and_json_for_this_server() {
    let service = Service::with(&[("PUBLIC_URL", "https://auth.example.com/")]);
    let json = service.anonymous().get("/api/docs/openapi.json");
    assert_eq!(json.header("content-type"), Some("application/json; charset=utf-8"));
    assert_eq!(json.ok()["servers"][0]["url"], "https://auth.example.com");
    let yaml = service.anonymous().get("/api/docs/openapi.yaml");
    assert_eq!(yaml.header("content-type"), Some("application/yaml; charset=utf-8"));
    assert_eq!(
        yaml.text(),
        read("openapi.yaml").replacen("- url: /\n", "- url: https://auth.example.com\n", 1)
    );
    let tag = yaml.header("etag").unwrap();
    let again =
        service.anonymous().send(http::Method::GET, "/api/docs/openapi.yaml", &[("if-none-match", tag)], "");
    assert_eq!((again.status, again.body.len()), (304, 0));
}

#[test]
fn schemathesis_finds_nothing() {
    let folder = tempfile::tempdir().unwrap();
    // The document allows what the longest setting does.
    let program = Program::start(folder.path(), &[("BCRYPT_ROUNDS", "4"), ("MAX_TOKEN_LIFETIME", "100y")]);
    let mut schemathesis = Command::new(tool("venv/bin/schemathesis"));
    schemathesis
        .arg("--config-file")
        .arg(repository().join("tests/schemathesis.toml"))
        .arg("run")
        .arg(repository().join("openapi.yaml"))
        .args(["--checks", "all", "--phases", "examples,coverage,fuzzing,stateful"])
        .args(["--max-examples", "40", "--seed", "1", "--workers", "1", "--no-color"])
        .arg("--url")
        .arg(program.client().base())
        .current_dir(folder.path());
    let told = run(&mut schemathesis);
    let cases = told.lines().find(|line| line.contains(" generated, ")).unwrap_or_default();
    let counts: Vec<_> = cases.split_whitespace().filter_map(|word| word.parse::<u32>().ok()).collect();
    assert!(counts.len() == 3 && counts[0] > 500 && counts[0] == counts[1], "{told}");
}

#[test]
fn the_document_carries_what_api_gateway_needs() {
    let document: Value = serde_json::from_str(jwt_generator::http::OPENAPI_JSON).unwrap();
    assert_eq!(document["openapi"], "3.0.3");
    for (path, item) in document["paths"].as_object().unwrap() {
        for (method, operation) in item.as_object().unwrap() {
            if operation["operationId"].is_string() && method != "options" {
                let uri = operation["x-amazon-apigateway-integration"]["uri"].as_str().unwrap_or_default();
                let plain = path.trim_end_matches('/');
                let expected = format!("${{stageVariables.backend_url}}{plain}");
                assert!(uri.contains(&expected), "{method} {path}: {uri}");
            }
        }
    }
}
