//! The rules for the claims of a token whose signature is good: functions of the token, the settings and `now`.

use jose::Rejection;
use jose::json::Json;
use serde_json::{Map, Value};

use crate::claim_path::ClaimPath;
use crate::denial::Denial;

/// From here on, a double cannot represent every second.
const EXACT_SECONDS: f64 = 9_007_199_254_740_992.0;

/// Which audiences are accepted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Audiences {
    /// A token names one of these.
    Named(Vec<String>),
    /// Any audience, or no audience: for issuers that name the audience in another claim, which `AUTHORIZER_CLAIMS` requires.
    Any,
}

/// A claim that must be there, with its value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Required {
    /// Which claim.
    pub path: ClaimPath,
    /// Its text, or the text of one element; for a number, as [`Json`] prints it.
    pub value: String,
}

/// The rules for a token.
#[derive(Clone, Debug)]
pub struct Rules {
    /// `AUTHORIZER_AUDIENCES`.
    pub audiences: Audiences,
    /// `AUTHORIZER_SCOPES`, all of them.
    pub scopes: Vec<String>,
    /// `AUTHORIZER_CLAIMS`, all of them.
    pub claims: Vec<Required>,
    /// `AUTHORIZER_CLOCK_SKEW`, in seconds.
    pub skew: u64,
    /// `AUTHORIZER_CONTEXT`.
    pub context: Vec<ClaimPath>,
}

/// The result for an accepted token.
#[derive(Clone, Debug, PartialEq)]
pub struct Grant {
    /// The caller, for the gateway's logs.
    pub principal: String,
    /// The claims that are passed on, flat as REST APIs need it.
    pub context: Map<String, Value>,
}

impl Rules {
    /// Judges the header and the claims that a signature of `issuer` covers.
    ///
    /// # Errors
    /// The first [`Denial`].
    pub fn grant(
        &self,
        issuer: &str,
        header: &Json<'_>,
        claims: &Json<'_>,
        now: u64,
    ) -> Result<Grant, Denial> {
        require_type(header.get("typ"))?;
        if claims.get("iss").and_then(Json::text) != Some(issuer) {
            return Err(Denial::Token(Rejection::WrongIssuer));
        }
        self.require_time(claims, now)?;
        self.require_audience(claims.get("aud"))?;
        if said(claims, "cnf").is_some() {
            return Err(Denial::SenderConstrained);
        }
        if claims.get("demo") == Some(&Json::Bool(true)) && !self.asks_for_demo_tokens() {
            return Err(Denial::DemoToken);
        }
        self.require_scopes(claims)?;
        if !self.claims.iter().all(|required| required.holds(claims)) {
            return Err(Denial::MissingClaim);
        }
        Ok(Grant { principal: principal(claims), context: self.context(claims) })
    }

    fn require_time(&self, claims: &Json<'_>, now: u64) -> Result<(), Denial> {
        let exp = date(claims, "exp", f64::floor)?.ok_or(Denial::Token(Rejection::InvalidClaim("exp")))?;
        let nbf = date(claims, "nbf", f64::ceil)?;
        date(claims, "iat", f64::floor)?;
        if now >= exp.saturating_add(self.skew) {
            return Err(Denial::Token(Rejection::Expired));
        }
        if nbf.is_some_and(|nbf| now.saturating_add(self.skew) < nbf) {
            return Err(Denial::Token(Rejection::NotYetValid));
        }
        Ok(())
    }

    fn require_audience(&self, aud: Option<&Json<'_>>) -> Result<(), Denial> {
        let named = match aud {
            None => Vec::new(),
            Some(Json::Text(one)) => vec![one.as_ref()],
            Some(many) => texts(many).ok_or(Denial::Token(Rejection::InvalidClaim("aud")))?,
        };
        match &self.audiences {
            Audiences::Named(ours) if !ours.iter().any(|one| named.contains(&one.as_str())) => {
                Err(Denial::Token(Rejection::WrongAudience))
            }
            _ => Ok(()),
        }
    }

