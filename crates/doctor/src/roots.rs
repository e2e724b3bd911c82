//! The root certificates that the server's certificate must lead to.

use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;

/// Root certificates of the caller's own.
#[derive(Clone, Debug)]
pub struct Roots(pub(crate) Vec<CertificateDer<'static>>);

/// The text contains no certificate in PEM form, or one that is damaged.
#[derive(Clone, Copy, Debug, thiserror::Error)]
#[error("it contains no certificate in PEM form")]
pub struct NoCertificate;

/// The root certificates cannot be used.
#[derive(Debug, thiserror::Error)]
#[error("the root certificates cannot be used: {0}")]
pub struct TrustError(pub(crate) rustls::Error);

impl Roots {
    /// Reads certificates in PEM form (RFC 7468).
    ///
    /// # Errors
    /// [`NoCertificate`] if there is none, or one is damaged.
    pub fn from_pem(pem: &[u8]) -> Result<Self, NoCertificate> {
        let read: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(pem).collect();
        read.ok().filter(|certificates| !certificates.is_empty()).map(Self).ok_or(NoCertificate)
    }
}
