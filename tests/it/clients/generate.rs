//! `POST /api/token/generate` with the credentials of a client.

use http::Method;
use jose::decode_unverified;
use jwt_generator::domain::{ClientId, Initiator};
use jwt_generator::oauth::read_metadata;
use serde_json::{Value, json};

use super::{OLD_SECRET, SECRET, generator};
use crate::support::{Answer, Client, Service};

const PATH: &str = "/api/token/generate";

/// A service with a client `mailer` that may generate tokens within `policy`.
fn service(policy: &Value, settings: &[(&str, &str)]) -> Service {
    Service::with_clients(&json!([generator("mailer", policy)]), settings)
}

fn mailer(service: &Service) -> Client {
    service.anonymous().with_secret("mailer", SECRET)
}

/// The claims of the token in an answer.
#[track_caller]
fn claims_of(answer: &Answer) -> Value {
    let (header, claims) = decode_unverified(answer.ok()["data"]["access_token"].as_str().unwrap()).unwrap();
    assert_eq!(header, r#"{"alg":"RS256","typ":"JWT","kid":"default-key-id"}"#);
    serde_json::from_str(&claims).unwrap()
}

#[test]
fn a_client_gets_a_token_for_itself_and_the_usual_audience_that_is_no_demo() {
    let service = service(&json!({}), &[]);
    let answer = mailer(&service).post(PATH, &json!({}));
    assert_eq!(answer.header("cache-control"), Some("no-store"));
    let body = answer.ok();
    assert_eq!(body["message"], "JWT token generated successfully");
    assert_eq!((&body["data"]["token_type"], &body["data"]["expires_in"]), (&json!("Bearer"), &json!(3600)));
    let claims = claims_of(&answer);
    let expected = json!({
        "sub": "mailer", "iat": Service::START, "iss": "jwt-generator-app", "aud": "jwt-generator-api",
        "exp": Service::START + 3600, "jti": claims["jti"], "client_id": "mailer", "rid": claims["rid"],
    });
    assert_eq!(claims, expected);
    let token = body["data"]["access_token"].as_str().unwrap();
    let validated = service.anonymous().post("/api/token/validate", &json!({ "token": token }));
    assert_eq!(validated.ok()["data"]["payload"], expected);
}

#[test]
fn a_client_gets_what_its_policy_admits_in_production_too() {
    let policy = json!({ "subjects": ["user-*"], "audiences": ["https://*.example/"], "claims": ["*"] });
    let service = service(&policy, &[("NODE_ENV", "production")]);
    let wanted = json!({
        "subject": "user-7", "audience": ["https://a.example/", "https://b.example/"], "expiresIn": "15m",
        "username": "ada", "email": "ada@example.com", "claims": { "role": "editor", "tenant": 7 },
    });
    for path in [PATH, "/token/generate"] {
        let claims = claims_of(&mailer(&service).post(path, &wanted));
        let expected = json!({
            "sub": "user-7", "username": "ada", "email": "ada@example.com", "iat": Service::START,
            "iss": "jwt-generator-app", "aud": ["https://a.example/", "https://b.example/"],
            "exp": Service::START + 900, "jti": claims["jti"], "client_id": "mailer", "rid": claims["rid"], "role": "editor", "tenant": 7,
        });
        assert_eq!(claims, expected);
    }
}

#[test]
fn a_refusal_says_which_part_of_the_policy_refuses() {
    let policy =
        json!({ "subjects": ["user-*"], "audiences": ["a", "b"], "claims": ["role"], "max_lifetime": 600 });
    let service = service(&policy, &[]);
    let fitting = || json!({ "subject": "user-1", "audience": "a" });
    let with = |name: &str, value: Value| {
        let mut wanted = fitting();
        wanted[name] = value;
        mailer(&service).post(PATH, &wanted)
    };
    assert_eq!(
        claims_of(&with("claims", json!({ "role": "x" })))["exp"],
        Service::START + 600,
        "not the usual hour"
    );
    with("subject", json!("admin")).is_refused(
        403,
        "subject_not_allowed",
        "This client may not have tokens for this subject (generate.subjects)",
    );
    with("audience", json!(["b", "c"])).is_refused(
        403,
        "audience_not_allowed",
        "This client may not have tokens for the audience 'c' (generate.audiences)",
    );
    with("claims", json!({ "role": "x", "admin": true })).is_refused(
        403,
        "claim_not_allowed",
        "This client may not have tokens with the claim 'admin' (generate.claims)",
    );
    with("email", json!("a@b.c")).is_refused(
        403,
        "claim_not_allowed",
        "This client may not have tokens with the claim 'email' (generate.claims)",
    );
    with("expiresIn", json!(601)).is_refused(
        403,
        "lifetime_not_allowed",
        "This client may have tokens for at most 600 seconds (generate.max_lifetime)",
    );
    let usual = mailer(&service).post(PATH, &json!({ "subject": "user-1" }));
    usual.is_refused(
        403,
        "audience_not_allowed",
        "This client may not have tokens for the audience 'jwt-generator-api' (generate.audiences)",
    );
    mailer(&service).post(PATH, &json!({ "audience": "a" })).is_refused(
        403,
        "subject_not_allowed",
        "This client may not have tokens for this subject (generate.subjects)",
    );
}

#[test]
fn no_generated_token_lives_longer_than_the_service_permits() {
    let service = service(&json!({}), &[("MAX_TOKEN_LIFETIME", "2h")]);
    assert_eq!(
        claims_of(&mailer(&service).post(PATH, &json!({ "expiresIn": "2h" })))["exp"],
        Service::START + 7200
    );
    mailer(&service).post(PATH, &json!({ "expiresIn": 7201 })).is_refused(
        403,
        "lifetime_not_allowed",
        "Tokens of this service live for at most 7200 seconds (MAX_TOKEN_LIFETIME)",
    );
}

#[test]
fn a_client_without_a_policy_generates_no_tokens() {
    let plain = json!([{
        "client_id": "plain", "client_secret_sha256": super::SECRET_HASH, "grant_types": ["client_credentials"],
    }]);
    let service = Service::with_clients(&plain, &[]);
    service.anonymous().with_secret("plain", SECRET).post(PATH, &json!({})).is_refused(
        403,
        "generate_not_allowed",
        "This client has no policy for generated tokens (generate); the operator adds one with jwt-generator clients update ID --generate",
    );
}

#[test]
fn no_generated_token_has_a_claim_that_the_service_sets_in_any_kind_of_token() {
    let service = service(&json!({ "claims": ["*"] }), &[]);
    for name in [
        "iss",
        "sub",
        "aud",
        "exp",
        "nbf",
        "iat",
        "jti",
        "demo",
        "client_id",
        "username",
        "email",
        "email_verified",
        "auth_time",
        "scope",
        "Scope",
        "sid",
        "gid",
        "nonce",
        "at_hash",
        "c_hash",
        "acr",
        "amr",
        "azp",
        "cnf",
        "act",
        "may_act",
        "events",
        "token_introspection",
        "active",
    ] {
        let answer = mailer(&service).post(PATH, &json!({ "claims": { name: "mine" } }));
        let sentence = format!("claims must not contain '{name}': the service sets it");
        answer.is_refused(400, "invalid_field", &sentence);
    }
    assert_eq!(claims_of(&mailer(&service).post(PATH, &json!({ "claims": { "scp": "x" } })))["scp"], "x");
}

#[test]
fn an_unknown_client_and_a_wrong_secret_look_alike() {
    let service = service(&json!({}), &[]);
    let sentence = "The client is unknown, or its authentication is not valid";
    let client = service.anonymous();
    let basic = |value: &str| client.send(Method::POST, PATH, &[("authorization", value)], "");
    for refused in [
        client.with_secret("mailer", OLD_SECRET).post(PATH, &json!({})),
        client.with_secret("nobody", SECRET).post(PATH, &json!({})),
        client.with_secret("MAILER", SECRET).post(PATH, &json!({})),
        client.with_secret("mailer", "").post(PATH, &json!({})),
        basic("Basic !!!"),
        basic("basic bWFpbGVy"),
        basic("Basic"),
    ] {
        refused.is_refused(401, "invalid_client", sentence);
        assert_eq!(refused.header("www-authenticate"), Some("Basic realm=\"client\", charset=\"UTF-8\""));
    }
    let token = client.bearing("not-a-token").post(PATH, &json!({}));
    token.is_refused(401, "invalid_token", "Token verification failed");
}

/// Seen: such a header counted as absent, so that its sender got a demo token or learned nothing.
#[test]
fn a_header_that_can_name_no_client_is_refused_once_there_are_clients() {
    let service = service(&json!({}), &[("DEMO_TOKENS", "true")]);
    let with = |service: &Service, values: &[&str]| {
        let headers: Vec<_> = values.iter().map(|value| ("authorization", *value)).collect();
        service.anonymous().send(Method::POST, PATH, &headers, "")
    };
    let without_clients = Service::start();
    for odd in ["Digest x", "", "Bearer "] {
        let refused = with(&service, &[odd]);
        let sentence = "The header Authorization must have the scheme Basic or Bearer";
        refused.is_refused(401, "invalid_client", sentence);
        assert_eq!(refused.header("www-authenticate"), Some("Basic realm=\"client\", charset=\"UTF-8\""));
        assert_eq!(claims_of(&with(&without_clients, &[odd]))["demo"], true, "as the original");
    }
    let two = ["Basic x", "Basic x"];
    let sentence = "The request must have one header Authorization";
    with(&service, &two).is_refused(400, "invalid_request", sentence);
    assert_eq!(claims_of(&with(&without_clients, &two))["demo"], true, "as the original");
}

#[test]
fn a_generated_token_opens_no_account_whatever_its_subject_is() {
    let service = service(&json!({ "subjects": ["*"], "claims": ["*"] }), &[("DEMO_TOKENS", "true")]);
    let user = service.user("alice");
    let id = user.get("/api/auth/profile").ok()["data"]["_id"].as_str().unwrap().to_owned();
    let wanted = json!({ "subject": id, "username": "alice", "email": "alice@example.com" });
    let answer = mailer(&service).post(PATH, &wanted);
    let posing = service.anonymous().bearing(answer.ok()["data"]["access_token"].as_str().unwrap());
    posing.get("/api/auth/profile").is_refused(401, "user_not_found", "User not found");
    let refreshed = posing.send(Method::POST, "/api/auth/refresh", &[], "");
    refreshed.is_refused(401, "user_not_found", "User not found");
}

#[test]
fn demo_tokens_are_off_once_there_is_a_client_unless_the_operator_wants_them() {
    let sentence = "Demo tokens are off on this server, because everyone can get one; a client gets tokens with its credentials, and the operator can allow demo tokens with DEMO_TOKENS=true";
    let off = service(&json!({}), &[]);
    off.anonymous().post(PATH, &json!({})).is_refused(403, "demo_tokens_disabled", sentence);
    let on = service(&json!({}), &[("DEMO_TOKENS", "true")]);
    assert_eq!(claims_of(&on.anonymous().post(PATH, &json!({})))["demo"], true);
    assert!(claims_of(&mailer(&on).post(PATH, &json!({}))).get("demo").is_none());
    let without_clients = Service::start();
    assert_eq!(claims_of(&without_clients.anonymous().post(PATH, &json!({})))["demo"], true);
}

/// The task that reads the clients every hour has read them before the first one was added.
#[test]
fn the_first_client_gets_tokens_at_once_and_no_other_credentials_do() {
    let data = tempfile::tempdir().unwrap();
    let folder = data.path().to_str().unwrap();
    let service = Service::with(&[("DATA_DIR", folder), ("KEY_REFRESH", "1h")]);
    assert_eq!(claims_of(&service.anonymous().post(PATH, &json!({})))["demo"], true);
    let secret = service.manage_clients(async |clients| {
        let metadata = json!({ "grant_types": [], "generate": {} }).as_object().unwrap().clone();
        let metadata = read_metadata(metadata).unwrap();
        let id = Some(ClientId::parse("mailer").unwrap());
        clients.create(id, metadata, &Initiator::OPERATOR).await.unwrap().secret.unwrap()
    });
    let stranger = service.anonymous().with_secret("mailer", SECRET).post(PATH, &json!({}));
    let sentence = "The client is unknown, or its authentication is not valid";
    stranger.is_refused(401, "invalid_client", sentence);
    let mailer = service.anonymous().with_secret("mailer", secret.expose());
    let claims = claims_of(&mailer.post(PATH, &json!({})));
    assert_eq!((&claims["client_id"], claims.get("demo")), (&json!("mailer"), None));
}

/// The original does not read the header, and its clients may send one.
#[test]
fn a_service_without_clients_reads_no_credentials() {
    let service = Service::start();
    for client in [service.anonymous().with_secret("mailer", SECRET), service.anonymous().bearing("x")] {
        assert_eq!(claims_of(&client.post(PATH, &json!({})))["demo"], true);
    }
}

#[test]
fn without_a_database_the_clients_of_the_file_are_all_that_there_are() {
    let service = service(&json!({}), &[("SKIP_DATABASE", "true")]);
    assert_eq!(claims_of(&mailer(&service).post(PATH, &json!({})))["client_id"], "mailer");
    assert_eq!(service.anonymous().post(PATH, &json!({})).status, 403, "there is a client");
}

#[test]
fn while_the_clients_are_not_loaded_credentials_get_503_and_not_a_demo_token() {
    let away = Service::with(&[("MONGODB_URI", "mongodb://127.0.0.1:1/?serverSelectionTimeoutMS=100")]);
    let answer = away.anonymous().with_secret("mailer", SECRET).post(PATH, &json!({}));
    let sentence = "The service is still loading what this answer needs; try again shortly";
    answer.is_refused(503, "not_ready", sentence);
    assert_eq!(answer.header("retry-after"), Some("5"));
    assert_eq!(claims_of(&away.anonymous().post(PATH, &json!({})))["demo"], true);
}

#[test]
fn a_client_has_a_budget_of_its_own() {
    let clients = json!([generator("mailer", &json!({})), generator("other", &json!({}))]);
    let service = Service::with_clients(&clients, &[("RATE_LIMITS", "generate=2/m per client")]);
    let answer = mailer(&service).post(PATH, &json!({}));
    assert_eq!(answer.header("ratelimit-policy"), Some("\"generate-client\";q=2;w=60"));
    assert_eq!(answer.header("ratelimit"), Some("\"generate-client\";r=1;t=30"));
    assert_eq!(mailer(&service).post(PATH, &json!({})).status, 200);
    let refused = mailer(&service).post(PATH, &json!({}));
    assert_eq!((refused.status, &refused.json()["code"]), (429, &json!("rate_limited")));
    let other = service.anonymous().with_secret("other", SECRET);
    assert_eq!(other.post(PATH, &json!({})).status, 200);
}

/// A service whose client `issuer` gets access tokens with these scopes and audiences, and the header of one such token.
fn with_access_token(scope: &str, resource: &str) -> (Service, Client) {
    let clients = json!([{
        "client_id": "issuer", "client_secret_sha256": super::SECRET_HASH, "grant_types": ["client_credentials"],
        "scope": "token:generate other", "resources": [resource], "generate": { "subjects": ["*"] },
    }]);
    let service = Service::with_clients(&clients, &[]);
    let form = [("content-type", "application/x-www-form-urlencoded")];
    let asked = format!("grant_type=client_credentials&scope={scope}");
    let answer =
        service.anonymous().with_secret("issuer", SECRET).send(Method::POST, "/oauth/token", &form, asked);
    let bearer = service.anonymous().bearing(answer.ok()["access_token"].as_str().unwrap());
    (service, bearer)
}

#[test]
fn an_access_token_of_the_scope_generates_tokens_for_its_client() {
    let (service, bearer) = with_access_token("token:generate", "jwt-generator-api");
    let answer = bearer.post(PATH, &json!({ "subject": "user-1" }));
    let claims = claims_of(&answer);
    assert_eq!((&claims["sub"], &claims["client_id"]), (&json!("user-1"), &json!("issuer")));
    let generated = service.anonymous().bearing(answer.ok()["data"]["access_token"].as_str().unwrap());
    generated.post(PATH, &json!({})).is_refused(
        403,
        "insufficient_scope",
        "The access token needs the scope token:generate",
    );
}

#[test]
fn another_scope_and_another_audience_generate_nothing() {
    let (_service, bearer) = with_access_token("other", "jwt-generator-api");
    let refused = bearer.post(PATH, &json!({}));
    refused.is_refused(403, "insufficient_scope", "The access token needs the scope token:generate");
    let challenge = "Bearer error=\"insufficient_scope\", scope=\"token:generate\"";
    assert_eq!(refused.header("www-authenticate"), Some(challenge));
    let (_service, bearer) = with_access_token("token:generate", "https://orders.example");
    let refused = bearer.post(PATH, &json!({}));
    refused.is_refused(401, "invalid_token", "Token verification failed");
    assert_eq!(refused.header("www-authenticate"), Some("Bearer error=\"invalid_token\""));
}

#[test]
fn no_token_of_another_kind_generates_tokens() {
    let service = service(&json!({ "subjects": ["*"] }), &[("DEMO_TOKENS", "true")]);
    let demo = service
        .anonymous()
        .demo_token(&json!({ "subject": "mailer", "claims": { "scope": "token:generate" } }));
    for token in [service.user("alice").token(), &demo] {
        let refused = service.anonymous().bearing(token).post(PATH, &json!({}));
        refused.is_refused(401, "invalid_token", "Token verification failed");
    }
}
