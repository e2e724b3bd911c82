//! Token Status List: tokens with a place in a list, the lists as verifiers get them, and every kind of denial in them.

use std::collections::BTreeSet;
use std::io::Read;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use flate2::read::ZlibDecoder;
use http::Method;
use jwt_generator::domain::{Initiator, LoginName};
use serde_json::{Value, json};

use super::granter::{Place, Tokens};
use super::introspection::introspected;
use super::registrations::id;
use super::{ISSUER, ask, claims_of, machine, of, own_token, service};
use crate::clients::{SECRET, SECRET_HASH, generator};
use crate::support::mongod::{self, free_port};
use crate::support::{Client, Program, Service, Verifier, eventually, folder_with_keys, jwt_generator, run};

/// The lists are looked at each second.
const SOON: (&str, &str) = ("STATUS_LIST_TTL", "4s");
const LISTS: &str = "/oauth/status-lists";

/// A client whose tokens have places.
fn listed(id: &str) -> Value {
    machine(id, &json!({ "status_list": true }))
}

/// The list at this path, as a verifier reads it.
fn list_at(client: &Client, path: &str) -> Value {
    let answer = eventually("the list", || {
        let answer = client.get(path);
        (answer.status == 200).then_some(answer)
    });
    claims_of(answer.text())
}

/// The address and the number of the entry that a token names.
#[track_caller]
fn place_of(token: &str) -> (String, u64) {
    let status = &claims_of(token)["status"]["status_list"];
    (status["uri"].as_str().unwrap().to_owned(), status["idx"].as_u64().unwrap())
}

/// Whether a verifier that has only the list refuses the token.
fn is_revoked(client: &Client, token: &str) -> bool {
    let (uri, index) = place_of(token);
    let path = &uri[uri.find(LISTS).unwrap()..];
    let claims = list_at(client, path);
    assert_eq!((&claims["sub"], &claims["status_list"]["bits"]), (&json!(uri), &json!(1)));
    let compressed = URL_SAFE_NO_PAD.decode(claims["status_list"]["lst"].as_str().unwrap()).unwrap();
    let mut bits = Vec::new();
    ZlibDecoder::new(&compressed[..]).read_to_end(&mut bits).unwrap();
    bits[index as usize / 8] >> (index % 8) & 1 == 1
}

/// Waits until the list says so; the other tokens stay valid. Introspection says the same.
fn becomes_revoked(client: &Client, asker: &Client, token: &str, others: &[&str]) {
    eventually("the bit", || is_revoked(client, token).then_some(()));
    assert_eq!(introspected(asker, token), json!({ "active": false }));
    for other in others {
        assert!(!is_revoked(client, other), "{other}");
        assert_eq!(introspected(asker, other)["active"], json!(true));
    }
}

#[test]
fn only_tokens_of_clients_that_want_it_have_a_place() {
    let mut mailer = generator("mailer", &json!({}));
    mailer["status_list"] = json!(true);
    let service = service(&[listed("stock"), mailer], &[SOON]);
    assert_eq!(claims_of(&own_token(&of(&service, "orders"))).get("status"), None);
    let mut places = BTreeSet::new();
    for _ in 0..20 {
        let (uri, index) = place_of(&own_token(&of(&service, "stock")));
        assert_eq!(uri, format!("{ISSUER}{LISTS}/1"));
        assert!(index < 1 << 20);
        places.insert(index);
    }
    let generated = of(&service, "mailer").post("/api/token/generate", &json!({})).ok();
    places.insert(place_of(generated["data"]["access_token"].as_str().unwrap()).1);
    assert_eq!(places.len(), 21);
}

