//! Assertions (`private_key_jwt`): each counts once on all instances if a grant is written, and else once on each instance.

use std::path::Path;

use jose::{Algorithm, ProtectedHeader, SigningKey, Typ};
use jwt_generator::oauth::JWT_BEARER;
use serde_json::json;

use super::grant_races::{now, registered, settings};
use super::granter::{CALLBACK, Granter, Tokens, VERIFIER};
use super::{ISSUER, ask};
use crate::support::{Answer, Client, Program, mongod};

const OFFLINE: &str = "openid offline_access orders.read";
const REFUSED: &str = "The client is unknown, or its authentication is not valid";

/// The client `keyed`, which signs its assertions, and whose refresh tokens are replaced at each use.
struct Keyed(SigningKey);

impl Keyed {
    fn new() -> Self {
        Self(SigningKey::generate(Algorithm::Es256, 2048).unwrap())
    }

    /// A file of clients with it.
    fn file(&self, folder: &Path) -> String {
        let client = json!({
            "client_id": "keyed", "token_endpoint_auth_method": "private_key_jwt", "rotate_refresh_tokens": true,
            "jwks": { "keys": [self.0.verifying_key().to_jwk("k")] }, "redirect_uris": [CALLBACK],
            "grant_types": ["authorization_code", "refresh_token", "client_credentials"],
            "scope": "openid offline_access orders.read",
            "resources": ["https://orders.example", "https://stock.example"],
        });
        let file = folder.join("clients.json");
        std::fs::write(&file, json!([client]).to_string()).unwrap();
        file.to_str().unwrap().to_owned()
    }

    fn assertion(&self, jti: &str) -> String {
        let claims = json!({ "iss": "keyed", "sub": "keyed", "aud": ISSUER, "exp": now() + 60, "jti": jti });
        let header = ProtectedHeader::encode(Algorithm::Es256, Typ::Jwt, "k");
        let input = jose::signing_input(&header, claims.to_string().as_bytes());
        let signature = self.0.sign(input.as_bytes()).unwrap();
        jose::attach(input, &signature)
    }
}

#[track_caller]
fn ask_with(client: &Client, assertion: &str, path: &str, params: &[(&str, &str)]) -> Answer {
    let own = [("client_assertion_type", JWT_BEARER), ("client_assertion", assertion)];
    ask(client, path, &[params, &own].concat())
}

#[track_caller]
fn redeem(client: &Client, assertion: &str, code: &str) -> Answer {
    let params = [
        ("grant_type", "authorization_code"),
        ("code", code),
        ("redirect_uri", CALLBACK),
        ("code_verifier", VERIFIER),
    ];
    ask_with(client, assertion, "/oauth/token", &params)
}

#[track_caller]
fn refresh(client: &Client, assertion: &str, token: &str) -> Answer {
    let params = [("grant_type", "refresh_token"), ("refresh_token", token)];
    ask_with(client, assertion, "/oauth/token", &params)
}

#[test]
fn an_assertion_counts_once_on_two_instances_if_a_grant_is_written() {
    let (folder, keyed) = (tempfile::tempdir().unwrap(), Keyed::new());
    let (file, uri) = (keyed.file(folder.path()), mongod::new_database());
    let programs = [0, 1].map(|_| Program::start(folder.path(), &settings(&file, ("MONGODB_URI", &uri))));
    let [here, there] = programs.each_ref().map(Program::client);
    let (alice, granter) = (registered(&here), Granter::on_mongodb(&uri));
    let code = || granter.code("keyed", &alice, OFFLINE, now());

    let (a, kept) = (keyed.assertion("a"), code());
    let first = Tokens::of(&redeem(&here, &a, &code()));
    redeem(&there, &a, &kept).is_oauth_error(401, "invalid_client", REFUSED);
    Tokens::of(&redeem(&there, &keyed.assertion("b"), &kept));

    let c = keyed.assertion("c");
    let second = Tokens::of(&refresh(&here, &c, &first.refresh));
    refresh(&there, &c, &second.refresh).is_oauth_error(401, "invalid_client", REFUSED);
    let third = Tokens::of(&refresh(&there, &keyed.assertion("d"), &second.refresh));

    let e = keyed.assertion("e");
    let fourth = Tokens::of(&refresh(&here, &e, &third.refresh));
    let revoked = ask_with(&there, &e, "/oauth/revoke", &[("token", &fourth.refresh)]);
    revoked.is_oauth_error(401, "invalid_client", REFUSED);
    let fifth = Tokens::of(&refresh(&here, &keyed.assertion("f"), &fourth.refresh));
    let revoked = ask_with(&there, &keyed.assertion("g"), "/oauth/revoke", &[("token", &fifth.refresh)]);
    assert_eq!(revoked.status, 200);

    let own = |client: &Client, assertion: &str| {
        ask_with(client, assertion, "/oauth/token", &[("grant_type", "client_credentials")])
    };
    let h = keyed.assertion("h");
    assert_eq!([own(&here, &h).status, own(&there, &h).status], [200, 200], "nothing is written");
    own(&here, &h).is_oauth_error(401, "invalid_client", REFUSED);
}

#[test]
fn an_assertion_that_wrote_a_grant_does_not_count_again_after_a_crash() {
    let (folder, keyed) = (tempfile::tempdir().unwrap(), Keyed::new());
    let (file, data) = (keyed.file(folder.path()), folder.path().join("data"));
    let settings = settings(&file, ("DATA_DIR", data.to_str().unwrap()));
    let program = Program::start(folder.path(), &settings);
    let (alice, granter) = (registered(&program.client()), Granter::in_folder(&data));
    let (code, kept) =
        (granter.code("keyed", &alice, OFFLINE, now()), granter.code("keyed", &alice, OFFLINE, now()));
    let a = keyed.assertion("a");
    Tokens::of(&redeem(&program.client(), &a, &code));
    program.kill();
    let program = Program::start(folder.path(), &settings);
    redeem(&program.client(), &a, &kept).is_oauth_error(401, "invalid_client", REFUSED);
    Tokens::of(&redeem(&program.client(), &keyed.assertion("b"), &kept));
}
