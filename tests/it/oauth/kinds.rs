//! No token of one kind passes for another (RFC 8725 §3.11 and §3.12): each kind in the place of each.

use http::Method;
use serde_json::json;

use super::{FORM, ISSUER, ask, form, machine, new_user, of, of_user, own_token, service, token_of_user};
use crate::clients::generator;
use crate::support::{Client, Service, eventually, signed};

/// Each place that takes a token, and the kinds that it accepts. The issuer and the audience of the API and of OAuth are the
/// same here, so that only the kind distinguishes the tokens.
const PLACES: [(&str, &[&str]); 8] = [
    ("/api/token/validate", &["log-in", "demo", "generated", "plain access"]),
    ("/api/token/validate for the client", &[]),
    ("/api/auth/profile", &["log-in"]),
    ("/api/auth/refresh", &["log-in"]),
    ("/api/token/generate", &[]),
    ("/oauth/introspect", &["access", "plain access", "access of a user", "generated"]),
    ("/oauth/userinfo", &["access of a user"]),
    ("client assertion", &[]),
];

/// What a checkpoint of the events says.
const CHECKPOINT: &str = r#"{"checkpoint":1,"at":"2027-01-15T08:00:00.000Z","seq":1,"link":"AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE","base_seq":0,"base_link":"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA","previous":"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"}"#;

fn tokens(service: &Service) -> Vec<(&'static str, String)> {
    let orders = of(service, "orders");
    let user = new_user(service, "alice");
    let access = own_token(&orders);
    let accept = [FORM, ("accept", "application/token-introspection+jwt")];
    let introspection = orders.send(Method::POST, "/oauth/introspect", &accept, form(&[("token", &access)]));
    let of_signer = token_of_user(service, &user, &json!({ "client_id": "signer" }));
    let userinfo = service.anonymous().bearing(&of_signer).get("/oauth/userinfo");
    let generated = of(service, "mailer").post("/api/token/generate", &json!({ "subject": user })).ok();
    let id_token = of_user(
        &user,
        &json!({
            "aud": "orders", "nonce": "n", "at_hash": "h", "client_id": null, "scope": null, "gid": null,
        }),
    );
    let of_the_api = id_token.to_string().replace(r#""aud":"orders""#, r#""aud":"jwt-generator-api""#);
    let assertion = json!({
        "iss": "orders", "sub": "orders", "aud": ISSUER, "exp": Service::START + 60, "jti": "a-1",
        "iat": Service::START,
    });
    let header = r#"{"alg":"RS256","kid":"default-key-id"}"#;
    let list = eventually("the status list", || {
        let list = service.anonymous().get("/oauth/status-lists/1");
        (list.status == 200).then(|| list.text().to_owned())
    });
    let checkpoint = r#"{"alg":"RS256","typ":"audit-checkpoint+jwt","kid":"default-key-id"}"#;
    vec![
        ("status list", list),
        ("log-in", service.user("bob").token().to_owned()),
        ("demo", service.anonymous().demo_token(&json!({}))),
        ("generated", generated["data"]["access_token"].as_str().unwrap().to_owned()),
        ("access", access),
        ("plain access", own_token(&of(service, "plain"))),
        ("access of a user", token_of_user(service, &user, &json!({ "aud": "jwt-generator-api" }))),
        ("id", signed(header, &id_token.to_string())),
        ("id for the API", signed(header, &of_the_api)),
        ("userinfo", userinfo.text().to_owned()),
        ("introspection", introspection.text().to_owned()),
        ("client assertion", signed(header, &assertion.to_string())),
        ("checkpoint", signed(checkpoint, CHECKPOINT)),
        // Only its type sets these apart.
        ("checkpoint with the claims of a token", signed(checkpoint, &of_the_api)),
        ("checkpoint with the claims of an assertion", signed(checkpoint, &assertion.to_string())),
        ("code or refresh token", "AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE".to_owned()),
    ]
}

fn accepts(service: &Service, place: &str, token: &str) -> bool {
    let anonymous = service.anonymous();
    let bearing = anonymous.bearing(token);
    let validate = |audience: &str| {
        anonymous.post("/api/token/validate", &json!({ "token": token, "audience": audience })).status == 200
    };
    match place {
        "/api/token/validate" => validate(""),
        "/api/token/validate for the client" => validate("orders"),
        "/api/auth/profile" => bearing.get(place).status == 200,
        "/api/auth/refresh" => bearing.post(place, &json!({})).status == 200,
        "/api/token/generate" => generates(&bearing),
        "/oauth/introspect" => {
            ask(&of(service, "orders"), place, &[("token", token)]).ok()["active"] == json!(true)
        }
        "/oauth/userinfo" => bearing.get(place).status == 200,
        _ => {
            let kind = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";
            let params = [
                ("grant_type", "client_credentials"),
                ("client_assertion_type", kind),
                ("client_assertion", token),
                ("client_id", "orders"),
            ];
            ask(&anonymous, "/oauth/token", &params).status == 200
        }
    }
}

/// Whether the token makes the request one of a client.
fn generates(client: &Client) -> bool {
    let answer = client.post("/api/token/generate", &json!({}));
    answer.status == 200 && answer.json()["message"] == "JWT token generated successfully"
}

#[test]
fn no_token_of_one_kind_passes_for_another() {
    let plain = machine("plain", &json!({ "access_token_typ": "JWT", "resources": [] }));
    let usual = json!({ "resources": [], "userinfo_signed_response_alg": "RS256" });
    let clients = [plain, machine("signer", &usual), generator("mailer", &json!({ "subjects": ["*"] }))];
    let service = service(&clients, &[("JWT_ISSUER", ISSUER), ("DEMO_TOKENS", "true")]);
    let tokens = tokens(&service);
    for (place, kinds) in PLACES {
        for (kind, token) in &tokens {
            assert_eq!(accepts(&service, place, token), kinds.contains(kind), "{kind} at {place}");
        }
    }
}
