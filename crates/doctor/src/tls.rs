//! The certificate and the versions of TLS.

use crate::certificate;
use crate::finding::{Check, Finding, counted};
use crate::instant::Instant;
use crate::raw_connection::Handshake;

pub(crate) const HANDSHAKE: &Check = &Check {
    id: "tls-handshake",
    requirement: "The server speaks TLS 1.2 or TLS 1.3.",
    remedy: "Check that the port speaks TLS, and allow TLS 1.2 and TLS 1.3 there.",
};
pub(crate) const TRUSTED: &Check = &Check {
    id: "tls-trusted",
    requirement: "The certificate is valid for this name, and leads to a root certificate of the system or of `--ca-file`.",
    remedy: "Serve a certificate for this name together with its intermediate certificates. For a root certificate of your own, give --ca-file.",
};
pub(crate) const EXPIRY: &Check = &Check {
    id: "certificate-expiry",
    requirement: "The certificate, and each one sent with it, is valid for at least three more weeks.",
    remedy: "Renew the certificate, and find out why it was not renewed automatically. After it expires, no verifier can fetch keys.",
};
pub(crate) const OLD: &Check = &Check {
    id: "tls-old",
    requirement: "The server refuses TLS 1.0 and TLS 1.1 (RFC 8996).",
    remedy: "Allow only TLS 1.2 and TLS 1.3: in nginx with `ssl_protocols TLSv1.2 TLSv1.3;`, at AWS with a security policy for TLS 1.2.",
};

pub(crate) const CHECKS: &[&Check] = &[HANDSHAKE, TRUSTED, EXPIRY, OLD];

const DAY_SECS: u64 = 86_400;
/// Certificates are usually renewed 30 days before they expire.
const EXPIRES_SOON_SECS: u64 = 21 * DAY_SECS;

/// Checks a handshake.
pub(crate) fn handshake(handshake: &Handshake, now: Instant) -> Vec<Finding> {
    let mut findings = Vec::new();
    match (&handshake.version, &handshake.failure) {
        (Some(version), _) => {
            let version = version.replace("TLSv1_", "TLS 1.");
            findings.push(HANDSHAKE.ok(format!("The server speaks {version}.")));
        }
        // The server has succeeded: the doctor closed the connection.
        (None, _) if handshake.distrust.is_some() => findings.push(HANDSHAKE.ok("The server speaks TLS.")),
        (None, Some(failure)) => {
            findings.push(HANDSHAKE.fail(format!("The TLS handshake failed: {failure}.")));
        }
        (None, None) => {}
    }
    if !handshake.chain.is_empty() {
        findings.push(trusted(handshake));
        findings.push(expiry(&handshake.chain, now));
    }
    findings
}

fn trusted(handshake: &Handshake) -> Finding {
    let sent = match handshake.chain.len() {
        1 => "The server sends no other certificate with it.".to_owned(),
        count => format!("The server sends {} with it.", counted(count - 1, "other certificate")),
    };
    match &handshake.distrust {
        None => TRUSTED.ok(format!("The certificate is trusted. {sent}")),
        Some(distrust) => TRUSTED.fail(format!("The certificate is not trusted: {distrust}. {sent}")),
    }
}

/// Checks the certificate that expires first.
fn expiry(chain: &[Vec<u8>], now: Instant) -> Finding {
    let ends: Option<Vec<_>> = chain.iter().map(|der| Some(certificate::validity(der)?.1)).collect();
    let Some(end) = ends.and_then(|ends| ends.into_iter().min()) else {
        return EXPIRY.skip("The dates of the certificate cannot be read.");
    };
    let left = end.secs_since(now);
    let days = counted((left / DAY_SECS) as usize, "more day");
    let sentence = format!("The certificate is valid for {days}, until {end}.");
    match left {
        0 => EXPIRY.fail(format!("The certificate expired at {end}.")),
        1..EXPIRES_SOON_SECS => EXPIRY.warn(sentence),
        _ => EXPIRY.ok(sentence),
    }
}

/// Checks whether the server accepted a handshake in TLS 1.1.
pub(crate) fn old_versions(accepted: bool) -> Finding {
    if accepted {
        OLD.warn("The server accepts TLS 1.0 or TLS 1.1.")
    } else {
        OLD.ok("The server refuses TLS 1.0 and TLS 1.1.")
    }
}

#[cfg(test)]
mod tests {
    use rustls::pki_types::CertificateDer;
    use rustls::pki_types::pem::PemObject;

    use super::*;
    use crate::finding::Status;

    #[test]
    fn the_days_of_a_real_certificate_are_counted() {
        let file = concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/data/vault/tls-certificate.pem");
        let chain = [CertificateDer::from_pem_file(file).unwrap().to_vec()];
        // 2126-11-02T16:26:38Z, as `openssl x509 -noout -enddate` says.
        const END_SECS: u64 = 4_949_310_398;
        let end = Instant::from_secs(END_SECS);
        let end_minus = |secs| Instant::from_secs(END_SECS - secs);
        let of = |now| expiry(&chain, now).status;
        assert_eq!(of(end_minus(EXPIRES_SOON_SECS)), Status::Ok);
        assert_eq!(of(end_minus(EXPIRES_SOON_SECS - 1)), Status::Warn);
        assert_eq!(of(end), Status::Fail);
        assert_eq!(expiry(&[vec![0x30, 0]], end).status, Status::Skip);
    }
}
