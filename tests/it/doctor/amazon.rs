//! What the JWT authorizers of API Gateway need.

use serde_json::{Value, json};

use super::front::{self, Alter, Asked, Identity, Reply};
use super::{Told, ask, http, service};
use crate::support::{Program, jwt_generator, run};

/// The report on a deployment over TLS that is its own issuer.
fn with_issuer(alter: Alter) -> Told {
    let service = service();
    let identity = Identity::lasting();
    let front = front::before_with_tls(service.address(), alter, &identity, false);
    let address = format!("https://{front}");
    ask(&address, &["--aws", "--issuer", &address, "--ca-file", identity.certificate.to_str().unwrap()])
}

/// Serves the discovery document and the cookies of an issuer that has the address of the front.
fn publish(asked: &Asked, reply: &mut Reply) {
    let host = asked.header("host").unwrap();
    let address = format!("https://{host}");
    if asked.path.starts_with("/.well-known/o") && host.starts_with("127.0.0.1:") {
        let text = String::from_utf8(std::mem::take(&mut reply.body)).unwrap();
        let document: Value = serde_json::from_str(&text).unwrap();
        reply.body = text.replace(document["issuer"].as_str().unwrap(), &address).into_bytes();
    }
    for (_, cookie) in reply.headers.iter_mut().filter(|(name, _)| name == "set-cookie") {
        cookie.push_str("; Secure");
    }
}

/// What is wrong with tokens of a service whose issuer is not its address.
const OTHER_ISSUER: (&str, &str) = ("token-issuer", "fail");

#[test]
fn an_issuer_with_discovery_is_what_api_gateway_needs() {
    let told = with_issuer(publish);
    told.complains(&[OTHER_ISSUER]);
    assert_eq!(told.of("aws-discovery")["seen"], "The discovery document leads to a key set with 1 key.");
    for id in ["aws-rsa", "aws-issuer", "aws-discovery", "aws-limits"] {
        assert_eq!(told.status(id), "ok", "{id}");
    }
}

#[test]
fn issuers_that_api_gateway_cannot_use() {
    let service = service();
    let missing = with_issuer(|asked, reply| {
        if asked.path == "/.well-known/openid-configuration" {
            reply.status = 404;
        }
    });
    missing.complains(&[("aws-discovery", "fail"), ("discovery", "fail"), OTHER_ISSUER]);
    assert_eq!(
        missing.of("aws-discovery")["seen"],
        "The request for the discovery document was answered with status 404."
    );
    let alter: [Alter; 3] = [
        |asked, reply| {
            publish(asked, reply);
            reply.edit(|body| alter_member(body, "issuer", "https://other.example.com"));
        },
        |asked, reply| {
            publish(asked, reply);
            reply.edit(|body| alter_member(body, "jwks_uri", "http://127.0.0.1:1/jwks"));
        },
        |asked, reply| {
            publish(asked, reply);
            reply.edit(|body| alter_member(body, "jwks_uri", "https://127.0.0.1:1/jwks"));
        },
    ];
    for alter in alter {
        let expected = [("aws-discovery", "fail"), ("discovery-origins", "fail"), OTHER_ISSUER];
        with_issuer(alter).complains(&expected);
    }
    let told = ask(&http(service.address()), &["--aws", "--issuer", "jwt-generator-app"]);
    told.complains(&[("aws-issuer", "fail")]);
    assert_eq!(ask(&http(service.address()), &["--aws"]).status("aws-issuer"), "skip");
}

fn alter_member(body: &mut Value, name: &str, value: &str) {
    if body.get("jwks_uri").is_some() {
        body[name] = json!(value);
    }
}

#[test]
fn keys_that_api_gateway_does_not_know() {
    for algorithm in ["ES256", "PS256", "EdDSA"] {
        let folder = tempfile::tempdir().unwrap();
        let settings = [("JWT_ALGORITHM", algorithm), ("BCRYPT_ROUNDS", "4")];
        let program = Program::start(folder.path(), &settings);
        ask(&http(program.address()), &["--aws"]).complains(&[("aws-rsa", "fail")]);
        ask(&http(program.address()), &[]).complains(&[]);
    }
}

#[test]
fn a_lead_that_is_shorter_than_what_api_gateway_keeps() {
    for (max_age, expected) in [("1s", &[("aws-key-lead", "fail")][..]), ("2h", &[])] {
        // A new ring: for keys of the original, the service also waits as long as the original let verifiers keep them.
        let folder = tempfile::tempdir().unwrap();
        let settings = [
            ("VERIFIER_CACHE", "0"),
            ("JWKS_MAX_AGE", max_age),
            ("KEY_ROTATION", "30d"),
            ("BCRYPT_ROUNDS", "4"),
        ];
        for command in ["generate", "rotate"] {
            run(jwt_generator(folder.path()).args(["keys", command]).envs(settings));
        }
        let program = Program::start(folder.path(), &settings);
        let told = ask(&http(program.address()), &["--aws"]);
        told.complains(expected);
        assert_eq!(told.status("key-lead"), "ok");
    }
}

#[test]
fn a_key_set_that_is_too_large_for_api_gateway() {
    let service = service();
    let front = front::before(service.address(), |asked, reply| {
        if asked.is_key_set() && reply.status == 200 {
            reply.body.resize(150_001, b' ');
        }
    });
    ask(&http(front), &["--aws"]).complains(&[("aws-limits", "fail"), ("key-set-size", "warn")]);
}
