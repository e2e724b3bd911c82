//! The program as a function of AWS Lambda, behind each kind of gateway that can invoke it.

use std::collections::BTreeSet;

use http::Method;
use jwt_generator::app::{Function, IfMissing, open_stores};
use jwt_generator::clock::Clock;
use jwt_generator::config::{Config, Sources};
use jwt_generator::domain::{Instance, RingRecord, Timestamp};
use jwt_generator::entropy::Entropy;
use jwt_generator::server_secret::Label;
use serde_json::{Value, json};

use crate::callers::answered;
use crate::contract;
use crate::keys::custody::SEALING_KEY;
use crate::keys::rotation::kid_of;
use crate::pages::browser::{Browser, CALLBACK, answer_of, authorize};
use crate::support::client::registration;
use crate::support::mongod::free_port;
use crate::support::{
    Client, Fault, Front, Gateway, Moto, Proxy, Verifier, eventually, gateway, jwt_generator, mongod,
    refused, repository, unique,
};

const FRONTS: [Front; 7] = [
    Front::Rest,
    Front::RestMapped,
    Front::HttpOne,
    Front::HttpTwo,
    Front::Url,
    Front::Balancer,
    Front::BalancerWithMany,
];

/// The settings with which a function finds AWS (here moto) and its keys.
fn settings<'a>(endpoint: &'a str, secret: &'a str, more: &[(&'a str, &'a str)]) -> Vec<(&'a str, &'a str)> {
    let usual = [
        ("AWS_ENDPOINT_URL", endpoint),
        ("AWS_REGION", "eu-west-1"),
        ("AWS_ACCESS_KEY_ID", "test"),
        ("AWS_SECRET_ACCESS_KEY", "test"),
        ("AWS_EC2_METADATA_DISABLED", "true"),
        ("BCRYPT_ROUNDS", "4"),
        ("KEYS_SECRET", secret),
        ("JWT_ALGORITHM", "ES256"),
        ("PUBLIC_URL", "https://tokens.example.com/auth"),
    ];
    [&usual[..], more].concat()
}

fn start_with(front: Front, secret: &str, more: &[(&str, &str)]) -> (Gateway, tempfile::TempDir) {
    let (folder, endpoint) = (tempfile::tempdir().unwrap(), Moto::shared().endpoint());
    (Gateway::start(front, folder.path(), &settings(&endpoint, secret, more)), folder)
}

fn start(front: Front, more: &[(&str, &str)]) -> (Gateway, tempfile::TempDir) {
    start_with(front, &unique("keys/of-"), more)
}

#[track_caller]
fn works(client: &Client) -> String {
    let token = client.demo_token(&json!({}));
    assert_eq!(client.post("/api/token/validate", &json!({ "token": token })).status, 200);
    token
}

/// What a schedule of EventBridge sends.
fn schedule() -> Value {
    json!({ "version": "0", "source": "aws.events", "detail-type": "Scheduled Event", "detail": {} })
}

/// The recorded contract holds, with users, behind every kind of gateway.
#[test]
fn the_recorded_contract_holds_behind_every_gateway() {
    let uri = mongod::new_database();
    for front in [Front::Rest, Front::RestMapped, Front::HttpTwo, Front::BalancerWithMany] {
        let (gateway, _folder) = start(front, &[("MONGODB_URI", &uri), ("JWT_ALGORITHM", "RS256")]);
        contract::check(&gateway.client());
    }
}

