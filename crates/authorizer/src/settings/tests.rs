use super::*;
use crate::claim_path::ClaimPath;
use crate::rules::Required;

fn read(set: &[(&str, &str)]) -> Result<Settings, Vec<String>> {
    let set = set.iter().map(|(name, value)| (OsString::from(name), OsString::from(value)));
    Settings::read(set).map_err(|faults| faults.0.iter().map(ToString::to_string).collect())
}

const ISSUER: (&str, &str) = ("AUTHORIZER_ISSUERS", "https://id.example.com");
const AUDIENCE: (&str, &str) = ("AUTHORIZER_AUDIENCES", "api");

/// The one fault of this setting beside good ones.
fn wrong(name: &str, value: &str) -> String {
    let base = [ISSUER, AUDIENCE].into_iter().filter(|(other, _)| *other != name);
    let faults = read(&base.chain([(name, value)]).collect::<Vec<_>>()).unwrap_err();
    assert_eq!(faults.len(), 1, "{faults:?}");
    faults[0].clone()
}

#[test]
fn two_settings_are_enough() {
    let settings = read(&[ISSUER, AUDIENCE, ("PATH", "/"), ("AUTHORIZER_SCOPES", " ")]).unwrap();
    assert_eq!(settings.sources[0].issuer(), "https://id.example.com");
    assert_eq!(settings.algorithms, Algorithm::ALL[..4], "post-quantum ones by choice alone");
    assert_eq!(settings.rules.audiences, Audiences::Named(vec!["api".to_owned()]));
    assert_eq!((settings.rules.skew, settings.rules.context.len()), (30, 3));
    assert_eq!(settings.style, Style::Simple);
    assert_eq!(settings.ages.cooldown, Duration::from_secs(30));
    assert_eq!(settings.log_level, Level::INFO);
}

#[test]
fn all_faults_come_at_once() {
    let faults = read(&[
        ("AUTHORIZER_SCOPE", "read"),
        ("AUTHORIZER_ALGORITHMS", "RS256,HS256"),
        ("AUTHORIZER_CLOCK_SKEW", "-1"),
        ("AUTHORIZER_RESPONSE", "Simple"),
        ("AUTHORIZER_LOG_LEVEL", "trace"),
    ])
    .unwrap_err();
    assert_eq!(
        faults,
        [
            "AUTHORIZER_SCOPE=read: there is no such setting; did you mean AUTHORIZER_SCOPES?",
            "AUTHORIZER_ISSUERS=: name at least one issuer, such as https://id.example.com",
            "AUTHORIZER_ALGORITHMS=RS256,HS256: it must be one or more of RS256, PS256, ES256, EdDSA, ML-DSA-44, ML-DSA-65 and ML-DSA-87",
            "AUTHORIZER_AUDIENCES=: name at least one \"aud\" of the tokens for this API",
            "AUTHORIZER_CLOCK_SKEW=-1: it must be a number of seconds from 0 to 300",
            "AUTHORIZER_RESPONSE=Simple: it must be simple or policy",
            "AUTHORIZER_LOG_LEVEL=trace: it must be error, warn, info or debug",
        ]
    );
}

#[test]
fn an_issuer_is_an_address_or_is_given_one() {
    let issuers = "https://id.example.com/, me = http://127.0.0.1:1/jwks ,you=https://x.example.com/k?p=a";
    let settings = read(&[("AUTHORIZER_ISSUERS", issuers), AUDIENCE]).unwrap();
    let names: Vec<_> = settings.sources.iter().map(Source::issuer).collect();
    assert_eq!(names, ["https://id.example.com/", "me", "you"]);
    for (value, reason) in [
        ("http://id.example.com", "must begin with https://"),
        ("me", "must begin with https://"),
        ("me=http://id.example.com/jwks", "must begin with https://"),
        ("=https://id.example.com/jwks", "lacks the issuer"),
        ("me=", "it is not an address"),
        ("https://id.example.com?a=b", "an issuer has no query"),
        ("https://a.example.com,https://a.example.com", "named twice"),
        ("https://user:secret@id.example.com", "a user"),
    ] {
        let fault = wrong("AUTHORIZER_ISSUERS", value);
        assert!(fault.contains(reason), "{value}: {fault}");
    }
}

#[test]
fn any_audience_wants_another_bond() {
    assert!(wrong("AUTHORIZER_AUDIENCES", "*").contains("which tokens are for this API"));
    assert!(wrong("AUTHORIZER_AUDIENCES", "*,api").contains("* stands alone"));
    let settings =
        read(&[ISSUER, ("AUTHORIZER_AUDIENCES", "*"), ("AUTHORIZER_CLAIMS", "client_id=c")]).unwrap();
    assert_eq!(settings.rules.audiences, Audiences::Any);
}

