//! OAuth: discovery, the token endpoint, introspection, revocation, userinfo, and the kinds of token.

mod assertions;
mod codes;
mod discovery;
mod grant_races;
mod granter;
mod instances;
mod introspection;
mod kinds;
mod operator_changes;
pub mod recipes;
mod refresh;
pub mod registrations;
mod relying_parties;
mod revocation;
mod second_algorithm;
mod status_lists;
mod token;
mod userinfo;

use http::Method;
use serde_json::{Value, json};

use crate::clients::{SECRET, SECRET_HASH};
use crate::support::{Answer, Client, Service, signed};

/// The issuer of the services below.
pub const ISSUER: &str = "https://auth.example.com";
pub const FORM: (&str, &str) = ("content-type", "application/x-www-form-urlencoded");
pub const AT_HEADER: &str = r#"{"alg":"RS256","typ":"at+jwt","kid":"default-key-id"}"#;

/// A client that may act for itself, with changes of its metadata.
pub fn machine(id: &str, changes: &Value) -> Value {
    let mut client = json!({
        "client_id": id, "client_secret_sha256": SECRET_HASH, "grant_types": ["client_credentials"],
        "scope": "orders.read orders.write openid profile email offline_access",
        "resources": ["https://orders.example", "https://stock.example"],
    });
    for (name, value) in changes.as_object().unwrap() {
        client[name] = value.clone();
    }
    client
}

/// A service with the client `orders`, and with these as well.
pub fn service(more: &[Value], settings: &[(&str, &str)]) -> Service {
    let clients = [&[machine("orders", &json!({}))], more].concat();
    let settings = [&[("ISSUER_URL", ISSUER)], settings].concat();
    Service::with_clients(&clients.into(), &settings)
}

/// The client `id`, which authenticates with its secret.
pub fn of(service: &Service, id: &str) -> Client {
    service.anonymous().with_secret(id, SECRET)
}

/// A request with these parameters, which need no escapes.
#[track_caller]
pub fn ask(client: &Client, path: &str, params: &[(&str, &str)]) -> Answer {
    client.send(Method::POST, path, &[FORM], form(params))
}

pub fn form(params: &[(&str, &str)]) -> String {
    let pairs: Vec<_> = params.iter().map(|(name, value)| format!("{name}={value}")).collect();
    pairs.join("&")
}

/// A token of a client for itself.
#[track_caller]
pub fn own_token(client: &Client) -> String {
    let answer = ask(client, "/oauth/token", &[("grant_type", "client_credentials")]);
    answer.ok()["access_token"].as_str().unwrap().to_owned()
}

/// The claims of an access token for a user, as the service would sign it; `changes` with `null` remove a claim.
pub fn of_user(user: &str, changes: &Value) -> Value {
    let grant = "0123456789abcdef0123456789abcdef";
    let mut claims = json!({
        "sub": user, "iat": Service::START, "iss": ISSUER, "aud": "https://orders.example",
        "exp": Service::START + 3600, "jti": "j-1", "auth_time": Service::START, "client_id": "orders",
        "scope": "openid profile email", "sid": grant, "gid": grant,
    });
    for (name, value) in changes.as_object().unwrap() {
        claims[name] = value.clone();
    }
    claims.as_object_mut().unwrap().retain(|_, value| !value.is_null());
    claims
}

/// The same, signed with the service's key, for the registration that its client has.
#[track_caller]
pub fn token_of_user(service: &Service, user: &str, changes: &Value) -> String {
    let mut claims = of_user(user, changes);
    let client = of(service, claims["client_id"].as_str().unwrap());
    let own = ask(&client, "/oauth/token", &[("grant_type", "client_credentials")]);
    if own.status == 200 {
        claims["rid"] = claims_of(own.json()["access_token"].as_str().unwrap())["rid"].clone();
    }
    signed(AT_HEADER, &claims.to_string())
}

/// The claims of a token.
#[track_caller]
pub fn claims_of(token: &str) -> Value {
    let (_, claims) = jose::decode_unverified(token).unwrap();
    serde_json::from_str(&claims).unwrap()
}

/// The id of a new user.
#[track_caller]
pub fn new_user(service: &Service, name: &str) -> String {
    let profile = service.user(name).get("/api/auth/profile").ok();
    profile["data"]["_id"].as_str().or(profile["data"]["id"].as_str()).unwrap().to_owned()
}

impl Answer {
    /// Asserts exactly this refusal in the form of OAuth.
    #[track_caller]
    pub fn is_oauth_error(&self, status: u16, code: &str, sentence: &str) {
        let expected = json!({ "error": code, "error_description": sentence });
        assert_eq!((self.status, self.json()), (status, expected));
        assert_eq!(self.header("cache-control"), Some("no-store"));
    }
}
