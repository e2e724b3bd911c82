//! The grant `authorization_code`: a code gives tokens once (T7 of the failure tests).

use serde_json::json;

use super::granter::{CALLBACK, Place, Tokens, VERIFIER};
use super::introspection::introspected;
use super::{ISSUER, of};
use crate::support::Service;

const OFFLINE: &str = "openid offline_access orders.read";

#[test]
fn a_code_gives_the_tokens_of_what_the_user_permitted() {
    let place = Place::new(&[]);
    let tokens = place.tokens("app", OFFLINE);
    let (_, claims) = jose::decode_unverified(&tokens.access).unwrap();
    let mut claims: serde_json::Value = serde_json::from_str(&claims).unwrap();
    assert!(claims.as_object_mut().unwrap().remove("status").is_some(), "the client has `status_list`");
    let sid = "5e".repeat(16);
    let expected = json!({
        "sub": place.alice, "iat": Service::START, "iss": ISSUER, "jti": claims["jti"],
        "aud": ["https://orders.example", "https://stock.example"], "exp": Service::START + 3600,
        "auth_time": Service::START, "client_id": "app", "scope": OFFLINE, "amr": ["pwd"],
        "gid": claims["gid"], "rid": claims["rid"],
    });
    assert_eq!(claims, expected);
    let id = tokens.id_claims();
    let expected = json!({
        "sub": place.alice, "iat": Service::START, "iss": ISSUER, "jti": id["jti"], "aud": "app",
        "exp": Service::START + 3600, "auth_time": Service::START, "amr": ["pwd"], "sid": sid,
        "nonce": "n-0S6_WzA2Mj", "at_hash": id["at_hash"], "email": "alice@example.com",
    });
    assert_eq!(id, expected);
    assert_eq!((&tokens.body["scope"], &tokens.body["expires_in"]), (&json!(OFFLINE), &json!(3600)));
}

/// RFC 6749 §4.1.2, RFC 9700 §4.5.
#[test]
fn t7_a_second_use_of_a_code_ends_what_the_first_one_gave() {
    let place = Place::new(&[]);
    let code = place.code("app", OFFLINE);
    let tokens = Tokens::of(&place.redeem("app", &code));
    let web = of(&place.service, "web");
    assert_eq!(introspected(&web, &tokens.access)["active"], json!(true));
    place.redeem("app", &code).is_oauth_error(400, "invalid_grant", "the code was used before");
    assert_eq!(introspected(&web, &tokens.access), json!({ "active": false }));
    place.refresh("app", &tokens.refresh).is_oauth_error(400, "invalid_grant", "the grant has ended");
    place.redeem("app", &code).is_oauth_error(400, "invalid_grant", "the grant has ended");
}

/// The old code alone, for example from the history of a browser, ends nothing.
#[test]
fn t7_a_stranger_with_an_old_code_cannot_end_the_grant() {
    for place in [Place::new(&[]), Place::on_mongodb(&[])] {
        let code = place.code("app", OFFLINE);
        let mut tokens = Tokens::of(&place.redeem("app", &code));
        let grant = [("grant_type", "authorization_code"), ("code", &*code)];
        let uri = ("redirect_uri", CALLBACK);
        let other = "a".repeat(43);
        for at in [1, 61, 100_000] {
            place.service.at(at);
            let sentence = "redirect_uri is not the one of the authorization request";
            place.ask("app", &grant).is_oauth_error(400, "invalid_grant", sentence);
            let sentence = "code_verifier does not match the code_challenge of the authorization request";
            for verifier in [&[][..], &[("code_verifier", &*other)]] {
                let asked = place.ask("app", &[&grant[..], &[uri], verifier].concat());
                asked.is_oauth_error(400, "invalid_grant", sentence);
            }
            tokens = Tokens::of(&place.refresh("app", &tokens.refresh));
        }
        place.redeem("app", &code).is_oauth_error(400, "invalid_grant", "the code was used before");
        place.refresh("app", &tokens.refresh).is_oauth_error(400, "invalid_grant", "the grant has ended");
    }
}