#[test]
fn a_request_comes_through_whole_and_so_does_its_answer() {
    for front in FRONTS {
        let (gateway, _folder) = start(front, &[("ALLOWED_ORIGINS", "https://app.example.com")]);
        let client = gateway.client();
        let token = works(&client);
        // An HTTP API does not treat a form as text, so it sends the form in base64.
        let form = [("content-type", "application/x-www-form-urlencoded")];
        let answer = client.send(Method::POST, "/api/token/validate", &form, format!("token={token}"));
        assert_eq!(answer.status, 200, "{front:?}: {}", answer.text());
        let kind = [("content-type", "application/json")];
        let bytes = client.send(Method::POST, "/api/token/validate", &kind, b"{\"token\":\"\xff\"}".to_vec());
        assert_eq!(bytes.status, 400, "{front:?}: {}", bytes.text());

        let keys = client.get("/api/jwks");
        let etag = keys.header("etag").unwrap().to_owned();
        assert_eq!(keys.json()["keys"].as_array().unwrap().len(), 1);
        let again = client.send(Method::GET, "/api/jwks", &[("if-none-match", &etag)], "");
        assert_eq!((again.status, again.body.len()), (304, 0), "{front:?}");
        assert_eq!(client.send(Method::HEAD, "/api/jwks", &[], "").status, 200);

        let lost = client.get("/nowhere/a%20b?x=1&y=a%2Fb+c");
        assert_eq!(lost.status, 404);
        assert!(lost.text().contains("/nowhere/a%20b?x=1"), "{front:?}: {}", lost.text());
        let docs = client.get("/api/docs/docs");
        assert!(docs.header("content-type").unwrap().starts_with("text/html"), "{front:?}");
        let asset = client.get("/api/docs/assets/swagger-ui-bundle.js");
        assert_eq!(
            asset.body,
            std::fs::read(repository().join("web/swagger-ui/swagger-ui-bundle.js")).unwrap()
        );

        let named = [("x-request-id", "mine-1"), ("origin", "https://app.example.com")];
        let answer = client.send(Method::GET, "/health", &named, "");
        assert_eq!(answer.header("x-request-id"), Some("mine-1"));
        assert_eq!(answer.header("access-control-allow-origin"), Some("https://app.example.com"));
        let ours = client.get("/health");
        if !matches!(front, Front::Balancer | Front::BalancerWithMany) {
            assert_eq!(
                ours.header("x-request-id"),
                Some("c6af9ac6-7b61-11e6-9a41-93e8deadbeef"),
                "{front:?}"
            );
        }
    }
}

/// Forms, cookies, redirects and answers of several hundred bytes in an address come through every gateway.
#[test]
fn a_user_logs_in_on_the_pages_behind_every_gateway() {
    for front in FRONTS {
        let (uri, issuer) = (mongod::new_database(), format!("https://tokens.example.com{}", front.prefix()));
        let clients = tempfile::tempdir().unwrap();
        let file = clients.path().join("clients.json");
        let client = json!([{
            "client_id": "web", "token_endpoint_auth_method": "none", "redirect_uris": [CALLBACK],
            "grant_types": ["authorization_code", "refresh_token"], "scope": "openid profile offline_access",
        }]);
        std::fs::write(&file, client.to_string()).unwrap();
        let of_oauth = [
            ("MONGODB_URI", uri.as_str()),
            ("ISSUER_URL", &issuer),
            ("CLIENTS_FILE", file.to_str().unwrap()),
        ];
        let (gateway, _folder) = start(front, &of_oauth);
        gateway.client().register("alice");
        let browser = Browser::at(&gateway.browser_client());
        let state = "s".repeat(2_000);
        let asked = authorize("web", &[("state", state.as_str()), ("scope", "openid offline_access")]);
        let page = browser.open(&format!("{}{asked}", front.prefix())).unwrap();
        assert!(browser.cookies.borrow().contains_key("__Host-form"), "{front:?}");
        let consent = browser.log_in(&page, "alice").unwrap();
        assert!(browser.cookies.borrow().contains_key("__Host-session"), "{front:?}");
        let returned = browser.submit(&consent, &[("answer", "allow")]).unwrap_err();
        let answer = answer_of(&returned);
        assert_eq!((&answer["state"], &answer["iss"]), (&state, &issuer), "{front:?}");
        let tokens = Browser::at(&gateway.client()).redeem("web", &answer["code"]);
        let bearer = gateway.client().bearing(tokens["access_token"].as_str().unwrap());
        assert!(bearer.get("/oauth/userinfo").ok()["sub"].is_string(), "{front:?}");
        assert!(tokens["refresh_token"].is_string() && tokens["id_token"].is_string(), "{front:?}: {tokens}");
    }
}

