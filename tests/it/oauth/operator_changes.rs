//! What an operator takes from a client, its grants lose at their next use; and what is only out of reach for a while ends nothing.

use std::cell::RefCell;
use std::time::Duration;

use jwt_generator::domain::{ClientMetadata, GrantType, Initiator, RedirectUri, Scopes};
use serde_json::{Value, json};

use super::claims_of;
use super::granter::{Place, Tokens};
use super::registrations::{create, delete, id};
use crate::support::{Answer, Service, eventually};

const OFFLINE: &str = "openid offline_access orders.read";
const NO_CLIENT: &str = "The client is unknown, or its authentication is not valid";

/// Changes the client `phone`, as a command does.
fn update(service: &Service, change: impl Fn(&mut ClientMetadata) + Send) {
    service.manage_clients(async |clients| {
        let seen = clients.find(&id()).await.unwrap().revision;
        clients.update(&id(), seen, change, &Initiator::OPERATOR).await.map(drop).unwrap();
    });
}

/// A grant of `phone`, whose refresh token is replaced at each use.
struct Refreshing<'a> {
    place: &'a Place,
    token: RefCell<String>,
}

impl<'a> Refreshing<'a> {
    fn begin(place: &'a Place) -> Self {
        create(&place.service);
        let token = Tokens::of(&place.redeem("phone", &place.code("phone", OFFLINE))).refresh;
        Self { place, token: RefCell::new(token) }
    }

    /// The answer to the next refresh.
    fn ask(&self, more: &[(&str, &str)]) -> Answer {
        let token = self.token.borrow().clone();
        let usual = [("grant_type", "refresh_token"), ("refresh_token", token.as_str())];
        let answer = self.place.ask("phone", &[&usual[..], more].concat());
        if answer.status == 200 {
            *self.token.borrow_mut() = Tokens::of(&answer).refresh;
        }
        answer
    }

    /// Refreshes until the change is known here.
    fn until(&self, is_so: impl Fn(&Answer) -> bool) {
        eventually("the change of the client", || is_so(&self.ask(&[])).then_some(()));
    }

    fn until_refused(&self, error: &str, sentence: &str) {
        self.until(|answer| answer.status != 200);
        self.ask(&[]).is_oauth_error(400, error, sentence);
    }
}

fn scope(answer: &Answer) -> Value {
    answer.json()["scope"].clone()
}

fn scopes(text: &str) -> impl Fn(&mut ClientMetadata) + Send {
    let scopes = Scopes::parse(text).unwrap();
    move |metadata| metadata.scope = scopes.clone()
}

fn resources(named: &[&str]) -> impl Fn(&mut ClientMetadata) + Send {
    let named: Vec<_> = named.iter().map(|&one| one.to_owned()).collect();
    move |metadata| metadata.resources = named.clone()
}

#[test]
fn a_scope_that_the_client_loses_is_not_in_the_next_token() {
    let place = Place::new(&[("KEY_REFRESH", "1s")]);
    let refreshing = Refreshing::begin(&place);
    assert_eq!(scope(&refreshing.ask(&[])), json!(OFFLINE));
    update(&place.service, scopes("openid offline_access"));
    refreshing.until(|answer| scope(answer) == json!("openid offline_access"));
    let sentence = "the client may no longer have one of these scopes";
    refreshing.ask(&[("scope", "orders.read")]).is_oauth_error(400, "invalid_scope", sentence);
    update(&place.service, scopes("openid orders.read"));
    refreshing.until_refused("invalid_grant", "the client may no longer have refresh tokens");
    update(&place.service, scopes(OFFLINE));
    refreshing.until(|answer| scope(answer) == json!(OFFLINE));
}

#[test]
fn a_resource_that_the_client_loses_is_not_in_the_next_token() {
    let place = Place::new(&[("KEY_REFRESH", "1s")]);
    let refreshing = Refreshing::begin(&place);
    let audience = |answer: &Answer| claims_of(&Tokens::of(answer).access)["aud"].clone();
    update(&place.service, resources(&["https://stock.example", "https://new.example"]));
    refreshing.until(|answer| audience(answer) == json!("https://stock.example"));
    for lost in ["https://orders.example", "https://new.example"] {
        let refused = refreshing.ask(&[("resource", lost)]);
        assert_eq!((refused.status, &refused.json()["error"]), (400, &json!("invalid_target")), "{lost}");
    }
    update(&place.service, resources(&["https://new.example"]));
    let sentence = "the client may no longer have tokens for the permitted resources";
    refreshing.until_refused("invalid_grant", sentence);
    update(&place.service, resources(&["https://orders.example", "https://stock.example"]));
    let both = json!(["https://orders.example", "https://stock.example"]);
    refreshing.until(|answer| answer.status == 200 && audience(answer) == both);
}

#[test]
fn a_client_that_loses_its_grant_type_or_is_deleted_refreshes_no_more() {
    let place = Place::new(&[("KEY_REFRESH", "1s")]);
    let refreshing = Refreshing::begin(&place);
    let only_code = |metadata: &mut ClientMetadata| metadata.grant_types = vec![GrantType::AuthorizationCode];
    update(&place.service, only_code);
    refreshing.until_refused("unauthorized_client", "the client may not use this grant_type");
    let both = [GrantType::AuthorizationCode, GrantType::RefreshToken];
    update(&place.service, move |metadata| metadata.grant_types = both.to_vec());
    refreshing.until(|answer| answer.status == 200);
    let code = place.code("phone", OFFLINE);
    delete(&place.service);
    refreshing.until(|answer| answer.status != 200);
    refreshing.ask(&[]).is_oauth_error(401, "invalid_client", NO_CLIENT);
    place.redeem("phone", &code).is_oauth_error(401, "invalid_client", NO_CLIENT);
}

/// An address may be removed because others read what goes there.
#[test]
fn a_code_that_went_to_an_address_that_the_client_lost_gives_nothing() {
    let place = Place::new(&[("KEY_REFRESH", "1s")]);
    let refreshing = Refreshing::begin(&place);
    let code = place.code("phone", OFFLINE);
    let elsewhere = RedirectUri::parse("https://app.example/other").unwrap();
    update(&place.service, move |metadata| {
        metadata.redirect_uris = vec![elsewhere.clone()];
        metadata.scope = Scopes::parse("openid offline_access").unwrap();
    });
    refreshing.until(|answer| scope(answer) == json!("openid offline_access"));
    let sentence = "redirect_uri is no longer one of the client";
    place.redeem("phone", &code).is_oauth_error(400, "invalid_grant", sentence);
}

/// Tokens are signed before the use of a code or a refresh token is written.
#[test]
fn while_no_key_may_sign_codes_and_refresh_tokens_are_not_used_up() {
    let place = Place::new(&[("KEY_ROTATION", "90d"), ("KEY_REFRESH", "1h")]);
    let (clock, up) = (&place.service.clock, place.service.clock.uptime());
    let (code, first) = (place.code("app", OFFLINE), place.tokens("app", OFFLINE));
    clock.set_uptime(up + Duration::from_secs(400 * 86_400));
    for answer in [place.redeem("app", &code), place.refresh("app", &first.refresh)] {
        assert_eq!((answer.status, &answer.json()["error"]), (503, &json!("temporarily_unavailable")));
        assert!(answer.header("retry-after").is_some());
    }
    clock.set_uptime(up);
    Tokens::of(&place.redeem("app", &code));
    let next = Tokens::of(&place.refresh("app", &first.refresh));
    assert_ne!(next.refresh, first.refresh);
}
