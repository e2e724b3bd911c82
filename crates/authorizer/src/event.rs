//! The questions of API Gateway: the events of its authorizers, and the bearer token in them.

use jose::Rejection;
use jose::json::Json;

use crate::arn::StageArn;
use crate::denial::Denial;

/// The kind of gateway, which decides the form of the response.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Gateway {
    /// A REST API, by a TOKEN or a REQUEST authorizer.
    Rest,
    /// An HTTP API with payload format 1.0.
    HttpV1,
    /// An HTTP API with payload format 2.0.
    HttpV2,
}

/// A request that the gateway asks about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Event {
    /// The kind of gateway that sent the event.
    pub gateway: Gateway,
    /// The stage of the API that the request is for.
    pub stage: StageArn,
    /// The bearer token, or the reason why the request has no usable token.
    pub token: Result<String, Denial>,
}

impl Event {
    /// Reads an event. The result is `None` if it is not one of the four. Other members are ignored.
    pub fn read(event: &Json<'_>) -> Option<Self> {
        let text = |name| event.get(name).and_then(Json::text);
        let (gateway, arn) = match (text("type")?, event.get("version").map(Json::text)) {
            ("TOKEN", None) => (Gateway::Rest, "methodArn"),
            ("REQUEST", None) => (Gateway::Rest, "methodArn"),
            ("REQUEST", Some(Some("1.0"))) => (Gateway::HttpV1, "methodArn"),
            ("REQUEST", Some(Some("2.0"))) => (Gateway::HttpV2, "routeArn"),
            _ => return None,
        };
        let stage = StageArn::of_method(text(arn)?)?;
        let credentials = match text("type")? {
            "TOKEN" => text("authorizationToken").ok_or(Denial::NoToken),
            _ => authorization(event),
        };
        Some(Self { gateway, stage, token: credentials.and_then(bearer) })
    }
}

/// The value of the one `Authorization` header.
fn authorization<'j>(event: &'j Json<'_>) -> Result<&'j str, Denial> {
    let (last, all) = (values(event.get("headers"))?, values(event.get("multiValueHeaders"))?);
    let last = last.unwrap_or_default();
    let value = match all.as_ref().unwrap_or(&last)[..] {
        [] if last.is_empty() => return Err(Denial::NoToken),
        [value] if last.iter().all(|other| *other == value) && last.len() < 2 => value,
        _ => return Err(Denial::SeveralTokens),
    };
    if is_identity(event.get("identitySource"), value) { Ok(value) } else { Err(Denial::IdentitySource) }
}

/// The values of `Authorization` among the headers. Upper and lower case of names do not matter. The result is `None`
/// if there are no headers.
fn values<'j>(headers: Option<&'j Json<'_>>) -> Result<Option<Vec<&'j str>>, Denial> {
    let Some(headers) = headers.filter(|headers| **headers != Json::Null) else { return Ok(None) };
    let members = headers.members().ok_or(Denial::UnknownEvent)?;
    let mut values = Vec::new();
    for (_, value) in members.iter().filter(|(name, _)| name.eq_ignore_ascii_case("authorization")) {
        match value {
            Json::Text(one) => values.push(one.as_ref()),
            Json::Array(many) => {
                for one in many {
                    values.push(one.text().ok_or(Denial::UnknownEvent)?);
                }
            }
            _ => return Err(Denial::UnknownEvent),
        }
    }
    Ok(Some(values))
}

/// Whether the gateway caches answers under this header. HTTP APIs say under what they cache them. An answer that is cached
/// under something else would also allow the next caller, who has another token or no token.
fn is_identity(source: Option<&Json<'_>>, value: &str) -> bool {
    match source {
        None | Some(Json::Null) => true,
        Some(Json::Text(joined)) => joined.split(',').any(|one| one.trim() == value.trim()),
        Some(Json::Array(sources)) => {
            sources.iter().any(|one| one.text().is_some_and(|one| one.trim() == value.trim()))
        }
        Some(_) => false,
    }
}

