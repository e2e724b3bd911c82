//! Settings, from the environment. All errors are reported at once. An unknown name is an error, because
//! otherwise a misspelt rule would not be enforced.

mod parse;
mod table;

use std::ffi::OsString;
use std::time::Duration;

use jose::Algorithm;
use tracing::Level;

use crate::answer::Style;
use crate::keys::{Ages, Source};
use crate::rules::{Audiences, Rules};

pub use table::{SETTINGS, Setting};

/// Everything that an operator can set.
#[derive(Debug)]
pub struct Settings {
    /// `AUTHORIZER_ISSUERS`.
    pub sources: Vec<Source>,
    /// `AUTHORIZER_ALGORITHMS`, in their order.
    pub algorithms: Vec<Algorithm>,
    /// The rules for the claims, and the claims that are passed on.
    pub rules: Rules,
    /// `AUTHORIZER_RESPONSE`.
    pub style: Style,
    /// `AUTHORIZER_JWKS_*`.
    pub ages: Ages,
    /// `AUTHORIZER_LOG_LEVEL`.
    pub log_level: Level,
}

/// A setting that cannot be used, and what is allowed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{name}={value}: {wrong}")]
pub struct Fault {
    name: String,
    value: String,
    wrong: String,
}

/// All errors of the settings.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the settings cannot be used:\n{}", .0.iter().map(|fault| format!("  {fault}")).collect::<Vec<_>>().join("\n"))]
pub struct Faults(pub Vec<Fault>);

impl Settings {
    /// Reads every setting.
    ///
    /// # Errors
    /// [`Faults`], all at once.
    pub fn read(variables: impl IntoIterator<Item = (OsString, OsString)>) -> Result<Self, Faults> {
        let mut read = Reader::new(variables);
        let settings = Self {
            sources: read.value("AUTHORIZER_ISSUERS", parse::issuers),
            algorithms: read.value("AUTHORIZER_ALGORITHMS", parse::algorithms),
            rules: Rules {
                audiences: read.value("AUTHORIZER_AUDIENCES", parse::audiences),
                scopes: read.value("AUTHORIZER_SCOPES", parse::words),
                claims: read.value("AUTHORIZER_CLAIMS", parse::claims),
                skew: read.value("AUTHORIZER_CLOCK_SKEW", |text| parse::seconds(text, 0, 300)),
                context: read.value("AUTHORIZER_CONTEXT", parse::context),
            },
            style: read.value("AUTHORIZER_RESPONSE", parse::style),
            ages: Ages {
                most: read.duration("AUTHORIZER_JWKS_MAX_AGE", 30, 86_400),
                stale: read.duration("AUTHORIZER_JWKS_STALE", 0, 86_400),
                cooldown: read.duration("AUTHORIZER_JWKS_COOLDOWN", 5, 3_600),
            },
            log_level: read.value("AUTHORIZER_LOG_LEVEL", parse::level),
        };
        read.require_bound_tokens(&settings.rules);
        if read.faults.is_empty() { Ok(settings) } else { Err(Faults(read.faults)) }
    }
}

struct Reader {
    set: Vec<(String, String)>,
    faults: Vec<Fault>,
}

impl Reader {
    fn new(variables: impl IntoIterator<Item = (OsString, OsString)>) -> Self {
        let ours = variables.into_iter().filter_map(|(name, value)| {
            let name = name.into_string().ok()?;
            let is_ours = name.starts_with("AUTHORIZER_") || table::nearest(&name).is_some();
            is_ours.then(|| (name, value.to_string_lossy().trim().to_owned()))
        });
        let mut read = Self { set: ours.collect(), faults: Vec::new() };
        read.set.sort();
        for (name, value) in read.set.clone() {
            if SETTINGS.iter().any(|setting| setting.name == name) {
                continue;
            }
            let meant = table::nearest(&name).map(|meant| format!("; did you mean {meant}?"));
            let meant = meant.unwrap_or_else(|| "; docs/authorizer.md lists them".to_owned());
            read.fault(&name, &value, &format!("there is no such setting{meant}"));
        }
        read
    }

    /// A setting's value, or what stands for it in a fault. An empty one counts as unset.
    fn value<T>(&mut self, name: &'static str, parse: impl Fn(&str) -> Result<T, String>) -> T
    where
        T: parse::Placeholder,
    {
        let default =
            SETTINGS.iter().find(|setting| setting.name == name).map_or("", |setting| setting.default);
        let set = self.set.iter().find(|(other, value)| other == name && !value.is_empty());
        let text = set.map_or_else(|| default.to_owned(), |(_, value)| value.clone());
        parse(&text).unwrap_or_else(|wrong| {
            self.fault(name, &text, &wrong);
            T::placeholder()
        })
    }

    fn duration(&mut self, name: &'static str, least: u64, most: u64) -> Duration {
        Duration::from_secs(self.value(name, |text| parse::seconds(text, least, most)))
    }

    /// If any audience were accepted, tokens that the issuer made for other APIs would be valid here, too.
    fn require_bound_tokens(&mut self, rules: &Rules) {
        if rules.audiences == Audiences::Any && rules.scopes.is_empty() && rules.claims.is_empty() {
            let wrong = "with any audience, AUTHORIZER_CLAIMS or AUTHORIZER_SCOPES must say which tokens are for this API";
            self.fault("AUTHORIZER_AUDIENCES", "*", wrong);
        }
    }

    fn fault(&mut self, name: &str, value: &str, wrong: &str) {
        self.faults.push(Fault { name: name.to_owned(), value: value.to_owned(), wrong: wrong.to_owned() });
    }
}

#[cfg(test)]
mod tests;
