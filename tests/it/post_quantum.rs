//! Post-quantum keys are in a separate key set. A custody that cannot keep them refuses them.

use std::path::Path;

use jose::{Jwk, VerifyingKey};
use serde_json::Value;

use crate::support::{Program, folder_with_keys, jwt_generator, read, repository, run};

const POST_QUANTUM: &str = "/api/jwks/post-quantum";
const CLASSICAL: [&str; 4] =
    ["/api/jwks", "/api/jwks.json", "/api/.well-known/jwks.json", "/.well-known/jwks.json"];

fn told(folder: &Path, arguments: &[&str]) -> Value {
    let mut command = jwt_generator(folder);
    serde_json::from_str(&run(command.args(arguments).arg("--json"))).unwrap()
}

fn types(program: &Program, path: &str) -> Vec<Value> {
    let set = program.client().get(path).ok();
    set["keys"].as_array().unwrap().iter().map(|key| key["kty"].clone()).collect()
}

/// Some verifiers refuse a whole key set if it has one key of an unknown type.
#[test]
fn post_quantum_keys_are_in_a_set_of_their_own_and_in_no_other() {
    let folder = folder_with_keys();
    let program = Program::start(folder.path(), &[("SKIP_DATABASE", "true")]);
    let empty = program.client().get(POST_QUANTUM);
    assert_eq!((empty.status, empty.text()), (200, r#"{"keys":[]}"#), "no key yet is no fault");
    drop(program);

    let seed = repository().join("crates/jose/tests/vectors/keys/ml_dsa_65_seed.pem");
    told(folder.path(), &["keys", "import", seed.to_str().unwrap(), "--state", "retired", "--kid", "pq-1"]);
    let program = Program::start(folder.path(), &[("SKIP_DATABASE", "true")]);
    for path in CLASSICAL {
        assert_eq!(types(&program, path), ["RSA"], "{path}");
    }
    assert_eq!(types(&program, POST_QUANTUM), ["AKP"]);

    let set = program.client().get(POST_QUANTUM);
    let plain = program.client().get(CLASSICAL[0]);
    for header in ["cache-control", "content-type", "access-control-allow-origin"] {
        assert_eq!(set.header(header), plain.header(header), "{header}");
    }
    assert_ne!(set.header("etag"), plain.header("etag"));
    let jwk = set.json()["keys"][0].clone();
    assert_eq!((jwk["kid"].as_str(), jwk["alg"].as_str()), (Some("pq-1"), Some("ML-DSA-65")));
    assert!(jwk.get("priv").is_none(), "the seed is published");
    let key = VerifyingKey::from_jwk(&Jwk::from_json(&jwk.to_string()).unwrap()).unwrap();
    assert_eq!(key.to_spki_pem(), read("crates/jose/tests/vectors/keys/ml_dsa_65_public.pem"));
}
