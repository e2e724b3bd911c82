//! Tokens and key sets of other libraries, and every way in which a token can be wrong.

use serde_json::{Value, json};

use crate::support::{Function, Issuer, LATER, LONG_AGO, Signer, changed, claims};

#[test]
fn tokens_of_other_libraries_open_and_what_is_wrong_with_them_does_not() {
    for mut signer in [Signer::jose(), Signer::pyjwt()] {
        let issuer = Issuer::start("{}");
        let good = claims(&issuer);
        let algorithms = ["RS256", "PS256", "ES256", "EdDSA"];
        let mut sound: Vec<_> = algorithms.iter().map(|alg| signer.token(alg, alg, &good)).collect();
        sound.push(signer.headed("ES256", Some("ES256"), &json!({ "typ": "at+jwt" }), &good));
        sound.push(signer.token("ES256", "ES256", &changed(&good, &json!({ "aud": ["other", "api"] }))));
        sound.push(signer.token(
            "ES256",
            "ES256",
            &changed(&good, &json!({ "nbf": LONG_AGO, "iat": LONG_AGO })),
        ));
        issuer.publish(signer.jwks(&algorithms.map(Some)));
        let mut function = Function::start(issuer.settings());
        for token in &sound {
            assert_eq!(function.judge(token), "allowed", "{}: {token}", signer.name);
        }
        for (why, changes) in mutations() {
            let token = signer.token("ES256", "ES256", &changed(&good, &changes));
            assert_eq!(function.judge(&token), "401", "{}: {why}", signer.name);
        }
        for forged in forgeries(&sound[2]) {
            assert_eq!(function.judge(&forged), "401", "{}: {forged}", signer.name);
        }
        let demanding = signer.headed("ES256", Some("ES256"), &json!({ "typ": "dpop+jwt" }), &good);
        assert_eq!(function.judge(&demanding), "401", "{}: typ", signer.name);
        assert_eq!(issuer.asked("/jwks"), 1, "{}: all from memory", signer.name);
    }
}

