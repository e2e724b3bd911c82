//! The grant `refresh_token` (T2 and T4 of the failure tests).

use std::collections::HashSet;

use jwt_generator::store::sqlite::Sqlite;
use serde_json::json;

use super::granter::{Place, Tokens};
use super::introspection::introspected;
use super::{ask, of};
use crate::support::Service;

const OFFLINE: &str = "openid offline_access orders.read orders.write";
const ENDED: &str = "the grant has ended";

/// The answer was lost, or a second tab was as quick: RFC 9700 §4.14.2 without stranded clients.
#[test]
fn t2_the_token_before_the_newest_gives_the_same_newest_one_for_a_minute() {
    let place = Place::new(&[]);
    let first = place.tokens("app", OFFLINE);
    let second = Tokens::of(&place.refresh("app", &first.refresh));
    assert_ne!(first.refresh, second.refresh);
    place.service.at(59);
    let again = Tokens::of(&place.refresh("app", &first.refresh));
    assert_eq!(again.refresh, second.refresh);
    assert_ne!(again.access, second.access);
    assert_eq!(Tokens::of(&place.refresh("app", &second.refresh)).body["scope"], json!(OFFLINE));
}

#[test]
fn t2_a_token_that_was_replaced_long_ago_ends_the_grant() {
    let place = Place::new(&[]);
    let web = of(&place.service, "web");
    for (is_older, seconds) in [(true, 0), (false, 60)] {
        place.service.at(0);
        let first = place.tokens("app", OFFLINE);
        let mut last = Tokens::of(&place.refresh("app", &first.refresh));
        if is_older {
            last = Tokens::of(&place.refresh("app", &last.refresh));
        }
        place.service.at(seconds);
        let sentence = "the refresh token was replaced and used again";
        place.refresh("app", &first.refresh).is_oauth_error(400, "invalid_grant", sentence);
        place.refresh("app", &last.refresh).is_oauth_error(400, "invalid_grant", ENDED);
        assert_eq!(introspected(&web, &last.access), json!({ "active": false }));
    }
}

/// RFC 9700 §2.2.2: a client that authenticates needs no rotation.
#[test]
fn the_refresh_token_of_a_client_with_a_secret_stays_the_same() {
    let place = Place::new(&[]);
    let first = place.tokens("web", OFFLINE);
    for seconds in [0, 70, 5000] {
        place.service.at(seconds);
        let next = Tokens::of(&place.refresh("web", &first.refresh));
        assert_eq!(next.refresh, first.refresh);
        assert_ne!(next.access, first.access);
    }
}

#[test]
fn a_refreshed_id_token_is_of_the_same_log_in_and_has_no_nonce() {
    let place = Place::new(&[]);
    let first = place.tokens("app", OFFLINE);
    place.service.at(500);
    let id = Tokens::of(&place.refresh("app", &first.refresh)).id_claims();
    assert_eq!((&id["auth_time"], &id["iat"]), (&json!(Service::START), &json!(Service::START + 500)));
    assert_eq!((&id["sub"], &id["aud"], id.get("nonce")), (&json!(place.alice), &json!("app"), None));
}

/// RFC 6749 §6, RFC 8707 §2.2.
#[test]
fn a_refresh_may_narrow_scopes_and_resources_each_time_anew() {
    let place = Place::new(&[]);
    let refresh = place.tokens("web", OFFLINE).refresh;
    let with = |name: &str, value: &str| {
        place.ask("web", &[("grant_type", "refresh_token"), ("refresh_token", &refresh), (name, value)])
    };
    let narrow = with("scope", "orders.read").ok();
    assert_eq!((&narrow["scope"], narrow.get("id_token")), (&json!("orders.read"), None));
    with("scope", "orders.read profile").is_oauth_error(
        400,
        "invalid_scope",
        "the user has not permitted one of these scopes",
    );
    assert_eq!(with("resource", "https://other.example").json()["error"], "invalid_target");
    assert_eq!(with("resource", "https://stock.example").status, 200);
    assert_eq!(place.refresh("web", &refresh).ok()["scope"], OFFLINE);
}

#[test]
fn a_refresh_token_is_bound_to_its_client() {
    let place = Place::new(&[]);
    let refresh = place.tokens("app", OFFLINE).refresh;
    for other in ["other", "web"] {
        let sentence = "the refresh token is not valid for this client";
        place.refresh(other, &refresh).is_oauth_error(400, "invalid_grant", sentence);
    }
    assert_eq!(place.refresh("app", &refresh).status, 200, "nothing has ended");
}

