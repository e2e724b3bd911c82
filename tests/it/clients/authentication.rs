//! How clients authenticate with a secret or without one (RFC 6749 §2.3).

use std::sync::Arc;
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use jwt_generator::clock::Clock;
use jwt_generator::domain::{
    Client, ClientAuthMethod, ClientId, ClientMetadata, ClientOrigin, ClientSecretHash, EventKind, Timestamp,
};
use jwt_generator::oauth::{
    ClientAuthError, ClientAuthentication, ClientDirectory, KeyFetcher, PresentedCredentials,
};
use jwt_generator::store::sqlite::Sqlite;
use jwt_generator::store::{Clients, IfMissing};

use super::{OLD_SECRET, OLD_SECRET_HASH, SECRET, SECRET_HASH};
use crate::store::clients::event;

pub const NOW: u64 = 1_800_000_000;
pub const ISSUER: &str = "https://issuer.example";

/// Authentication over a store in memory.
pub struct World {
    pub clock: Clock,
    pub store: Arc<Sqlite>,
    pub directory: ClientDirectory,
    pub authentication: ClientAuthentication,
}

/// A client with this method and the metadata that `change` makes.
pub fn client(
    id: &str,
    method: impl Into<Option<ClientAuthMethod>>,
    change: impl FnOnce(&mut Client),
) -> Client {
    let metadata = ClientMetadata { token_endpoint_auth_method: method.into(), ..ClientMetadata::default() };
    let now = Timestamp::from_secs(NOW);
    let mut client = Client {
        id: ClientId::parse(id).unwrap(),
        revision: 1,
        origin: ClientOrigin::CommandLine,
        metadata,
        secrets: Vec::new(),
        created_at: now,
        updated_at: now,
        registration: None,
    };
    change(&mut client);
    client
}

impl World {
    pub async fn with(clients: Vec<Client>) -> Self {
        let store = Arc::new(Sqlite::open(":memory:".as_ref(), IfMissing::Create).unwrap());
        for client in clients {
            let created = event(EventKind::ClientCreated, client.id.as_str(), 0);
            assert!(store.create_client(&client, &created).await.unwrap());
        }
        let clock = Clock::manual(Timestamp::from_secs(NOW));
        let directory = ClientDirectory::new(Arc::clone(&store) as Arc<dyn Clients>);
        directory.refresh().await.unwrap();
        let authentication = ClientAuthentication::new(
            directory.clone(),
            Some(ISSUER.to_owned()),
            60,
            KeyFetcher::new(clock.clone()),
            clock.clone(),
        );
        Self { clock, store, directory, authentication }
    }

    /// The id of the client, or why there is none.
    pub async fn judge(&self, presented: PresentedCredentials<'_>) -> Result<String, ClientAuthError> {
        self.authentication.authenticate(presented).await.map(|known| known.client.id.to_string())
    }
}

fn hash(sha256: &str, expires_at: Option<u64>) -> ClientSecretHash {
    let expires_at = expires_at.map(Timestamp::from_secs);
    ClientSecretHash { sha256: sha256.to_owned(), created_at: Timestamp::from_secs(NOW), expires_at }
}

/// Clients with each method that needs no key.
async fn world() -> World {
    let secret = |client: &mut Client| client.secrets = vec![hash(SECRET_HASH, None)];
    World::with(vec![
        client("basic", ClientAuthMethod::ClientSecretBasic, secret),
        client("post", ClientAuthMethod::ClientSecretPost, secret),
        client("either", None, secret),
        client("public", ClientAuthMethod::None, |_| {}),
        client("https://app.example/id:1", ClientAuthMethod::ClientSecretBasic, secret),
    ])
    .await
}

fn nothing() -> PresentedCredentials<'static> {
    PresentedCredentials::default()
}

const WRONG_METHOD: ClientAuthError =
    ClientAuthError::Failed("the client is registered for another method (token_endpoint_auth_method)");
