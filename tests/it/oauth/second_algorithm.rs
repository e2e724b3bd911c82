//! A client may choose another algorithm than the default one. Verifiers in other languages check what it gets, with keys that the
//! service has just made.

use http::Method;
use serde_json::{Value, json};

use super::grant_races::{now, registered, settings};
use super::granter::{CALLBACK, Granter, Tokens, VERIFIER};
use super::{FORM, ISSUER, ask, form};
use crate::clients::{SECRET, SECRET_HASH};
use crate::support::{Program, Verifier};

/// The algorithm and the key id of a token.
fn header(token: &str) -> (String, String) {
    let (header, _) = jose::decode_unverified(token).unwrap();
    let header: Value = serde_json::from_str(&header).unwrap();
    let text = |name: &str| header[name].as_str().unwrap().to_owned();
    (text("alg"), text("kid"))
}

/// A client whose id tokens and signed answers have this algorithm.
fn client(algorithm: &str) -> Value {
    json!({
        "client_id": algorithm, "client_secret_sha256": SECRET_HASH, "redirect_uris": [CALLBACK],
        "scope": "openid orders.read", "resources": ["https://orders.example", "https://stock.example"],
        "id_token_signed_response_alg": algorithm, "userinfo_signed_response_alg": algorithm,
        "introspection_signed_response_alg": algorithm,
    })
}

#[test]
fn foreign_verifiers_accept_the_algorithm_that_each_client_has_chosen() {
    const ALGORITHMS: [&str; 4] = ["RS256", "PS256", "ES256", "EdDSA"];
    let folder = tempfile::tempdir().unwrap();
    let (file, data) = (folder.path().join("clients.json"), folder.path().join("data"));
    std::fs::write(&file, json!(ALGORITHMS.map(client)).to_string()).unwrap();
    let mut settings = settings(file.to_str().unwrap(), ("DATA_DIR", data.to_str().unwrap()));
    settings.push(("JWT_ALGORITHM", "RS256,PS256,ES256,EdDSA"));
    let program = Program::start(folder.path(), &settings);
    let (alice, granter) = (registered(&program.client()), Granter::in_folder(&data));
    let jwks = format!("{}/api/jwks", program.client().base());
    for algorithm in ALGORITHMS {
        let client = program.client().with_secret(algorithm, SECRET);
        let code = granter.code(algorithm, &alice, "openid orders.read", now());
        let params = [
            ("grant_type", "authorization_code"),
            ("code", &*code),
            ("redirect_uri", CALLBACK),
            ("code_verifier", VERIFIER),
        ];
        let tokens = Tokens::of(&ask(&client, "/oauth/token", &params));
        assert_eq!(header(&tokens.access).0, "RS256", "access tokens have the default algorithm");

        let id_token = tokens.body["id_token"].as_str().unwrap();
        let (alg, kid) = header(id_token);
        assert_eq!(alg, algorithm);
        let (input, signature) = id_token.rsplit_once('.').unwrap();
        let forged = format!("{input}.{}", signature.chars().rev().collect::<String>());
        for mut verifier in Verifier::all(&jwks, ISSUER, algorithm) {
            assert_eq!(verifier.ask(id_token), format!("ok {alice} {kid}"), "{}", verifier.name);
            let answer = verifier.ask(&forged);
            assert!(answer.starts_with("refused "), "{algorithm}, {}: {answer}", verifier.name);
        }

        let mut verifier = Verifier::of_answers(&jwks, ISSUER, algorithm);
        let userinfo = client.bearing(&tokens.access).get("/oauth/userinfo");
        assert_eq!(userinfo.header("content-type"), Some("application/jwt"));
        let token = form(&[("token", &tokens.access)]);
        let introspection = client.send(Method::POST, "/oauth/introspect", &[FORM], token);
        for answer in [userinfo.text(), introspection.text()] {
            let expected = format!("ok {algorithm} {}", header(answer).1);
            assert_eq!(verifier.ask(answer), expected);
        }
    }
}
