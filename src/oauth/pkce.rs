//! Proof Key for Code Exchange (RFC 7636) with the method S256; there is no other.

use aws_lc_rs::digest::{SHA256, digest};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

/// The challenge of a verifier (§4.2). `None` if the text is no verifier (§4.1): 43 to 128 characters of those that need no
/// escape in a URL.
pub(super) fn s256(verifier: &str) -> Option<String> {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte);
    let is_verifier = (43..=128).contains(&verifier.len()) && verifier.bytes().all(plain);
    is_verifier.then(|| URL_SAFE_NO_PAD.encode(digest(&SHA256, verifier.as_bytes())))
}

#[cfg(test)]
mod tests {
    use super::s256;

    /// The example of RFC 7636, appendix B.
    #[test]
    fn a_challenge_is_the_hash_of_its_verifier() {
        let challenge = s256("dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk");
        assert_eq!(challenge.as_deref(), Some("E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"));
    }

    #[test]
    fn other_texts_are_no_verifiers() {
        assert!(s256(&"a".repeat(43)).is_some() && s256(&"~".repeat(128)).is_some());
        for text in ["", &"a".repeat(42), &"a".repeat(129), &"+".repeat(43), &"ä".repeat(43), &" ".repeat(43)]
        {
            assert_eq!(s256(text), None, "{text}");
        }
    }
}