    /// If no scope is required, the claims for scopes may have any type.
    fn require_scopes(&self, claims: &Json<'_>) -> Result<(), Denial> {
        if self.scopes.is_empty() {
            return Ok(());
        }
        let scopes = scopes(claims)?;
        let has_all = self.scopes.iter().all(|scope| scopes.contains(&scope.as_str()));
        has_all.then_some(()).ok_or(Denial::MissingScope)
    }

    fn asks_for_demo_tokens(&self) -> bool {
        self.claims.iter().any(|required| Some(&required.path) == ClaimPath::parse("demo").as_ref())
    }

    /// REST APIs pass on strings, numbers and booleans; lists and objects go as their JSON text.
    fn context(&self, claims: &Json<'_>) -> Map<String, Value> {
        let found = self.context.iter().filter_map(|path| {
            let value = match path.find(claims)? {
                Json::Null => return None,
                Json::Bool(value) => Value::Bool(*value),
                Json::Number(number) => Value::Number(number.clone()),
                Json::Text(text) => Value::from(text.as_ref()),
                nested => Value::from(nested.to_string()),
            };
            Some((path.context_key(), value))
        });
        found.collect()
    }
}

impl Required {
    fn holds(&self, claims: &Json<'_>) -> bool {
        let is = |value: &Json<'_>| match value {
            Json::Text(text) => *text == self.value,
            Json::Bool(_) | Json::Number(_) => value.to_string() == self.value,
            Json::Null | Json::Array(_) | Json::Object(_) => false,
        };
        match self.path.find(claims) {
            Some(Json::Array(elements)) => elements.iter().any(is),
            found => found.is_some_and(is),
        }
    }
}

/// No `typ`, `JWT`, or `at+jwt` (RFC 9068 §2.1), perhaps as a media type. What has another type was made for another end
/// (RFC 8725 §3.11).
fn require_type(typ: Option<&Json<'_>>) -> Result<(), Denial> {
    let accepted = typ.is_none_or(|typ| {
        let name = typ.text().unwrap_or_default().to_ascii_lowercase();
        ["jwt", "at+jwt"].contains(&name.strip_prefix("application/").unwrap_or(&name))
    });
    accepted.then_some(()).ok_or(Denial::Token(Rejection::InvalidClaim("typ")))
}

/// A claim that the token makes. Some issuers write `null` for those that it does not.
fn said<'j, 'a>(claims: &'j Json<'a>, name: &str) -> Option<&'j Json<'a>> {
    claims.get(name).filter(|value| **value != Json::Null)
}

/// A NumericDate in whole seconds, rounded to the side that accepts less.
fn date(claims: &Json<'_>, name: &'static str, round: fn(f64) -> f64) -> Result<Option<u64>, Denial> {
    let invalid = Denial::Token(Rejection::InvalidClaim(name));
    match said(claims, name) {
        None => Ok(None),
        Some(Json::Number(number)) => match (number.as_u64(), number.as_f64()) {
            (Some(seconds), _) => Ok(Some(seconds)),
            // The cast is exact: whole, not negative, below 2^53.
            (None, Some(seconds)) if (0.0..EXACT_SECONDS).contains(&seconds) => {
                Ok(Some(round(seconds) as u64))
            }
            _ => Err(invalid),
        },
        Some(_) => Err(invalid),
    }
}

/// What `scope` (RFC 8693 §4.2), `scp` and `scopes` grant, each a list or words with spaces between them.
fn scopes<'j>(claims: &'j Json<'_>) -> Result<Vec<&'j str>, Denial> {
    let mut granted = Vec::new();
    for name in ["scope", "scp", "scopes"] {
        match said(claims, name) {
            None => {}
            Some(Json::Text(words)) => granted.extend(words.split(' ').filter(|word| !word.is_empty())),
            Some(list) => granted.extend(texts(list).ok_or(Denial::Token(Rejection::InvalidClaim(name)))?),
        }
    }
    Ok(granted)
}

fn texts<'j>(list: &'j Json<'_>) -> Option<Vec<&'j str>> {
    list.elements()?.iter().map(Json::text).collect()
}

fn principal(claims: &Json<'_>) -> String {
    let names = ["sub", "client_id", "azp"].into_iter();
    let text = names.filter_map(|name| claims.get(name)?.text()).find(|text| !text.is_empty());
    text.unwrap_or("unnamed").to_owned()
}

#[cfg(test)]
mod tests;
