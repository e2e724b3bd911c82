//! Hostile and broken tokens, each with the exact reason for which it is refused. Unless the case is
//! about the signature, it is signed with a good key: the signature never makes up for the rest.

use jose::{Algorithm, Rejection, Typ, decode_unverified};

use crate::support::{NOW, base64url, key, key_of, signed, token, verify, verify_as, verify_at};
use Rejection::*;

const HEADER: &str = r#"{"alg":"ES256","typ":"JWT","kid":"ES256"}"#;
const CLAIMS: &str = r#"{"iss":"issuer","sub":"alice","aud":"api","exp":1700000900,"iat":1700000000}"#;

fn with_header(header: &str) -> Result<(), Rejection> {
    verify(&signed(key(Algorithm::Es256), header, CLAIMS)).map(|_| ())
}

fn with_claims(claims: impl AsRef<[u8]>) -> Result<(), Rejection> {
    verify(&token(claims)).map(|_| ())
}

/// The good claims with one more member.
fn with_claim(member: &str) -> Result<(), Rejection> {
    with_claims(CLAIMS.replace('}', &format!(",{member}}}")))
}

/// The good claims with one member replaced, or left out if empty.
fn with_instead(old: &str, new: &str) -> Result<(), Rejection> {
    let claims = CLAIMS.replace(old, new);
    assert_ne!(claims, CLAIMS);
    with_claims(claims.replace(",,", ",").replace("{,", "{"))
}

#[test]
fn a_good_token_is_accepted_with_its_text_and_claims() {
    let verified = verify(&token(CLAIMS)).unwrap();
    assert_eq!(verified.header, HEADER);
    assert_eq!(verified.claims, CLAIMS);
    assert_eq!(verified.registered.iss, "issuer");
    assert_eq!(verified.registered.sub.as_deref(), Some("alice"));
    assert_eq!(verified.registered.aud, ["api"]);
    assert_eq!(verified.registered.exp, 1_700_000_900);
    assert_eq!(verified.registered.nbf, None);
    assert_eq!(verified.registered.iat, Some(NOW));
    assert_eq!(verified.registered.jti, None);
}

#[test]
fn the_structure_is_three_parts_of_canonical_base64url() {
    let good = token(CLAIMS);
    let parts: Vec<&str> = good.split('.').collect();
    let [header, claims, signature] = parts[..] else { panic!("three parts") };
    let broken = [
        String::new(),
        ".".into(),
        "..".into(),
        "...".into(),
        header.into(),
        format!("{header}.{claims}"),
        format!("{good}."),
        format!("{good}.{signature}"),
        format!(".{good}"),
        format!(" {good}"),
        format!("{good} "),
        format!("{good}\n"),
        format!("{header}.{claims}. {signature}"),
        format!("{header}\n.{claims}.{signature}"),
        format!("{header}=.{claims}.{signature}"),
        format!("{header}.{claims}==.{signature}"),
        format!("{header}.{claims}.{signature}=="),
        format!("{header}.{claims}.{signature}é"),
        format!("{header}.{claims}.+{signature}"),
        format!("Bearer {good}"),
        format!("{{\"protected\":\"{header}\",\"payload\":\"{claims}\",\"signature\":\"{signature}\"}}"),
        "ey".repeat(100),
    ];
    for token in broken {
        assert_eq!(verify(&token).unwrap_err(), Malformed, "{token}");
    }
}

#[test]
fn another_spelling_of_the_same_signature_is_malformed() {
    let good = token(CLAIMS);
    // 64 bytes leave four unused bits in the last character.
    let (rest, last) = good.split_at(good.len() - 1);
    let alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let last = alphabet.find(last).unwrap();
    for unused in 1..16 {
        let other = alphabet.as_bytes()[last ^ unused] as char;
        assert_eq!(verify(&format!("{rest}{other}")).unwrap_err(), Malformed);
    }
}

