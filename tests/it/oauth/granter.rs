//! Gives out codes beside a running service, without a browser: it writes the grant into the database, and makes the code with
//! the server secret of the service.

use std::path::Path;
use std::sync::Arc;

use aws_lc_rs::hmac::{HMAC_SHA256, Key, sign};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jwt_generator::domain::{ClientId, Grant, GrantId, GrantTerms, Scopes, SessionId, Timestamp, UserId};
use jwt_generator::entropy::Entropy;
use jwt_generator::server_secret::{Label, ServerSecretSettings};
use jwt_generator::store::mongo::Mongo;
use jwt_generator::store::sqlite::Sqlite;
use jwt_generator::store::{Clients, Grants, IfMissing};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::runtime::Runtime;

use super::{ask, of, service};
use crate::clients::SECRET_HASH;
use crate::support::{Answer, Client, Service, mongod};

pub const SERVER_SECRET: &str = "a server secret of the tests with 32 bytes";
pub const CALLBACK: &str = "https://app.example/cb";
/// The example of RFC 7636, appendix B.
pub const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
const CHALLENGE: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";

/// The public client `app`, whose refresh tokens rotate, and the confidential client `web`, whose refresh tokens do not.
pub fn clients() -> Vec<Value> {
    let of = |id: &str, secret: Value| {
        let mut client = json!({
            "client_id": id, "grant_types": ["authorization_code", "refresh_token"], "redirect_uris": [CALLBACK],
            "scope": "openid offline_access profile email orders.read orders.write",
            "resources": ["https://orders.example", "https://stock.example"],
        });
        client.as_object_mut().unwrap().extend(secret.as_object().unwrap().clone());
        client
    };
    vec![
        of("app", json!({ "token_endpoint_auth_method": "none", "status_list": true })),
        of("other", json!({ "token_endpoint_auth_method": "none" })),
        of("web", json!({ "client_secret_sha256": SECRET_HASH })),
    ]
}

/// Writes grants into a database.
pub struct Granter {
    grants: Arc<dyn Grants>,
    clients: Arc<dyn Clients>,
    runtime: Runtime,
}

impl Granter {
    /// Beside the service on this folder.
    pub fn in_folder(folder: &Path) -> Self {
        Self::of(Arc::new(Sqlite::open(folder, IfMissing::Create).unwrap()), Runtime::new().unwrap())
    }

    /// Beside the services on this MongoDB.
    pub fn on_mongodb(uri: &str) -> Self {
        let runtime = Runtime::new().unwrap();
        let store = runtime.block_on(async { Mongo::new(uri).unwrap() });
        Self::of(Arc::new(store), runtime)
    }

    fn of(store: Arc<impl Grants + Clients + 'static>, runtime: Runtime) -> Self {
        Self { grants: Arc::clone(&store) as Arc<dyn Grants>, clients: store, runtime }
    }

    /// The code of a new grant of this user, given at `now`.
    pub fn code(&self, client: &str, user: &str, scopes: &str, now: u64) -> String {
        let client = ClientId::parse(client).unwrap();
        let id = GrantId::from_bytes(Entropy::System.bytes().unwrap());
        let registered = self.runtime.block_on(self.clients.find_client(&client)).unwrap();
        let terms = GrantTerms {
            registration: registered.and_then(|client| client.registration),
            session: SessionId::from_bytes([0x5E; 16]),
            scopes: Scopes::parse(scopes).unwrap(),
            resources: vec!["https://orders.example".to_owned(), "https://stock.example".to_owned()],
            auth_time: now,
            amr: vec!["pwd".to_owned()],
            acr: None,
            nonce: Some("n-0S6_WzA2Mj".to_owned()),
            id_token_claims: vec!["email".to_owned()],
            userinfo_claims: vec![],
            created_at: Timestamp::from_secs(now),
        };
        let (uri, challenge) = (Some(CALLBACK.to_owned()), Some(CHALLENGE.to_owned()));
        let user = UserId::parse(user).unwrap();
        let grant = Grant::with_code(id, client.clone(), user, terms, uri, challenge);
        self.runtime.block_on(self.grants.create_grant(&grant, None)).unwrap();
        let secret = ServerSecretSettings::parse(SERVER_SECRET).unwrap().with(None).unwrap();
        let key = secret.subkeys(Label::AuthorizationCode).unwrap().newest;
        let message = [&id.to_bytes()[..], client.as_str().as_bytes()].concat();
        let mac = sign(&Key::new(HMAC_SHA256, key.expose()), &message);
        URL_SAFE_NO_PAD.encode([&id.to_bytes()[..], mac.as_ref()].concat())
    }