/// RFC 9700 §4.1.3 and §4.5.3, RFC 7636 §4.6.
#[test]
fn t7_a_code_needs_its_client_its_redirect_uri_and_its_verifier() {
    let place = Place::new(&[]);
    let code = place.code("app", OFFLINE);
    let with = |client: &str, uri: Option<&str>, verifier: Option<&str>| {
        let mut params = vec![("grant_type", "authorization_code"), ("code", code.as_str())];
        params.extend(uri.map(|uri| ("redirect_uri", uri)));
        params.extend(verifier.map(|verifier| ("code_verifier", verifier)));
        place.ask(client, &params)
    };
    let unknown = "the code is not valid for this client";
    with("other", Some(CALLBACK), Some(VERIFIER)).is_oauth_error(400, "invalid_grant", unknown);
    let sentence = "redirect_uri is not the one of the authorization request";
    for uri in [
        "https://app.example/CB",
        "https://app.example:443/cb",
        "https://app.example/cb/",
        "https://user@app.example/cb",
        "https://app.example/cb%23f",
        "https://app.example/%252e/cb",
        "http://app.example/cb",
    ] {
        with("app", Some(uri), Some(VERIFIER)).is_oauth_error(400, "invalid_grant", sentence);
    }
    with("app", None, Some(VERIFIER)).is_oauth_error(400, "invalid_grant", sentence);
    let sentence = "code_verifier does not match the code_challenge of the authorization request";
    for verifier in [None, Some(&*"a".repeat(43))] {
        with("app", Some(CALLBACK), verifier).is_oauth_error(400, "invalid_grant", sentence);
    }
    let sentence = "code_verifier is not a verifier of RFC 7636";
    with("app", Some(CALLBACK), Some("short")).is_oauth_error(400, "invalid_grant", sentence);
    assert_eq!(
        with("app", Some(CALLBACK), Some(VERIFIER)).status,
        200,
        "a refused use does not use the code up"
    );
}

#[test]
fn a_code_is_good_for_a_minute() {
    let place = Place::new(&[]);
    let (early, late) = (place.code("app", OFFLINE), place.code("app", OFFLINE));
    place.service.at(59);
    assert_eq!(place.redeem("app", &early).status, 200);
    place.service.at(60);
    let refused = place.redeem("app", &late);
    // The task that removes old grants may have come first.
    let sentences = ["the code has expired", "the code is not valid for this client"];
    assert_eq!((refused.status, &refused.json()["error"]), (400, &json!("invalid_grant")));
    assert!(sentences.contains(&refused.json()["error_description"].as_str().unwrap()));
}

#[test]
fn a_request_may_choose_fewer_scopes_and_resources_and_not_other_ones() {
    let place = Place::new(&[]);
    let code = place.code("app", OFFLINE);
    let with = |param: (&str, &str)| {
        let usual = [("grant_type", "authorization_code"), ("code", &*code), ("code_verifier", VERIFIER)];
        place.ask("app", &[&usual[..], &[("redirect_uri", CALLBACK), param]].concat())
    };
    let other = with(("resource", "https://other.example"));
    assert_eq!((other.status, &other.json()["error"]), (400, &json!("invalid_target")));
    let twice = "https://stock.example&resource=https://stock.example";
    let tokens = Tokens::of(&with(("resource", twice)));
    let (_, claims) = jose::decode_unverified(&tokens.access).unwrap();
    assert!(claims.contains(r#""aud":"https://stock.example""#), "{claims}");
}

/// OpenID Connect Core §11.
#[test]
fn a_refresh_token_needs_offline_access_if_openid_is_among_the_scopes() {
    let place = Place::new(&[]);
    for (scopes, has_refresh_token, has_id_token) in
        [("openid", false, true), ("openid offline_access", true, true), ("orders.read", true, false)]
    {
        let body = place.tokens("web", scopes).body;
        assert_eq!(body.get("refresh_token").is_some(), has_refresh_token, "{scopes}");
        assert_eq!(body.get("id_token").is_some(), has_id_token, "{scopes}");
    }
}

/// T5 of the failure tests.
#[test]
fn t5_a_user_who_is_gone_or_has_logged_out_gives_no_tokens() {
    let place = Place::new(&[]);
    let (code, tokens) = (place.code("app", OFFLINE), place.tokens("app", OFFLINE));
    let name = jwt_generator::domain::LoginName::from_text("alice");
    let by = jwt_generator::domain::Initiator::OPERATOR;
    place.service.manage(async |registry| registry.log_out(&name, &by).await.map(drop)).unwrap();
    place.service.at(2);
    let sentence = "the log-in of the user has ended";
    place.redeem("app", &code).is_oauth_error(400, "invalid_grant", sentence);
    place.refresh("app", &tokens.refresh).is_oauth_error(400, "invalid_grant", sentence);
    let again = place.tokens("app", OFFLINE);
    let id = jwt_generator::domain::UserId::parse(&place.alice).unwrap();
    place.service.manage(async |registry| registry.delete_user(id, &by).await.map(drop)).unwrap();
    let sentence = "the refresh token is not valid for this client";
    place.refresh("app", &again.refresh).is_oauth_error(400, "invalid_grant", sentence);
    assert_eq!(place.granter.grants_of(&place.alice), []);
}
