//! What the metadata of a client may say.

use jose::{Algorithm, SigningKey};
use jwt_generator::domain::ClientId;
use jwt_generator::oauth::{ClientFault, ClientRules, read_metadata};
use serde_json::{Value, json};

fn rules() -> ClientRules {
    ClientRules {
        has_database: true,
        audience: "the-api".to_owned(),
        longest_token: 7200,
        algorithms: vec![Algorithm::Rs256, Algorithm::Es256],
    }
}

/// The faults of a client `a` with this metadata, as `member: problem`.
fn faults(metadata: &Value) -> Vec<String> {
    faults_of("a", metadata)
}

fn faults_of(id: &str, metadata: &Value) -> Vec<String> {
    let read = read_metadata(metadata.as_object().unwrap().clone());
    let checked = read.and_then(|metadata| rules().check(&ClientId::parse(id).unwrap(), &metadata));
    let line = |ClientFault { member, problem }: ClientFault| format!("{member}: {problem}");
    checked.err().map_or_else(Vec::new, |faults| faults.0.into_iter().map(line).collect())
}

/// `base` with other members.
fn with(base: &Value, more: &Value) -> Value {
    let mut members = base.as_object().unwrap().clone();
    members.extend(more.as_object().unwrap().clone());
    Value::Object(members)
}

fn web() -> Value {
    json!({ "redirect_uris": ["https://app.example/cb"] })
}

fn service() -> Value {
    json!({ "grant_types": ["client_credentials"] })
}

fn jwks() -> Value {
    let key = SigningKey::generate(Algorithm::Es256, 0).unwrap();
    json!({ "keys": [key.verifying_key().to_jwk("k")] })
}

#[test]
fn usual_clients_pass() {
    for usual in [
        web(),
        service(),
        with(
            &web(),
            &json!({ "grant_types": ["authorization_code", "refresh_token"], "response_types": ["code"] }),
        ),
        with(&web(), &json!({ "token_endpoint_auth_method": "none" })),
        with(&service(), &json!({ "token_endpoint_auth_method": "private_key_jwt", "jwks": jwks() })),
        with(
            &service(),
            &json!({ "token_endpoint_auth_method": "private_key_jwt", "jwks_uri": "https://app.example/jwks" }),
        ),
        json!({ "grant_types": [], "generate": { "subjects": ["*"], "claims": ["username", "email", "role", "*"] } }),
        with(&service(), &json!({ "scope": "token:generate", "generate": {} })),
        with(&web(), &json!({ "id_token_signed_response_alg": "ES256", "access_token_lifetime": 7200 })),
        with(
            &service(),
            &json!({ "claims": { "tenant": 7 }, "resources": ["https://orders.example", "stock"] }),
        ),
    ] {
        assert_eq!(faults(&usual), Vec::<String>::new(), "{usual}");
    }
}

