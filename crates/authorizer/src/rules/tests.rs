use super::*;
use Rejection::{Expired, InvalidClaim, NotYetValid, WrongAudience, WrongIssuer};

const NOW: u64 = 1_700_000_000;
const GOOD: &str = r#"{"iss":"me","aud":"api","exp":1700000100,"sub":"ada"}"#;

fn rules() -> Rules {
    Rules {
        audiences: Audiences::Named(vec!["api".to_owned(), "web".to_owned()]),
        scopes: Vec::new(),
        claims: Vec::new(),
        skew: 10,
        context: Vec::new(),
    }
}

fn judge(rules: &Rules, claims: &str) -> Result<Grant, Denial> {
    rules.grant("me", &Json::parse(b"{}").unwrap(), &Json::parse(claims.as_bytes()).unwrap(), NOW)
}

fn with(member: &str) -> Result<Grant, Denial> {
    judge(&rules(), &GOOD.replace('}', &format!(",{member}}}")))
}

fn instead(old: &str, new: &str) -> Result<(), Denial> {
    let claims = GOOD.replace(old, new);
    assert_ne!(claims, GOOD);
    judge(&rules(), &claims).map(|_| ())
}

fn token(rejection: Rejection) -> Denial {
    Denial::Token(rejection)
}

#[test]
fn a_good_token_is_let_in_under_its_subject() {
    assert_eq!(judge(&rules(), GOOD).unwrap().principal, "ada");
    let nameless = GOOD.replace(r#","sub":"ada""#, "");
    assert_eq!(judge(&rules(), &nameless).unwrap().principal, "unnamed");
    let client = nameless.replace('}', r#","azp":"a","client_id":"c"}"#);
    assert_eq!(judge(&rules(), &client).unwrap().principal, "c");
}

#[test]
fn the_issuer_is_exactly_the_one_whose_key_signed() {
    for other in [r#""iss":"you""#, r#""iss":"Me""#, r#""iss":["me"]"#, r#""x":1"#, r#""iss":null"#] {
        assert_eq!(instead(r#""iss":"me""#, other), Err(token(WrongIssuer)), "{other}");
    }
}

#[test]
fn the_audience_names_us_alone_or_among_others() {
    for ours in [r#""web""#, r#"["api"]"#, r#"["other","web"]"#] {
        assert_eq!(instead(r#""aud":"api""#, &format!(r#""aud":{ours}"#)), Ok(()), "{ours}");
    }
    for others in [r#""aud":"apis""#, r#""aud":["other"]"#, r#""aud":[]"#, r#""x":1"#, r#""aud":"api web""#] {
        assert_eq!(instead(r#""aud":"api""#, others), Err(token(WrongAudience)), "{others}");
    }
    for odd in ["7", "null", "{}", r#"["api",7]"#] {
        let refused = Err(token(InvalidClaim("aud")));
        assert_eq!(instead(r#""aud":"api""#, &format!(r#""aud":{odd}"#)), refused, "{odd}");
    }
    let any = Rules { audiences: Audiences::Any, ..rules() };
    assert!(judge(&any, &GOOD.replace(r#""aud":"api","#, "")).is_ok());
    assert!(judge(&any, &GOOD.replace(r#""api""#, "7")).is_err());
}

#[test]
fn time_is_held_to_the_second_with_the_skew() {
    let exp = |exp: &str| instead("1700000100", exp);
    assert_eq!(exp("1699999991"), Ok(()));
    assert_eq!(exp("1699999991.9"), Ok(()), "1699999991");
    assert_eq!(exp("1699999990"), Err(token(Expired)));
    assert_eq!(exp("1699999990.9"), Err(token(Expired)), "a fraction is cut off");
    assert_eq!(exp("18446744073709551615"), Ok(()));
    for odd in ["-1", "1e300", "\"1700000100\"", "null", "[]", "18446744073709551616"] {
        assert_eq!(exp(odd), Err(token(InvalidClaim("exp"))), "{odd}");
    }
    assert_eq!(instead(r#""exp":1700000100,"#, ""), Err(token(InvalidClaim("exp"))), "it is required");
    assert!(with(r#""nbf":1700000010"#).is_ok());
    assert_eq!(with(r#""nbf":1700000011"#).unwrap_err(), token(NotYetValid));
    assert_eq!(with(r#""nbf":1700000010.1"#).unwrap_err(), token(NotYetValid), "a fraction is rounded up");
    assert_eq!(with(r#""nbf":"1""#).unwrap_err(), token(InvalidClaim("nbf")));
    assert!(with(r#""iat":1800000000"#).is_ok(), "clocks are set back");
    assert_eq!(with(r#""iat":true"#).unwrap_err(), token(InvalidClaim("iat")));
}

#[test]
fn a_type_for_another_end_is_refused() {
    let of = |header: &str| {
        let (header, claims) =
            (Json::parse(header.as_bytes()).unwrap(), Json::parse(GOOD.as_bytes()).unwrap());
        rules().grant("me", &header, &claims, NOW).map(|_| ())
    };
    for typ in ["JWT", "jwt", "application/jwt", "at+jwt", "AT+JWT", "application/at+jwt"] {
        assert_eq!(of(&format!(r#"{{"typ":"{typ}"}}"#)), Ok(()), "{typ}");
    }
    for typ in [r#""dpop+jwt""#, r#""logout+jwt""#, r#""JOSE""#, r#""""#, "7", "null", r#""text/jwt""#] {
        assert_eq!(of(&format!(r#"{{"typ":{typ}}}"#)), Err(token(InvalidClaim("typ"))), "{typ}");
    }
}

#[test]
fn a_token_that_is_bound_to_a_key_is_no_bearer_token() {
    assert_eq!(with(r#""cnf":{"jkt":"x"}"#).unwrap_err(), Denial::SenderConstrained);
    assert_eq!(with(r#""cnf":{}"#).unwrap_err(), Denial::SenderConstrained);
    assert_eq!(with(r#""cnf":false"#).unwrap_err(), Denial::SenderConstrained);
}

#[test]
fn demo_tokens_open_what_asks_for_them_alone() {
    assert_eq!(with(r#""demo":true"#).unwrap_err(), Denial::DemoToken);
    assert!(with(r#""demo":false"#).is_ok());
    let claims = vec![Required { path: ClaimPath::parse("demo").unwrap(), value: "true".to_owned() }];
    let asking = Rules { claims, ..rules() };
    assert!(judge(&asking, &GOOD.replace('}', r#","demo":true}"#)).is_ok());
    assert_eq!(judge(&asking, GOOD).unwrap_err(), Denial::MissingClaim);
}

#[test]
fn all_scopes_are_asked_for_wherever_they_are_written() {
    let rules = Rules { scopes: vec!["read".to_owned(), "write".to_owned()], ..rules() };
    let with = |member: &str| judge(&rules, &GOOD.replace('}', &format!(",{member}}}"))).map(|_| ());
    for granted in [
        r#""scope":"read write""#,
        r#""scope":" write  read admin ""#,
        r#""scp":["read","write"]"#,
        r#""scopes":["write","read"]"#,
        r#""scp":"read write""#,
        r#""scope":"read","scp":["write"]"#,
    ] {
        assert_eq!(with(granted), Ok(()), "{granted}");
    }
    for lacking in [
        r#""x":1"#,
        r#""scope":"read""#,
        r#""scope":"read writes""#,
        r#""scope":"read,write""#,
        r#""scope":"READ WRITE""#,
        r#""scope":"read\twrite""#,
        r#""scp":["read write"]"#,
    ] {
        assert_eq!(with(lacking), Err(Denial::MissingScope), "{lacking}");
    }
    for odd in ["7", "{}", r#"["read",1,"write"]"#] {
        assert_eq!(with(&format!(r#""scope":{odd}"#)), Err(token(InvalidClaim("scope"))), "{odd}");
    }
    let odd_beside = with(r#""scope":"read write","scopes":{}"#);
    assert_eq!(odd_beside, Err(token(InvalidClaim("scopes"))));
}

#[test]
fn where_no_scope_is_asked_for_their_form_does_not_matter() {
    for odd in [r#""scope":7"#, r#""scp":{"read":true}"#, r#""scopes":[["read"]]"#] {
        assert!(with(odd).is_ok(), "{odd}");
    }
}

#[test]
fn null_is_a_claim_that_is_not_made() {
    assert!(with(r#""nbf":null,"iat":null,"cnf":null,"scope":null,"scp":null,"scopes":null"#).is_ok());
    let rules = Rules { scopes: vec!["read".to_owned()], ..rules() };
    let scoped = |members: &str| judge(&rules, &GOOD.replace('}', &format!(",{members}}}"))).map(|_| ());
    assert_eq!(scoped(r#""scope":null"#), Err(Denial::MissingScope));
    assert_eq!(scoped(r#""scope":null,"scp":["read"]"#), Ok(()));
    assert_eq!(instead("1700000100", "null"), Err(token(InvalidClaim("exp"))), "it is required");
}

#[test]
fn all_claims_are_asked_for_by_value() {
    let required =
        |path: &str, value: &str| Required { path: ClaimPath::parse(path).unwrap(), value: value.to_owned() };
    let holds = |path: &str, value: &str| {
        let claims = vec![required(path, value), required("sub", "ada")];
        let claims = Rules { claims, ..rules() };
        let members = r#","a":{"b":["x","y",7]},"n":7,"t":true,"s":"7","z":null,"e":""}"#;
        judge(&claims, &GOOD.replace('}', members)).is_ok()
    };
    for (path, value) in [("a.b", "y"), ("a.b", "7"), ("n", "7"), ("t", "true"), ("s", "7"), ("e", "")] {
        assert!(holds(path, value), "{path}={value}");
    }
    for (path, value) in [
        ("a.b", "z"),
        ("a", "b"),
        ("n", "7.0"),
        ("t", "True"),
        ("z", "null"),
        ("z", ""),
        ("none", ""),
        ("s.x", "7"),
    ] {
        assert!(!holds(path, value), "{path}={value}");
    }
    let other = Rules { claims: vec![required("sub", "Ada")], ..rules() };
    assert_eq!(judge(&other, GOOD).unwrap_err(), Denial::MissingClaim);
}

#[test]
fn numbers_are_compared_as_json_prints_them() {
    let holds = |number: &str, value: &str| {
        let path = ClaimPath::parse("n").unwrap();
        let rules = Rules { claims: vec![Required { path, value: value.to_owned() }], ..rules() };
        judge(&rules, &GOOD.replace('}', &format!(r#","n":{number}}}"#))).is_ok()
    };
    for (number, value) in [
        ("18446744073709551615", "18446744073709551615"),
        ("-9223372036854775808", "-9223372036854775808"),
        ("1.5", "1.5"),
        ("1.50", "1.5"),
        ("1.00", "1.0"),
        ("1e2", "100.0"),
    ] {
        assert!(holds(number, value), "{number}: {value}");
    }
    for (number, value) in [
        ("18446744073709551616", "18446744073709551616"),
        ("18446744073709551615", "18446744073709551614"),
        ("1", "1.0"),
        ("1.0", "1"),
        ("1.50", "1.50"),
        ("1e2", "1e2"),
        ("100", "1e2"),
    ] {
        assert!(!holds(number, value), "{number}: {value}");
    }
}

#[test]
fn what_is_passed_on_is_flat() {
    let context = ["sub", "roles", "a.b", "n", "t", "z", "none"].map(|path| ClaimPath::parse(path).unwrap());
    let rules = Rules { context: context.to_vec(), ..rules() };
    let claims = GOOD.replace('}', r#","roles":["x y","z"],"a":{"b":{"c":1}},"n":1.5,"t":false,"z":null}"#);
    let passed = Value::Object(judge(&rules, &claims).unwrap().context).to_string();
    assert_eq!(passed, r#"{"a_b":"{\"c\":1}","n":1.5,"roles":"[\"x y\",\"z\"]","sub":"ada","t":false}"#);
}