#[test]
fn more_than_16_kib_are_refused_unread() {
    let long = |len: usize| {
        let filler = "x".repeat(len);
        token(CLAIMS.replace('}', &format!(r#","x":"{filler}"}}"#)))
    };
    let (small, large) = (long(11_000), long(12_500));
    assert!(small.len() < 16 * 1024 && large.len() > 16 * 1024);
    assert!(verify(&small).is_ok());
    assert_eq!(verify(&large).unwrap_err(), Malformed);
    assert_eq!(verify(&"a".repeat(10_000_000)).unwrap_err(), Malformed);
}

#[test]
fn the_header_must_be_one_strict_json_object() {
    for header in [
        "",
        "null",
        "[]",
        "\"ES256\"",
        "{",
        r#"{"alg":"ES256","kid":"ES256"} {}"#,
        r#"{"alg":"ES256","kid":"ES256",}"#,
        r#"{"alg":"ES256","alg":"ES256","kid":"ES256"}"#,
        r#"{"alg":"none","kid":"ES256","alg":"ES256"}"#,
        r#"{"alg":"ES256","kid":"x","\u006bid":"ES256"}"#,
        r#"{"alg":"ES256","kid":"ES256","x":{"a":1,"a":1}}"#,
        r#"{"alg":"ES256","kid":"ES256","x":[[{"a":{"b":0,"b":0}}]]}"#,
        r#"{"alg":"ES256","kid":"\ud800"}"#,
        "\u{FEFF}{\"alg\":\"ES256\",\"kid\":\"ES256\"}",
        r#"{"kid":"ES256"}"#,
        r#"{"alg":null,"kid":"ES256"}"#,
        r#"{"alg":["ES256"],"kid":"ES256"}"#,
        r#"{"alg":1,"kid":"ES256"}"#,
        r#"{"alg":"ES256","kid":1}"#,
        r#"{"alg":"ES256","kid":null}"#,
        r#"{"alg":"ES256","kid":["ES256"]}"#,
        r#"{"alg":"ES256","kid":"ES256","typ":1}"#,
        r#"{"alg":"ES256","kid":"ES256","typ":null}"#,
    ] {
        assert_eq!(with_header(header), Err(Malformed), "{header}");
    }
    let deep = format!(r#"{{"alg":"ES256","kid":"ES256","x":{}{}}}"#, "[".repeat(200), "]".repeat(200));
    assert_eq!(with_header(&deep), Err(Malformed));
    assert_eq!(with_header("{ \"kid\" : \"ES256\",\r\n\t\"alg\" : \"ES256\" }"), Ok(()));
}

#[test]
fn only_the_algorithms_of_this_crate_are_accepted() {
    for alg in [
        "none",
        "None",
        "NONE",
        "nOnE",
        "",
        "HS256",
        "RS384",
        "ES384",
        "es256",
        "ES256 ",
        "ES256\\u0000",
        "ML-DSA-45",
    ] {
        let header = HEADER.replace("\"alg\":\"ES256\"", &format!("\"alg\":\"{alg}\""));
        assert_eq!(with_header(&header), Err(UnsupportedAlg), "{alg}");
        let unsigned = format!("{}.{}.", base64url(&header), base64url(CLAIMS));
        assert_eq!(verify(&unsigned).unwrap_err(), UnsupportedAlg, "{alg} without a signature");
    }
}

#[test]
fn the_key_decides_on_the_algorithm() {
    // Signed by the PS256 key, and correctly so, but under the name of the RS256 key; and the reverse.
    for (signer, alg, kid) in [
        (Algorithm::Ps256, "PS256", "RS256"),
        (Algorithm::Rs256, "RS256", "PS256"),
        (Algorithm::Es256, "ES256", "RS256"),
        (Algorithm::EdDsa, "EdDSA", "ES256"),
    ] {
        let token = signed(key(signer), &format!(r#"{{"alg":"{alg}","kid":"{kid}"}}"#), CLAIMS);
        assert_eq!(verify(&token).unwrap_err(), UnsupportedAlg, "{alg} under {kid}");
    }
    // The classic confusion: HMAC keyed with the public key.
    let input = jose::signing_input(&base64url(r#"{"alg":"HS256","kid":"RS256"}"#), CLAIMS.as_bytes());
    let secret = key(Algorithm::Rs256).verifying_key().to_spki_pem();
    let mac = aws_lc_rs::hmac::Key::new(aws_lc_rs::hmac::HMAC_SHA256, secret.as_bytes());
    let tag = aws_lc_rs::hmac::sign(&mac, input.as_bytes());
    assert_eq!(verify(&jose::attach(input, tag.as_ref())).unwrap_err(), UnsupportedAlg);
}

#[test]
fn ed25519_is_another_name_of_eddsa() {
    let by = |alg| signed(key(Algorithm::EdDsa), &format!(r#"{{"alg":"{alg}","kid":"EdDSA"}}"#), CLAIMS);
    assert!(verify(&by("EdDSA")).is_ok());
    assert!(verify(&by("Ed25519")).is_ok());
    assert_eq!(verify(&by("Ed448")).unwrap_err(), UnsupportedAlg);
}

#[test]
fn extensions_that_must_be_understood_are_not() {
    for member in [
        r#""crit":["x"],"x":1"#,
        r#""crit":["b64"],"b64":false"#,
        r#""crit":["exp"],"exp":1"#,
        r#""crit":[]"#,
        r#""crit":null"#,
        r#""b64":false"#,
        r#""b64":true"#,
    ] {
        let header = HEADER.replace('}', &format!(",{member}}}"));
        assert_eq!(with_header(&header), Err(UnsupportedCrit), "{header}");
    }
}

#[test]
fn the_key_comes_from_the_kid_and_from_nowhere_else() {
    assert_eq!(with_header(r#"{"alg":"ES256"}"#), Err(UnknownKey));
    for kid in ["", "es256", "ES256 ", "../../../../dev/null", "' OR 1=1 --", "ES256\\u0000", "/dev/tcp/x"] {
        assert_eq!(with_header(&format!(r#"{{"alg":"ES256","kid":"{kid}"}}"#)), Err(UnknownKey), "{kid}");
    }
    // An attacker's own key, brought along (CVE-2018-0114).
    let attacker = jose::SigningKey::generate(Algorithm::Es256, 0).unwrap();
    let jwk = serde_json::to_string(&attacker.verifying_key().to_jwk("ES256")).unwrap();
    for member in [
        format!(r#""jwk":{jwk}"#),
        r#""jku":"https://attacker.example/jwks.json""#.to_owned(),
        r#""x5u":"https://attacker.example/cert.pem""#.to_owned(),
        r#""x5c":["MIIB"]"#.to_owned(),
    ] {
        let header = format!(r#"{{"alg":"ES256","kid":"ES256",{member}}}"#);
        assert_eq!(verify(&signed(&attacker, &header, CLAIMS)).unwrap_err(), BadSignature, "{header}");
        assert_eq!(with_header(&header), Ok(()), "the members themselves are ignored");
        let header = format!(r#"{{"alg":"ES256",{member}}}"#);
        assert_eq!(verify(&signed(&attacker, &header, CLAIMS)).unwrap_err(), UnknownKey, "{header}");
    }
}

#[test]
fn a_signature_that_does_not_fit_is_bad() {
    for algorithm in Algorithm::ALL {
        let header = format!(r#"{{"alg":"{algorithm}","kid":"{algorithm}"}}"#);
        let input = jose::signing_input(&base64url(&header), CLAIMS.as_bytes());
        let signature = key(algorithm).sign(input.as_bytes()).unwrap();
        let attached = |signature: &[u8]| verify(&jose::attach(input.clone(), signature)).map(|_| ());
        assert_eq!(attached(&signature), Ok(()));
        assert_eq!(attached(b""), Err(BadSignature), "{algorithm} blank");
        assert_eq!(attached(&vec![0; signature.len()]), Err(BadSignature), "{algorithm} zeros");
        assert_eq!(attached(&signature[1..]), Err(BadSignature), "{algorithm} cut in front");
        assert_eq!(attached(&signature[..signature.len() - 1]), Err(BadSignature), "{algorithm} cut behind");
        assert_eq!(attached(&[&signature[..], &[0]].concat()), Err(BadSignature), "{algorithm} longer");
        assert_eq!(attached(&[&[0], &signature[..]].concat()), Err(BadSignature), "{algorithm} shifted");
    }
    // A DER signature is what ECDSA libraries write by default; JWS wants r || s.
    let input = jose::signing_input(&base64url(HEADER), CLAIMS.as_bytes());
    assert_eq!(verify(&jose::attach(input, &[0x30; 70])).unwrap_err(), BadSignature);
}

#[test]
fn typ_must_allow_a_jwt() {
    for typ in ["JWT", "jwt", "application/jwt", "Application/JWT"] {
        assert_eq!(with_header(&HEADER.replace("JWT", typ)), Ok(()), "{typ}");
    }
    for typ in [
        "at+jwt",
        "dpop+jwt",
        "application/at+jwt",
        "JOSE",
        "",
        "JWT ",
        "application/",
        "text/jwt",
        "äpplication/jwt",
    ] {
        assert_eq!(with_header(&HEADER.replace("JWT", typ)), Err(InvalidClaim("typ")), "{typ}");
    }
}

#[test]
fn an_access_token_must_be_named_one_and_a_jwt_does_not_pass_for_it() {
    let as_access_token = |typ: &str| {
        let token = signed(key(Algorithm::Es256), &HEADER.replace(r#""typ":"JWT","#, typ), CLAIMS);
        verify_as(Typ::AtJwt, NOW, 0, &token).map(|_| ())
    };
    for typ in ["at+jwt", "AT+JWT", "application/at+jwt"] {
        assert_eq!(as_access_token(&format!(r#""typ":"{typ}","#)), Ok(()), "{typ}");
    }
    for typ in ["", r#""typ":"JWT","#, r#""typ":"dpop+jwt","#, r#""typ":"at+jwt ","#] {
        assert_eq!(as_access_token(typ), Err(InvalidClaim("typ")), "{typ}");
    }
}

#[test]
fn the_claims_must_be_one_strict_json_object() {
    for claims in [
        "",
        "null",
        "[]",
        "42",
        "{}x",
        "{\"iss\":\"issuer\",\"iss\":\"issuer\"}",
        r#"{"iss":"issuer","aud":"api","exp":1700000900,"exp":1700000900}"#,
        r#"{"iss":"issuer","aud":"api","exp":1700000900,"a":{"b":[{"c":1,"c":2}]}}"#,
        r#"{"iss":"issuer","aud":"api","exp":1700000900,"name":"\udfff"}"#,
        r#"{"iss":"issuer","aud":"api","exp":1e400}"#,
        r#"{"iss":"issuer","aud":"api","exp":NaN}"#,
        r#"{"iss":"issuer","aud":"api","exp":01}"#,
    ] {
        assert_eq!(with_claims(claims), Err(Malformed), "{claims}");
    }
    let deep = format!(r#""x":{}1{}"#, "[".repeat(130), "]".repeat(130));
    assert_eq!(with_claim(&deep), Err(Malformed));
    assert_eq!(with_claims(b"{\"iss\":\"\xff\"}"), Err(Malformed));
    // Equal names in different objects are no duplicates.
    assert_eq!(with_claim(r#""a":{"exp":1,"a":{"a":[{"a":1},{"a":2}]}}"#), Ok(()));
}

#[test]
fn exp_is_required_and_a_numeric_date() {
    assert_eq!(with_instead(r#""exp":1700000900"#, ""), Err(InvalidClaim("exp")));
    for exp in
        ["\"1700000900\"", "null", "true", "[1700000900]", "{}", "-1", "-0.5", "1e300", "9007199254740992.0"]
    {
        assert_eq!(with_instead("1700000900", exp), Err(InvalidClaim("exp")), "{exp}");
    }
    for exp in ["1700000900.5", "1.7000009e9", "18446744073709551615"] {
        assert_eq!(with_instead("1700000900", exp), Ok(()), "{exp}");
    }
    assert_eq!(with_instead("1700000900", "0"), Err(Expired));
    assert_eq!(with_instead("1700000900", "1700000000.9"), Err(Expired), "fractions are cut off");
    // Beyond u64 the number is read as a double.
    assert_eq!(with_instead("1700000900", "18446744073709551616"), Err(InvalidClaim("exp")));
}

#[test]
fn exp_and_nbf_hold_to_the_second_with_leeway() {
    let token = token(r#"{"iss":"issuer","aud":"api","exp":1000,"nbf":900}"#);
    let at = |now, leeway| verify_at(now, leeway, &token).map(|_| ());
    assert_eq!(at(899, 0), Err(NotYetValid));
    assert_eq!(at(900, 0), Ok(()));
    assert_eq!(at(999, 0), Ok(()));
    assert_eq!(at(1000, 0), Err(Expired));
    assert_eq!(at(839, 60), Err(NotYetValid));
    assert_eq!(at(840, 60), Ok(()));
    assert_eq!(at(1059, 60), Ok(()));
    assert_eq!(at(1060, 60), Err(Expired));
    assert_eq!(at(u64::MAX, 60), Err(Expired));
    assert_eq!(at(0, 0), Err(NotYetValid));
    assert_eq!(at(u64::MAX - 1, u64::MAX), Ok(()), "sums saturate");
}

#[test]
fn nbf_and_iat_are_numeric_dates_if_present() {
    for value in ["\"1\"", "null", "-1", "[]", "1e300"] {
        assert_eq!(with_claim(&format!(r#""nbf":{value}"#)), Err(InvalidClaim("nbf")), "{value}");
        let iat = format!(r#""iat":{value}"#);
        assert_eq!(with_instead(r#""iat":1700000000"#, &iat), Err(InvalidClaim("iat")), "{value}");
    }
    assert_eq!(with_claim(r#""nbf":1700000001"#), Err(NotYetValid));
    assert_eq!(with_claim(r#""nbf":1700000000.5"#), Err(NotYetValid), "fractions are rounded up");
    assert_eq!(with_claim(r#""nbf":1700003600"#), Err(NotYetValid));
    assert_eq!(with_claim(r#""nbf":18446744073709551615"#), Err(NotYetValid));
    // A clock that was set back must not refuse tokens that it issued before.
    assert_eq!(with_instead(r#""iat":1700000000"#, r#""iat":1700003600"#), Ok(()));
}

#[test]
fn iss_is_one_expected_string() {
    assert_eq!(with_instead(r#""iss":"issuer""#, ""), Err(WrongIssuer));
    for iss in ["\"\"", "\"Issuer\"", "\"issuer/\"", "\"issuer\\u0000\"", "\"other\""] {
        assert_eq!(with_instead("\"issuer\"", iss), Err(WrongIssuer), "{iss}");
    }
    for iss in ["[\"issuer\"]", "null", "1", "{\"issuer\":1}", "true"] {
        assert_eq!(with_instead("\"issuer\"", iss), Err(InvalidClaim("iss")), "{iss}");
    }
    assert_eq!(with_instead("issuer", "iss\\u0075er"), Ok(()), "an escape is the same string");
}

#[test]
fn aud_is_a_string_or_an_array_of_strings_that_names_us() {
    assert_eq!(with_instead(r#""aud":"api""#, ""), Err(WrongAudience));
    for aud in ["[\"api\"]", "[\"x\",\"other-api\"]", "[\"api\",\"api\"]"] {
        assert_eq!(with_instead("\"api\"", aud), Ok(()), "{aud}");
    }
    for aud in ["\"\"", "\"API\"", "\"api \"", "[\"x\"]", "[\"\"]", "\"api,other-api\""] {
        assert_eq!(with_instead("\"api\"", aud), Err(WrongAudience), "{aud}");
    }
    for aud in
        ["[]", "null", "[null]", "[\"api\",null]", "[[\"api\"]]", "[\"api\",1]", "{\"api\":1}", "0", "true"]
    {
        assert_eq!(with_instead("\"api\"", aud), Err(InvalidClaim("aud")), "{aud}");
    }
}

#[test]
fn sub_and_jti_are_strings_if_present() {
    for value in ["null", "1", "[\"alice\"]", "{}", "false"] {
        assert_eq!(with_instead("\"alice\"", value), Err(InvalidClaim("sub")), "{value}");
        assert_eq!(with_claim(&format!(r#""jti":{value}"#)), Err(InvalidClaim("jti")), "{value}");
    }
    assert_eq!(with_instead(r#""sub":"alice","#, ""), Ok(()));
    assert_eq!(with_claim(r#""jti":"""#), Ok(()));
}

#[test]
fn claims_in_the_header_do_not_count() {
    let header = HEADER.replace('}', &format!(",{}", &CLAIMS[1..]));
    let token = signed(key(Algorithm::Es256), &header, "{}");
    assert_eq!(verify(&token).unwrap_err(), InvalidClaim("exp"));
}

#[test]
fn the_order_of_checks_is_structure_alg_crit_key_signature_claims() {
    let bad_claims = base64url("{\"exp\":0}");
    let with =
        |header: &str, claims: &str| verify(&format!("{}.{claims}.AA", base64url(header))).unwrap_err();
    assert_eq!(with(r#"{"alg":"none","crit":[],"kid":"?"}"#, "!"), Malformed);
    assert_eq!(with(r#"{"alg":"none","crit":[],"kid":"?"}"#, &bad_claims), UnsupportedAlg);
    assert_eq!(with(r#"{"alg":"ES256","crit":[],"kid":"?"}"#, &bad_claims), UnsupportedCrit);
    assert_eq!(with(r#"{"alg":"ES256","kid":"?"}"#, &bad_claims), UnknownKey);
    assert_eq!(with(r#"{"alg":"ES256","kid":"ES256"}"#, &bad_claims), BadSignature);
    assert_eq!(
        with_claims(r#"{"exp":0,"nbf":9999999999,"iss":"x","aud":"x","sub":1}"#),
        Err(InvalidClaim("sub"))
    );
    assert_eq!(with_claims(r#"{"exp":0,"nbf":9999999999,"iss":"x","aud":"x"}"#), Err(Expired));
    assert_eq!(with_claims(r#"{"exp":1700000001,"nbf":9999999999,"iss":"x","aud":"x"}"#), Err(NotYetValid));
    assert_eq!(with_claims(r#"{"exp":1700000001,"iss":"x","aud":"x"}"#), Err(WrongIssuer));
    assert_eq!(with_claims(r#"{"exp":1700000001,"iss":"issuer","aud":"x"}"#), Err(WrongAudience));
}

#[test]
fn codes_and_sentences_are_stable_and_hold_no_token_content() {
    let all = [
        (Malformed, "malformed"),
        (UnsupportedAlg, "unsupported_alg"),
        (UnknownKey, "unknown_key"),
        (BadSignature, "bad_signature"),
        (Expired, "expired"),
        (NotYetValid, "not_yet_valid"),
        (WrongIssuer, "wrong_issuer"),
        (WrongAudience, "wrong_audience"),
        (InvalidClaim("aud"), "invalid_claim"),
        (UnsupportedCrit, "unsupported_crit"),
    ];
    for (rejection, code) in all {
        assert_eq!(rejection.code(), code);
        assert!(rejection.to_string().starts_with("the token"));
    }
}

#[test]
fn decoding_without_verification_is_as_strict_about_form() {
    let good = token(CLAIMS);
    assert_eq!(decode_unverified(&good), Ok((HEADER.to_owned(), CLAIMS.to_owned())));
    let tampered = good.replace('.', ".e30."); // a fourth part
    assert_eq!(decode_unverified(&tampered), Err(Malformed));
    let unsigned = format!("{}.{}.", base64url(r#"{"alg":"none"}"#), base64url("{}"));
    assert_eq!(decode_unverified(&unsigned), Ok((r#"{"alg":"none"}"#.to_owned(), "{}".to_owned())));
    for claims in ["[]", "", r#"{"a":1,"a":1}"#] {
        assert_eq!(decode_unverified(&token(claims)), Err(Malformed), "{claims}");
    }
    assert_eq!(jose::verify_signature(&token("any bytes"), key_of).unwrap().payload, b"any bytes");
}

#[test]
fn a_caller_that_chooses_the_key_by_more_than_its_kid_follows_the_same_rules() {
    let rs256 = key(Algorithm::Rs256).verifying_key();
    let es256 = key(Algorithm::Es256).verifying_key();
    let only = |token: &str, key: &'static jose::VerifyingKey| {
        jose::verify_signature_by(token, |_, _| Ok(key)).map(|parts| parts.payload)
    };
    let nameless = signed(key(Algorithm::Es256), r#"{"alg":"ES256"}"#, CLAIMS);
    assert_eq!(only(&nameless, es256), Ok(CLAIMS.as_bytes().to_vec()));
    assert_eq!(only(&nameless, rs256), Err(UnsupportedAlg), "the key's own algorithm decides");
    assert_eq!(only(&signed(key(Algorithm::Es256), r#"{"alg":"none"}"#, CLAIMS), es256), Err(UnsupportedAlg));
    let critical = signed(key(Algorithm::Es256), r#"{"alg":"ES256","crit":["exp"]}"#, CLAIMS);
    assert_eq!(only(&critical, es256), Err(UnsupportedCrit));
    assert_eq!(only(&nameless[..nameless.len() - 2], es256), Err(BadSignature));

    let asked = jose::verify_signature_by(&token(CLAIMS), |kid, algorithm| {
        assert_eq!((kid, algorithm), (Some("ES256"), Algorithm::Es256));
        Err(Rejection::UnknownKey)
    });
    assert_eq!(asked, Err(UnknownKey), "what is said of the choice is what is reported");
}
