//! A client that is deleted, and added again under the same id, is another client: nothing of the first one counts for it.

use jwt_generator::domain::{ClientId, ClientMetadata, Initiator, RedirectUri, Timestamp};
use serde_json::json;

use super::granter::{CALLBACK, Place, Tokens};
use super::introspection::introspected;
use super::{claims_of, of};
use crate::support::{Service, eventually};

const OFFLINE: &str = "openid offline_access orders.read";
const UNKNOWN_CODE: &str = "the code is not valid for this client";
const UNKNOWN_TOKEN: &str = "the refresh token is not valid for this client";

pub fn id() -> ClientId {
    ClientId::parse("phone").unwrap()
}

/// Adds the public client `phone`, as a command does.
pub fn create(service: &Service) {
    let metadata = json!({
        "token_endpoint_auth_method": "none", "grant_types": ["authorization_code", "refresh_token"],
        "scope": "openid offline_access orders.read",
        "resources": ["https://orders.example", "https://stock.example"],
    });
    let metadata: ClientMetadata = serde_json::from_value(metadata).unwrap();
    let redirect_uris = vec![RedirectUri::parse(CALLBACK).unwrap()];
    let metadata = ClientMetadata { redirect_uris, ..metadata };
    service.manage_clients(async |clients| {
        clients.create(Some(id()), metadata, &Initiator::OPERATOR).await.map(drop).unwrap();
    });
}

pub fn delete(service: &Service) {
    service.manage_clients(async |clients| {
        clients.delete(&id(), &Initiator::OPERATOR).await.map(drop).unwrap();
    });
}

/// Everything happens in one second, so that no comparison of instants could tell the two clients apart. The service reads the
/// clients only because of the requests.
fn nothing_of_a_deleted_client_counts_for_the_next_one(place: &Place) {
    let (service, web) = (&place.service, of(&place.service, "web"));
    create(service);
    let used = Tokens::of(&place.redeem("phone", &place.code("phone", OFFLINE)));
    let kept = place.code("phone", OFFLINE);
    assert_eq!(introspected(&web, &used.access)["active"], json!(true));
    delete(service);
    create(service);
    let code = place.code("phone", OFFLINE);
    let first = place.redeem("phone", &code);
    assert_eq!((first.status, &first.json()["error"]), (503, &json!("temporarily_unavailable")));
    let new = Tokens::of(&place.redeem("phone", &code));
    place.redeem("phone", &kept).is_oauth_error(400, "invalid_grant", UNKNOWN_CODE);
    place.refresh("phone", &used.refresh).is_oauth_error(400, "invalid_grant", UNKNOWN_TOKEN);
    assert_eq!(introspected(&web, &used.access), json!({ "active": false }));
    let userinfo = service.anonymous().bearing(&used.access).get("/oauth/userinfo");
    userinfo.is_oauth_error(401, "invalid_token", "Token verification failed");
    assert_ne!(claims_of(&used.access)["rid"], claims_of(&new.access)["rid"]);
    assert_eq!(introspected(&web, &new.access)["active"], json!(true), "also in the second of the deletion");
    service.anonymous().bearing(&new.access).get("/oauth/userinfo").ok();
    Tokens::of(&place.refresh("phone", &new.refresh));
}

#[test]
fn nothing_of_a_deleted_client_counts_for_the_next_one_on_sqlite() {
    nothing_of_a_deleted_client_counts_for_the_next_one(&Place::new(&[("KEY_REFRESH", "1h")]));
}

#[test]
fn nothing_of_a_deleted_client_counts_for_the_next_one_on_mongodb() {
    nothing_of_a_deleted_client_counts_for_the_next_one(&Place::on_mongodb(&[("KEY_REFRESH", "1h")]));
}

/// The clock of another instance may be behind that of the command.
#[test]
fn a_token_counts_although_its_instance_has_a_clock_behind() {
    let place = Place::new(&[]);
    let (service, now) = (&place.service, place.service.clock.now());
    create(service);
    delete(service);
    create(service);
    service.clock.set(Timestamp::from_secs(now.as_secs() - 30));
    let tokens = Tokens::of(&place.redeem("phone", &place.code("phone", OFFLINE)));
    assert_eq!(introspected(&of(service, "web"), &tokens.access)["active"], json!(true));
    Tokens::of(&place.refresh("phone", &tokens.refresh));
}

/// Endpoints that do not look at clients obey the denial of the registration.
#[test]
fn a_generated_token_of_a_deleted_client_is_not_valid_and_one_of_the_next_client_is() {
    let place = Place::new(&[("KEY_REFRESH", "1s")]);
    let service = &place.service;
    let generated = || {
        let policy = json!({ "grant_types": [], "generate": {} });
        let metadata: ClientMetadata = serde_json::from_value(policy).unwrap();
        let created = service
            .manage_clients(async |clients| clients.create(Some(id()), metadata, &Initiator::OPERATOR).await);
        let secret = created.unwrap().secret.unwrap();
        let client = service.anonymous().with_secret("phone", secret.expose());
        let answer = eventually("the client is known", || {
            Some(client.post("/api/token/generate", &json!({}))).filter(|answer| answer.status == 200)
        });
        answer.json()["data"]["access_token"].as_str().unwrap().to_owned()
    };
    let validate = |token: &str| service.anonymous().post("/api/token/validate", &json!({ "token": token }));
    let old = generated();
    validate(&old).ok();
    delete(service);
    let new = generated();
    eventually("the denial is known", || (validate(&old).status == 401).then_some(()));
    validate(&old).refuses_token("revoked");
    validate(&new).ok();
}

/// A client that only a file knows is the same after each start.
#[test]
fn without_a_database_a_client_of_the_file_has_no_registration() {
    let service = super::service(&[], &[("SKIP_DATABASE", "true")]);
    let token = super::own_token(&of(&service, "orders"));
    assert_eq!(claims_of(&token).get("rid"), None);
    assert_eq!(introspected(&of(&service, "orders"), &token)["active"], json!(true));
}
