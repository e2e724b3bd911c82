//! Servers with hostile or damaged answers: the doctor ends, reports them, and does not crash.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};

use serde_json::json;

use super::{ask, front, http, service};

/// A server that answers every connection with this, after it has read something.
fn answering(answer: fn(&mut TcpStream)) -> SocketAddr {
    front::listen(move |mut stream| {
        let _ = stream.read(&mut [0; 4096]);
        answer(&mut stream);
    })
}

#[test]
fn a_closed_port() {
    let address = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    for scheme in ["http", "https"] {
        let told = ask(&format!("{scheme}://{address}"), &["--aws", "--token", "a.b.c"]);
        assert_eq!((told.code, told.status("reachable")), (1, "fail"));
        assert_eq!(told.of("aws-rsa")["seen"], "The address does not answer.");
        assert_eq!(told.status("token-form"), "skip");
    }
}

#[test]
fn answers_that_are_not_http() {
    let answers: [fn(&mut TcpStream); 6] = [
        |_| {},
        |stream| {
            let _ = stream.write_all(b"SSH-2.0-OpenSSH_9.2\r\n");
        },
        |stream| {
            let _ = stream.write_all(&[0xFF; 4096]);
        },
        |stream| {
            let _ = stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n{}");
        },
        |stream| {
            let _ = stream.write_all(b"HTTP/1.1 999999 OK\r\n\r\n");
        },
        // Headers without an end.
        |stream| {
            while stream.write_all(b"HTTP/1.1 200 OK\r\nX: ").is_ok()
                && stream.write_all(&[b'x'; 65_536]).is_ok()
            {}
        },
    ];
    for answer in answers {
        let told = ask(&http(answering(answer)), &[]);
        told.complains(&[("reachable", "fail")]);
    }
}

#[test]
fn a_body_without_an_end() {
    let endless = answering(|stream| {
        let _ = stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n\r\n");
        while stream.write_all(&[b'['; 65_536]).is_ok() {}
    });
    let told = ask(&http(endless), &[]);
    assert_eq!((told.code, told.status("key-set")), (1, "fail"));
    assert_eq!(told.of("key-set")["seen"], "The key set does not end within 1048576 bytes.");
}

#[test]
fn a_server_that_never_answers() {
    let silent = front::listen(|mut stream| while matches!(stream.read(&mut [0; 4096]), Ok(1..)) {});
    for scheme in ["http", "https"] {
        let told = ask(&format!("{scheme}://{silent}"), &["--timeout", "1"]);
        assert_eq!((told.code, told.status("reachable")), (1, "fail"));
    }
}

#[test]
fn redirects_in_a_circle_are_not_followed() {
    let service = service();
    let circle = front::before(service.address(), |asked, reply| {
        reply.status = 302;
        reply.set("location", &asked.path);
    });
    let told = ask(&http(circle), &[]);
    assert_eq!((told.code, told.status("no-redirect"), told.status("key-set")), (1, "fail", "fail"));
}

#[test]
fn an_answer_cannot_write_to_the_terminal() {
    let service = service();
    let front =
        front::before(service.address(), |_, reply| reply.add("x-powered-by", "\u{1b}]0;owned\u{7}1"));
    let told = ask(&http(front), &[]);
    let seen = told.of("version-leak")["seen"].as_str().unwrap().to_owned();
    assert!(!seen.contains(['\u{1b}', '\u{7}']), "{seen:?}");
}

#[test]
fn keys_of_any_shape() {
    let service = service();
    let set = front::before(service.address(), |asked, reply| {
        if asked.is_key_set() {
            let keys = json!([
                {}, { "kty": 7, "kid": [], "n": {} }, { "kty": "RSA", "kid": "empty", "n": "", "e": "" },
                { "kty": "EC", "crv": "P-521", "alg": "ES512", "use": "sig", "kid": "x" }, { "kty": "oct", "k": null },
            ]);
            reply.edit(|set| set["keys"] = keys);
        }
    });
    let told = ask(&http(set), &["--aws"]);
    for id in ["key-private", "key-ids", "key-strength", "aws-rsa"] {
        assert_eq!(told.status(id), "fail", "{id}");
    }
    assert_eq!(told.code, 1);
}

#[test]
fn a_service_that_crashes_at_a_large_header() {
    let service = service();
    let front = front::before(service.address(), |asked, reply| {
        use std::sync::atomic::{AtomicBool, Ordering};
        static CRASHED: AtomicBool = AtomicBool::new(false);
        let crashed = asked.head.len() > 64 * 1024 || CRASHED.load(Ordering::Relaxed);
        CRASHED.store(crashed, Ordering::Relaxed);
        if crashed {
            reply.raw = Some(Vec::new());
        }
    });
    ask(&http(front), &[]).complains(&[("large-header", "fail")]);
}

#[test]
fn a_key_set_of_any_issuer_is_checked_by_itself() {
    let service = service();
    let set = format!("{}/api/jwks", http(service.address()));
    let mut command = super::doctor(&["--jwks", &set, "--json", "--strict"]);
    let report: serde_json::Value = serde_json::from_str(&crate::support::run(&mut command)).unwrap();
    let status = |id: &str| {
        let found = report["findings"].as_array().unwrap().iter().find(|finding| finding["id"] == id);
        found.unwrap()["status"].as_str().unwrap().to_owned()
    };
    for (ids, expected) in [
        (&["key-set", "key-strength", "key-set-etag", "cors-key-set"][..], "ok"),
        (
            &["key-set-paths", "health", "key-age", "demo-tokens", "trace", "token-key", "cors-preflight"],
            "skip",
        ),
    ] {
        for id in ids {
            assert_eq!(status(id), expected, "{id}");
        }
    }
}