#[test]
fn a_list_is_published_as_the_draft_says_and_caches_may_keep_it() {
    let service = service(&[listed("stock")], &[("STATUS_LIST_TTL", "1h")]);
    let client = service.anonymous();
    let claims = list_at(&client, &format!("{LISTS}/1"));
    assert_eq!(claims["iat"], json!(Service::START));
    assert_eq!(claims["exp"], json!(Service::START + 86_400));
    assert_eq!(claims["ttl"], json!(1800));
    assert_eq!(claims["status_list"]["aggregation_uri"], json!(format!("{ISSUER}{LISTS}")));
    assert_eq!((claims.get("iss"), claims.get("aud")), (None, None));
    let answer = client.get(&format!("{LISTS}/1"));
    let (header, _) = jose::decode_unverified(answer.text()).unwrap();
    assert_eq!(header, r#"{"alg":"RS256","typ":"statuslist+jwt","kid":"default-key-id"}"#);
    for (name, value) in [
        ("content-type", "application/statuslist+jwt"),
        ("access-control-allow-origin", "*"),
        ("x-content-type-options", "nosniff"),
    ] {
        assert_eq!(answer.header(name), Some(value), "{name}");
    }
    let kept = answer.header("cache-control").unwrap().strip_prefix("public, max-age=").unwrap();
    assert!(kept.parse::<u64>().unwrap() <= 1800);
    let tag = answer.header("etag").unwrap();
    let again = client.send(Method::GET, &format!("{LISTS}/1"), &[("if-none-match", tag)], "");
    assert_eq!((again.status, again.body.len()), (304, 0));
    let head = client.send(Method::HEAD, &format!("{LISTS}/1"), &[], "");
    assert_eq!((head.status, head.body.len(), head.header("etag")), (200, 0, Some(tag)));
    assert_eq!(
        client.get(LISTS).ok(),
        json!({ "status_lists": [format!("{ISSUER}{LISTS}/1")] }),
        "the first token will be there"
    );
    let discovery = client.get("/.well-known/openid-configuration").ok();
    assert_eq!(discovery["status_list_aggregation_endpoint"], json!(format!("{ISSUER}{LISTS}")));
}

#[test]
fn the_aggregation_names_the_list_of_a_token_at_once_and_the_next_one() {
    let service = service(&[listed("stock")], &[SOON]);
    let names = || {
        let answer = service.anonymous().get(LISTS);
        (answer.status == 200).then(|| answer.json())
    };
    eventually("the aggregation", names);
    let (uri, _) = place_of(&own_token(&of(&service, "stock")));
    let named = names().unwrap();
    assert!(named["status_lists"].as_array().unwrap().contains(&json!(uri)), "{named}");
    let both = [uri, format!("{ISSUER}{LISTS}/2")];
    eventually("both lists", || (names() == Some(json!({ "status_lists": both }))).then_some(()));
}

#[test]
fn until_the_lists_are_known_their_addresses_are_503() {
    let away = format!("mongodb://127.0.0.1:{}/away", free_port());
    let service = service(&[], &[SOON, ("MONGODB_URI", &away)]);
    for path in [LISTS, &format!("{LISTS}/1")] {
        let refused = service.anonymous().get(path);
        let sentence = "The service is still loading what this answer needs; try again shortly";
        refused.is_oauth_error(503, "temporarily_unavailable", sentence);
        assert!(refused.header("retry-after").is_some() && refused.header("etag").is_none(), "{path}");
    }
}

#[test]
fn a_number_of_no_list_is_not_found() {
    let service = service(&[], &[SOON]);
    let client = service.anonymous();
    list_at(&client, &format!("{LISTS}/1"));
    for number in
        ["0", "2", "3", "01", "+1", "-1", "x", "1.jwt", "18446744073709551615", "99999999999999999999"]
    {
        assert_eq!(client.get(&format!("{LISTS}/{number}")).status, 404, "{number}");
    }
    assert_eq!(client.send(Method::POST, &format!("{LISTS}/1"), &[], "").status, 405);
}

#[test]
fn a_server_without_a_database_or_an_issuer_has_no_lists() {
    let service = service(&[], &[("SKIP_DATABASE", "true")]);
    eventually("the aggregation", || {
        let answer = service.anonymous().get(LISTS);
        (answer.status == 200).then(|| assert_eq!(answer.json(), json!({ "status_lists": [] })))
    });
    assert_eq!(service.anonymous().get(&format!("{LISTS}/1")).status, 404);
    let off = Service::with(&[("NODE_ENV", "production")]);
    let refused = off.anonymous().get(&format!("{LISTS}/1"));
    assert_eq!((refused.status, refused.text().contains("The OAuth endpoints are off")), (404, true));
}

/// By token, by grant, by session and by user.
fn denials_of_a_user_are_in_the_list(place: &Place) {
    let service = &place.service;
    let (client, web) = (service.anonymous(), of(service, "web"));
    let new = |scopes| Tokens::of(&place.redeem("app", &place.code("app", scopes)));
    let (by_token, by_grant, by_session) =
        (new("openid"), new("openid offline_access"), new("openid orders.read"));
    let refreshed = Tokens::of(&place.refresh("app", &by_grant.refresh));
    let of_app = |token: &str| {
        let params = [("token", token), ("client_id", "app")];
        assert_eq!(ask(&client, "/oauth/revoke", &params).status, 200);
    };
    let rest = [&by_grant.access, &refreshed.access, &by_session.access].map(String::as_str);
    of_app(&by_token.access);
    becomes_revoked(&client, &web, &by_token.access, &rest);
    of_app(&refreshed.refresh);
    becomes_revoked(&client, &web, &by_grant.access, &rest[2..]);
    becomes_revoked(&client, &web, &refreshed.access, &rest[2..]);
    service.manage(async |registry| {
        registry.log_out(&LoginName::from_text("alice"), &Initiator::OPERATOR).await.unwrap();
    });
    becomes_revoked(&client, &web, &by_session.access, &[]);
}

/// The client `app` of the places of grants, with places in lists.
fn place(settings: &[(&str, &str)], on_mongodb: bool) -> Place {
    let settings = [settings, &[SOON, ("KEY_REFRESH", "1s")]].concat();
    if on_mongodb { Place::on_mongodb(&settings) } else { Place::new(&settings) }
}

#[test]
fn each_denial_of_a_user_is_in_the_list_on_sqlite() {
    denials_of_a_user_are_in_the_list(&place(&[], false));
}

#[test]
fn each_denial_of_a_user_is_in_the_list_on_mongodb() {
    denials_of_a_user_are_in_the_list(&place(&[], true));
}

#[test]
fn the_end_of_a_client_is_in_the_list() {
    let folder = tempfile::tempdir().unwrap();
    let settings = [("DATA_DIR", folder.path().to_str().unwrap()), SOON, ("KEY_REFRESH", "1s")];
    let service = service(&[listed("stock")], &settings);
    let metadata = serde_json::from_value(json!({
        "grant_types": ["client_credentials"], "scope": "orders.read", "status_list": true,
    }));
    let secret = service.manage_clients(async |clients| {
        let made = clients.create(Some(id()), metadata.unwrap(), &Initiator::OPERATOR).await.unwrap();
        made.secret.unwrap().expose().clone()
    });
    let phone = service.anonymous().with_secret("phone", &secret);
    let token = eventually("the client", || {
        let answer = ask(&phone, "/oauth/token", &[("grant_type", "client_credentials")]);
        (answer.status == 200).then(|| answer.json()["access_token"].as_str().unwrap().to_owned())
    });
    let other = own_token(&of(&service, "stock"));
    service.manage_clients(async |clients| {
        clients.delete(&id(), &Initiator::OPERATOR).await.map(drop).unwrap();
    });
    becomes_revoked(&service.anonymous(), &of(&service, "orders"), &token, &[&other]);
}

/// A client that asks for tokens of a server until it is gone.
fn places_until_it_ends(client: &Client, most: usize) -> Vec<(String, u64)> {
    let form = [super::FORM];
    let mut places = Vec::new();
    for _ in 0..most {
        let Ok(answer) =
            client.try_send(Method::POST, "/oauth/token", &form, "grant_type=client_credentials".to_owned())
        else {
            break;
        };
        places.push(place_of(answer.ok()["access_token"].as_str().unwrap()));
    }
    places
}

/// `servers` instances at a time give out places at once, and are killed; others follow.
fn no_place_is_given_twice(servers: usize, settings: &[(&str, &str)]) {
    let folder = folder_with_keys();
    let file = folder.path().join("clients.json");
    std::fs::write(&file, json!([listed("orders")]).to_string()).unwrap();
    let settings =
        [settings, &[("CLIENTS_FILE", file.to_str().unwrap()), ("ISSUER_URL", ISSUER), SOON]].concat();
    let mut places = Vec::new();
    for _ in 0..3 {
        let programs: Vec<_> = (0..servers).map(|_| Program::start(folder.path(), &settings)).collect();
        std::thread::scope(|scope| {
            let clients = (0..4).map(|n| programs[n % servers].client().with_secret("orders", SECRET));
            let asking: Vec<_> =
                clients.map(|client| scope.spawn(move || places_until_it_ends(&client, 50))).collect();
            places.extend(asking.into_iter().flat_map(|asked| asked.join().unwrap()));
        });
        programs.into_iter().for_each(Program::kill);
    }
    assert_eq!(places.len(), 3 * 4 * 50);
    let different: BTreeSet<_> = places.iter().collect();
    assert_eq!(different.len(), places.len());
}

#[test]
fn no_place_is_given_twice_though_the_server_is_killed() {
    no_place_is_given_twice(1, &[]);
}

#[test]
fn no_place_is_given_twice_though_two_instances_are_killed() {
    no_place_is_given_twice(2, &[("MONGODB_URI", &mongod::new_database())]);
}

#[test]
fn a_client_with_places_needs_a_database() {
    let rules = json!([{
        "client_id": "orders", "client_secret_sha256": SECRET_HASH, "grant_types": ["client_credentials"],
        "status_list": true,
    }]);
    let folder = folder_with_keys();
    let file = folder.path().join("clients.json");
    std::fs::write(&file, rules.to_string()).unwrap();
    let child = jwt_generator(folder.path())
        .args(["clients", "plan", "--file", file.to_str().unwrap()])
        .env("SKIP_DATABASE", "true")
        .output()
        .unwrap();
    let told = String::from_utf8_lossy(&child.stderr).into_owned();
    assert!(told.contains("orders: status_list: needs a database"), "{told}");
}

/// An independent implementation, which has only the key set and the list.
#[test]
fn a_foreign_verifier_refuses_a_revoked_token_without_asking_about_it() {
    for algorithm in ["RS256", "ES256"] {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("clients.json");
        std::fs::write(&file, json!([listed("orders")]).to_string()).unwrap();
        let settings = [
            ("CLIENTS_FILE", file.to_str().unwrap()),
            ("JWT_ALGORITHM", algorithm),
            ("KEY_REFRESH", "1s"),
            SOON,
        ];
        let program = Program::start(folder.path(), &settings);
        let orders = program.client().with_secret("orders", SECRET);
        let (token, other) = (own_token(&orders), own_token(&orders));
        let issuer = claims_of(&token)["iss"].as_str().unwrap().to_owned();
        let jwks = format!("{}/api/jwks", program.client().base());
        let mut verifier = Verifier::of_status_lists(&jwks, &issuer, "https://orders.example");
        for token in [&token, &other] {
            let answer = verifier.ask(token);
            assert!(answer.starts_with("ok orders "), "{algorithm}: {answer}");
        }
        assert_eq!(ask(&orders, "/oauth/revoke", &[("token", &token)]).status, 200);
        let revoked = format!("revoked {}", place_of(&token).1);
        eventually("the verifier refuses the token", || (verifier.ask(&token) == revoked).then_some(()));
        assert!(verifier.ask(&other).starts_with("ok orders "), "{algorithm}");
    }
}

/// The tokens of a revoked key are refused by the list, too, and the next key signs the list.
#[test]
fn the_tokens_of_a_revoked_key_are_in_the_list() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("clients.json");
    std::fs::write(&file, json!([listed("orders")]).to_string()).unwrap();
    let settings = [("CLIENTS_FILE", file.to_str().unwrap()), ("KEY_REFRESH", "1s"), SOON];
    let program = Program::start(folder.path(), &settings);
    let client = program.client();
    let token = own_token(&client.with_secret("orders", SECRET));
    assert!(!is_revoked(&client, &token));
    let (header, _) = jose::decode_unverified(&token).unwrap();
    let header: Value = serde_json::from_str(&header).unwrap();
    let kid = header["kid"].as_str().unwrap();
    run(jwt_generator(folder.path())
        .envs(settings)
        .env("LOG_LEVEL", "error")
        .args(["keys", "revoke", kid, "--yes"]));
    eventually("the bit", || is_revoked(&client, &token).then_some(()));
    let path = format!("{LISTS}/1");
    let (header, _) = jose::decode_unverified(client.get(&path).text()).unwrap();
    assert!(!header.contains(&format!("\"kid\":\"{kid}\"")), "{header}");
}
