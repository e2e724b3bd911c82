//! RSA numbers as issuers write them: some begin with a zero octet, the sign of Java's and ASN.1's integers, against RFC 7518
//! §6.3.1.1. The number is the same without it.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jose::json::Json;

/// The key with its RSA numbers in the form that the RFC allows. A member that is not a number stays as it
/// is.
pub fn canonical<'a>(key: &Json<'a>) -> Json<'a> {
    let mut key = key.clone();
    let is_rsa = key.get("kty").and_then(Json::text) == Some("RSA");
    if let Json::Object(members) = &mut key
        && is_rsa
    {
        for (name, value) in members {
            if let ("n" | "e", Json::Text(number)) = (name.as_ref(), value)
                && let Ok(octets) = URL_SAFE_NO_PAD.decode(number.as_ref())
            {
                let zeros = octets.iter().take_while(|octet| **octet == 0).count();
                *number = URL_SAFE_NO_PAD.encode(&octets[zeros..]).into();
            }
        }
    }
    key
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn zeros_before_a_number_go_and_all_else_stays() {
        let of = |key: &str| canonical(&Json::parse(key).unwrap()).to_string();
        let (zeros, plain) =
            (r#"{"kty":"RSA","n":"AAC3AA","e":"AAEAAQ"}"#, r#"{"kty":"RSA","n":"twA","e":"AQAB"}"#);
        assert_eq!(of(zeros), plain);
        for same in [
            plain,
            r#"{"kty":"RSA","n":"AAC3AA==","e":7}"#,
            r#"{"kty":"RSA","n":"AAC3AB","d":"AAC3AA"}"#,
            r#"{"kty":"EC","x":"AAC3AA","n":"AAC3AA"}"#,
            r#"{"n":"AAC3AA"}"#,
            "[]",
            "null",
        ] {
            assert_eq!(of(same), same);
        }
        assert_eq!(
            of(r#"{"kty":"RSA","n":"AAAA"}"#),
            r#"{"kty":"RSA","n":""}"#,
            "no number at all, and no key"
        );
    }
}
