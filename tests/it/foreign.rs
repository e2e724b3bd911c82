//! Verifiers in other languages check tokens of the running program, for each algorithm that they support.

use serde_json::json;

use crate::support::{Program, Verifier, jwt_generator, run};

#[test]
fn foreign_verifiers_accept_our_tokens_and_refuse_others() {
    for algorithm in ["RS256", "PS256", "ES256", "EdDSA"] {
        let folder = tempfile::tempdir().unwrap();
        let program = Program::start(folder.path(), &[("JWT_ALGORITHM", algorithm), ("BCRYPT_ROUNDS", "4")]);
        let client = program.client();
        let demo = client.demo_token(&json!({ "subject": "ada" }));
        let listed =
            client.demo_token(&json!({ "subject": "ada", "audience": ["other", "jwt-generator-api"] }));
        let elsewhere = client.demo_token(&json!({ "subject": "ada", "audience": "another-api" }));
        let (input, signature) = demo.rsplit_once('.').unwrap();
        let middle = signature.len() / 2;
        let flipped = if signature.as_bytes()[middle] == b'A' { "B" } else { "A" };
        let forged = format!("{input}.{}{flipped}{}", &signature[..middle], &signature[middle + 1..]);
        let user = client.register("grace");
        let jwks = format!("{}/api/jwks", client.base());
        for mut verifier in Verifier::all(&jwks, "jwt-generator-app", "jwt-generator-api") {
            let name = verifier.name;
            for token in [&demo, &listed] {
                assert_eq!(verifier.ask(token), "ok ada default-key-id", "{algorithm}, {name}");
            }
            let answer = verifier.ask(user.token());
            assert!(
                answer.starts_with("ok ") && answer.ends_with(" default-key-id"),
                "{algorithm}, {name}: {answer}"
            );
            for token in [&elsewhere, &forged] {
                let answer = verifier.ask(token);
                assert!(answer.starts_with("refused "), "{algorithm}, {name}: {answer}");
            }
        }
    }
}

#[test]
fn foreign_verifiers_accept_tokens_of_three_algorithms_out_of_one_set() {
    let folder = tempfile::tempdir().unwrap();
    let list = [("JWT_ALGORITHM", "RS256,ES256,EdDSA"), ("BCRYPT_ROUNDS", "4")];
    let program = Program::start(folder.path(), &list);
    let jwks = format!("{}/api/jwks", program.client().base());
    let mut verifiers = Verifier::all(&jwks, "jwt-generator-app", "jwt-generator-api");
    for algorithm in ["RS256", "ES256", "EdDSA"] {
        let mint = ["token", "mint", "--subject", "ada", "--algorithm", algorithm];
        let token = run(jwt_generator(folder.path()).envs(list).env("LOG_LEVEL", "error").args(mint));
        let token = token.trim();
        let (header, _) = jose::decode_unverified(token).unwrap();
        let header: serde_json::Value = serde_json::from_str(&header).unwrap();
        assert_eq!(header["alg"], algorithm);
        for verifier in &mut verifiers {
            let accepts = format!("ok ada {}", header["kid"].as_str().unwrap());
            assert_eq!(verifier.ask(token), accepts, "{algorithm}, {}", verifier.name);
            let (input, signature) = token.rsplit_once('.').unwrap();
            let forged = format!("{input}.{}", signature.chars().rev().collect::<String>());
            let answer = verifier.ask(&forged);
            assert!(answer.starts_with("refused "), "{algorithm}, {}: {answer}", verifier.name);
        }
    }
}

/// Another implementation of FIPS 204 verifies with the published keys. Verifiers without FIPS 204 still verify other tokens.
#[test]
fn a_foreign_implementation_verifies_post_quantum_tokens_from_their_own_set() {
    const POST_QUANTUM: [&str; 3] = ["ML-DSA-44", "ML-DSA-65", "ML-DSA-87"];
    let folder = tempfile::tempdir().unwrap();
    let list = [("JWT_ALGORITHM", "RS256,ML-DSA-44,ML-DSA-65,ML-DSA-87"), ("BCRYPT_ROUNDS", "4")];
    let program = Program::start(folder.path(), &list);
    let client = program.client();
    let (issuer, audience) = ("jwt-generator-app", "jwt-generator-api");
    let own = format!("{}/api/jwks/post-quantum", client.base());
    let mut noble = Verifier::post_quantum(&own, issuer, audience);
    let mint = |algorithm| {
        let mint = ["token", "mint", "--subject", "ada", "--algorithm", algorithm];
        run(jwt_generator(folder.path()).envs(list).env("LOG_LEVEL", "error").args(mint)).trim().to_owned()
    };
    for algorithm in POST_QUANTUM {
        let token = mint(algorithm);
        let (header, _) = jose::decode_unverified(&token).unwrap();
        let header: serde_json::Value = serde_json::from_str(&header).unwrap();
        assert_eq!((&header["alg"], &header["typ"]), (&json!(algorithm), &json!("JWT")));
        assert_eq!(noble.ask(&token), format!("ok ada {}", header["kid"].as_str().unwrap()), "{algorithm}");
        let (input, signature) = token.rsplit_once('.').unwrap();
        let (middle, rest) = signature.split_at(signature.len() / 2);
        let flipped = if rest.starts_with('A') { "B" } else { "A" };
        let forged = format!("{input}.{middle}{flipped}{}", &rest[1..]);
        assert_eq!(noble.ask(&forged), "refused bad signature", "{algorithm}");
        assert_eq!(client.post("/api/token/validate", &json!({ "token": token })).status, 200, "{algorithm}");
        client.post("/api/token/validate", &json!({ "token": forged })).refuses_token("bad_signature");
    }
    let (demo, post_quantum) = (client.demo_token(&json!({ "subject": "ada" })), mint("ML-DSA-65"));
    let set = format!("{}/api/jwks", client.base());
    for mut verifier in Verifier::all(&set, issuer, audience) {
        assert_eq!(verifier.ask(&demo), "ok ada default-key-id", "{}", verifier.name);
        let answer = verifier.ask(&post_quantum);
        assert!(answer.starts_with("refused "), "{}: {answer}", verifier.name);
    }
}
