//! Keys and tokens for the tests.

use std::sync::LazyLock;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jose::{
    Algorithm, Expectations, KnownHeader, ProtectedHeader, Rejection, SigningKey, Typ, Verified, VerifyingKey,
};

pub const NOW: u64 = 1_700_000_000;

/// One key of each algorithm, made once per run.
pub static KEYS: LazyLock<[SigningKey; 7]> = LazyLock::new(|| {
    Algorithm::ALL.map(|algorithm| SigningKey::generate(algorithm, 2048).expect("a new key"))
});

/// The header that each of them writes.
static KNOWN: LazyLock<[(String, &VerifyingKey); 7]> = LazyLock::new(|| {
    Algorithm::ALL.map(|algorithm| {
        (ProtectedHeader::encode(algorithm, Typ::Jwt, algorithm.name()), key(algorithm).verifying_key())
    })
});

pub fn key(algorithm: Algorithm) -> &'static SigningKey {
    KEYS.iter().find(|key| key.algorithm() == algorithm).expect("KEYS holds every algorithm")
}

/// Finds the keys by the name of their algorithm.
pub fn key_of(kid: &str) -> Option<&'static VerifyingKey> {
    KEYS.iter().find(|key| key.algorithm().name() == kid).map(SigningKey::verifying_key)
}

pub fn base64url(bytes: impl AsRef<[u8]>) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

pub fn decoded(text: &str) -> Vec<u8> {
    URL_SAFE_NO_PAD.decode(text).expect("base64url")
}

/// Any header and claims, signed.
pub fn signed(key: &SigningKey, header: &str, claims: impl AsRef<[u8]>) -> String {
    let input = jose::signing_input(&base64url(header), claims.as_ref());
    let signature = key.sign(input.as_bytes()).expect("a signature");
    jose::attach(input, &signature)
}

/// These claims, signed properly with the ES256 key.
pub fn token(claims: impl AsRef<[u8]>) -> String {
    signed(key(Algorithm::Es256), r#"{"alg":"ES256","typ":"JWT","kid":"ES256"}"#, claims)
}

pub fn verify(token: &str) -> Result<Verified, Rejection> {
    verify_at(NOW, 0, token)
}

pub fn verify_at(now: u64, leeway: u64, token: &str) -> Result<Verified, Rejection> {
    verify_as(Typ::Jwt, now, leeway, token)
}

pub fn verify_as(typ: Typ, now: u64, leeway: u64, token: &str) -> Result<Verified, Rejection> {
    let expect = Expectations { typ, issuer: "issuer", audience: &["api", "other-api"], leeway, now };
    let verdict = jose::verify(token, key_of, &expect);
    for (encoded, key) in KNOWN.iter().filter(|(encoded, _)| token.starts_with(encoded.as_str())) {
        let known = Some(KnownHeader { encoded, typ: Typ::Jwt, key });
        assert_eq!(
            jose::verify_known(token, known, key_of, &expect),
            verdict,
            "knowing a header changes nothing"
        );
    }
    verdict
}