/// The token of `Bearer` credentials (RFC 6750 §2.1; the scheme in any case, RFC 9110 §11.1).
fn bearer(credentials: &str) -> Result<String, Denial> {
    let (scheme, token) = credentials.trim().split_once(' ').ok_or(Denial::NoToken)?;
    let token = token.trim_start_matches(' ');
    if !scheme.eq_ignore_ascii_case("bearer") {
        return Err(Denial::NoToken);
    }
    // HTTP APIs join headers of one name by commas, which no token holds.
    if token.contains(',') {
        return Err(Denial::SeveralTokens);
    }
    let plain = token.bytes().all(|b| b.is_ascii_alphanumeric() || b"-._~+/=".contains(&b));
    if plain { Ok(token.to_owned()) } else { Err(Denial::Token(Rejection::Malformed)) }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ARN: &str = "arn:aws:execute-api:eu-west-1:123456789012:a1b2c3/prod/GET/users";

    fn token(event: &str) -> Result<String, Denial> {
        let text = event.replace("ARN", ARN);
        Event::read(&Json::parse(&text).unwrap()).map_or(Err(Denial::UnknownEvent), |event| event.token)
    }

    fn gateway(event: &str) -> Option<Gateway> {
        let text = event.replace("ARN", ARN);
        Event::read(&Json::parse(&text).unwrap()).map(|event| event.gateway)
    }

    #[test]
    fn an_event_tells_which_gateway_asks() {
        assert_eq!(gateway(r#"{"type":"TOKEN","methodArn":"ARN"}"#), Some(Gateway::Rest));
        assert_eq!(gateway(r#"{"type":"REQUEST","methodArn":"ARN"}"#), Some(Gateway::Rest));
        assert_eq!(gateway(r#"{"type":"REQUEST","version":"1.0","methodArn":"ARN"}"#), Some(Gateway::HttpV1));
        assert_eq!(gateway(r#"{"type":"REQUEST","version":"2.0","routeArn":"ARN"}"#), Some(Gateway::HttpV2));
        for event in [
            "null",
            "[]",
            "{}",
            r#"{"type":"TOKEN"}"#,
            r#"{"type":"token","methodArn":"ARN"}"#,
            r#"{"type":"TOKEN","routeArn":"ARN"}"#,
            r#"{"type":"TOKEN","version":"2.0","methodArn":"ARN"}"#,
            r#"{"type":"REQUEST","version":"3.0","methodArn":"ARN","routeArn":"ARN"}"#,
            r#"{"type":"REQUEST","version":2.0,"routeArn":"ARN"}"#,
            r#"{"type":"REQUEST","version":null,"methodArn":"ARN"}"#,
            r#"{"type":"REQUEST","version":"2.0","methodArn":"ARN"}"#,
            r#"{"type":"REQUEST","methodArn":7}"#,
            r#"{"type":["TOKEN"],"methodArn":"ARN"}"#,
        ] {
            assert_eq!(gateway(event), None, "{event}");
        }
    }

    #[test]
    fn a_token_event_holds_bearer_credentials() {
        let of = |credentials: &str| {
            token(&format!(r#"{{"type":"TOKEN","methodArn":"ARN","authorizationToken":{credentials}}}"#))
        };
        for credentials in ["Bearer a.b.c", "bearer a.b.c", "BEARER   a.b.c", " Bearer a.b.c "] {
            assert_eq!(of(&format!("\"{credentials}\"")).as_deref(), Ok("a.b.c"), "{credentials}");
        }
        for nothing in
            [r#""""#, r#""a.b.c""#, r#""Bearer""#, r#""Basic YTpi""#, "7", "null", "[\"Bearer a\"]"]
        {
            assert_eq!(of(nothing), Err(Denial::NoToken), "{nothing}");
        }
        assert_eq!(of(r#""Bearer a.b.c,Bearer d.e.f""#), Err(Denial::SeveralTokens));
        assert_eq!(of(r#""Bearer a.b.c d""#), Err(Denial::Token(Rejection::Malformed)));
        assert_eq!(of(r#""Bearer\ta.b.c""#), Err(Denial::NoToken));
    }

    #[test]
    fn a_request_has_exactly_one_authorization_header_in_any_case() {
        let of = |headers: &str| token(&format!(r#"{{"type":"REQUEST","methodArn":"ARN",{headers}}}"#));
        let good = Ok("a.b.c".to_owned());
        assert_eq!(of(r#""headers":{"Authorization":"Bearer a.b.c"}"#), good);
        assert_eq!(of(r#""headers":{"authorization":"Bearer a.b.c"},"multiValueHeaders":null"#), good);
        assert_eq!(
            of(
                r#""headers":{"AUTHORIZATION":"Bearer a.b.c"},"multiValueHeaders":{"AUTHORIZATION":["Bearer a.b.c"]}"#
            ),
            good
        );
        for several in [
            r#""headers":{"Authorization":"Bearer a.b.c","authorization":"Bearer a.b.c"}"#,
            r#""multiValueHeaders":{"Authorization":["Bearer a.b.c","Bearer a.b.c"]}"#,
            r#""headers":{"Authorization":"Bearer a.b.c"},"multiValueHeaders":{"Authorization":["x","Bearer a.b.c"]}"#,
            r#""headers":{"Authorization":"Bearer a.b.c"},"multiValueHeaders":{"authorization":["Bearer x.y.z"]}"#,
            r#""headers":{"Authorization":"Bearer a.b.c"},"multiValueHeaders":{}"#,
            r#""headers":{"Authorization":["Bearer a.b.c","Bearer a.b.c"]},"multiValueHeaders":{"Authorization":["Bearer a.b.c"]}"#,
        ] {
            assert_eq!(of(several), Err(Denial::SeveralTokens), "{several}");
        }
        for nothing in [
            r#""headers":{}"#,
            r#""headers":null"#,
            r#""x":1"#,
            r#""multiValueHeaders":{"Authorization":[]}"#,
        ] {
            assert_eq!(of(nothing), Err(Denial::NoToken), "{nothing}");
        }
        for odd in [
            r#""headers":[]"#,
            r#""headers":{"Authorization":{}}"#,
            r#""multiValueHeaders":{"Authorization":[7]}"#,
        ] {
            assert_eq!(of(odd), Err(Denial::UnknownEvent), "{odd}");
        }
    }

    #[test]
    fn the_gateway_keeps_answers_by_the_authorization_header_or_gets_none() {
        let of = |version: &str, source: &str| {
            token(&format!(
                r#"{{"type":"REQUEST","version":"{version}","methodArn":"ARN","routeArn":"ARN",
                "headers":{{"authorization":"Bearer a.b.c"}},"identitySource":{source}}}"#
            ))
        };
        for source in ["null", r#"["Bearer a.b.c"]"#, r#"["10.0.0.1","Bearer a.b.c"]"#] {
            assert_eq!(of("2.0", source).as_deref(), Ok("a.b.c"), "{source}");
        }
        for source in [r#""Bearer a.b.c""#, r#""10.0.0.1,Bearer a.b.c""#] {
            assert_eq!(of("1.0", source).as_deref(), Ok("a.b.c"), "{source}");
        }
        for source in ["[]", r#"["10.0.0.1"]"#, r#""10.0.0.1""#, r#"["Bearer a.b.cc"]"#, "7", "{}", "[7]"] {
            assert_eq!(of("2.0", source), Err(Denial::IdentitySource), "{source}");
        }
    }
}