const WRONG_SECRET: ClientAuthError = ClientAuthError::Failed("the secret is wrong or has expired");
const UNKNOWN: ClientAuthError = ClientAuthError::Failed("there is no such client");
const TWO_METHODS: ClientAuthError =
    ClientAuthError::Ambiguous("the request uses more than one method of client authentication");

#[tokio::test]
async fn each_client_authenticates_by_its_registered_method_alone() {
    let world = world().await;
    let basic = |id: &str, secret: &str| format!("Basic {}", STANDARD.encode(format!("{id}:{secret}")));
    for (id, by_basic, by_post, by_nothing) in [
        ("basic", Ok("basic"), Err(WRONG_METHOD), Err(WRONG_METHOD)),
        ("post", Err(WRONG_METHOD), Ok("post"), Err(WRONG_METHOD)),
        ("either", Ok("either"), Ok("either"), Err(WRONG_METHOD)),
        ("public", Err(WRONG_SECRET), Err(WRONG_SECRET), Ok("public")),
        ("other", Err(UNKNOWN), Err(UNKNOWN), Err(UNKNOWN)),
    ] {
        let header = basic(id, SECRET);
        let answer = world.judge(PresentedCredentials { authorization: Some(&header), ..nothing() }).await;
        assert_eq!(answer, by_basic.map(str::to_owned), "{id} by Basic");
        let post = PresentedCredentials { client_id: Some(id), client_secret: Some(SECRET), ..nothing() };
        assert_eq!(world.judge(post).await, by_post.map(str::to_owned), "{id} by form");
        let alone = PresentedCredentials { client_id: Some(id), client_secret: Some(""), ..nothing() };
        assert_eq!(world.judge(alone).await, by_nothing.map(str::to_owned), "{id} alone");
    }
}

#[tokio::test]
async fn id_and_secret_in_the_header_are_decoded_as_form_values() {
    let world = world().await;
    let id = "https://app.example/id:1";
    for (written, expected) in [
        ("https%3A%2F%2Fapp.example%2Fid%3A1", Ok(id)),
        ("https%3a//app.example/id%3a1", Ok(id)),
        ("https:%2F%2Fapp.example%2Fid%3A1", Err(UNKNOWN)),
        ("basic", Ok("basic")),
        ("ba%73ic", Ok("basic")),
        ("ba+sic", Err(UNKNOWN)),
        ("b&a=s", Err(UNKNOWN)),
    ] {
        let header = format!("bAsIc  {}", STANDARD.encode(format!("{written}:{SECRET}")));
        let answer = world.judge(PresentedCredentials { authorization: Some(&header), ..nothing() }).await;
        assert_eq!(answer, expected.map(str::to_owned), "{written}");
    }
}

#[tokio::test]
async fn a_header_that_is_not_read_authenticates_no_client() {
    let world = world().await;
    let fault = ClientAuthError::Failed("Authorization: Basic is not base64 of ID:SECRET");
    for wrong in [
        "Basic !",
        "Basic ",
        "Basic",
        "Basic YmFzaWM=",
        "Basic Og==",
        "Basic YmFzaWM6",
        "Basic //79OnNlY3JldA==",
    ] {
        let answer = world.judge(PresentedCredentials { authorization: Some(wrong), ..nothing() }).await;
        assert_eq!(answer, Err(fault), "{wrong}");
    }
    for other in ["Bearer x", "Digest x", "", " ", "Basi c", "Basic\tx"] {
        let answer = world.judge(PresentedCredentials { authorization: Some(other), ..nothing() }).await;
        assert_eq!(answer, Err(ClientAuthError::OtherScheme), "{other}");
        let public =
            PresentedCredentials { authorization: Some(other), client_id: Some("public"), ..nothing() };
        assert_eq!(world.judge(public).await, Err(ClientAuthError::OtherScheme), "{other}");
    }
}

