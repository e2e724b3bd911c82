//! Turns the text of a setting into a value, or into a message that says what is allowed.

use std::collections::BTreeSet;

use jose::Algorithm;
use tracing::Level;

use crate::address::Address;
use crate::answer::Style;
use crate::claim_path::{ClaimPath, split_unescaped, unescaped};
use crate::keys::Source;
use crate::rules::{Audiences, Required};

/// A placeholder for a value that could not be read, until the errors are reported.
pub trait Placeholder {
    /// Any value.
    fn placeholder() -> Self;
}

impl<T> Placeholder for Vec<T> {
    fn placeholder() -> Self {
        Self::new()
    }
}

impl Placeholder for u64 {
    fn placeholder() -> Self {
        0
    }
}

impl Placeholder for Audiences {
    fn placeholder() -> Self {
        Self::Named(Vec::new())
    }
}

impl Placeholder for Style {
    fn placeholder() -> Self {
        Self::Simple
    }
}

impl Placeholder for Level {
    fn placeholder() -> Self {
        Self::INFO
    }
}

/// The parts of a list with commas, without the spaces around them. Empty parts are skipped. A list with no other part is
/// an error, because an operator who sets a rule wants one.
fn listed(text: &str) -> Result<Vec<String>, String> {
    let parts = split_unescaped(text, ',').into_iter();
    let parts: Vec<_> = parts.map(|part| part.trim().to_owned()).filter(|part| !part.is_empty()).collect();
    match parts.is_empty() && !text.is_empty() {
        true => Err("there is nothing between the commas; leave it unset, or name something".to_owned()),
        false => Ok(parts),
    }
}

/// Both sides of the first equals sign that has no backslash before it; without one, there is no second.
fn sides(pair: &str) -> (String, Option<String>) {
    let mut parts = split_unescaped(pair, '=').into_iter();
    let first = parts.next().unwrap_or_default().trim().to_owned();
    let rest: Vec<_> = parts.collect();
    (first, (!rest.is_empty()).then(|| rest.join("=").trim().to_owned()))
}

pub fn words(text: &str) -> Result<Vec<String>, String> {
    let words: Vec<String> = listed(text)?.iter().map(|word| unescaped(word)).collect();
    match words.iter().find(|word| word.contains(char::is_whitespace)) {
        Some(word) => Err(format!("\"{word}\" holds a space; separate them by commas")),
        None => Ok(words),
    }
}

pub fn issuers(text: &str) -> Result<Vec<Source>, String> {
    let sources = listed(text)?.iter().map(|entry| source(entry)).collect::<Result<Vec<_>, _>>()?;
    let names: BTreeSet<_> = sources.iter().map(Source::issuer).collect();
    match sources.len() {
        0 => Err("name at least one issuer, such as https://id.example.com".to_owned()),
        count if count > names.len() => Err("an issuer is named twice".to_owned()),
        _ => Ok(sources),
    }
}

fn source(entry: &str) -> Result<Source, String> {
    let (issuer, keys) = sides(entry);
    if let Some(keys) = keys.filter(|_| !issuer.contains('?')) {
        let address = Address::parse(&unescaped(&keys)).map_err(|wrong| format!("\"{keys}\": {wrong}"))?;
        return match issuer.as_str() {
            "" => Err(format!("\"{entry}\" lacks the issuer before the =")),
            issuer => Ok(Source::Known { issuer: unescaped(issuer), keys: address }),
        };
    }
    let wrong = |wrong| format!("\"{entry}\": {wrong}; or write issuer=address of its key set");
    let issuer = unescaped(entry);
    let address = Address::parse(&issuer).map_err(wrong)?;
    let documents = address.discoveries().map_err(wrong)?;
    Ok(Source::Described { issuer, address, documents })
}

pub fn audiences(text: &str) -> Result<Audiences, String> {
    let named = listed(text)?;
    match named.as_slice() {
        [] => Err("name at least one \"aud\" of the tokens for this API".to_owned()),
        [any] if any == "*" => Ok(Audiences::Any),
        many if many.iter().any(|one| one == "*") => Err("* stands alone".to_owned()),
        many => Ok(Audiences::Named(many.iter().map(|one| unescaped(one)).collect())),
    }
}

pub fn claims(text: &str) -> Result<Vec<Required>, String> {
    let pairs = listed(text)?.into_iter().map(|pair| {
        let (name, value) = sides(&pair);
        let (path, value) =
            ClaimPath::parse(&name).zip(value).ok_or_else(|| format!("\"{pair}\" is not name=value"))?;
        Ok(Required { path, value: unescaped(&value) })
    });
    pairs.collect()
}

pub fn context(text: &str) -> Result<Vec<ClaimPath>, String> {
    if text == "-" {
        return Ok(Vec::new());
    }
    let paths = listed(text)?
        .into_iter()
        .map(|name| ClaimPath::parse(&name).ok_or_else(|| format!("\"{name}\" is not the name of a claim")));
    let paths = paths.collect::<Result<Vec<_>, _>>()?;
    let keys: BTreeSet<_> = paths.iter().map(ClaimPath::context_key).collect();
    match keys.len() == paths.len() {
        true => Ok(paths),
        false => Err("two of these would have the same name at the gateway".to_owned()),
    }
}

pub fn algorithms(text: &str) -> Result<Vec<Algorithm>, String> {
    let named = listed(text)?.into_iter().map(|name| {
        let known = || {
            "it must be one or more of RS256, PS256, ES256, EdDSA, ML-DSA-44, ML-DSA-65 and ML-DSA-87"
                .to_owned()
        };
        name.parse::<Algorithm>().map_err(|_| known())
    });
    let named: Vec<_> = named.collect::<Result<_, _>>()?;
    if named.is_empty() { Err("name at least one algorithm".to_owned()) } else { Ok(named) }
}

pub fn seconds(text: &str, least: u64, most: u64) -> Result<u64, String> {
    let seconds = text.parse().ok().filter(|seconds| (least..=most).contains(seconds));
    seconds.ok_or_else(|| format!("it must be a number of seconds from {least} to {most}"))
}

pub fn style(text: &str) -> Result<Style, String> {
    match text {
        "simple" => Ok(Style::Simple),
        "policy" => Ok(Style::Policy),
        _ => Err("it must be simple or policy".to_owned()),
    }
}

pub fn level(text: &str) -> Result<Level, String> {
    match text {
        "error" => Ok(Level::ERROR),
        "warn" => Ok(Level::WARN),
        "info" => Ok(Level::INFO),
        "debug" => Ok(Level::DEBUG),
        _ => Err("it must be error, warn, info or debug".to_owned()),
    }
}