fn mutations() -> [(&'static str, Value); 13] {
    [
        ("another issuer", json!({ "iss": "https://id.example.com" })),
        ("no issuer", json!({ "iss": null })),
        ("an issuer with a slash", json!({ "iss": "http://127.0.0.1/" })),
        ("another audience", json!({ "aud": "other" })),
        ("other audiences", json!({ "aud": ["other", "apis"] })),
        ("no audience", json!({ "aud": null })),
        ("an audience of no type", json!({ "aud": { "api": true } })),
        ("expired", json!({ "exp": LONG_AGO })),
        ("no expiry", json!({ "exp": null })),
        ("an expiry that is text", json!({ "exp": "4102444800" })),
        ("not yet valid", json!({ "nbf": LATER })),
        ("a date that is text", json!({ "iat": "today" })),
        ("bound to a key", json!({ "cnf": { "jkt": "0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I" } })),
    ]
}

/// A good token, spoilt without a key.
fn forgeries(token: &str) -> Vec<String> {
    let parts: Vec<_> = token.split('.').collect();
    let [header, payload, signature] = parts[..] else { panic!("{token}") };
    let none = "eyJhbGciOiJub25lIn0"; // {"alg":"none"}
    let flipped = if signature.starts_with('A') { "B" } else { "A" };
    vec![
        format!("{header}.{payload}."),
        format!("{header}.{payload}"),
        format!("{none}.{payload}."),
        format!("{none}.{payload}.{signature}"),
        format!("{header}.{payload}.{flipped}{}", &signature[1..]),
        format!("{header}.{payload}.{signature}="),
        format!("{header}.{payload}.{signature}.{signature}"),
        format!("{header}..{signature}"),
        token.to_uppercase(),
        "A".repeat(20_000),
    ]
}

#[test]
fn symmetric_and_unknown_algorithms_are_refused_whatever_the_set_holds() {
    let mut signer = Signer::jose();
    let issuer = Issuer::start("{}");
    let good = claims(&issuer);
    let tokens: Vec<_> = ["RS384", "RS512", "PS384", "ES384", "ES512"]
        .iter()
        .map(|alg| signer.token(alg, alg, &good))
        .collect();
    let es256 = signer.token("ES256", "ES256", &good);
    let kids = ["RS384", "RS512", "PS384", "ES384", "ES512", "ES256"].map(Some);
    let mut keys: Value = serde_json::from_str(&signer.jwks(&kids)).unwrap();
    // A token that is signed with the text of a public key as the secret, and a set that offers a secret.
    let secret = json!({ "kty": "oct", "k": "c2VjcmV0", "kid": "HS256", "alg": "HS256" });
    keys["keys"].as_array_mut().unwrap().push(secret);
    issuer.publish(keys.to_string());
    let mut function = Function::start(issuer.settings());
    for token in &tokens {
        assert_eq!(function.judge(token), "401");
    }
    // {"alg":"HS256","kid":"HS256"}
    let hmac = format!("eyJhbGciOiJIUzI1NiIsImtpZCI6IkhTMjU2In0.{}.c2ln", es256.split('.').nth(1).unwrap());
    assert_eq!(function.judge(&hmac), "401");
    assert!(function.log().contains("unsupported_alg"), "{}", function.log());
    assert_eq!(function.judge(&es256), "allowed", "the others in the set do no harm");
    assert_eq!(issuer.asked("/jwks"), 1);
}

#[test]
fn only_the_algorithms_that_are_set_are_accepted() {
    let mut signer = Signer::pyjwt();
    let issuer = Issuer::start("{}");
    let good = claims(&issuer);
    let (rs256, es256) = (signer.token("RS256", "r", &good), signer.token("ES256", "e", &good));
    issuer.publish(signer.jwks(&[Some("r"), Some("e")]));
    let only = [("AUTHORIZER_ALGORITHMS", "ES256".to_owned())];
    let mut function = Function::start(issuer.settings().into_iter().chain(only));
    assert_eq!(function.judge(&es256), "allowed");
    assert_eq!(function.judge(&rs256), "401");
}

#[test]
fn an_issuers_key_signs_for_that_issuer_alone() {
    let (mut first, mut second) = (Signer::jose(), Signer::pyjwt());
    let (one, two) = (Issuer::start("{}"), Issuer::start("{}"));
    let own = first.token("ES256", "k", &claims(&one));
    let borrowed = second.token("ES256", "k", &claims(&one));
    let other = second.token("ES256", "k", &claims(&two));
    one.publish(first.jwks(&[Some("k")]));
    two.publish(second.jwks(&[Some("k")]));
    let mut function = Function::start([
        ("AUTHORIZER_ISSUERS", format!("{}, {}={}", one.name(), two.name(), two.at("/jwks"))),
        ("AUTHORIZER_AUDIENCES", "web,api".to_owned()),
    ]);
    assert_eq!([&own, &other, &borrowed].map(|token| function.judge(token)), ["allowed", "allowed", "401"]);
    assert_eq!(two.asked("/.well-known/openid-configuration"), 0, "its key set's address is set");
}

#[test]
fn scopes_and_claims_are_asked_for_and_passed_on() {
    let mut signer = Signer::pyjwt();
    let issuer = Issuer::start("{}");
    let good = changed(
        &claims(&issuer),
        &json!({ "scp": ["admin"], "realm_access": { "roles": ["user", "editor"] }, "https://example.com/t": 7 }),
    );
    let mut token = |changes: Value| signer.token("EdDSA", "k", &changed(&good, &changes));
    let sound = token(json!({}));
    let lacking = [
        (token(json!({ "scp": null })), "403 missing_scope"),
        (token(json!({ "scope": "read" })), "403 missing_scope"),
        (token(json!({ "realm_access": { "roles": ["user"] } })), "403 missing_claim"),
        (token(json!({ "realm_access": "editor" })), "403 missing_claim"),
        (token(json!({ "https://example.com/t": 8 })), "403 missing_claim"),
    ];
    issuer.publish(signer.jwks(&[Some("k")]));
    let rules = [
        ("AUTHORIZER_SCOPES", "write,admin".to_owned()),
        ("AUTHORIZER_CLAIMS", r"realm_access.roles=editor,https://example\.com/t=7".to_owned()),
        ("AUTHORIZER_CONTEXT", r"sub,realm_access.roles,https://example\.com/t".to_owned()),
    ];
    let mut function = Function::start(issuer.settings().into_iter().chain(rules));
    let context =
        json!({ "sub": "ada", "realm_access_roles": r#"["user","editor"]"#, "https___example_com_t": 7 });
    let allowed = crate::support::policy("Allow", "ada", &context);
    let answer = function.ask(&crate::support::token_event(&sound));
    assert_eq!(answer, crate::support::Outcome::Answer(allowed));
    for (token, verdict) in lacking {
        assert_eq!(function.judge(&token), verdict);
    }
}
