//! Events that no gateway sends: the function answers each of them with a refusal, and none of them ends the
//! program.

use serde_json::{Value, json};

use crate::support::{ARN, Function, Issuer, Outcome, Signer, claims, token_event};

fn lets_in(outcome: &Outcome) -> bool {
    match outcome {
        Outcome::Answer(answer) => {
            answer["isAuthorized"] != json!(false)
                && answer["policyDocument"]["Statement"][0]["Effect"] != json!("Deny")
        }
        Outcome::Error(_) => false,
    }
}

/// Values of every type, and some that parsers trip over.
fn odd_values() -> Vec<Value> {
    let deep = (0..100).fold(json!(1), |inner, _| json!([inner]));
    vec![
        json!(null),
        json!(true),
        json!(0),
        json!(-1.5e300),
        json!(""),
        json!("Bearer"),
        json!("Bearer "),
        json!("Bearer ..."),
        json!("Bearer \u{0}\u{ffff}\u{1f600}.é.\n"),
        json!("a".repeat(200_000)),
        json!([]),
        json!({}),
        json!([[], {}, null]),
        json!({ "authorization": { "authorization": [] } }),
        json!({ "$serde_json::private::RawValue": "{}" }),
        json!({ "__proto__": {}, "": "" }),
        deep,
    ]
}

#[test]
fn hostile_events_are_refused_and_survived() {
    let mut signer = Signer::jose();
    signer.token("ES256", "a", &json!({}));
    let issuer = Issuer::start(signer.jwks(&[Some("a")]));
    let good = signer.token("ES256", "a", &claims(&issuer));
    let mut function = Function::start(issuer.settings());
    let bases = [
        json!({ "type": "TOKEN", "methodArn": ARN, "authorizationToken": "Bearer a.b.c" }),
        json!({ "type": "REQUEST", "methodArn": ARN, "headers": {}, "multiValueHeaders": {} }),
        json!({ "type": "REQUEST", "version": "1.0", "methodArn": ARN, "headers": {}, "identitySource": "" }),
        json!({ "type": "REQUEST", "version": "2.0", "routeArn": ARN, "headers": {}, "identitySource": [] }),
    ];
    for base in &bases {
        for name in [
            "type",
            "version",
            "methodArn",
            "routeArn",
            "headers",
            "multiValueHeaders",
            "identitySource",
            "authorizationToken",
        ] {
            for value in odd_values() {
                let mut event = base.clone();
                event[name] = value;
                let outcome = function.ask(&event);
                assert!(!lets_in(&outcome), "{event}: {outcome:?}");
            }
        }
    }
    for event in odd_values() {
        assert!(!lets_in(&function.ask(&event)), "{event}");
    }
    let doubled = format!(
        r#"{{"type":"TOKEN","type":"TOKEN","methodArn":"{ARN}","authorizationToken":"Bearer {good}"}}"#
    );
    for text in ["", "{", "nul", "{}{}", "\u{feff}{}", &"[".repeat(100_000), &doubled] {
        assert!(!lets_in(&function.ask_text(text)), "{text}");
    }
    let elsewhere = json!({ "type": "TOKEN", "methodArn": "arn:aws:s3:::x/y/z", "authorizationToken": format!("Bearer {good}") });
    assert_eq!(function.ask(&elsewhere), Outcome::Error("Unauthorized".to_owned()));
    assert!(lets_in(&function.ask(&token_event(&good))), "it still lets in who may");
}
