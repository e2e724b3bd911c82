//! The certificates with which a server's certificate is checked.

use ureq::tls::{Certificate, PemItem, RootCerts, parse_pem};

/// The roots of trust.
#[derive(Clone)]
pub struct Roots(pub(crate) RootCerts);

/// Why a text contains no roots.
#[derive(Debug, thiserror::Error)]
#[error("it holds no certificates in PEM")]
pub struct RootsError;

impl Roots {
    /// The roots that the system trusts.
    pub fn of_system() -> Self {
        Self(RootCerts::PlatformVerifier)
    }

    /// Only the certificates in this PEM text; other content is ignored.
    ///
    /// # Errors
    /// [`RootsError`] if it contains no certificate.
    pub fn from_pem(pem: &[u8]) -> Result<Self, RootsError> {
        let certificates: Vec<_> = parse_pem(pem)
            .filter_map(|item| match item {
                Ok(PemItem::Certificate(certificate)) => Some(certificate),
                _ => None,
            })
            .collect();
        if certificates.is_empty() { Err(RootsError) } else { Ok(Self(certificates.into())) }
    }

    /// Only these certificates, in DER.
    pub fn from_der<'a>(certificates: impl IntoIterator<Item = &'a [u8]>) -> Self {
        let owned = |der| Certificate::from_der(der).to_owned();
        Self(certificates.into_iter().map(owned).collect::<Vec<_>>().into())
    }
}

#[cfg(test)]
mod tests {
    use super::Roots;

    #[test]
    fn a_text_without_certificates_gives_no_roots() {
        for text in ["", "nonsense", "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n"] {
            assert!(Roots::from_pem(text.as_bytes()).is_err(), "{text}");
        }
    }
}
