//! The source of keys, how long they are used, and what happens if they cannot be read. The tests count the fetches.

use serde_json::json;

use crate::support::{Function, Issuer, Outcome, Reply, Signer, UNAVAILABLE, all_at_once, claims, issuer_of};

const DISCOVERY: &str = "/.well-known/openid-configuration";

#[test]
fn an_unknown_key_is_looked_for_once_and_then_not_for_a_while() {
    let mut signer = Signer::jose();
    let (issuer, [a, b, c]) = issuer_of(&mut signer, ["a", "b", "c"]);
    let mut function = Function::start(issuer.settings());
    assert_eq!(function.judge(&a), "allowed");
    assert_eq!(function.judge(&b), "401", "the keys were read a moment ago");
    assert_eq!(issuer.asked("/jwks"), 1);
    function.set_clock(40);
    assert_eq!(function.judge(&b), "401");
    assert_eq!(issuer.asked("/jwks"), 2, "looked for");
    issuer.publish(signer.jwks(&[Some("a"), Some("b")]));
    for token in [&b, &c, &b] {
        assert_eq!(function.judge(token), "401");
    }
    assert_eq!(issuer.asked("/jwks"), 2, "not again within the cooldown");
    function.set_clock(80);
    assert_eq!(function.judge(&b), "allowed", "the new key is found");
    assert_eq!((function.judge(&a), function.judge(&b)), ("allowed".to_owned(), "allowed".to_owned()));
    assert_eq!(issuer.asked("/jwks"), 3);
    assert_eq!(issuer.asked(DISCOVERY), 1, "where the keys are is remembered");
}

#[test]
fn a_key_that_is_withdrawn_stops_when_the_set_is_old() {
    let mut signer = Signer::pyjwt();
    let (issuer, [a, b]) = issuer_of(&mut signer, ["a", "b"]);
    let keys = signer.jwks(&[Some("a")]);
    issuer.set("/jwks", Reply::json(keys).with("cache-control", "public, max-age=600"));
    let mut function = Function::start(issuer.settings());
    assert_eq!(function.judge(&a), "allowed");
    issuer.publish(signer.jwks(&[Some("b")]));
    function.set_clock(500);
    assert_eq!(function.judge(&a), "allowed", "the set is fresh for ten minutes");
    assert_eq!(issuer.asked("/jwks"), 1);
    function.set_clock(610);
    assert_eq!(function.judge(&a), "401");
    assert_eq!(function.judge(&b), "allowed");
    assert_eq!(issuer.asked("/jwks"), 2);
    function.set_clock(800);
    assert_eq!(function.judge(&b), "allowed");
    assert_eq!(issuer.asked("/jwks"), 2, "five minutes without max-age");
    function.set_clock(920);
    assert_eq!(function.judge(&b), "allowed");
    assert_eq!(issuer.asked("/jwks"), 3);
}

#[test]
fn a_clock_that_is_set_back_makes_no_keys_young() {
    let mut signer = Signer::jose();
    let (issuer, [a]) = issuer_of(&mut signer, ["a"]);
    let mut function = Function::start(issuer.settings());
    function.set_clock(10_000);
    assert_eq!(function.judge(&a), "allowed");
    let asked = issuer.asked("/jwks");
    function.set_clock(0);
    assert_eq!(function.judge(&a), "allowed");
    function.set_clock(10_310);
    assert_eq!(function.judge(&a), "allowed");
    assert_eq!(issuer.asked("/jwks"), asked + 1);
}

