//! `openapi.yaml` against the server: the same operations, the same answers.

use std::collections::BTreeSet;
use std::process::Command;

use http::Method;
use jwt_generator::http::{Auth, Cache, Dialect, Operation, Origins, operations};
use serde_json::{Value, json};

use crate::support::{Program, Service, read, repository, run, tool};

fn document() -> Value {
    serde_json::from_str(&jwt_generator::http::openapi_json()).unwrap()
}

/// The part of the document that a reference names.
fn resolved<'a>(document: &'a Value, value: &'a Value) -> &'a Value {
    match value["$ref"].as_str() {
        Some(reference) => document.pointer(reference.trim_start_matches('#')).unwrap(),
        None => value,
    }
}

#[test]
fn table_and_document_list_the_same_operations() {
    let mut documented = BTreeSet::new();
    for (path, item) in document()["paths"].as_object().unwrap() {
        for (method, operation) in item.as_object().unwrap() {
            if let Some(id) = operation["operationId"].as_str() {
                // The document has OPTIONS for the gateway, which answers preflights itself. The server answers it on
                // every path.
                if method != "options" {
                    documented.insert((method.clone(), path.clone(), id.to_owned()));
                }
            }
        }
    }
    let of_table =
        |one: &Operation| (one.method.as_str().to_lowercase(), one.path.to_owned(), one.id.to_owned());
    assert_eq!(documented, operations().iter().map(of_table).collect());
}

/// The other columns of the table: authentication, limits, how long an answer may be cached, and the form of a refusal.
#[test]
fn table_and_document_say_the_same_of_every_operation() {
    let document = document();
    for one in operations() {
        let documented = &document["paths"][one.path][one.method.as_str().to_lowercase()];
        let security = match one.auth {
            Auth::Ignored => json!([]),
            Auth::Optional => json!([{}, { "bearerAuth": [] }]),
            Auth::OptionalClient => json!([{}, { "clientBasic": [] }, { "clientToken": [] }]),
            Auth::Client => json!([{}, { "clientBasic": [] }]),
            Auth::Required => json!([{ "bearerAuth": [] }]),
        };
        assert_eq!(documented["security"], security, "{}", one.id);
        let responses = documented["responses"].as_object().unwrap();
        assert_eq!(responses.contains_key("429"), one.limit.is_some(), "{}", one.id);
        // A page of a form may only lead to the next one.
        let met = responses.iter().find(|(status, _)| status.starts_with(['2', '3'])).unwrap().1;
        let kept = &resolved(&document, met)["headers"]["Cache-Control"];
        let expected = match one.cache {
            Cache::KeySet => Some("public, max-age=86400"),
            Cache::StatusList => Some("public, max-age=30"),
            cache => cache.value(),
        };
        assert_eq!(resolved(&document, kept)["example"].as_str(), expected, "{}", one.id);
        let content = &resolved(&document, &responses["405"])["content"];
        if one.dialect == Dialect::Page {
            assert_eq!(content["text/html"]["schema"]["type"], "string", "{}", one.id);
            continue;
        }
        let schema = &content["application/json"]["schema"];
        let expected = match one.dialect {
            Dialect::Api => "#/components/schemas/ErrorAnswer",
            Dialect::OAuth | Dialect::Page => "#/components/schemas/OAuthError",
        };
        assert_eq!(schema["$ref"], expected, "{}", one.id);
    }
}

/// The server treats each operation as its row says: for a browser, for a cache, and for a caller without a token.
#[test]
fn every_operation_does_what_its_row_of_the_table_says() {
    let service = Service::with(&[("ALLOWED_ORIGINS", "https://app.example.com")]);
    let ask = [("origin", "https://other.example.com"), ("access-control-request-method", "GET")];
    for one in operations() {
        let path = one.path.replace("{file}", "docs.css");
        let any = (one.origins == Origins::All).then_some("*");
        for method in [Method::OPTIONS, one.method.clone()] {
            let answer = service.anonymous().send(method, &path, &ask, "");
            assert_eq!(answer.header("access-control-allow-origin"), any, "{}", one.id);
            if answer.status == 204 {
                let here = operations().iter().filter(|other| other.path == one.path);
                let methods =
                    here.map(|one| if one.method == Method::GET { "GET,HEAD" } else { one.method.as_str() });
                let methods = methods.collect::<Vec<_>>().join(",");
                assert_eq!(answer.header("access-control-allow-methods"), Some(&*methods), "{}", one.id);
            }
        }
        let answer = service.anonymous().send(one.method.clone(), &path, &[], "");
        let challenge = match (one.dialect, one.auth) {
            (Dialect::Api, Auth::Required) => {
                answer.is_refused(401, "token_required", "Access token is required");
                Some("Bearer")
            }
            (Dialect::OAuth, Auth::Required | Auth::Optional) => {
                answer.is_oauth_error(401, "invalid_token", "Access token is required");
                Some("Bearer")
            }
            (_, Auth::Client) => Some("Basic realm=\"client\", charset=\"UTF-8\""),
            _ => None,
        };
        assert_eq!(answer.header("www-authenticate"), challenge, "{}", one.id);
        if answer.status == 200 {
            let expected = match one.cache {
                Cache::KeySet => Some("public, max-age=86400"),
                Cache::StatusList => Some("public, max-age=30"),
                cache => cache.value(),
            };
            assert_eq!(answer.header("cache-control"), expected, "{}", one.id);
        } else if one.dialect == Dialect::Page {
            assert_eq!(answer.header("cache-control"), Some("no-store"), "{}", one.id);
        } else {
            let expected = (one.dialect == Dialect::OAuth).then_some("no-store");
            assert_eq!(answer.header("cache-control"), expected, "{}", one.id);
        }
    }
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
    let document = document();
    assert_eq!(document["openapi"], "3.0.3");
    for (path, item) in document["paths"].as_object().unwrap() {
        for (method, operation) in item.as_object().unwrap() {
            // Terraform's document takes each member of a path for an operation, so that parameters are in the operations.
            let integration = &operation["x-amazon-apigateway-integration"];
            assert!(integration.is_object(), "{method} {path} has no integration");
            if operation["operationId"].is_string() && method != "options" {
                let uri = integration["uri"].as_str().unwrap_or_default();
                let plain = path.trim_end_matches('/');
                let expected = format!("${{stageVariables.backend_url}}{plain}");
                assert!(uri.contains(&expected), "{method} {path}: {uri}");
            }
        }
    }
}

#[test]
fn the_postman_collection_is_made_from_the_document() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("openapi.json");
    std::fs::write(&path, jwt_generator::http::openapi_json()).unwrap();
    let script = repository().join("tests/clients/postman/collection.py");
    let made = run(Command::new(tool("venv/bin/python")).arg(script).arg(path));
    assert!(made == read("docs/jwt-generator.postman_collection.json"), "run tests/clients/check --write");
}
