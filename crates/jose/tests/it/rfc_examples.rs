//! The examples that the RFCs print.

use jose::{Algorithm, Jwk, Rejection, SigningKey, VerifyingKey, verify_signature};
use serde_json::Value;

use crate::support::decoded;

/// Verifies the signature of a token whose header names no `kid`, which the token layer demands.
fn verifies(key: &VerifyingKey, token: &str) -> bool {
    assert_eq!(verify_signature(token, |_| Some(key)), Err(Rejection::UnknownKey));
    let (input, signature) = token.rsplit_once('.').unwrap();
    key.verify(input.as_bytes(), &decoded(signature))
}

fn key(jwk: &str) -> VerifyingKey {
    VerifyingKey::from_jwk(&Jwk::from_json(jwk).unwrap()).unwrap()
}

#[test]
fn rfc_7515_a2_rs256() {
    let key = key(concat!(
        r#"{"kty":"RSA","e":"AQAB","n":"ofgWCuLjybRlzo0tZWJjNiuSfb4p4fAkd_wWJcyQoTbji9k0l8W26mPddxHmfHQp-"#,
        "Vaw-4qPCJrcS2mJPMEzP1Pt0Bm4d4QlL-yRT-SFd2lZS-pCgNMsD1W_YpRPEwOWvG6b32690r2jZ47soMZo9wGzjb_7OMg0LOL-",
        "bSf63kpaSHSXndS5z5rexMdbBYUsLA9e-KXBdQOS-UTo7WTBEMa2R2CapHg665xsmtdVMTBQY4uDZlxvb3qCo5ZwKh9kG4LT6_I5",
        "IhlJH7aGhyxXFvUK-DWNmoudF8NAco9_h9iaGNj8q2ethFkMLs91kzk2PAcDTW9gb54h4FRWyuXpoQ",
        r#""}"#
    ));
    let token = concat!(
        "eyJhbGciOiJSUzI1NiJ9.eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc",
        "19yb290Ijp0cnVlfQ.cC4hiUPoj9Eetdgtv3hF80EGrhuB__dzERat0XF9g2VtQgr9PJbu3XOiZj5RZmh7AAuHIm4Bh-0Qc_lF5Y",
        "Kt_O8W2Fp5jujGbds9uJdbF9CUAr7t1dnZcAcQjbKBYNX4BAynRFdiuB--f_nZLgrnbyTyWzO75vRK5h6xBArLIARNPvkSjtQBMH",
        "lb1L07Qe7K0GarZRmB_eSN9383LcOLn6_dO--xi12jzDwusC-eOkHWEsqtFZESc6BfI7noOPqvhJ1phCnvWh6IeYI2w9QOYEUipU",
        "TI8np6LbgGY9Fs98rqVt5AXLIhWkWywlVmtVrBp0igcN_IoypGlUPQGe77Rw"
    );
    assert!(verifies(&key, token));
    let (header, claims) = jose::decode_unverified(token).unwrap();
    assert_eq!(header, r#"{"alg":"RS256"}"#);
    assert_eq!(claims, "{\"iss\":\"joe\",\r\n \"exp\":1300819380,\r\n \"http://example.com/is_root\":true}");
}

#[test]
fn rfc_7515_a3_es256() {
    let key = key(concat!(
        r#"{"kty":"EC","crv":"P-256","x":"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU","#,
        r#""y":"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"}"#
    ));
    let token = concat!(
        "eyJhbGciOiJFUzI1NiJ9.eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb2",
        "90Ijp0cnVlfQ.DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSApmWQxfKTUJqPP3-Kg6NU1Q"
    );
    assert!(verifies(&key, token));
}

#[test]
fn rfc_7520_4_1_verifies_and_is_reproduced() {
    let example: Value = serde_json::from_str(include_str!("../vectors/rfc7520_4_1.json")).unwrap();
    let token = example["compact"].as_str().unwrap();
    let public = key(&example["key"].to_string());
    let parts = verify_signature(token, |kid| (kid == "bilbo.baggins@hobbiton.example").then_some(&public));
    assert_eq!(parts.unwrap().payload, example["payload"].as_str().unwrap().as_bytes());

    let private = include_str!("../vectors/keys/rfc7520_3_4.pem");
    let private = SigningKey::from_pem(Algorithm::Rs256, private).unwrap();
    assert_eq!(*private.verifying_key(), public, "section 3.3 is the public half of 3.4");
    let (input, _) = token.rsplit_once('.').unwrap();
    assert_eq!(jose::attach(input.to_owned(), &private.sign(input.as_bytes()).unwrap()), token);
}

#[test]
fn rfc_7638_3_1_thumbprint() {
    let key = key(concat!(
        r#"{"kty":"RSA","n":"0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L"#,
        "6tSoc_BJECPebWKRXjBZCiFV4n3oknjhMstn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-65YGjQR0_FDW2QvzqY",
        "368QQMicAtaSqzs8KJZgnYb9c7d0zgdAZHzu6qMQvRL5hajrn1n91CbOpbISD08qNLyrdkt-bFTWhAI4vMQFh6WeZu0fM4lFd2NcRwr3",
        "XPksINHaQ-G_xBniIqbw0Ls1jF44-csFCur-kEgU8awapJzKnqDKgw",
        r#"","e":"AQAB","alg":"RS256","kid":"2011-04-29"}"#
    ));
    assert_eq!(key.thumbprint(), "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs");
}

#[test]
fn rfc_8037_a_ed25519() {
    let private = include_str!("../vectors/keys/rfc8037_a1.pem");
    let private = SigningKey::from_pem(Algorithm::EdDsa, private).unwrap();
    let public = r#"{"kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}"#;
    assert_eq!(*private.verifying_key(), key(public));
    assert_eq!(private.verifying_key().thumbprint(), "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k");
    let token = concat!(
        "eyJhbGciOiJFZERTQSJ9.RXhhbXBsZSBvZiBFZDI1NTE5IHNpZ25pbmc.",
        "hgyY0il_MGCjP0JzlnLWG1PPOt7-09PGcvMg3AIbQR6dWbhijcNR4ki4iylGjg5BhVsPt9g7sVvpAr_MuM0KAg"
    );
    let (input, _) = token.rsplit_once('.').unwrap();
    assert_eq!(jose::attach(input.to_owned(), &private.sign(input.as_bytes()).unwrap()), token);
    assert!(verifies(private.verifying_key(), token));
}