#[test]
fn the_services_own_cookie_is_found_among_others_behind_every_gateway() {
    for front in FRONTS {
        let (gateway, _folder) = start(front, &[("ISSUER_URL", "https://tokens.example.com")]);
        let form = "a".repeat(43);
        let cookies = format!("other=1; __Host-form={form}; more=2");
        let answer = gateway.client().send(Method::GET, "/oauth/login", &[("cookie", &cookies)], "");
        // The page sets no other cookie if the browser has sent its own.
        assert_eq!((answer.status, answer.header("set-cookie")), (200, None), "{front:?}");
        let answer = gateway.client().get("/oauth/login");
        assert!(answer.header("set-cookie").unwrap().ends_with("; Path=/; Secure; HttpOnly; SameSite=Lax"));
    }
}

/// The function takes the client's address from AWS, and ignores what the client sends.
#[test]
fn a_functions_client_is_the_address_that_aws_saw() {
    for front in FRONTS {
        let (gateway, folder) = start(front, &[("ACCESS_LOG", "all")]);
        let spoofed = [("x-forwarded-for", "203.0.113.9"), ("x-real-ip", "203.0.113.9")];
        assert_eq!(gateway.client().send(Method::GET, "/health", &spoofed, "").status, 200);
        let log = std::fs::read_to_string(folder.path().join("function.log")).unwrap();
        let clients: Vec<_> = answered(&log).iter().map(|entry| entry["client.address"].clone()).collect();
        assert_eq!(clients, [gateway::CLIENT], "{front:?}: {log}");
    }
}

#[test]
fn tokens_of_a_function_pass_everywhere() {
    let (gateway, _folder) = start(Front::HttpTwo, &[("JWT_ALGORITHM", "RS256")]);
    let client = gateway.client();
    let token = works(&client);
    let kid = kid_of(&token);
    let jwks = format!("{}/api/jwks", client.base());
    for mut verifier in Verifier::all(&jwks, "jwt-generator-app", "jwt-generator-api") {
        let answer = verifier.ask(&token);
        assert!(answer.starts_with("ok ") && answer.ends_with(&kid), "{}: {answer}", verifier.name);
    }
}

/// Many instances of a function start at the same time, without a message between them.
#[test]
fn instances_that_begin_together_have_one_key() {
    let secret = unique("keys/of-");
    let instances: Vec<_> = (0..6).map(|_| start_with(Front::Url, &secret, &[])).collect();
    let kids: BTreeSet<_> =
        instances.iter().map(|(instance, _)| kid_of(&works(&instance.client()))).collect();
    assert_eq!(kids.len(), 1, "{kids:?}");
    // Each version contains private keys, so an instance that comes too late must add no version. There are two: one begins
    // the ring, and one adds the server secret.
    let all = json!({ "SecretId": secret, "IncludeDeprecated": true });
    let versions = Moto::shared().secrets("eu-west-1", "ListSecretVersionIds", &all).ok();
    assert_eq!(versions["Versions"].as_array().unwrap().len(), 2, "{versions}");
}