    /// The grants of a user.
    pub fn grants_of(&self, user: &str) -> Vec<Grant> {
        let listed = self.grants.list_grants_of_user(UserId::parse(user).unwrap(), None, 1000);
        self.runtime.block_on(listed).unwrap()
    }
}

/// A service in this process with these clients, the user `alice`, and what gives out codes for her.
pub struct Place {
    pub service: Service,
    pub granter: Granter,
    pub alice: String,
    pub folder: TempDir,
}

impl Place {
    pub fn new(settings: &[(&str, &str)]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let usual = [("DATA_DIR", folder.path().to_str().unwrap()), ("SERVER_SECRET", SERVER_SECRET)];
        let service = service(&clients(), &[&usual, settings].concat());
        let alice = super::new_user(&service, "alice");
        Self { granter: Granter::in_folder(folder.path()), service, alice, folder }
    }

    /// The same on a new MongoDB database.
    pub fn on_mongodb(settings: &[(&str, &str)]) -> Self {
        let uri = mongod::new_database();
        let usual = [("MONGODB_URI", uri.as_str()), ("SERVER_SECRET", SERVER_SECRET)];
        let service = service(&clients(), &[&usual, settings].concat());
        let alice = super::new_user(&service, "alice");
        Self { granter: Granter::on_mongodb(&uri), service, alice, folder: tempfile::tempdir().unwrap() }
    }

    /// A client by its id.
    pub fn client(&self, id: &str) -> Client {
        if id == "web" { of(&self.service, id) } else { self.service.anonymous() }
    }

    /// A code for `app` or `web`, given now.
    pub fn code(&self, client: &str, scopes: &str) -> String {
        let now = self.service.clock.now().as_secs();
        self.granter.code(client, &self.alice, scopes, now)
    }

    /// The answer to a request of a client with these parameters.
    #[track_caller]
    pub fn ask(&self, client: &str, params: &[(&str, &str)]) -> Answer {
        let id = [("client_id", client)];
        let id = if client == "web" { &id[..0] } else { &id };
        ask(&self.client(client), "/oauth/token", &[params, id].concat())
    }

    /// Uses a code.
    #[track_caller]
    pub fn redeem(&self, client: &str, code: &str) -> Answer {
        let uri = ("redirect_uri", CALLBACK);
        self.ask(
            client,
            &[("grant_type", "authorization_code"), ("code", code), uri, ("code_verifier", VERIFIER)],
        )
    }

    /// Uses a refresh token.
    #[track_caller]
    pub fn refresh(&self, client: &str, token: &str) -> Answer {
        self.ask(client, &[("grant_type", "refresh_token"), ("refresh_token", token)])
    }

    /// The tokens of a new grant.
    #[track_caller]
    pub fn tokens(&self, client: &str, scopes: &str) -> Tokens {
        Tokens::of(&self.redeem(client, &self.code(client, scopes)))
    }
}

/// The tokens of an answer.
pub struct Tokens {
    pub access: String,
    pub refresh: String,
    pub body: Value,
}

impl Tokens {
    #[track_caller]
    pub fn of(answer: &Answer) -> Self {
        let body = answer.ok();
        let text = |name: &str| body[name].as_str().unwrap_or_default().to_owned();
        Self { access: text("access_token"), refresh: text("refresh_token"), body }
    }

    /// The claims of the id token.
    pub fn id_claims(&self) -> Value {
        let (_, claims) = jose::decode_unverified(self.body["id_token"].as_str().unwrap()).unwrap();
        serde_json::from_str(&claims).unwrap()
    }
}