#[test]
fn each_rule_names_the_member_and_what_it_must_be() {
    for (metadata, fault) in [
        (
            with(&service(), &json!({ "token_endpoint_auth_method": "none" })),
            "grant_types: client_credentials needs a client that authenticates (another token_endpoint_auth_method than `none`)",
        ),
        (
            json!({ "grant_types": ["refresh_token"] }),
            "grant_types: refresh_token needs authorization_code beside it",
        ),
        (
            json!({ "grant_types": ["client_credentials", "client_credentials"] }),
            "grant_types: must not contain a grant twice",
        ),
        (
            json!({ "grant_types": [] }),
            "grant_types: must contain a grant, unless the client only generates tokens (generate)",
        ),
        (
            json!({}),
            "redirect_uris: must contain an address, because the grant authorization_code returns the browser to it",
        ),
        (
            with(&web(), &service()),
            "redirect_uris: must be empty, because the client does not use the grant authorization_code",
        ),
        (
            json!({ "redirect_uris": ["https://a.example/", "https://a.example/"] }),
            "redirect_uris: must not contain 'https://a.example/' twice",
        ),
        (
            with(&web(), &json!({ "token_endpoint_auth_method": "none", "require_pkce": false })),
            "require_pkce: must not be false for a client that does not authenticate (RFC 9700 §2.1.1)",
        ),
        (
            with(&service(), &json!({ "token_endpoint_auth_method": "private_key_jwt" })),
            "jwks: or jwks_uri must be given: private_key_jwt needs the public keys of the client",
        ),
        (
            with(&service(), &json!({ "jwks": jwks(), "jwks_uri": "https://a.example/" })),
            "jwks: must not be given together with jwks_uri",
        ),
        (
            with(&service(), &json!({ "jwks": { "keys": [] } })),
            "jwks: must be a JWK Set (RFC 7517 §5) with a public key for RS256, PS256, ES256 or EdDSA",
        ),
        (
            with(&service(), &json!({ "jwks_uri": "http://app.example/jwks" })),
            "jwks_uri: must begin with https://, or with http:// for a loopback address, and have no fragment",
        ),
        (
            with(&service(), &json!({ "token_endpoint_auth_signing_alg": "ES256" })),
            "token_endpoint_auth_signing_alg: is only for token_endpoint_auth_method private_key_jwt",
        ),
        (
            with(&web(), &json!({ "id_token_signed_response_alg": "EdDSA" })),
            "id_token_signed_response_alg: must be an algorithm of JWT_ALGORITHM, which is RS256,ES256",
        ),
        (
            with(&web(), &json!({ "userinfo_signed_response_alg": "none" })),
            "userinfo_signed_response_alg: must be an algorithm of JWT_ALGORITHM, which is RS256,ES256",
        ),
        (
            with(&service(), &json!({ "access_token_lifetime": 7201 })),
            "access_token_lifetime: must be 1 to 7200 seconds (MAX_TOKEN_LIFETIME)",
        ),
        (
            with(&service(), &json!({ "access_token_lifetime": 0 })),
            "access_token_lifetime: must be 1 to 7200 seconds (MAX_TOKEN_LIFETIME)",
        ),
        (
            with(&service(), &json!({ "generate": { "max_lifetime": 7201 } })),
            "generate.max_lifetime: must be 1 to 7200 seconds (MAX_TOKEN_LIFETIME)",
        ),
        (
            with(&web(), &json!({ "refresh_token_lifetime": 60, "refresh_token_idle_lifetime": 61 })),
            "refresh_token_idle_lifetime: must not be longer than refresh_token_lifetime",
        ),
        (
            with(&service(), &json!({ "scope": "token:generate" })),
            "scope: token:generate needs the member generate, which says what may be signed",
        ),
        (
            with(&web(), &json!({ "token_endpoint_auth_method": "none", "generate": {} })),
            "generate: needs a client that authenticates (another token_endpoint_auth_method than `none`)",
        ),
        (
            with(&service(), &json!({ "generate": { "claims": ["role", "scope"] } })),
            "generate.claims: must not contain 'scope': the service sets it",
        ),
        (
            with(&service(), &json!({ "claims": { "Sub": "x" } })),
            "claims: must not contain 'Sub': the service sets it",
        ),
        (
            with(&service(), &json!({ "claims": { "x": "y".repeat(4096) } })),
            "claims: must be at most 4096 bytes of JSON",
        ),
        (
            with(&service(), &json!({ "client_name": "a\u{7}" })),
            "client_name: must have 1 to 200 characters, and no control character",
        ),
        (
            with(&service(), &json!({ "client_uri": "app.example" })),
            "client_uri: must begin with https://, or with http:// for a loopback address, and have no fragment",
        ),
        (
            with(&service(), &json!({ "resources": [""] })),
            "resources: must have entries of 1 to 1024 characters, without control characters",
        ),
    ] {
        assert_eq!(faults(&metadata), [fault], "{metadata}");
    }
}

#[test]
fn the_audience_of_the_service_is_no_clients_id() {
    let fault = "client_id: must not be the value of JWT_AUDIENCE: an id token for the client would pass for an access token";
    assert_eq!(faults_of("the-api", &service()), [fault]);
}

#[test]
fn a_private_key_is_pointed_out() {
    let mut set = jwks();
    set["keys"][0]["d"] = json!("AQAB");
    let metadata = with(&service(), &json!({ "token_endpoint_auth_method": "private_key_jwt", "jwks": set }));
    let known = "jwks: contains a private or a symmetric key: give public keys, and replace this one, because it is known now";
    assert_eq!(faults(&metadata)[0], known);
}

#[test]
fn members_that_cannot_be_read_are_all_named() {
    let metadata = json!({
        "redirect_uris": ["http://app.example/cb"],
        "grant_types": ["implicit"],
        "scope": "a  b",
        "logo_uri": "https://app.example/logo.png",
        "response_types": ["code id_token"],
        "generate": { "subject": [] },
    });
    let faults = faults(&metadata);
    for start in [
        "response_types: must be [\"code\"]",
        "redirect_uris: must begin with https:// unless its host is a loopback address or localhost",
        "grant_types: must be a list of authorization_code, refresh_token and client_credentials",
        "scope: must be at most 64 scopes",
        "logo_uri: is not a member of a client",
        "generate: unknown field `subject`",
    ] {
        assert!(faults.iter().any(|fault| fault.starts_with(start)), "{start} is not in {faults:#?}");
    }
    assert_eq!(faults.len(), 6);
}
