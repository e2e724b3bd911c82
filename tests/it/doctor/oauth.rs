//! OAuth and the pages: faults in front of a sound service, and a service in which OAuth is off.

use serde_json::{Value, json};

use super::front::{self, Alter, Asked, Reply};
use super::{ask, http, service};
use crate::support::{Program, folder_with_keys, jwt_generator, run};

const OPENID: &str = "/.well-known/openid-configuration";

/// Each fault alone, in front of the same service: the doctor finds this fault and no other.
#[track_caller]
fn each_is_found(faults: &[(&[(&str, &str)], Alter)]) {
    let service = service();
    for (expected, alter) in faults {
        ask(&http(front::before(service.address(), *alter)), &[]).complains(expected);
    }
}

fn edit_document(asked: &Asked, reply: &mut Reply, alter: impl FnOnce(&mut Value)) {
    if asked.path.starts_with("/.well-known/o") {
        reply.edit(alter);
    }
}

#[test]
fn a_discovery_document_that_a_proxy_has_spoilt() {
    each_is_found(&[
        (&[("discovery", "fail")], |asked, reply| {
            if asked.path == "/.well-known/oauth-authorization-server" {
                reply.status = 403;
            }
        }),
        (&[("discovery", "fail")], |asked, reply| {
            if asked.path == "/.well-known/oauth-authorization-server" {
                reply.edit(|document| document["token_endpoint"] = json!("https://elsewhere.example/token"));
            }
        }),
        (&[("discovery", "fail")], |asked, reply| {
            if asked.path.starts_with(OPENID) {
                (reply.status, reply.body) = (404, b"<html>".to_vec());
            }
        }),
        (&[("discovery-origins", "fail")], |asked, reply| {
            edit_document(asked, reply, |document| {
                document["authorization_endpoint"] = json!("https://elsewhere.example/oauth/authorize");
            });
        }),
        (&[("pkce", "fail")], |asked, reply| {
            edit_document(asked, reply, |document| {
                document["code_challenge_methods_supported"] = json!(["S256", "plain"]);
            });
        }),
        (&[("response-issuer", "warn")], |asked, reply| {
            edit_document(asked, reply, |document| {
                document["authorization_response_iss_parameter_supported"] = json!(false);
            });
        }),
    ]);
}

#[test]
fn endpoints_that_do_not_lead_to_the_service() {
    each_is_found(&[
        (&[("oauth-endpoints", "fail")], |asked, reply| {
            if asked.path == "/oauth/token" && asked.method == "GET" {
                reply.status = 404;
            }
        }),
        (&[("oauth-endpoints", "fail")], |asked, reply| {
            if asked.path == "/oauth/userinfo" {
                reply.status = 502;
            }
        }),
        (&[("discovery-keys", "fail")], |asked, reply| {
            edit_document(asked, reply, |document| {
                let issuer = document["issuer"].as_str().unwrap().to_owned();
                document["jwks_uri"] = json!(format!("{issuer}/api/jwks/post-quantum"));
            });
        }),
    ]);
}

#[test]
fn requests_that_are_redirected_to_a_foreign_address() {
    each_is_found(&[
        (&[("unknown-client", "fail")], |asked, reply| {
            if asked.path.contains("foreign.invalid") {
                reply.status = 302;
                reply.set("location", "https://foreign.invalid/callback?error=invalid_client");
            }
        }),
        (&[("unknown-client", "warn")], |asked, reply| {
            if asked.path.contains("foreign.invalid") {
                (reply.status, reply.body) = (403, b"<html>".to_vec());
            }
        }),
    ]);
}

#[test]
fn a_log_in_page_that_a_proxy_has_spoilt() {
    each_is_found(&[
        (&[("log-in-page", "fail")], |asked, reply| {
            if asked.path == "/oauth/login" {
                reply.status = 404;
            }
        }),
        (&[("log-in-cookies", "fail")], |asked, reply| {
            if asked.path == "/oauth/login" {
                reply.set("set-cookie", "form=secret; Path=/; SameSite=Lax");
            }
        }),
        (&[("log-in-cookies", "fail")], |_, reply| reply.drop("set-cookie")),
        (&[("log-in-frames", "fail")], |asked, reply| {
            if asked.path == "/oauth/login" {
                reply.set("content-security-policy", "default-src 'none'");
            }
        }),
        (&[("oauth-no-store", "fail")], |asked, reply| {
            if asked.path == "/oauth/login" {
                reply.set("cache-control", "public, max-age=60");
            }
        }),
        (&[("oauth-no-store", "fail")], |asked, reply| {
            if asked.path == "/oauth/token" {
                reply.drop("cache-control");
            }
        }),
    ]);
}

#[test]
fn a_client_that_is_known_is_asked_for_what_must_be_refused() {
    let folder = folder_with_keys();
    let (address, grant) = ("https://app.example.com/callback", "authorization_code");
    let create =
        ["clients", "create", "app", "--auth-method", "none", "--grant", grant, "--redirect-uri", address];
    run(jwt_generator(folder.path()).args(create));
    let program = Program::start(folder.path(), &[("BCRYPT_ROUNDS", "4")]);
    let options = ["--client-id", "app", "--redirect-uri", address];
    let told = ask(&http(program.address()), &options);
    told.complains(&[]);
    assert_eq!(told.status("redirect-uri"), "ok");
    assert_eq!(
        told.of("pkce")["seen"],
        "The service has the PKCE method S256, and refuses a request with plain."
    );
    let open = front::before(program.address(), |asked, reply| {
        if asked.path.contains("client_id=app&") {
            reply.status = 302;
            reply.set("location", "https://foreign.invalid/callback?code=x");
        }
    });
    ask(&http(open), &options).complains(&[("redirect-uri", "fail"), ("pkce", "fail")]);
}

#[test]
fn an_issuer_that_clients_refuse() {
    let service = service();
    let told = ask(&format!("http://0.0.0.0:{}", service.address().port()), &[]);
    assert_eq!((told.status("discovery-issuer"), told.status("issuer-https")), ("fail", "fail"));
    assert_eq!(told.status("log-in-cookies"), "fail");
    let folder = folder_with_keys();
    let issuer =
        [("NODE_ENV", "production"), ("ISSUER_URL", "https://tokens.example.com"), ("BCRYPT_ROUNDS", "4")];
    let program = Program::start(folder.path(), &issuer);
    let told = ask(&format!("http://0.0.0.0:{}", program.address().port()), &[]);
    assert_eq!(
        told.of("discovery-issuer")["seen"],
        format!(
            "The discovery document names the issuer \"https://tokens.example.com\", and the doctor asked \
             \"http://0.0.0.0:{}\".",
            program.address().port()
        )
    );
    assert_eq!((told.status("issuer-https"), told.status("log-in-cookies")), ("ok", "ok"));
}

#[test]
fn if_oauth_is_off_one_line_says_why() {
    let folder = folder_with_keys();
    let program = Program::start(folder.path(), &[("NODE_ENV", "production"), ("BCRYPT_ROUNDS", "4")]);
    let told = ask(&http(program.address()), &[]);
    told.complains(&[]);
    assert_eq!((told.status("discovery"), told.status("log-in-page")), ("skip", "skip"));
    let mut command = super::doctor(&[&http(program.address())]);
    let text = run(&mut command);
    let line = "\nOAuth: skipped. OAuth is off. The service says: \"The OAuth endpoints are off on this server: in \
                production its ISSUER_URL must be an https address\".\n";
    assert!(text.contains(line), "{text}");
}
