//! `private_key_jwt` (RFC 7523): assertions that clients sign.

use std::io::{Read, Write};
use std::net::TcpListener;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Condvar, Mutex};
use std::thread;
use std::time::Duration;

use jose::{Algorithm, ProtectedHeader, SigningKey, Typ};
use jwt_generator::domain::{Client, ClientAuthMethod};
use jwt_generator::oauth::{ClientAuthError, JWT_BEARER, PresentedCredentials};
use serde_json::{Value, json};
use tokio::task::JoinHandle;

use super::authentication::{ISSUER, NOW, World, client};

const NO_KEY: ClientAuthError = ClientAuthError::Failed("no key of the client verifies the assertion");

fn key(algorithm: Algorithm) -> SigningKey {
    SigningKey::generate(algorithm, 2048).unwrap()
}

fn key_set(keys: &[(&SigningKey, &str)]) -> Value {
    let keys: Vec<_> = keys
        .iter()
        .map(|(key, kid)| serde_json::to_value(key.verifying_key().to_jwk(kid)).unwrap())
        .collect();
    json!({ "keys": keys })
}

/// A client that signs with the keys of this set.
fn signer(id: &str, jwks: Value) -> Client {
    client(id, ClientAuthMethod::PrivateKeyJwt, |client| client.metadata.jwks = Some(jwks))
}

fn claims() -> Value {
    json!({ "iss": "a", "sub": "a", "aud": ISSUER, "exp": NOW + 60, "iat": NOW, "jti": "1" })
}

fn with(name: &str, value: Value) -> Value {
    let mut claims = claims();
    claims[name] = value;
    claims
}

fn without(name: &str) -> Value {
    let mut claims = claims();
    claims.as_object_mut().unwrap().remove(name);
    claims
}

fn signed(key: &SigningKey, kid: &str, claims: &Value) -> String {
    sealed(key, &ProtectedHeader::encode(key.algorithm(), Typ::Jwt, kid), claims)
}

fn sealed(key: &SigningKey, header: &str, claims: &Value) -> String {
    let input = jose::signing_input(header, claims.to_string().as_bytes());
    let signature = key.sign(input.as_bytes()).unwrap();
    jose::attach(input, &signature)
}

fn header(json: &str) -> String {
    use base64::Engine;
    base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(json)
}

async fn judge(world: &World, assertion: &str) -> Result<String, ClientAuthError> {
    let presented = PresentedCredentials {
        client_assertion_type: Some(JWT_BEARER),
        client_assertion: Some(assertion),
        ..PresentedCredentials::default()
    };
    world.judge(presented).await
}

#[tokio::test]
async fn an_assertion_of_each_algorithm_authenticates_its_client_once() {
    for algorithm in [Algorithm::Rs256, Algorithm::Ps256, Algorithm::Es256, Algorithm::EdDsa] {
        let key = key(algorithm);
        let world = World::with(vec![signer("a", key_set(&[(&key, "k")]))]).await;
        let assertion = signed(&key, "k", &claims());
        assert_eq!(judge(&world, &assertion).await.as_deref(), Ok("a"), "{algorithm}");
        let again = Err(ClientAuthError::Failed("the assertion was used before"));
        assert_eq!(judge(&world, &assertion).await, again, "{algorithm}");
        let next = signed(&key, "k", &with("jti", json!("2")));
        assert_eq!(judge(&world, &next).await.as_deref(), Ok("a"), "{algorithm}");
    }
}