#[test]
fn a_refresh_token_ends_when_it_is_not_used_and_when_the_grant_has_its_age() {
    let place = Place::new(&[("REFRESH_TOKEN_LIFETIME", "10h"), ("REFRESH_TOKEN_IDLE_LIFETIME", "4h")]);
    let (used, idle) = (place.tokens("app", OFFLINE), place.tokens("app", OFFLINE));
    let hours = |hours: u64| place.service.at(hours * 3600);
    let mut refresh = used.refresh;
    for hour in [3, 6, 9] {
        hours(hour);
        refresh = Tokens::of(&place.refresh("app", &refresh)).refresh;
    }
    hours(10);
    for token in [&refresh, &idle.refresh] {
        let refused = place.refresh("app", token);
        assert_eq!((refused.status, &refused.json()["error"]), (400, &json!("invalid_grant")));
    }
}

/// T4 of the failure tests.
#[test]
fn t4_another_spelling_of_a_refresh_token_is_refused() {
    let place = Place::new(&[]);
    let good = place.tokens("app", OFFLINE).refresh;
    for other in [format!("{good}%3D"), format!("%20{good}"), format!("{good}%0A"), good[1..].to_owned()] {
        let sentence = "the refresh token is not valid for this client";
        place.refresh("app", &other).is_oauth_error(400, "invalid_grant", sentence);
    }
    assert_eq!(place.refresh("app", &good).status, 200);
}

#[test]
fn a_refresh_token_is_introspected_by_its_client_and_revoked() {
    let place = Place::new(&[]);
    let web = of(&place.service, "web");
    let tokens = place.tokens("web", OFFLINE);
    let expected = json!({
        "active": true, "client_id": "web", "sub": place.alice, "scope": OFFLINE, "iat": Service::START,
        "exp": Service::START + 14 * 86_400,
    });
    assert_eq!(introspected(&web, &tokens.refresh), expected);
    let of_app = place.tokens("app", OFFLINE);
    assert_eq!(introspected(&web, &of_app.refresh), json!({ "active": false }), "it is not the client's own");
    let refused = ask(&web, "/oauth/revoke", &[("token", &of_app.refresh)]);
    refused.is_oauth_error(400, "unauthorized_client", "the token was issued to another client");
    for _ in 0..2 {
        assert_eq!(ask(&web, "/oauth/revoke", &[("token", &tokens.refresh)]).status, 200);
        assert_eq!(introspected(&web, &tokens.refresh), json!({ "active": false }));
        assert_eq!(introspected(&web, &tokens.access), json!({ "active": false }));
        place.refresh("web", &tokens.refresh).is_oauth_error(400, "invalid_grant", ENDED);
    }
}

/// Seen before: each grant that its client ended left a denial for a day in the memory of all instances.
#[test]
fn a_user_whose_grants_end_one_after_another_leaves_few_denials() {
    let place = Place::new(&[]);
    let web = of(&place.service, "web");
    let all: Vec<_> = (0..40).map(|_| place.tokens("web", OFFLINE)).collect();
    for tokens in &all {
        assert_eq!(ask(&web, "/oauth/revoke", &[("token", &tokens.refresh)]).status, 200);
        assert_eq!(introspected(&web, &tokens.access), json!({ "active": false }));
    }
    let database = rusqlite::Connection::open(place.folder.path().join(Sqlite::FILE)).unwrap();
    let denials: u32 = database.query_row("SELECT count(*) FROM denials", [], |row| row.get(0)).unwrap();
    assert!((denials as usize) < all.len(), "{denials}");
    place.service.at(2);
    let later = place.tokens("web", OFFLINE);
    assert_eq!(introspected(&web, &later.access)["active"], json!(true));
}

#[test]
fn two_hundred_refreshes_at_once_give_one_next_token() {
    let place = Place::new(&[]);
    let refresh = place.tokens("app", OFFLINE).refresh;
    let next: HashSet<String> = std::thread::scope(|scope| {
        let racers: Vec<_> =
            (0..200).map(|_| scope.spawn(|| Tokens::of(&place.refresh("app", &refresh)).refresh)).collect();
        racers.into_iter().map(|racer| racer.join().unwrap()).collect()
    });
    assert_eq!(next.len(), 1);
    assert_eq!(place.refresh("app", next.iter().next().unwrap()).status, 200);
}

#[test]
fn many_refreshes_leave_one_row_and_a_file_of_the_same_size() {
    let place = Place::new(&[]);
    let size = || std::fs::metadata(place.folder.path().join(Sqlite::FILE)).unwrap().len();
    // The tokens of `app` would have places in a status list, which are rows.
    let mut refresh = place.tokens("other", "orders.read").refresh;
    for _ in 0..20 {
        refresh = Tokens::of(&place.refresh("other", &refresh)).refresh;
    }
    let before = size();
    for _ in 0..500 {
        refresh = Tokens::of(&place.refresh("other", &refresh)).refresh;
    }
    let grants = place.granter.grants_of(&place.alice);
    assert_eq!((grants.len(), grants[0].revision), (1, 522));
    assert!(size() <= before.max(256 * 1024), "{before} {}", size());
}
