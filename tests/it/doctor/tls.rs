//! Certificates, versions of TLS, and plain HTTP beside it.

use std::net::SocketAddr;

use super::front::{self, Alter, Identity};
use super::{Told, ask, service};

fn https(address: SocketAddr) -> String {
    format!("https://{address}")
}

/// The report on a proxy in front of the service, over TLS with a trusted certificate.
fn over_tls(alter: Alter, old: bool, arguments: &[&str]) -> Told {
    let service = service();
    let identity = Identity::lasting();
    let front = front::before_with_tls(service.address(), alter, &identity, old);
    let arguments = [&["--ca-file", identity.certificate.to_str().unwrap()], arguments].concat();
    ask(&https(front), &arguments)
}

/// The checks that apply only to a public address.
#[test]
fn nothing_is_wrong_with_a_sound_proxy_with_tls() {
    let told = over_tls(|_, _| {}, false, &[]);
    told.complains(&[]);
    assert_eq!(told.of("tls-handshake")["seen"], "The server speaks TLS 1.3.");
    assert_eq!(
        told.of("tls-trusted")["seen"],
        "The certificate is trusted. The server sends no other certificate with it."
    );
    for id in ["hsts", "https", "certificate-expiry", "tls-old", "host-twice", "trace", "large-header"] {
        assert_eq!(told.status(id), "ok", "{id}");
    }
    assert_eq!(
        told.of("plain-http")["seen"],
        "The port for plain HTTP is not known. Give --http-port to check it."
    );
}

#[test]
fn tls_with_a_wrong_setup() {
    over_tls(|_, _| {}, true, &[]).complains(&[("tls-old", "warn")]);
    over_tls(|_, reply| reply.drop("strict-transport-security"), false, &[]).complains(&[("hsts", "warn")]);
    let brief: Alter = |_, reply| reply.set("strict-transport-security", "max-age=3600");
    over_tls(brief, false, &[]).complains(&[("hsts", "warn")]);
}

#[test]
fn a_certificate_without_trust_ends_the_inspection() {
    let service = service();
    let front = front::before_with_tls(service.address(), |_, _| {}, &Identity::lasting(), false);
    let told = ask(&https(front), &[]);
    told.complains(&[("tls-trusted", "fail"), ("reachable", "fail")]);
    assert_eq!(told.of("key-set")["seen"], "The address does not answer.");
    // The certificate is for the address, not for the name.
    let named = format!("https://localhost:{}", front.port());
    let told = ask(&named, &["--ca-file", Identity::lasting().certificate.to_str().unwrap()]);
    told.complains(&[("tls-trusted", "fail"), ("reachable", "fail")]);
    assert!(
        told.of("tls-trusted")["seen"].as_str().unwrap().contains("not valid for name"),
        "{:#}",
        told.report
    );
}

#[test]
fn a_certificate_that_ends_soon() {
    let service = service();
    let folder = tempfile::tempdir().unwrap();
    for (days, expected) in [(20, &[("certificate-expiry", "warn")][..]), (23, &[])] {
        let identity = Identity::for_days(folder.path(), days);
        let front = front::before_with_tls(service.address(), |_, _| {}, &identity, false);
        let told = ask(&https(front), &["--ca-file", identity.certificate.to_str().unwrap()]);
        told.complains(expected);
        let seen = told.of("certificate-expiry")["seen"].as_str().unwrap();
        assert!(
            seen.starts_with(&format!("The certificate is valid for {} more days, until 20", days - 1)),
            "{seen}"
        );
    }
}

#[test]
fn a_port_that_speaks_no_tls() {
    let service = service();
    let told = ask(&https(service.address()), &[]);
    told.complains(&[("tls-handshake", "fail"), ("reachable", "fail")]);
    assert_eq!(told.status("certificate-expiry"), "skip");
}

#[test]
fn plain_http_beside_https() {
    let service = service();
    let redirecting = front::before(service.address(), |asked, reply| {
        let host = asked.header("host").unwrap();
        reply.status = 308;
        reply.add("location", &format!("https://{host}/health"));
    });
    for (port, expected) in
        [(redirecting.port(), &[][..]), (service.address().port(), &[("plain-http", "warn")])]
    {
        over_tls(|_, _| {}, false, &["--http-port", &port.to_string()]).complains(expected);
    }
    let closed = over_tls(|_, _| {}, false, &["--http-port", "1"]);
    assert_eq!(closed.of("plain-http")["seen"], "A request in plain HTTP gets no answer.");
}