#[tokio::test]
async fn the_claims_of_an_assertion_are_checked() {
    let key = key(Algorithm::Es256);
    let world =
        World::with(vec![signer("a", key_set(&[(&key, "k")])), signer("b", key_set(&[(&key, "k")]))]).await;
    let types = "the assertion needs iss, sub, aud, exp and jti; aud must be a string";
    let future = "iat and nbf must not be in the future";
    for (claims, fault) in [
        (with("iss", json!("b")), "iss and sub must be the client's id"),
        (with("aud", json!("https://issuer.example/oauth/token")), "aud must be the issuer"),
        (with("aud", json!("https://issuer.example/")), "aud must be the issuer"),
        (with("aud", json!([ISSUER])), types),
        (with("aud", json!([ISSUER, "https://other.example"])), types),
        (without("aud"), types),
        (without("exp"), types),
        (without("jti"), types),
        (without("iss"), types),
        (with("jti", json!("")), "jti must have 1 to 512 characters"),
        (with("jti", json!("x".repeat(513))), "jti must have 1 to 512 characters"),
        (with("exp", json!(NOW - 60)), "the assertion has expired"),
        (with("exp", json!(-1)), "exp is not a point in time"),
        (with("exp", json!(NOW + 3661)), "the assertion may live for at most an hour"),
        (with("iat", json!(NOW + 61)), future),
        (with("nbf", json!(NOW + 61)), future),
        (with("iat", json!("now")), types),
    ] {
        let answer = judge(&world, &signed(&key, "k", &claims)).await;
        assert_eq!(answer, Err(ClientAuthError::Failed(fault)), "{claims}");
    }
    for claims in [
        with("exp", json!(NOW - 59)),
        with("exp", json!(NOW as f64 + 0.5)),
        with("exp", json!(NOW + 3660)),
        with("nbf", json!(NOW + 60)),
        without("iat"),
    ] {
        let mut claims = claims;
        claims["jti"] = json!(claims.to_string());
        assert_eq!(judge(&world, &signed(&key, "k", &claims)).await.as_deref(), Ok("a"), "{claims}");
    }
}