#[test]
fn claims_are_pairs_with_whatever_stands_behind_the_first_equals_sign() {
    let claims = r"role=admin, a.b = x=y ,https://example\.com/t=1\,2,e=";
    let settings = read(&[ISSUER, AUDIENCE, ("AUTHORIZER_CLAIMS", claims)]).unwrap();
    let required =
        |path: &str, value: &str| Required { path: ClaimPath::parse(path).unwrap(), value: value.to_owned() };
    let expected = [
        required("role", "admin"),
        required("a.b", "x=y"),
        required(r"https://example\.com/t", "1,2"),
        required("e", ""),
    ];
    assert_eq!(settings.rules.claims, expected);
    for value in ["role", "=admin", "a..b=c"] {
        assert!(wrong("AUTHORIZER_CLAIMS", value).contains("is not name=value"), "{value}");
    }
}

#[test]
fn what_is_passed_on_has_names_that_differ() {
    assert!(wrong("AUTHORIZER_CONTEXT", "a.b,a_b").contains("the same name"));
    let none = read(&[ISSUER, AUDIENCE, ("AUTHORIZER_CONTEXT", "-")]).unwrap();
    assert_eq!(none.rules.context, []);
    assert!(wrong("AUTHORIZER_SCOPES", "read write").contains("separate them by commas"));
}

#[test]
fn a_backslash_protects_what_belongs_to_an_issuers_name_or_address() {
    let issuers =
        r"a\=b=https://id.example.com/k\,1?p=a,https://id.example.com/a\,b, c\\ = https://id.example.com/c";
    let settings = read(&[("AUTHORIZER_ISSUERS", issuers), AUDIENCE]).unwrap();
    let names: Vec<_> = settings.sources.iter().map(Source::issuer).collect();
    assert_eq!(names, ["a=b", "https://id.example.com/a,b", r"c\"]);
    let Source::Known { keys, .. } = &settings.sources[0] else { panic!("{settings:?}") };
    assert_eq!(keys.as_str(), "https://id.example.com/k,1?p=a");
    let Source::Described { address, documents, .. } = &settings.sources[1] else { panic!("{settings:?}") };
    assert_eq!(address.as_str(), "https://id.example.com/a,b");
    assert_eq!(documents[0].as_str(), "https://id.example.com/a,b/.well-known/openid-configuration");
    assert!(wrong("AUTHORIZER_ISSUERS", r"a\=https://id.example.com/k").contains("is not an address"));
}

#[test]
fn a_rule_that_is_set_names_something() {
    for name in [
        "AUTHORIZER_ISSUERS",
        "AUTHORIZER_AUDIENCES",
        "AUTHORIZER_SCOPES",
        "AUTHORIZER_CLAIMS",
        "AUTHORIZER_ALGORITHMS",
        "AUTHORIZER_CONTEXT",
    ] {
        for value in [",", " , ,"] {
            assert!(wrong(name, value).contains("nothing between the commas"), "{name}={value}");
        }
    }
}

#[test]
fn a_protected_asterisk_is_a_name() {
    let named = |value| read(&[ISSUER, ("AUTHORIZER_AUDIENCES", value)]).unwrap().rules.audiences;
    assert_eq!(named(r"\*"), Audiences::Named(vec!["*".to_owned()]));
    assert_eq!(named(r"api,\*"), Audiences::Named(vec!["api".to_owned(), "*".to_owned()]));
}

#[test]
fn a_name_that_nearly_spells_a_setting_is_a_fault() {
    for (name, meant) in [
        ("AUTHORISER_SCOPES", "AUTHORIZER_SCOPES"),
        ("AUTHORISER_SCOPE", "AUTHORIZER_SCOPES"),
        ("authorizer_claims", "AUTHORIZER_CLAIMS"),
        ("AUTHORIZERCLAIMS", "AUTHORIZER_CLAIMS"),
        ("AUHTORIZER_JWKS_STALE", "AUTHORIZER_JWKS_STALE"),
    ] {
        let expected = format!("{name}=x: there is no such setting; did you mean {meant}?");
        assert_eq!(wrong(name, "x"), expected);
    }
    let lists = "there is no such setting; docs/authorizer.md lists them";
    assert_eq!(wrong("AUTHORIZER_TABLE", "x"), format!("AUTHORIZER_TABLE=x: {lists}"));
    assert!(read(&[ISSUER, AUDIENCE, ("AUTHORIZATION", "x"), ("MY_AUTHORIZER_SCOPES", "x")]).is_ok());
}
