//! Support for the tests: the program as Lambda runs it, an issuer, and other libraries that sign.

mod function;
mod http;
mod issuer;
mod signer;

pub use function::{Function, Outcome};
pub use issuer::{Issuer, Reply};
pub use signer::Signer;

use std::path::{Path, PathBuf};

use serde_json::{Value, json};

/// A method of an API, and the stage that a policy about it names.
pub const ARN: &str = "arn:aws:execute-api:eu-west-1:123456789012:a1b2c3/prod/GET/users/7";
pub const STAGE: &str = "arn:aws:execute-api:eu-west-1:123456789012:a1b2c3/prod/*";
/// The error if a token cannot be checked.
pub const UNAVAILABLE: &str = "the issuer's keys could not be read";
/// 2100 and 2001.
pub const LATER: u64 = 4_102_444_800;
pub const LONG_AGO: u64 = 1_000_000_000;

/// The repository.
pub fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// A file of the repository, as text.
pub fn read(path: &str) -> String {
    std::fs::read_to_string(repository().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// A tool that `tests/tools/install` puts in place. A test that needs one never passes without it.
pub fn tool(name: &str) -> PathBuf {
    let folder =
        std::env::var_os("JWT_TEST_TOOLS").map_or_else(|| repository().join(".tools"), PathBuf::from);
    let path = folder.join(name);
    assert!(path.exists(), "{} is missing: run tests/tools/install, or ./test, which does", path.display());
    path
}

/// Good claims of this issuer.
pub fn claims(issuer: &Issuer) -> Value {
    json!({ "iss": issuer.name(), "aud": "api", "sub": "ada", "exp": LATER, "scope": "read write" })
}

/// An issuer with the key `a`, and a token for each of these keys.
pub fn issuer_of<const N: usize>(signer: &mut Signer, kids: [&str; N]) -> (Issuer, [String; N]) {
    let issuer = Issuer::start("{}");
    let good = claims(&issuer);
    let tokens = kids.map(|kid| signer.token("ES256", kid, &good));
    issuer.publish(signer.jwks(&[Some("a")]));
    (issuer, tokens)
}

/// The outcomes of 24 requests with this token that are sent at once, while `meanwhile` runs.
pub fn all_at_once(function: &mut Function, token: &str, meanwhile: impl FnOnce()) -> Vec<Outcome> {
    let event = token_event(token).to_string();
    let coming: Vec<_> = (0..24).map(|_| function.send(&event)).collect();
    meanwhile();
    coming.iter().map(|coming| function.wait(coming)).collect()
}

/// The claims with these members instead; `null` takes one away.
pub fn changed(claims: &Value, changes: &Value) -> Value {
    let mut changed = claims.clone();
    for (name, value) in changes.as_object().unwrap() {
        match value {
            Value::Null => changed.as_object_mut().unwrap().remove(name),
            value => changed.as_object_mut().unwrap().insert(name.clone(), value.clone()),
        };
    }
    changed
}

/// What a REST API with a TOKEN authorizer asks.
pub fn token_event(token: &str) -> Value {
    json!({ "type": "TOKEN", "methodArn": ARN, "authorizationToken": format!("Bearer {token}") })
}

/// An answer that lets in, or does not, by policy.
pub fn policy(effect: &str, principal: &str, context: &Value) -> Value {
    json!({
        "principalId": principal,
        "policyDocument": {
            "Version": "2012-10-17",
            "Statement": [{ "Action": "execute-api:Invoke", "Effect": effect, "Resource": STAGE }],
        },
        "context": context,
    })
}
