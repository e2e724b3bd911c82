//! The parameter `claims`: single claims that a client asks for (OpenID Connect Core §5.5).

use serde_json::{Map, Value};

/// The names of the claims that a request asks for, and what it demands of `sub` and `acr`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ClaimsRequest {
    /// For the id token.
    pub id_token: Vec<String>,
    /// For the userinfo.
    pub userinfo: Vec<String>,
    /// The user whom the client expects.
    pub subject: Option<String>,
    acr: Option<AcrRequest>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct AcrRequest {
    is_essential: bool,
    /// The classes that the client accepts; empty: each.
    values: Vec<String>,
}

impl ClaimsRequest {
    /// More claims are not asked for by a client in earnest. Their names are stored until the grant ends.
    const MAX_CLAIMS: usize = 32;
    const MAX_NAME: usize = 64;

    /// Reads the parameter.
    ///
    /// # Errors
    /// A sentence that says what the parameter must be.
    pub fn read(text: Option<&str>) -> Result<Self, &'static str> {
        let Some(text) = text else { return Ok(Self::default()) };
        let form = "claims must be a JSON object with the members id_token and userinfo, which are objects";
        let Ok(Value::Object(members)) = serde_json::from_str(text) else { return Err(form) };
        let place = |name: &str| match members.get(name) {
            None | Some(Value::Null) => Ok(Map::new()),
            Some(Value::Object(claims)) => Ok(claims.clone()),
            Some(_) => Err(form),
        };
        let (id_token, userinfo) = (place("id_token")?, place("userinfo")?);
        let expected = id_token.get("sub").or_else(|| userinfo.get("sub"));
        Ok(Self {
            subject: expected.and_then(|sub| sub["value"].as_str()).map(str::to_owned),
            acr: id_token.get("acr").map(AcrRequest::read),
            id_token: names(&id_token)?,
            userinfo: names(&userinfo)?,
        })
    }

    /// Whether the id token shall have `acr`.
    pub fn wants_acr(&self) -> bool {
        self.acr.is_some()
    }

    /// Whether a log-in of this class is enough (§5.5.1.1).
    pub fn admits_acr(&self, acr: &str) -> bool {
        self.acr.as_ref().is_none_or(|wanted| {
            !wanted.is_essential || wanted.values.is_empty() || wanted.values.iter().any(|value| value == acr)
        })
    }
}

impl AcrRequest {
    fn read(wanted: &Value) -> Self {
        let one = wanted["value"].as_str().map(str::to_owned);
        let many = wanted["values"].as_array().into_iter().flatten();
        let values = one.into_iter().chain(many.filter_map(|value| value.as_str().map(str::to_owned)));
        Self { is_essential: wanted["essential"] == Value::Bool(true), values: values.collect() }
    }
}

fn names(claims: &Map<String, Value>) -> Result<Vec<String>, &'static str> {
    let fits = claims.len() <= ClaimsRequest::MAX_CLAIMS
        && claims.keys().all(|name| name.len() <= ClaimsRequest::MAX_NAME);
    if fits { Ok(claims.keys().cloned().collect()) } else { Err("claims asks for too many claims") }
}

#[cfg(test)]
mod tests {
    use super::ClaimsRequest;

    #[test]
    fn names_and_the_expected_user_are_read() {
        let text = r#"{"id_token":{"sub":{"value":"7"},"email":null},"userinfo":{"name":{"essential":true}},"other":1}"#;
        let claims = ClaimsRequest::read(Some(text)).unwrap();
        assert_eq!(claims.subject.as_deref(), Some("7"));
        assert_eq!(
            (claims.id_token, claims.userinfo),
            (vec!["email".to_owned(), "sub".to_owned()], vec!["name".to_owned()])
        );
        assert_eq!(ClaimsRequest::read(None), Ok(ClaimsRequest::default()));
    }

    #[test]
    fn only_an_essential_class_of_the_log_in_is_demanded() {
        for (acr, admits) in [
            ("null", true),
            (r#"{"value":"other"}"#, true),
            (r#"{"essential":true}"#, true),
            (r#"{"essential":true,"value":"other"}"#, false),
            (r#"{"essential":true,"values":["other","mine"]}"#, true),
        ] {
            let claims = ClaimsRequest::read(Some(&format!(r#"{{"id_token":{{"acr":{acr}}}}}"#))).unwrap();
            assert_eq!((claims.wants_acr(), claims.admits_acr("mine")), (true, admits), "{acr}");
        }
    }

    #[test]
    fn other_texts_are_refused() {
        let many = (0..33).map(|n| format!(r#""{n}":null"#)).collect::<Vec<_>>().join(",");
        let many = format!(r#"{{"userinfo":{{{many}}}}}"#);
        for text in ["", "1", "[]", r#"{"id_token":1}"#, r#"{"userinfo":[]}"#, &many] {
            assert!(ClaimsRequest::read(Some(text)).is_err(), "{text}");
        }
    }
}
