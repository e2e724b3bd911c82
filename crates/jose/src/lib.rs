//! JWS, JWK and JWT: signing, strict verification, thumbprints.
//!
//! The crate holds the rules of RFC 7515 (JWS), RFC 7517 (JWK), RFC 7519 (JWT), RFC 7638 (thumbprints)
//! and RFC 8725 (best practice) for the algorithms `RS256`, `PS256`, `ES256` and `EdDSA` over Ed25519, and for the
//! post-quantum ones of RFC 9964: `ML-DSA-44`, `ML-DSA-65` and `ML-DSA-87`.
//! It has no I/O, no clock (`now` is an argument), no async and no unsafe code; the cryptography is aws-lc's.
//!
//! A key is bound to one algorithm for life (RFC 8725 §3.1), and is parsed once. To issue a token:
//!
//! ```
//! use jose::{Algorithm, Expectations, ProtectedHeader, SigningKey, Typ};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let key = SigningKey::generate(Algorithm::Es256, 0)?;
//! let header = ProtectedHeader::encode(key.algorithm(), Typ::Jwt, "key-1"); // once per key
//!
//! let claims = br#"{"iss":"me","aud":"you","exp":1700000900}"#;
//! let input = jose::signing_input(&header, claims);
//! let signature = key.sign(input.as_bytes())?;
//! let token = jose::attach(input, &signature);
//!
//! let expect = Expectations { typ: Typ::Jwt, issuer: "me", audience: &["you"], leeway: 0, now: 1_700_000_000 };
//! let key_of = |kid: &str| (kid == "key-1").then_some(key.verifying_key());
//! let verified = jose::verify(&token, key_of, &expect)?;
//! assert_eq!(verified.registered.exp, 1_700_000_900);
//! # Ok(())
//! # }
//! ```

mod algorithm;
mod base64url;
mod claims;
mod der;
mod ecdsa_der;
mod family;
mod header;
mod jwk;
mod jwk_set;
mod jws;
mod jwt;
mod key_error;
mod key_kind;
mod key_pair;
mod pem;
mod private_jwk;
mod rejection;
mod rsa_encoding;
mod rsa_private;
mod rsa_strength;
mod signing_key;
mod verifying_key;

pub mod json;

pub use algorithm::{Algorithm, UnknownAlgorithm};
pub use claims::Registered;
pub use ecdsa_der::es256_from_der;
pub use header::{ProtectedHeader, Typ};
pub use jwk::Jwk;
pub use jwk_set::JwkSet;
pub use jws::{
    KnownHeader, MAX_TOKEN_LEN, SignedParts, attach, decode_unverified, signing_input, token_len,
    verify_document, verify_signature, verify_signature_by,
};
pub use jwt::{Expectations, TokenKind, Verified, verify, verify_known, verify_one_of};
pub use key_error::KeyError;
pub use pem::text_of as pem_text;
pub use rejection::Rejection;
pub use rsa_private::RsaPrivateNumbers;
pub use signing_key::{SignError, SigningKey};
pub use verifying_key::VerifyingKey;