#[tokio::test]
async fn no_other_key_and_no_other_kind_of_token_passes_for_an_assertion() {
    let (own, other) = (key(Algorithm::Es256), key(Algorithm::Es256));
    let world = World::with(vec![
        signer("a", key_set(&[(&own, "k")])),
        client("basic", ClientAuthMethod::ClientSecretBasic, |_| {}),
    ])
    .await;
    assert_eq!(judge(&world, &signed(&other, "k", &claims())).await, Err(NO_KEY));
    assert_eq!(judge(&world, &signed(&own, "other", &claims())).await, Err(NO_KEY));
    let unsigned =
        format!("{}.", jose::signing_input(&header(r#"{"alg":"none"}"#), claims().to_string().as_bytes()));
    assert_eq!(judge(&world, &unsigned).await, Err(NO_KEY));
    let kinds = Err(ClientAuthError::Failed("typ must be JWT or client-authentication+jwt"));
    for typ in ["at+jwt", "token-introspection+jwt", "dpop+jwt", "oauth-authz-req+jwt", ""] {
        let header = header(&format!(r#"{{"alg":"ES256","typ":"{typ}","kid":"k"}}"#));
        assert_eq!(judge(&world, &sealed(&own, &header, &claims())).await, kinds, "{typ}");
    }
    for (typ, jti) in [("client-authentication+jwt", "x"), ("JWT", "y"), ("application/jwt", "z")] {
        let header = header(&format!(r#"{{"alg":"ES256","typ":"{typ}","kid":"k"}}"#));
        let assertion = sealed(&own, &header, &with("jti", json!(jti)));
        assert_eq!(judge(&world, &assertion).await.as_deref(), Ok("a"), "{typ}");
    }
    let nameless = sealed(&own, &header(r#"{"alg":"ES256"}"#), &with("jti", json!("w")));
    assert_eq!(judge(&world, &nameless).await.as_deref(), Ok("a"), "one key needs no name");
    let mut of_basic = claims();
    (of_basic["iss"], of_basic["sub"]) = (json!("basic"), json!("basic"));
    let method = "the client is registered for another method (token_endpoint_auth_method)";
    assert_eq!(judge(&world, &signed(&own, "k", &of_basic)).await, Err(ClientAuthError::Failed(method)));
}

#[tokio::test]
async fn an_assertion_is_presented_as_rfc_7523_says() {
    let key = key(Algorithm::Es256);
    let world = World::with(vec![signer("a", key_set(&[(&key, "k")]))]).await;
    let assertion = signed(&key, "k", &claims());
    let presented = PresentedCredentials {
        client_id: Some("a"),
        client_assertion_type: Some(JWT_BEARER),
        client_assertion: Some(&assertion),
        ..PresentedCredentials::default()
    };
    for (wrong, error) in [
        (
            PresentedCredentials { client_assertion_type: None, ..presented },
            ClientAuthError::Failed("client_assertion_type is not that of RFC 7523"),
        ),
        (
            PresentedCredentials { client_assertion: None, ..presented },
            ClientAuthError::Failed("client_assertion is missing"),
        ),
        (
            PresentedCredentials { client_id: Some("b"), ..presented },
            ClientAuthError::Ambiguous("client_id and the assertion name different clients"),
        ),
        (
            PresentedCredentials { client_assertion: Some("x.y.z"), ..presented },
            ClientAuthError::Failed("the assertion is not a JWT with the claim sub"),
        ),
    ] {
        assert_eq!(world.judge(wrong).await, Err(error));
    }
    assert_eq!(world.judge(presented).await.as_deref(), Ok("a"));
}

#[tokio::test]
async fn only_the_registered_algorithm_is_accepted() {
    let (rsa, ec) = (key(Algorithm::Rs256), key(Algorithm::Es256));
    let world = World::with(vec![client("a", ClientAuthMethod::PrivateKeyJwt, |client| {
        client.metadata.jwks = Some(key_set(&[(&rsa, "r"), (&ec, "e")]));
        client.metadata.token_endpoint_auth_signing_alg = Some("ES256".to_owned());
    })])
    .await;
    assert_eq!(judge(&world, &signed(&rsa, "r", &claims())).await, Err(NO_KEY));
    assert_eq!(judge(&world, &signed(&ec, "e", &claims())).await.as_deref(), Ok("a"));
}

/// A server of a key set that the test changes, and the number of requests that it got.
struct Publisher {
    uri: String,
    set: Arc<Mutex<(u16, String)>>,
    asked: Arc<AtomicUsize>,
    /// Whether its answers wait.
    hangs: Arc<(Mutex<bool>, Condvar)>,
}

impl Publisher {
    fn start(set: &Value) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let uri = format!("http://{}/jwks", listener.local_addr().unwrap());
        let (set, asked) = (Arc::new(Mutex::new((200, set.to_string()))), Arc::<AtomicUsize>::default());
        let hangs = Arc::<(Mutex<bool>, Condvar)>::default();
        let (served, counted, held) = (Arc::clone(&set), Arc::clone(&asked), Arc::clone(&hangs));
        thread::spawn(move || {
            for stream in listener.incoming() {
                let mut stream = stream.unwrap();
                let mut head = Vec::new();
                let mut byte = [0];
                while !head.ends_with(b"\r\n\r\n") && stream.read(&mut byte).unwrap_or(0) > 0 {
                    head.push(byte[0]);
                }
                counted.fetch_add(1, Ordering::SeqCst);
                drop(held.1.wait_while(held.0.lock().unwrap(), |hangs| *hangs).unwrap());
                let (status, body) = served.lock().unwrap().clone();
                let length = body.len();
                let answer = format!(
                    "HTTP/1.1 {status} x\r\ncontent-length: {length}\r\nconnection: close\r\n\r\n{body}"
                );
                let _ = stream.write_all(answer.as_bytes());
            }
        });
        Self { uri, set, asked, hangs }
    }

    fn publish(&self, status: u16, set: &Value) {
        *self.set.lock().unwrap() = (status, set.to_string());
    }

    fn hang(&self, hangs: bool) {
        *self.hangs.0.lock().unwrap() = hangs;
        self.hangs.1.notify_all();
    }

    fn asked(&self) -> usize {
        self.asked.load(Ordering::SeqCst)
    }

    async fn was_asked(&self, times: usize) {
        while self.asked() < times {
            tokio::task::yield_now().await;
        }
    }
}

/// The client `id` of a publisher.
fn published(id: &str, publisher: &Publisher) -> Client {
    client(id, ClientAuthMethod::PrivateKeyJwt, |client| {
        client.metadata.jwks_uri = Some(publisher.uri.clone());
    })
}

async fn with_publisher(publisher: &Publisher) -> World {
    let world = World::with(vec![published("a", publisher)]).await;
    world.clock.set_uptime(Duration::from_secs(1000));
    world
}

fn unreachable(retry_secs: u32) -> ClientAuthError {
    ClientAuthError::Unchecked { why: "the keys of the client could not be fetched", retry_secs }
}

fn numbered(n: u32) -> Value {
    with("jti", json!(n.to_string()))
}

#[tokio::test]
async fn published_keys_are_fetched_once_and_again_for_an_unknown_key_after_a_cooldown() {
    let (first, second) = (key(Algorithm::Es256), key(Algorithm::Es256));
    let publisher = Publisher::start(&key_set(&[(&first, "1")]));
    let world = with_publisher(&publisher).await;
    assert_eq!(judge(&world, &signed(&first, "1", &numbered(1))).await.as_deref(), Ok("a"));
    assert_eq!(judge(&world, &signed(&first, "1", &numbered(2))).await.as_deref(), Ok("a"));
    assert_eq!(publisher.asked(), 1);
    publisher.publish(200, &key_set(&[(&first, "1"), (&second, "2")]));
    let why = "no key of the client verifies the assertion, and its keys were fetched a moment ago";
    for (at, retry_secs) in [(1001, 29), (1029, 1)] {
        world.clock.set_uptime(Duration::from_secs(at));
        let answer = judge(&world, &signed(&second, "2", &numbered(3))).await;
        assert_eq!(answer, Err(ClientAuthError::Unchecked { why, retry_secs }), "the key may be new");
        assert_eq!(judge(&world, &signed(&second, "1", &numbered(3))).await, Err(NO_KEY), "the key is known");
    }
    assert_eq!(publisher.asked(), 1, "the cooldown is not over");
    world.clock.set_uptime(Duration::from_secs(1030));
    assert_eq!(judge(&world, &signed(&second, "3", &numbered(3))).await, Err(NO_KEY), "a fetch proves it");
    assert_eq!(judge(&world, &signed(&second, "2", &numbered(11))).await.as_deref(), Ok("a"));
    assert_eq!(publisher.asked(), 2);
    world.directory.refresh().await.unwrap();
    assert_eq!(judge(&world, &signed(&second, "2", &numbered(12))).await.as_deref(), Ok("a"));
    assert_eq!(publisher.asked(), 2, "a client that did not change keeps its keys");
}

#[tokio::test]
async fn an_assertion_that_cannot_be_valid_makes_the_service_fetch_nothing() {
    let key = key(Algorithm::Es256);
    let publisher = Publisher::start(&key_set(&[(&key, "k")]));
    let world = with_publisher(&publisher).await;
    for claims in [with("aud", json!("x")), with("exp", json!(NOW - 100)), with("iss", json!("b"))] {
        assert!(matches!(judge(&world, &signed(&key, "k", &claims)).await, Err(ClientAuthError::Failed(_))));
    }
    assert_eq!(publisher.asked(), 0);
}

#[tokio::test]
async fn keys_that_cannot_be_fetched_again_count_for_a_day() {
    let key = key(Algorithm::Es256);
    let publisher = Publisher::start(&key_set(&[(&key, "k")]));
    let world = with_publisher(&publisher).await;
    assert_eq!(judge(&world, &signed(&key, "k", &numbered(1))).await.as_deref(), Ok("a"));
    publisher.publish(500, &json!({}));
    let day = 24 * 3600;
    for (at, answer) in [
        (1000 + 16 * 60, Ok("a".to_owned())),
        (1000 + day - 1, Ok("a".to_owned())),
        (1000 + day + 30, Err(unreachable(5))),
    ] {
        world.clock.set_uptime(Duration::from_secs(at));
        assert_eq!(judge(&world, &signed(&key, "k", &numbered(at as u32))).await, answer, "at {at}");
    }
    assert_eq!(publisher.asked(), 4);
    publisher.publish(200, &key_set(&[(&key, "k")]));
    world.clock.set_uptime(Duration::from_secs(1000 + day + 60));
    assert_eq!(judge(&world, &signed(&key, "k", &numbered(99))).await.as_deref(), Ok("a"));
}

#[tokio::test]
async fn an_answer_that_is_no_key_set_is_not_used() {
    let key = key(Algorithm::Es256);
    let publisher = Publisher::start(&json!("<html>"));
    let world = with_publisher(&publisher).await;
    for (status, set) in [(200, json!("x")), (302, key_set(&[(&key, "k")])), (404, json!({}))] {
        publisher.publish(status, &set);
        let at = world.clock.uptime() + Duration::from_secs(30);
        world.clock.set_uptime(at);
        assert_eq!(judge(&world, &signed(&key, "k", &claims())).await, Err(unreachable(5)), "{status}");
    }
    assert_eq!(publisher.asked(), 3);
}

#[tokio::test]
async fn many_requests_at_once_cause_one_fetch() {
    let key = key(Algorithm::Es256);
    let publisher = Publisher::start(&key_set(&[(&key, "k")]));
    let world = Arc::new(with_publisher(&publisher).await);
    let racers: Vec<_> = (0..20)
        .map(|n| {
            let (world, assertion) = (Arc::clone(&world), signed(&key, "k", &numbered(n)));
            tokio::spawn(async move { judge(&world, &assertion).await })
        })
        .collect();
    for racer in racers {
        assert_eq!(racer.await.unwrap().as_deref(), Ok("a"));
    }
    assert_eq!(publisher.asked(), 1);
}

/// A judgement that is under way.
type Judging = JoinHandle<Result<String, ClientAuthError>>;

/// Clients whose key sets do not arrive, beside `good`, whose key set does.
struct Crowd {
    world: Arc<World>,
    slow: Vec<Publisher>,
    good: Publisher,
    key: SigningKey,
}

impl Crowd {
    async fn begin() -> Self {
        let key = key(Algorithm::Es256);
        let slow: Vec<_> = (0..4).map(|_| Publisher::start(&json!("no set"))).collect();
        let good = Publisher::start(&key_set(&[(&key, "k")]));
        let clients = slow.iter().enumerate().map(|(n, slow)| published(&format!("slow{n}"), slow));
        let world = World::with(clients.chain([published("good", &good)]).collect()).await;
        world.clock.set_uptime(Duration::from_secs(1000));
        tokio::time::pause();
        Self { world: Arc::new(world), slow, good, key }
    }

    fn ask(&self, id: &str, n: u32) -> Judging {
        let mut claims = numbered(n);
        (claims["iss"], claims["sub"]) = (json!(id), json!(id));
        let (world, assertion) = (Arc::clone(&self.world), signed(&self.key, "k", &claims));
        tokio::spawn(async move { judge(&world, &assertion).await })
    }

    fn forge(&self, n: u32) -> Vec<Judging> {
        self.slow.iter().for_each(|slow| slow.hang(true));
        (0..self.slow.len()).map(|at| self.ask(&format!("slow{at}"), n)).collect()
    }

    async fn release(&self, forged: Vec<Judging>) {
        self.slow.iter().for_each(|slow| slow.hang(false));
        for forged in forged {
            assert_eq!(forged.await.unwrap(), Err(unreachable(5)));
        }
    }
}

/// Seen: a few forged assertions for clients with slow addresses shut out the clients of all other addresses for half a minute.
#[tokio::test]
async fn a_fetch_that_found_no_place_is_tried_again_by_the_next_request() {
    let crowd = Crowd::begin().await;
    let forged = crowd.forge(1);
    for slow in &crowd.slow {
        slow.was_asked(1).await;
    }
    let waiting = crowd.ask("good", 1);
    while !waiting.is_finished() {
        tokio::time::advance(Duration::from_millis(100)).await;
    }
    assert_eq!(waiting.await.unwrap(), Err(unreachable(1)));
    crowd.release(forged).await;
    assert_eq!(crowd.ask("good", 2).await.unwrap().as_deref(), Ok("good"));
    assert_eq!(crowd.good.asked(), 1);
}

#[tokio::test]
async fn addresses_that_failed_before_leave_places_for_the_others() {
    let crowd = Crowd::begin().await;
    crowd.release(crowd.forge(1)).await;
    crowd.world.clock.set_uptime(Duration::from_secs(1005));
    let forged = crowd.forge(2);
    let under_way = || crowd.slow.iter().map(Publisher::asked).sum::<usize>() - crowd.slow.len();
    while under_way() < 2 {
        tokio::task::yield_now().await;
    }
    assert_eq!(crowd.ask("good", 1).await.unwrap().as_deref(), Ok("good"));
    assert_eq!(under_way(), 2);
    crowd.release(forged).await;
}

/// Seen: a request that ended before the keys arrived took them along, and the next fetch had to wait for the cooldown.
#[tokio::test]
async fn keys_that_arrive_after_their_request_has_ended_are_used() {
    let key = key(Algorithm::Es256);
    let publisher = Publisher::start(&key_set(&[(&key, "k")]));
    publisher.hang(true);
    let world = Arc::new(with_publisher(&publisher).await);
    let (asking, forged) = (Arc::clone(&world), signed(&key, "other", &numbered(1)));
    let gone = tokio::spawn(async move { judge(&asking, &forged).await });
    publisher.was_asked(1).await;
    gone.abort();
    assert!(gone.await.unwrap_err().is_cancelled());
    publisher.hang(false);
    assert_eq!(judge(&world, &signed(&key, "k", &numbered(2))).await.as_deref(), Ok("a"));
    assert_eq!(publisher.asked(), 1);
}