#[test]
fn without_keys_every_request_is_denied() {
    let mut signer = Signer::jose();
    let (issuer, [a]) = issuer_of(&mut signer, ["a"]);
    let huge = format!(r#"{{"keys":[],"x":"{}"}}"#, "x".repeat(300_000));
    let replies = [
        Reply::Cut,
        Reply::Silence,
        Reply::status(500),
        Reply::status(404),
        Reply::status(204),
        Reply::json("<html>"),
        Reply::json("[]"),
        Reply::json(r#"{"keys":7}"#),
        Reply::json("[".repeat(100_000)),
        Reply::json(huge),
        Reply::status(302).with("location", &issuer.at("/elsewhere")),
        Reply::status(307).with("location", "file:///etc/passwd"),
    ];
    issuer.set("/elsewhere", Reply::json(signer.jwks(&[Some("a")])));
    for reply in replies {
        issuer.set("/jwks", reply.clone());
        let mut function = Function::start(issuer.settings());
        assert_eq!(function.judge(&a), UNAVAILABLE, "{reply:?}");
        let log = function.log();
        assert!(log.contains("the issuer's keys could not be read: "), "{reply:?}: {log}");
    }
    assert_eq!(issuer.asked("/elsewhere"), 0, "a redirection is not followed");
    issuer.publish(r#"{"keys":[]}"#);
    let mut function = Function::start(issuer.settings());
    assert_eq!(function.judge(&a), "401", "an issuer may have no keys");
}

#[test]
fn an_issuer_describes_itself_in_either_document_and_by_its_own_name() {
    let mut signer = Signer::pyjwt();
    let (issuer, [a]) = issuer_of(&mut signer, ["a"]);
    let good = json!({ "issuer": issuer.name(), "jwks_uri": issuer.at("/jwks") });
    let second = "/.well-known/oauth-authorization-server";
    issuer.set(DISCOVERY, Reply::status(404));
    issuer.set(second, Reply::json(good.to_string()));
    assert_eq!(Function::start(issuer.settings()).judge(&a), "allowed", "RFC 8414");
    for description in [
        json!({ "issuer": "https://id.example.com", "jwks_uri": issuer.at("/jwks") }),
        json!({ "issuer": issuer.name() + "/", "jwks_uri": issuer.at("/jwks") }),
        json!({ "jwks_uri": issuer.at("/jwks") }),
        json!({ "issuer": issuer.name() }),
        json!({ "issuer": issuer.name(), "jwks_uri": "http://id.example.com/jwks" }),
        json!({ "issuer": issuer.name(), "jwks_uri": "/jwks" }),
        json!([issuer.name(), issuer.at("/jwks")]),
    ] {
        issuer.set(DISCOVERY, Reply::json(description.to_string()));
        let mut function = Function::start(issuer.settings());
        assert_eq!(function.judge(&a), UNAVAILABLE, "{description}");
    }
    assert_eq!(issuer.asked(second), 1, "a document that is wrong is not passed over for another");
    for status in [401, 403, 429, 500] {
        issuer.set(DISCOVERY, Reply::status(status));
        assert_eq!(Function::start(issuer.settings()).judge(&a), UNAVAILABLE, "{status}");
    }
    assert_eq!(issuer.asked(second), 1, "a document that is not shown may be there");
    issuer.set(DISCOVERY, Reply::status(410));
    assert_eq!(Function::start(issuer.settings()).judge(&a), "allowed");
}

#[test]
fn a_token_without_a_kid_is_verified_if_there_is_no_choice() {
    let mut signer = Signer::jose();
    let issuer = Issuer::start("{}");
    let good = claims(&issuer);
    let nameless = signer.headed("ES256", None, &json!({}), &good);
    signer.token("RS256", "r", &good);
    issuer.publish(signer.jwks(&[None, Some("r")]));
    let mut function = Function::start(issuer.settings());
    assert_eq!(function.judge(&nameless), "allowed");
    let mut other = Signer::jose();
    let newer = other.headed("ES256", None, &json!({}), &good);
    issuer.publish(other.jwks(&[None]));
    assert_eq!(function.judge(&newer), "401", "the cooldown");
    function.set_clock(40);
    assert_eq!(function.judge(&newer), "allowed", "the set has changed under no name");
    signer.token("ES256", "e", &good);
    issuer.publish(signer.jwks(&[None, Some("e")]));
    function.set_clock(400);
    assert_eq!(function.judge(&nameless), "401", "either key could be meant");
}

#[test]
fn keys_of_one_name_that_differ_are_not_used() {
    let (mut one, mut two) = (Signer::jose(), Signer::pyjwt());
    let (issuer, [a, b]) = issuer_of(&mut one, ["a", "b"]);
    two.token("ES256", "a", &json!({}));
    let set = |text: String| serde_json::from_str::<serde_json::Value>(&text).unwrap()["keys"].clone();
    let (ours, theirs) = (set(one.jwks(&[Some("a"), Some("b")])), set(two.jwks(&[Some("a")])));
    issuer.publish(json!({ "keys": [ours[0], theirs[0], ours[1]] }).to_string());
    let mut function = Function::start(issuer.settings());
    assert_eq!((function.judge(&a), function.judge(&b)), ("401".to_owned(), "allowed".to_owned()));
    assert!(function.log().contains("different keys of one"), "{}", function.log());
}

#[test]
fn requests_at_once_share_one_reading() {
    let mut signer = Signer::jose();
    let (issuer, [a, b]) = issuer_of(&mut signer, ["a", "b"]);
    let many = [("AWS_LAMBDA_MAX_CONCURRENCY", "8".to_owned())];
    let mut function = Function::start(issuer.settings().into_iter().chain(many));
    assert_eq!(function.judge(&a), "allowed");
    assert!(all_at_once(&mut function, &a, || ()).iter().all(lets_in));
    assert_eq!(issuer.asked("/jwks"), 1, "24 requests with fresh keys");
    function.set_clock(400);
    assert!(all_at_once(&mut function, &a, || ()).iter().all(lets_in));
    assert_eq!(issuer.asked("/jwks"), 2, "24 requests with old keys");
    issuer.publish(signer.jwks(&[Some("a"), Some("b")]));
    function.set_clock(440);
    assert!(all_at_once(&mut function, &b, || ()).iter().all(lets_in));
    assert_eq!(issuer.asked("/jwks"), 3, "24 requests with a new key");
}

fn lets_in(outcome: &Outcome) -> bool {
    matches!(outcome, Outcome::Answer(answer) if answer["policyDocument"]["Statement"][0]["Effect"] == "Allow")
}