/// An operator's change reaches the function, though no message announces it.
#[test]
fn a_key_that_is_revoked_signs_no_more() {
    let secret = unique("keys/of-");
    let (gateway, folder) = start_with(Front::Rest, &secret, &[("KEY_REFRESH", "1s")]);
    let before = kid_of(&works(&gateway.client()));
    let endpoint = Moto::shared().endpoint();
    let mut revoke = jwt_generator(folder.path());
    revoke
        .envs(settings(&endpoint, &secret, &[("KEY_REFRESH", "1s")]))
        .args(["keys", "revoke", &before, "--yes"]);
    let done = revoke.output().unwrap();
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    // The function may sign one more token with the key just before it reads the ring. Then it must refuse that token.
    eventually("another key signs", || {
        (kid_of(&gateway.client().demo_token(&json!({}))) != before).then_some(())
    });
    let after = kid_of(&works(&gateway.client()));
    let keys = gateway.client().get("/api/jwks").json();
    let published: Vec<_> = keys["keys"].as_array().unwrap().iter().map(|key| key["kid"].clone()).collect();
    assert!(published.contains(&json!(after)) && !published.contains(&json!(before)), "{keys}");
}

/// The settings of a function inside this process.
fn config(settings: &[(&str, &str)]) -> Config {
    let usual = [("AWS_LAMBDA_RUNTIME_API", "nobody"), ("BCRYPT_ROUNDS", "4"), ("JWT_ALGORITHM", "ES256")];
    let all = usual.iter().chain(settings).map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
    Config::read(&Sources::read(all, std::path::Path::new("/nonexistent")).unwrap()).unwrap()
}

/// A function inside this process, with a clock that the test moves.
async fn function(settings: &[(&str, &str)], clock: &Clock) -> Function {
    Function::build(&config(settings), "tokens", clock.clone(), Entropy::System).await.unwrap()
}

async fn ask(function: &Function, method: &str, path: &str) -> Value {
    let event = json!({
        "httpMethod": method, "path": path, "headers": { "content-type": "application/json" }, "body": "{}",
    });
    let reply = function.invoke(serde_json::from_value(event).unwrap(), None).await.unwrap().unwrap();
    let reply = serde_json::to_value(reply).unwrap();
    assert_eq!(reply["statusCode"], 200, "{reply}");
    serde_json::from_str(reply["body"].as_str().unwrap()).unwrap()
}

/// If only the schedule calls, keys still rotate, and each key is published for its whole lead before it signs.
#[test]
fn a_schedule_alone_keeps_keys_rotating() {
    let uri = mongod::new_database();
    let settings = [("MONGODB_URI", uri.as_str()), ("KEY_ENCRYPTION_KEY", SEALING_KEY)];
    tokio::runtime::Runtime::new().unwrap().block_on(async {
        let day = |day: u64| Timestamp::from_secs(1_800_000_000 + day * 86_400);
        let clock = Clock::manual(day(0));
        let function = function(&settings, &clock).await;
        let (mut signed, mut published) = (BTreeSet::new(), BTreeSet::new());
        for today in 0..100 {
            clock.set(day(today));
            assert!(
                function.invoke(serde_json::from_value(schedule()).unwrap(), None).await.unwrap().is_none()
            );
            let token = ask(&function, "POST", "/api/token/generate").await;
            let kid = kid_of(token["data"]["access_token"].as_str().unwrap());
            assert!(signed.contains(&kid) || signed.is_empty() || published.contains(&kid), "{kid}");
            signed.insert(kid);
            let keys = ask(&function, "GET", "/api/jwks").await;
            published.extend(
                keys["keys"].as_array().unwrap().iter().map(|key| key["kid"].as_str().unwrap().to_owned()),
            );
        }
        assert!((3..=5).contains(&signed.len()), "{signed:?}");
    });
}

/// While the custody of the keys does not answer, there is no server secret yet. What derives keys from it gets them later.
#[test]
fn a_consumer_gets_its_subkeys_when_the_server_secret_comes_after_the_start() {
    let mut replica = mongod::ReplicaSet::start(1);
    let uri = replica.uri("jwt");
    replica.kill_member(0);
    let settings = [("MONGODB_URI", uri.as_str()), ("KEY_ENCRYPTION_KEY", SEALING_KEY)];
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let clock = Clock::manual(Timestamp::from_secs(1_800_000_000));
    let function = runtime.block_on(function(&settings, &clock));
    let consumer = function.server_secret().clone();
    assert!(consumer.subkeys(Label::Fingerprint).unwrap().is_none());
    replica.start_member(0);
    let subkeys = eventually("the function makes the server secret", || {
        runtime.block_on(function.invoke(serde_json::from_value(schedule()).unwrap(), None)).unwrap();
        consumer.subkeys(Label::Fingerprint).unwrap()
    });
    assert_eq!(subkeys.all.len(), 1);
}

