//! Deployments with a fault, and what the doctor says about each.

use serde_json::{Value, json};

use super::front::{self, Alter};
use super::{ask, http, service};
use crate::support::{Program, folder_with_keys};

type Faults<'a> = &'a [(&'a [(&'a str, &'a str)], Alter)];

/// Each fault alone, in front of the same service: the doctor finds this fault and no other. Doctors wait most of their time, so
/// some of them look at the same time.
fn each_is_found(faults: Faults<'_>) {
    let service = service();
    for some in faults.chunks(3) {
        std::thread::scope(|scope| {
            for (expected, alter) in some {
                scope.spawn(|| ask(&http(front::before(service.address(), *alter)), &[]).complains(expected));
            }
        });
    }
}

#[test]
fn a_key_set_that_is_not_there_or_not_one() {
    each_is_found(&[
        (&[("key-set", "fail")], |asked, reply| {
            if asked.is_key_set() {
                reply.status = 403;
            }
        }),
        (&[("key-set", "fail")], |asked, reply| {
            if asked.is_key_set() {
                reply.body = b"<html>".to_vec();
            }
        }),
        (&[("key-set", "fail")], |asked, reply| {
            if asked.is_key_set() {
                reply.body = br#"{"keys":[]}"#.to_vec();
            }
        }),
        (&[("key-set", "fail"), ("no-redirect", "fail")], |asked, reply| {
            if asked.is_key_set() {
                reply.status = 301;
                reply.set("location", "https://elsewhere.example.com/jwks.json");
            }
        }),
        (&[("key-set-type", "warn")], |asked, reply| {
            if asked.is_key_set() {
                reply.set("content-type", "application/octet-stream");
            }
        }),
        (&[("key-set-paths", "warn")], |asked, reply| {
            if asked.is_key_set() && asked.path.starts_with("/api/jwks") {
                reply.status = 404;
            }
        }),
        (&[("key-set-paths", "warn"), ("discovery-keys", "fail")], |asked, reply| {
            if asked.path.starts_with("/.well-known/jwks") {
                reply.status = 404;
            }
        }),
        (&[("key-set-paths", "fail")], |asked, reply| {
            if asked.is_key_set() && asked.path.starts_with("/api/jwks") {
                reply.edit_key(|key| key["kid"] = json!("another"));
            }
        }),
        (&[("key-set-size", "warn")], |asked, reply| {
            if asked.is_key_set() && reply.status == 200 {
                reply.body.resize(60 * 1024, b' ');
            }
        }),
    ]);
}

#[test]
fn keys_that_must_not_be_published() {
    each_is_found(&[
        (&[("key-private", "fail")], |asked, reply| {
            if asked.is_key_set() {
                reply.edit(|set| {
                    let mut leaking = set["keys"][0].clone();
                    (leaking["d"], leaking["kid"]) = (json!("AQAB"), json!("leaking"));
                    set["keys"].as_array_mut().unwrap().push(leaking);
                });
            }
        }),
        (&[("key-private", "fail"), ("key-members", "warn")], |asked, reply| {
            if asked.is_key_set() {
                let shared = json!({ "kty": "oct", "k": "c2VjcmV0", "kid": "shared", "alg": "HS256" });
                reply.edit(|set| set["keys"].as_array_mut().unwrap().push(shared));
            }
        }),
        (&[("key-ids", "fail")], |asked, reply| {
            if asked.is_key_set() {
                reply.edit(|set| {
                    let first = set["keys"][0].clone();
                    set["keys"].as_array_mut().unwrap().push(first);
                });
            }
        }),
        (&[("key-ids", "fail")], |asked, reply| {
            if asked.is_key_set() {
                reply.edit(|set| {
                    let mut nameless = set["keys"][0].clone();
                    nameless.as_object_mut().unwrap().remove("kid");
                    set["keys"].as_array_mut().unwrap().push(nameless);
                });
            }
        }),
        (&[("key-members", "warn")], |asked, reply| {
            if asked.is_key_set() {
                reply.edit_key(|key| {
                    key.as_object_mut().unwrap().remove("alg");
                });
            }
        }),
        (&[("key-strength", "fail")], |asked, reply| {
            if asked.is_key_set() {
                reply.edit(|set| {
                    let mut short = set["keys"][0].clone();
                    (short["n"], short["kid"]) = (json!("4".repeat(171)), json!("short"));
                    set["keys"].as_array_mut().unwrap().push(short);
                });
            }
        }),
    ]);
}

#[test]
fn a_key_set_that_cannot_be_kept_or_is_kept_too_long() {
    each_is_found(&[
        (&[("key-set-cacheable", "warn")], |asked, reply| {
            if asked.is_key_set() {
                reply.drop("cache-control");
            }
        }),
        (&[("key-set-cacheable", "warn")], |asked, reply| {
            if asked.is_key_set() {
                reply.set("cache-control", "no-cache, max-age=86400");
            }
        }),
        (&[("key-set-age", "fail")], |asked, reply| {
            if asked.is_key_set() {
                reply.add("age", "86401");
            }
        }),
        (&[("key-set-age", "warn"), ("key-set-cacheable", "warn")], |asked, reply| {
            if asked.is_key_set() {
                reply.drop("cache-control");
                reply.add("age", "1");
            }
        }),
        (&[("key-set-etag", "warn")], |asked, reply| {
            if asked.is_key_set() {
                reply.drop("etag");
            }
        }),
        (&[("key-set-etag", "warn")], |_, reply| {
            if reply.status == 304 {
                reply.status = 200;
            }
        }),
        (&[("key-set-vary", "warn")], |asked, reply| {
            if asked.is_key_set() {
                reply.add("vary", "Accept-Encoding, Cookie");
            }
        }),
        (&[("key-set-cookie", "warn")], |asked, reply| {
            if asked.is_key_set() {
                reply.add("set-cookie", "AWSALB=secret; Path=/");
            }
        }),
        (&[("key-set-encoding", "fail")], |asked, reply| {
            if asked.is_key_set() {
                reply.add("content-encoding", "br");
            }
        }),
    ]);
}

#[test]
fn a_schedule_that_stands_still() {
    each_is_found(&[
        (&[("key-info", "fail")], |asked, reply| {
            if asked.path == "/api/key-info" {
                reply.edit(|info| {
                    let mut unknown = info["data"]["keys"][0].clone();
                    (unknown["kid"], unknown["status"]) = (json!("unknown"), json!("retired"));
                    info["data"]["keys"].as_array_mut().unwrap().push(unknown);
                });
            }
        }),
        (&[("key-age", "warn")], |asked, reply| {
            if asked.path == "/api/key-info" {
                reply.edit_told(|key| key["activated_at"] = json!("2020-01-01T00:00:00.000Z"));
            }
        }),
        (&[("key-schedule", "fail")], |asked, reply| {
            if asked.path == "/api/key-info" {
                reply.edit_told(|key| {
                    key["status"] = json!("published");
                    key["published_at"] = json!("2020-01-01T00:00:00.000Z");
                    key["activates_at"] = json!("2020-01-03T00:00:00.000Z");
                });
            }
        }),
        (&[("key-schedule", "fail")], |asked, reply| {
            if asked.path == "/api/key-info" {
                reply.edit_told(|key| {
                    (key["status"], key["removes_at"]) =
                        (json!("retired"), json!("2020-01-03T00:00:00.000Z"));
                });
            }
        }),
        (&[("key-lead", "fail")], |asked, reply| {
            if asked.path == "/api/key-info" {
                reply.edit_told(|key| {
                    key["published_at"] = json!("2099-01-01T00:00:00.000Z");
                    key["activates_at"] = json!("2099-01-01T23:59:59.000Z");
                });
            }
        }),
    ]);
}

#[test]
fn a_service_that_is_not_well() {
    each_is_found(&[
        (&[("health", "warn")], |asked, reply| {
            if asked.path == "/health" {
                (reply.status, reply.body) = (404, b"no such page".to_vec());
            }
        }),
        (&[("database", "warn")], |asked, reply| {
            if asked.path == "/health" {
                reply.edit(|body| body["database_connected"] = json!(false));
            }
        }),
        (&[("signing", "fail")], |asked, reply| {
            if asked.path == "/health" {
                reply.edit(|body| body["signing"] = json!(false));
            }
        }),
        (&[("clock", "fail")], |asked, reply| {
            if asked.path == "/health" {
                reply.set("date", "Sun, 06 Nov 1994 08:49:37 GMT");
            }
        }),
        (&[("clock", "fail")], |asked, reply| {
            if asked.path == "/health" {
                reply.edit(|body| body["timestamp"] = json!("1994-11-06T08:49:37.000Z"));
            }
        }),
        (&[("rate-limit", "warn"), ("error-shape", "warn")], |asked, reply| {
            if asked.method == "DELETE" {
                reply.status = 429;
            }
        }),
    ]);
}

#[test]
fn names_that_a_caller_made_up() {
    each_is_found(&[
        (&[("spoofed-host", "fail")], |asked, reply| {
            let host = asked.header("host").unwrap_or_default();
            if host == "spoofed.invalid" && asked.path.starts_with("/no-such-path") {
                reply.status = 302;
                reply.add("location", &format!("https://{host}/"));
            }
        }),
        (&[("spoofed-host", "fail")], |asked, reply| {
            let host = asked.header("host").unwrap_or_default();
            if asked.path.starts_with("/api/docs/openapi.json") && asked.count("host") == 1 {
                let server = format!("https://{host}");
                reply.edit(|document| document["servers"] = json!([{ "url": server }]));
            }
        }),
        (&[("spoofed-forwarded", "fail")], |asked, reply| {
            if let Some(scheme) = asked.header("x-forwarded-proto") {
                reply.add("location", &format!("{scheme}://127.0.0.1/"));
            }
        }),
        (&[("spoofed-forwarded", "fail")], |asked, reply| {
            if let Some(host) = asked.header("x-forwarded-host") {
                reply.add("link", &format!("<https://{host}/>"));
            }
        }),
        (&[("host-twice", "warn")], |asked, reply| {
            if asked.count("host") == 2 {
                reply.status = 200;
            }
        }),
    ]);
}

#[test]
fn answers_that_browsers_refuse_or_read_too_freely() {
    each_is_found(&[
        (&[("cors-key-set", "warn")], |asked, reply| {
            if asked.is_key_set() {
                reply.drop("access-control-allow-origin");
            }
        }),
        (&[("cors-credentials", "fail")], |_, reply| reply.add("access-control-allow-credentials", "true")),
        (&[("cors-once", "fail")], |_, reply| reply.add("access-control-allow-origin", "*")),
        (&[("cors-once", "fail"), ("cors-key-set", "warn")], |asked, reply| {
            if asked.is_key_set() {
                reply.set("access-control-allow-origin", "*, *");
            }
        }),
        (&[("cors-preflight", "fail")], |asked, reply| {
            if asked.method == "OPTIONS" {
                reply.status = 403;
            }
        }),
        (&[("cors-preflight", "fail")], |asked, reply| {
            if asked.method == "OPTIONS" {
                reply.set("access-control-allow-headers", "*");
            }
        }),
    ]);
}

#[test]
fn origins_are_told_apart() {
    let folder = folder_with_keys();
    let settings = [("ALLOWED_ORIGINS", "https://app.example.com"), ("BCRYPT_ROUNDS", "4")];
    let program = Program::start(folder.path(), &settings);
    let address = http(program.address());
    let told = ask(&address, &["--origin", "https://app.example.com"]);
    told.complains(&[]);
    assert_eq!((told.status("cors-invited"), told.status("cors-preflight")), ("ok", "ok"));
    assert_eq!(
        told.of("cors-uninvited")["seen"],
        "A web page of an unknown origin may not read answers of the API."
    );
    let told = ask(&address, &["--origin", "https://other.example.com"]);
    told.complains(&[("cors-invited", "fail"), ("cors-preflight", "fail")]);
}

#[test]
fn answers_that_a_proxy_has_spoilt() {
    each_is_found(&[
        (&[("security-headers", "warn")], |_, reply| reply.drop("x-content-type-options")),
        (&[("security-headers", "warn")], |_, reply| reply.add("x-frame-options", "DENY")),
        (&[("security-headers", "warn")], |_, reply| reply.set("x-content-type-options", "sniff")),
        (&[("version-leak", "warn")], |_, reply| reply.add("x-powered-by", "Express")),
        (&[("request-id", "warn")], |_, reply| reply.drop("x-request-id")),
        (&[("request-id", "warn")], |_, reply| reply.set("x-request-id", "another")),
        (&[("error-shape", "warn")], |_, reply| {
            if reply.status == 404 {
                reply.body = b"<html>".to_vec();
            }
        }),
        (&[("error-shape", "warn")], |_, reply| {
            if reply.status == 405 {
                reply.drop("allow");
            }
        }),
        (&[("error-shape", "warn")], |_, reply| {
            if reply.status == 415 {
                reply.status = 400;
            }
        }),
        (&[("challenge", "warn")], |_, reply| reply.drop("www-authenticate")),
        (&[("challenge", "warn")], |_, reply| {
            if reply.headers.iter().any(|(name, _)| name == "www-authenticate") {
                reply.drop("www-authenticate");
                reply.add("x-amzn-remapped-www-authenticate", "Bearer");
            }
        }),
        (&[("trace", "fail")], |asked, reply| {
            if asked.method == "TRACE" {
                (reply.status, reply.body) = (200, asked.head.clone().into_bytes());
            }
        }),
        (&[("http-1-0", "warn")], |asked, reply| {
            if asked.head.contains(" HTTP/1.0\r\n") {
                reply.status = 505;
            }
        }),
        (&[("http-1-0", "warn")], |asked, reply| {
            if asked.head.contains(" HTTP/1.0\r\n") {
                reply.raw = Some(Vec::new());
            }
        }),
        (&[("large-header", "warn")], |asked, reply| {
            if asked.head.len() > 64 * 1024 {
                reply.status = 502;
            }
        }),
    ]);
}

#[test]
fn an_address_that_is_not_of_this_machine_is_held_to_more() {
    let service = service();
    // The address leads to this machine, but does not look like it.
    let told = ask(&format!("http://0.0.0.0:{}", service.address().port()), &[]);
    let open = [("demo-tokens", "warn"), ("cors-uninvited", "warn"), ("client-limit", "warn")];
    let oauth = [("discovery-issuer", "fail"), ("issuer-https", "fail"), ("log-in-cookies", "fail")];
    told.complains(&[&[("https", "warn")][..], &open, &oauth].concat());
    let folder = folder_with_keys();
    let settings = [
        ("NODE_ENV", "production"),
        ("ALLOWED_ORIGINS", "https://app.example.com"),
        ("BCRYPT_ROUNDS", "4"),
        ("TRUSTED_PROXIES", "192.0.2.1"),
    ];
    let program = Program::start(folder.path(), &settings);
    let told = ask(&format!("http://0.0.0.0:{}", program.address().port()), &[]);
    told.complains(&[("https", "warn")]);
    assert_eq!(told.of("demo-tokens")["seen"], "A request for a demo token is refused with status 403.");
    assert_eq!(told.of("token-key")["seen"], "There is no token to check. Give one with --token-file.");
}

#[test]
fn a_path_before_all_others_is_kept() {
    let service = service();
    let front = front::before(service.address(), |asked, reply| {
        // At API Gateway, a request without the stage does not reach the service.
        if !asked.path.starts_with("/prod/") {
            reply.raw = Some(Vec::new());
        }
    });
    ask(&format!("{}/prod/", http(front)), &[]).complains(&[]);
}

#[test]
fn nothing_that_is_found_shows_a_token_or_a_cookie() {
    let service = service();
    let front = front::before(service.address(), |asked, reply| {
        if asked.path.starts_with("/api/token/generate") {
            reply.drop("cache-control");
        }
        reply.add("set-cookie", "AWSALB=a-secret; Path=/; HttpOnly; SameSite=Lax");
    });
    let told = ask(&http(front), &[]);
    told.complains(&[("token-no-store", "fail"), ("key-set-cookie", "warn")]);
    let text = told.report.to_string();
    assert!(!text.contains("eyJ") && !text.contains("a-secret"), "{text}");
    assert_eq!(told.of("key-set-cookie")["seen"], "The answer with the key set sets the cookie \"AWSALB\".");
    assert!(told.report["keys"].as_array().unwrap().iter().all(|key: &Value| key.get("n").is_none()));
}
