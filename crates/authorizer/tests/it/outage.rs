//! What happens while the keys of an issuer cannot be read: which requests are allowed, which wait, and how
//! often the issuer is asked.

use std::time::Duration;

use crate::support::{Function, Outcome, Reply, Signer, UNAVAILABLE, all_at_once, issuer_of};

#[test]
fn old_keys_serve_on_while_no_others_can_be_read_but_not_for_ever() {
    let mut signer = Signer::jose();
    let (issuer, [a]) = issuer_of(&mut signer, ["a"]);
    let bound = [("AUTHORIZER_JWKS_STALE", "600".to_owned())];
    let mut function = Function::start(issuer.settings().into_iter().chain(bound));
    assert_eq!(function.judge(&a), "allowed");
    issuer.set("/jwks", Reply::Cut);
    function.set_clock(400);
    assert_eq!(function.judge(&a), "allowed");
    assert_eq!(issuer.asked("/jwks"), 2);
    assert_eq!(function.judge(&a), "allowed");
    assert_eq!(issuer.asked("/jwks"), 2, "not asked with each request");
    function.set_clock(850);
    assert_eq!(function.judge(&a), "allowed");
    function.set_clock(930);
    assert_eq!(function.judge(&a), UNAVAILABLE);
    issuer.publish(signer.jwks(&[Some("a")]));
    function.set_clock(940);
    assert_eq!(function.judge(&a), "allowed", "it is back");
}

#[test]
fn requests_at_once_share_a_reading_that_fails_however_long_it_takes() {
    let mut signer = Signer::jose();
    let (issuer, [a]) = issuer_of(&mut signer, ["a"]);
    issuer.set("/jwks", Reply::Silence);
    let many = [("AWS_LAMBDA_MAX_CONCURRENCY", "8".to_owned())];
    let mut function = Function::start(issuer.settings().into_iter().chain(many));
    assert_eq!(function.judge(&a), UNAVAILABLE);
    assert_eq!(issuer.asked("/jwks"), 1, "at the start");
    function.set_clock(10);
    let later = function.clock();
    let outcomes = all_at_once(&mut function, &a, || {
        while issuer.asked("/jwks") < 2 {
            std::thread::sleep(Duration::from_millis(10));
        }
        later.set(40);
    });
    assert!(outcomes.iter().all(|outcome| *outcome == Outcome::Error(UNAVAILABLE.to_owned())));
    assert_eq!(issuer.asked("/jwks"), 2, "24 requests during a reading that seems to take 30 seconds");
    assert_eq!(function.judge(&a), UNAVAILABLE);
    assert_eq!(issuer.asked("/jwks"), 2, "the pause follows the reading");
    issuer.publish(signer.jwks(&[Some("a")]));
    function.set_clock(60);
    assert_eq!(function.judge(&a), "allowed");
}

#[test]
fn nothing_can_be_said_of_an_unknown_key_while_the_keys_cannot_be_read() {
    let mut signer = Signer::pyjwt();
    let (issuer, [a, b, c]) = issuer_of(&mut signer, ["a", "b", "c"]);
    let mut function = Function::start(issuer.settings());
    assert_eq!(function.judge(&a), "allowed");
    issuer.set("/jwks", Reply::status(500));
    function.set_clock(40);
    for _ in 0..2 {
        assert_eq!(function.judge(&b), UNAVAILABLE);
        assert_eq!(issuer.asked("/jwks"), 2, "not again within the cooldown");
    }
    assert_eq!(function.judge(&a), "allowed", "the keys of before serve");
    issuer.publish(signer.jwks(&[Some("a"), Some("b")]));
    function.set_clock(80);
    assert_eq!(function.judge(&b), "allowed");
    assert_eq!(function.judge(&c), "401", "its key is not one of the keys that were read");
}

#[test]
fn a_set_without_a_usable_key_does_not_replace_keys_that_serve() {
    let mut signer = Signer::jose();
    let (issuer, [a, b]) = issuer_of(&mut signer, ["a", "b"]);
    let bound = [("AUTHORIZER_JWKS_STALE", "600".to_owned())];
    let mut function = Function::start(issuer.settings().into_iter().chain(bound));
    assert_eq!(function.judge(&a), "allowed");
    let unusable = [r#"{"keys":[]}"#, r#"{"keys":[{"kty":"oct","k":"AQAB"},{"kty":"RSA","use":"enc"}]}"#];
    for (ahead, keys) in [(400, unusable[0]), (500, unusable[1])] {
        issuer.publish(keys);
        function.set_clock(ahead);
        assert_eq!(function.judge(&a), "allowed", "{keys}");
        assert_eq!(function.judge(&b), UNAVAILABLE, "{keys}");
    }
    assert_eq!(issuer.asked("/jwks"), 3);
    let warned = function.log().lines().filter(|line| line.contains("no key that can be used")).count();
    assert_eq!(warned, 2, "{}", function.log());
    function.set_clock(930);
    assert_eq!(function.judge(&a), "401", "the bound");
}