/// As for a server: half of all verifiers would refuse the tokens of one of the two.
#[test]
fn a_function_does_not_start_beside_an_instance_with_other_keys() {
    let uri = mongod::new_database();
    let config = config(&[("MONGODB_URI", uri.as_str()), ("KEY_ENCRYPTION_KEY", SEALING_KEY)]);
    let clock = Clock::manual(Timestamp::from_secs(1_800_000_000));
    tokio::runtime::Runtime::new().unwrap().block_on(async {
        let server = Instance {
            id: "a-server".to_owned(),
            custody: "directory".to_owned(),
            shares_ring: false,
            signs: "a-key-of-its-own".to_owned(),
            verifies: Vec::new(),
            ring_version: RingRecord::NEWEST_VERSION,
            at: clock.now(),
        };
        open_stores(&config, IfMissing::Create, &Entropy::System)
            .unwrap()
            .instances
            .record_instance(&server)
            .await
            .unwrap();
        let refused = Function::build(&config, "tokens", clock.clone(), Entropy::System).await.err().unwrap();
        let words = "another instance on this database signs with a key that this one does not have";
        assert!(refused.to_string().starts_with(words), "{refused}");
        clock.set(Timestamp::from_secs(1_800_000_000 + Instance::SILENCE_SECS + 1));
        Function::build(&config, "tokens", clock, Entropy::System).await.unwrap();
    });
}

/// AWS does not answer: the function continues with the ring that it knows; work that has begun continues
/// when AWS is back.
#[test]
fn a_custody_that_hangs_holds_no_request_up_for_long() {
    let proxy = Proxy::before(Moto::shared().address());
    let (folder, secret) = (tempfile::tempdir().unwrap(), unique("keys/of-"));
    let endpoint = format!("http://{}", proxy.address());
    let more = [("KEY_REFRESH", "1s"), ("KEY_ROTATION", "off"), ("JWT_EXPIRATION", "60s")];
    let gateway = Gateway::start(Front::Url, folder.path(), &settings(&endpoint, &secret, &more));
    let client = gateway.client();
    works(&client);
    proxy.set(Fault::BlackHole);
    let log = || std::fs::read_to_string(folder.path().join("function.log")).unwrap();
    eventually("the log says that the ring cannot be read", || {
        works(&client);
        log().contains("the ring of keys cannot be read").then_some(())
    });
    proxy.set(Fault::None);
    eventually("and that it is read again", || {
        works(&client);
        log().contains("the ring of keys is read again").then_some(())
    });
}

#[test]
fn a_function_that_found_no_keys_looks_again_at_each_request() {
    let proxy = Proxy::before(Moto::shared().address());
    proxy.set(Fault::Cut);
    let (folder, secret) = (tempfile::tempdir().unwrap(), unique("keys/of-"));
    let endpoint = format!("http://{}", proxy.address());
    let seldom = [("KEY_REFRESH", "1h"), ("KEY_ROTATION", "off")];
    let gateway = Gateway::start(Front::Url, folder.path(), &settings(&endpoint, &secret, &seldom));
    let client = gateway.client();
    let answer = client.post("/api/token/generate", &json!({}));
    answer.is_refused(503, "keys_unavailable", "The keys are unavailable; try again shortly");
    proxy.set(Fault::None);
    eventually("there are keys", || {
        (client.post("/api/token/generate", &json!({})).status == 200).then_some(())
    });
}