#[tokio::test]
async fn a_request_uses_one_method_and_names_one_client() {
    let world = world().await;
    let header = format!("Basic {}", STANDARD.encode(format!("basic:{SECRET}")));
    let basic = PresentedCredentials { authorization: Some(&header), ..nothing() };
    let with_id = PresentedCredentials { client_id: Some("basic"), ..basic };
    assert_eq!(world.judge(with_id).await.as_deref(), Ok("basic"), "the same client");
    let with_other = PresentedCredentials { client_id: Some("post"), ..basic };
    let two_clients = ClientAuthError::Ambiguous("client_id and Authorization name different clients");
    assert_eq!(world.judge(with_other).await, Err(two_clients));
    for two in [
        PresentedCredentials { client_secret: Some(SECRET), ..with_id },
        PresentedCredentials { client_assertion: Some("x"), ..basic },
        PresentedCredentials { client_assertion_type: Some("x"), ..basic },
        PresentedCredentials {
            client_id: Some("post"),
            client_secret: Some(SECRET),
            client_assertion: Some("x"),
            ..nothing()
        },
    ] {
        assert_eq!(world.judge(two).await, Err(TWO_METHODS));
    }
    let without_id = PresentedCredentials { client_secret: Some(SECRET), ..nothing() };
    assert_eq!(world.judge(without_id).await, Err(ClientAuthError::Missing));
    assert_eq!(world.judge(nothing()).await, Err(ClientAuthError::Missing));
}

#[tokio::test]
async fn two_secrets_are_valid_until_the_older_one_expires() {
    let world = World::with(vec![client("a", ClientAuthMethod::ClientSecretPost, |client| {
        client.secrets = vec![hash(SECRET_HASH, None), hash(OLD_SECRET_HASH, Some(NOW + 60))];
    })])
    .await;
    let judge = async |secret| {
        world
            .judge(PresentedCredentials { client_id: Some("a"), client_secret: Some(secret), ..nothing() })
            .await
    };
    for (at, old) in [(NOW, Ok("a")), (NOW + 59, Ok("a")), (NOW + 60, Err(WRONG_SECRET))] {
        world.clock.set(Timestamp::from_secs(at));
        assert_eq!(judge(SECRET).await.as_deref(), Ok("a"));
        assert_eq!(judge(OLD_SECRET).await, old.map(str::to_owned), "at {at}");
    }
}

#[tokio::test]
async fn a_damaged_hash_is_a_secret_that_nothing_matches() {
    let world = World::with(vec![client("a", ClientAuthMethod::ClientSecretPost, |client| {
        client.secrets = vec![hash("", None), hash(&"0".repeat(63), None), hash(&"é".repeat(32), None)];
    })])
    .await;
    let presented = PresentedCredentials { client_id: Some("a"), client_secret: Some(SECRET), ..nothing() };
    assert_eq!(world.judge(presented).await, Err(WRONG_SECRET));
}

#[tokio::test]
async fn a_client_that_was_just_added_is_found_and_floods_of_failures_ask_the_store_rarely() {
    let world = World::with(Vec::new()).await;
    world.clock.set_uptime(Duration::from_secs(1000));
    let add = async |id: &str| {
        let added = client(id, ClientAuthMethod::None, |_| {});
        assert!(world.store.create_client(&added, &event(EventKind::ClientCreated, id, 0)).await.unwrap());
    };
    let judge = async |id: &str| world.judge(PresentedCredentials { client_id: Some(id), ..nothing() }).await;
    add("first").await;
    assert_eq!(judge("first").await.as_deref(), Ok("first"));
    add("second").await;
    for _ in 0..100 {
        assert_eq!(judge("second").await, Err(UNKNOWN), "the clients were read a moment ago");
    }
    world.clock.set_uptime(Duration::from_secs(1005));
    assert_eq!(judge("second").await.as_deref(), Ok("second"));
}
