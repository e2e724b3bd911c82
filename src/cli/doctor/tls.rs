//! The certificate and the versions of TLS.

use super::certificate;
use super::finding::{Check, Finding};
use super::wire::Handshake;
use crate::domain::Timestamp;

pub(super) const HANDSHAKE: &Check = &Check {
    id: "tls-handshake",
    about: "TLS 1.2 or 1.3 is spoken",
    remedy: "see that the port speaks TLS, and allow 1.2 and 1.3 there",
};
pub(super) const TRUSTED: &Check = &Check {
    id: "tls-trusted",
    about: "The certificate is for this name, valid, and leads to a root of the system, or of `--ca-file`",
    remedy: "serve a certificate of this name with the certificates between it and its root; for a root of your own give --ca-file",
};
pub(super) const EXPIRY: &Check = &Check {
    id: "certificate-expiry",
    about: "The certificate, and each that is sent with it, is valid for three weeks more",
    remedy: "renew it, and see why that was not done by itself; after that day no verifier can fetch keys",
};
pub(super) const OLD: &Check = &Check {
    id: "tls-old",
    about: "TLS 1.0 and 1.1 are refused (RFC 8996)",
    remedy: "allow TLS 1.2 and 1.3 alone: `ssl_protocols TLSv1.2 TLSv1.3;` in nginx, a security policy of TLS 1.2 at AWS",
};

pub(super) const CHECKS: &[&Check] = &[HANDSHAKE, TRUSTED, EXPIRY, OLD];

const DAY: u64 = 86_400;
/// Certificates are usually renewed 30 days before they end.
const SOON: u64 = 21 * DAY;

/// Of a handshake.
pub(super) fn shaken(handshake: &Handshake, now: Timestamp) -> Vec<Finding> {
    let mut findings = Vec::new();
    match (&handshake.version, &handshake.failure) {
        (Some(version), _) => findings.push(HANDSHAKE.ok(version.replace("TLSv1_", "TLS 1."))),
        // The server did its part: it is we who hung up.
        (None, _) if handshake.distrust.is_some() => findings.push(HANDSHAKE.ok("the server shakes hands")),
        (None, Some(failure)) => findings.push(HANDSHAKE.fail(failure)),
        (None, None) => {}
    }
    if !handshake.chain.is_empty() {
        let sent = match handshake.chain.len() {
            1 => "it came alone".to_owned(),
            count => format!("with {} more", count - 1),
        };
        findings.push(match &handshake.distrust {
            None => TRUSTED.ok(sent),
            Some(distrust) => TRUSTED.fail(format!("{distrust} ({sent})")),
        });
        findings.push(expiry(&handshake.chain, now));
    }
    findings
}

/// Of the certificate that ends first.
fn expiry(chain: &[Vec<u8>], now: Timestamp) -> Finding {
    let ends: Option<Vec<_>> = chain.iter().map(|der| Some(certificate::validity(der)?.1)).collect();
    let Some(end) = ends.and_then(|ends| ends.into_iter().min()) else {
        return EXPIRY.skip("its dates cannot be read");
    };
    let left = end.secs_since(now);
    let seen = format!("{} days left, till {end}", left / DAY);
    match left {
        0 => EXPIRY.fail(format!("it ended {end}")),
        1..SOON => EXPIRY.warn(seen),
        _ => EXPIRY.ok(seen),
    }
}

/// Of the server's answer to a greeting in TLS 1.1.
pub(super) fn old(spoken: bool) -> Finding {
    if spoken { OLD.warn("the server goes along with TLS 1.0 or 1.1") } else { OLD.ok("refused") }
}

#[cfg(test)]
mod tests {
    use rustls::pki_types::CertificateDer;
    use rustls::pki_types::pem::PemObject;

    use super::super::finding::Status;
    use super::*;

    #[test]
    fn the_days_of_a_real_certificate_are_counted() {
        let file = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data/vault/tls-certificate.pem");
        let chain = [CertificateDer::from_pem_file(file).unwrap().to_vec()];
        // 2126-11-02T16:26:38Z, as `openssl x509 -noout -enddate` says.
        let end = Timestamp::from_secs(4_949_310_398);
        let of = |now| expiry(&chain, now).status;
        assert_eq!(of(end.minus_secs(SOON)), Status::Ok);
        assert_eq!(of(end.minus_secs(SOON - 1)), Status::Warn);
        assert_eq!(of(end), Status::Fail);
        assert_eq!(expiry(&[vec![0x30, 0]], end).status, Status::Skip);
    }
}