#[test]
fn without_its_database_a_function_signs_and_refuses_accounts_until_it_is_back() {
    let mut replica = mongod::ReplicaSet::start(1);
    let uri = replica.uri("jwt");
    replica.kill_member(0);
    let (gateway, _folder) = start(Front::Rest, &[("MONGODB_URI", &uri), ("KEY_REFRESH", "1s")]);
    let client = gateway.client();
    works(&client);
    assert_eq!(client.get("/health").ok()["database_connected"], false);
    assert_eq!(client.post("/api/auth/register", &registration("ada")).status, 503);
    replica.start_member(0);
    eventually("the database is seen", || {
        (client.get("/health").ok()["database_connected"] == true).then_some(())
    });
    client.register("ada");
}

#[test]
fn a_function_without_a_database_has_no_accounts() {
    let (gateway, _folder) = start(Front::HttpTwo, &[]);
    let answer = gateway.client().post("/api/auth/register", &registration("ada"));
    assert_eq!(answer.status, 503, "{}", answer.text());
}

#[test]
fn settings_may_be_in_secrets() {
    let name = unique("uri/");
    let (uri, moto) = (mongod::new_database(), Moto::shared());
    let secret = json!({ "Name": name, "SecretString": uri });
    let arn = moto.secrets("eu-west-1", "CreateSecret", &secret).ok()["ARN"].as_str().unwrap().to_owned();
    for id in [name, arn] {
        let (gateway, _folder) = start(Front::Url, &[("MONGODB_URI_SECRET", &id)]);
        let client = gateway.client();
        eventually("the database answers", || {
            (client.get("/health").ok()["database_connected"] == true).then_some(())
        });
        client.register(&unique("ada"));
    }
    let folder = tempfile::tempdir().unwrap();
    let told = refuses(folder.path(), 1, &[("MONGODB_URI_SECRET", "nowhere"), ("KEYS_SECRET", "x")]);
    assert!(
        told.contains("MONGODB_URI_SECRET=nowhere: ") && told.contains("ResourceNotFoundException"),
        "{told}"
    );
}

/// The function does not start, and says why.
fn refuses(folder: &std::path::Path, code: i32, more: &[(&str, &str)]) -> String {
    let endpoint = Moto::shared().endpoint();
    let mut command = jwt_generator(folder);
    command.envs(gateway::environment()).env("AWS_LAMBDA_RUNTIME_API", "127.0.0.1:9");
    refused(command.envs(settings(&endpoint, "", more)), code)
}

#[test]
fn what_would_give_each_instance_a_key_of_its_own_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let uri = format!("mongodb://127.0.0.1:{}/jwt", free_port());
    let vault = [("VAULT_ADDR", "http://127.0.0.1:1"), ("VAULT_TOKEN", "x")];
    for (more, name, words) in [
        (&[][..], "KEY_CUSTODY", "in a function of AWS Lambda"),
        (&[("KEY_CUSTODY", "directory")], "KEY_CUSTODY", "in a function of AWS Lambda"),
        (&[("MONGODB_URI", &uri)], "KEY_CUSTODY", "in a function of AWS Lambda"),
        (&[("KEY_CUSTODY", "aws-kms")], "KEYS_SECRET", "is needed in a function"),
        (&[("KEY_CUSTODY", "vault"), vault[0], vault[1]], "KEYS_SECRET", "is needed in a function"),
        (&[("KEY_CUSTODY", "aws-secrets-manager")], "KEYS_SECRET", "is needed with"),
    ] {
        let told = refuses(folder.path(), 2, more);
        assert!(told.contains(name) && told.contains(words), "{more:?}: {told}");
    }
}

#[test]
fn elsewhere_than_in_aws_lambda_the_command_says_what_to_do() {
    let folder = tempfile::tempdir().unwrap();
    let told = refused(jwt_generator(folder.path()).arg("lambda"), 2);
    assert!(told.contains("AWS_LAMBDA_RUNTIME_API is not set") && told.contains("`serve`"), "{told}");
}

/// At `trace`, AWS's runtime would log whole events. Its log level is limited to warnings.
#[test]
fn no_level_of_the_log_shows_what_is_in_a_request() {
    let (gateway, folder) = start(Front::HttpTwo, &[("LOG_LEVEL", "trace"), ("ACCESS_LOG", "all")]);
    let client = gateway.client().bearing("top.secret.token");
    let login = json!({ "username": "ada", "password": "hunter2-hunter2" });
    client.post("/api/auth/login", &login);
    let token = works(&client);
    let log = std::fs::read_to_string(folder.path().join("function.log")).unwrap();
    assert!(log.contains("request answered"), "{log}");
    for secret in ["top.secret.token", "hunter2", &token] {
        assert!(!log.contains(secret), "{secret}");
    }
}

/// A caller that may invoke the function can send any event. The function reports an unknown one and continues.
#[test]
fn an_event_of_another_kind_is_refused_and_the_next_one_is_not() {
    let (gateway, _folder) = start(Front::Url, &[]);
    let foreign = [
        json!(null),
        json!([]),
        json!("text"),
        json!(7),
        json!({}),
        json!({ "Records": [{ "eventSource": "aws:sqs" }] }),
        json!({ "httpMethod": 7 }),
    ];
    for event in foreign {
        let said = gateway.invoke(event.clone()).unwrap_err();
        assert!(!said["errorMessage"].as_str().unwrap().is_empty(), "{event}: {said}");
    }
    for (event, part) in [
        (json!({ "httpMethod": "GET /", "path": "/" }), "method"),
        (json!({ "httpMethod": "GET", "path": "/", "headers": { "a b": "c" } }), "headers"),
        (json!({ "httpMethod": "GET", "path": "/", "headers": { "a": "b\nc" } }), "headers"),
        (json!({ "httpMethod": "POST", "path": "/", "body": "%%%", "isBase64Encoded": true }), "body"),
        (json!({ "httpMethod": "GET", "path": format!("/{}", "x".repeat(70_000)) }), "path"),
        (json!({ "requestContext": { "http": { "method": "" } }, "rawPath": "/" }), "method"),
    ] {
        let said = gateway.invoke(event.clone()).unwrap();
        assert_eq!(said["statusCode"], 400, "{event}: {said}");
        let refusal: Value = serde_json::from_str(said["body"].as_str().unwrap()).unwrap();
        assert_eq!(refusal["code"], "malformed_request");
        assert_eq!(refusal["error"], format!("The request's {part} cannot be read"));
    }
    let query = "a=<b>&c= d\u{e9}";
    for odd in [
        json!({ "httpMethod": "GET" }),
        json!({ "httpMethod": "GET", "path": "no/slash\u{0}\u{1F600}?" }),
        json!({ "requestContext": { "http": { "method": "GET" } }, "rawPath": "/", "rawQueryString": query }),
    ] {
        let said = gateway.invoke(odd.clone()).unwrap();
        assert!(said["statusCode"].as_u64().unwrap() < 500, "{odd}: {said}");
    }
    assert_eq!(gateway.invoke(schedule()), Ok(Value::Null));
    works(&gateway.client());
}

#[test]
fn guesses_must_wait_in_a_function_as_in_a_server() {
    let (gateway, _folder) = start(Front::HttpTwo, &[("MONGODB_URI", &mongod::new_database())]);
    let client = gateway.client();
    client.register("alice");
    let login = json!({ "username": "alice", "password": "wrong-guess" });
    let mut answer = client.post("/api/auth/login", &login);
    let mut verdicts = 0;
    while answer.status == 401 {
        verdicts += 1;
        answer = client.post("/api/auth/login", &login);
    }
    assert!(verdicts >= 5 && answer.status == 429, "{verdicts} {}", answer.text());
    assert_eq!(answer.json()["code"], "login_throttled");
    assert!(answer.header("retry-after").is_some());
}
