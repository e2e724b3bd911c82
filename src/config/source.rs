//! The sources of the settings: the environment first, then `.env`. In both, `NAME_FILE` names a file with
//! the value of `NAME`, and `NAME_SECRET` names a secret of AWS, which the caller of this module reads.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;
use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

use zeroize::Zeroizing;

use super::dotenv::{self, Values};
use super::{SETTINGS, Setting, parse, shown};
use crate::domain::Secret;

/// The most bytes of the file of a secret.
const LONGEST: u64 = 64 * 1024;

/// The source of a value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Origin {
    /// The process's environment.
    Environment,
    /// The file `.env`.
    DotEnv,
    /// A file that `NAME_FILE` names.
    File(String),
    /// A secret in AWS Secrets Manager that `NAME_SECRET` names.
    Secret(String),
    /// The table of settings.
    Table,
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Environment => f.write_str("from the environment"),
            Self::DotEnv => f.write_str("from .env"),
            Self::File(path) => write!(f, "from the file {path}"),
            Self::Secret(id) => write!(f, "from the secret {}", shown::secret_name(id)),
            Self::Table => f.write_str("the default"),
        }
    }
}

/// A value as it was set.
#[derive(Clone, Debug)]
pub(super) struct Found {
    pub(super) text: Secret<String>,
    pub(super) origin: Origin,
}

/// Only AWS Lambda sets this variable.
const FUNCTION: &str = "AWS_LAMBDA_RUNTIME_API";

/// The values of all settings that are set, and names that look mistyped.
#[derive(Debug)]
pub struct Sources {
    values: BTreeMap<&'static str, Found>,
    pub(super) suspects: Vec<String>,
    function: bool,
}

/// Why the sources cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum SourceError {
    /// A file is there but cannot be read.
    #[error("cannot read {0}: {1}; make it readable or remove it")]
    File(String, #[source] io::Error),
    /// The file of a secret cannot be read.
    #[error("{0}_FILE={1}: {2}; name a readable file, or set {0} itself")]
    Secret(&'static str, String, #[source] io::Error),
    /// A setting that is not secret is named as a secret of AWS.
    #[error("{0}_SECRET is set {1}, and {0} is not a secret: set {0} itself, or {0}_FILE")]
    NoSecret(&'static str, Origin),
    /// The value that should name a secret of AWS does not, and may be the secret itself: it is not shown.
    #[error(
        "{0}_SECRET (hidden, {1}) must be the name or the ARN of a secret in AWS Secrets Manager, not the secret itself"
    )]
    NoName(&'static str, Origin),
    /// Two ways to set one setting.
    #[error("both {0} and {1} are set {2}; keep one of them")]
    Twice(String, String, Origin),
}

type Layer<'a> = (Origin, &'a Values);

impl Sources {
    /// Reads `environment` and, if it exists, the file `.env` in `folder`.
    ///
    /// # Errors
    /// [`SourceError`] for a file that cannot be read, and for a setting that is given twice in one place.
    pub fn read(
        environment: impl IntoIterator<Item = (String, String)>,
        folder: &Path,
    ) -> Result<Self, SourceError> {
        let environment: Values =
            environment.into_iter().map(|(name, value)| (name, Secret::new(value))).collect();
        let file = match read_file(&folder.join(".env")) {
            Ok(text) => dotenv::parse(text.expose()),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Values::new(),
            Err(error) => return Err(SourceError::File(".env".to_owned(), error)),
        };
        let mut values = BTreeMap::new();
        for setting in SETTINGS {
            let layers: [Layer<'_>; 2] = [(Origin::Environment, &environment), (Origin::DotEnv, &file)];
            for layer in layers {
                if let Some(found) = look_up(setting, layer)? {
                    values.entry(setting.name).or_insert(found);
                }
            }
        }
        let suspects =
            environment.keys().filter(|name| name.len() > 5).chain(file.keys()).filter_map(|name| {
                Some(format!("{name} is not a setting; did you mean {}?", nearest(name)?))
            });
        let function = environment.contains_key(FUNCTION);
        Ok(Self { values, suspects: suspects.collect(), function })
    }

    /// The settings whose values are not the defaults, and their values.
    pub(super) fn given(&self) -> BTreeMap<&'static str, Secret<String>> {
        let is_default = |name: &str, text: &Secret<String>| {
            Setting::named(name).is_some_and(|setting| setting.default == text.expose().as_str())
        };
        let given = self.values.iter().filter(|(name, found)| !is_default(name, &found.text));
        given.map(|(name, found)| (*name, found.text.clone())).collect()
    }

    /// Whether this process is a function of AWS Lambda.
    pub fn is_function(&self) -> bool {
        self.function
    }

    /// The settings whose values are in secrets of AWS, and the secrets' names or ARNs.
    pub fn secrets(&self) -> Vec<(&'static Setting, String)> {
        let secret = |setting: &&'static Setting| match &self.get(setting)?.origin {
            Origin::Secret(id) => Some((*setting, id.clone())),
            _ => None,
        };
        SETTINGS.iter().filter_map(secret).collect()
    }

    /// Sets the value that a secret contains. Returns false if the value is blank: an operator who names a
    /// secret expects a value in it.
    #[must_use]
    pub fn supply(&mut self, setting: &Setting, text: &Secret<String>) -> bool {
        if let Some(found) = self.values.get_mut(setting.name) {
            found.text = without_line_end(text.expose());
        }
        !text.expose().trim().is_empty()
    }

    pub(super) fn get(&self, setting: &Setting) -> Option<&Found> {
        self.values.get(setting.name)
    }

    /// The source of a setting, if it was set.
    pub fn origin(&self, setting: &Setting) -> Option<&Origin> {
        self.get(setting).map(|found| &found.origin)
    }

    /// The value of a setting as it was set, or its default; secret parts of it are hidden.
    pub fn shown(&self, setting: &Setting) -> Cow<'_, str> {
        match self.get(setting) {
            Some(found) => shown::value(setting, found.text.expose()),
            None => setting.default.into(),
        }
    }
}

fn look_up(setting: &'static Setting, (origin, layer): Layer<'_>) -> Result<Option<Found>, SourceError> {
    let name = setting.name;
    let (in_file, in_secret) = (format!("{name}_FILE"), format!("{name}_SECRET"));
    let named = |name: &str| layer.get(name).map(Secret::expose).filter(|text| !text.is_empty());
    let (path, id) = (named(&in_file), named(&in_secret));
    let otherwise = path.or(id).is_some();
    // An empty value counts as not set if the value is also given in another way, because templates write
    // such empty values.
    let direct = layer.get(name).filter(|text| !text.expose().is_empty() || !otherwise);
    let ways = [direct.map(|_| name), path.map(|_| in_file.as_str()), id.map(|_| in_secret.as_str())];
    if let [one, other, ..] = ways.into_iter().flatten().collect::<Vec<_>>()[..] {
        return Err(SourceError::Twice(one.to_owned(), other.to_owned(), origin));
    }
    if let Some(path) = path {
        let unreadable = |error| SourceError::Secret(name, path.clone(), error);
        let text = read_file(Path::new(path)).map_err(unreadable)?;
        return Ok(Some(Found { text: without_line_end(text.expose()), origin: Origin::File(path.clone()) }));
    }
    if let Some(id) = id {
        if !setting.secret {
            return Err(SourceError::NoSecret(name, origin));
        }
        if parse::secret_id(id).is_err() {
            return Err(SourceError::NoName(name, origin));
        }
        return Ok(Some(Found { text: Secret::default(), origin: Origin::Secret(id.clone()) }));
    }
    Ok(direct.map(|text| Found { text: text.clone(), origin }))
}

/// The text of a file or of a secret without the line end that editors add.
fn without_line_end(text: &str) -> Secret<String> {
    Secret::new(text.trim_end_matches(['\r', '\n']).to_owned())
}

/// A regular file of a bounded size, as UTF-8.
fn read_file(path: &Path) -> io::Result<Secret<String>> {
    let metadata = std::fs::metadata(path)?;
    if !metadata.is_file() {
        return Err(io::Error::other("it is not a regular file"));
    }
    // With space for the whole file, no half-read copy stays in memory.
    let mut text = Zeroizing::new(String::with_capacity(metadata.len().min(LONGEST) as usize + 1));
    File::open(path)?.take(LONGEST + 1).read_to_string(&mut text)?;
    if text.len() as u64 > LONGEST {
        return Err(io::Error::other("it is larger than 64 KiB"));
    }
    Ok(Secret::new(std::mem::take(&mut *text)))
}

/// The setting that `name` nearly spells, unless it spells one exactly.
fn nearest(name: &str) -> Option<&'static str> {
    let stem = name.strip_suffix("_FILE").or_else(|| name.strip_suffix("_SECRET")).unwrap_or(name);
    if Setting::named(name).or_else(|| Setting::named(stem)).is_some() {
        return None;
    }
    let upper = stem.to_ascii_uppercase();
    let near = SETTINGS.iter().map(|setting| {
        let most = if setting.name.len() < 8 { 1 } else { 2 };
        (strsim::damerau_levenshtein(&upper, setting.name), most, setting.name)
    });
    near.filter(|(distance, most, _)| distance <= most).min().map(|(_, _, name)| name)
}

#[cfg(test)]
mod tests {
    use super::super::Config;
    use super::{Origin, Sources};
    use crate::config::{SETTINGS, settings};
    use crate::domain::Secret;

    fn sources(environment: &[(&str, &str)]) -> Sources {
        let environment = environment.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        Sources::read(environment, std::path::Path::new("/nonexistent")).unwrap()
    }

    #[test]
    fn every_default_of_the_table_is_what_an_empty_environment_gives() {
        let of_table: Vec<_> = SETTINGS.iter().map(|setting| (setting.name, setting.default)).collect();
        let spelled = Config::read(&sources(&of_table)).unwrap();
        let unset = Config::read(&sources(&[])).unwrap();
        assert_eq!(format!("{spelled:?}"), format!("{unset:?}"));
    }

    #[test]
    fn all_faults_are_reported_at_once_each_with_name_value_and_remedy() {
        let wrong =
            [("PORT", "x"), ("BCRYPT_ROUNDS", "3"), ("JWT_EXPIRATION", "-1h"), ("MONGODB_URI", "secret")];
        let faults = Config::read(&sources(&wrong)).unwrap_err().to_string();
        assert!(
            faults.contains(r#"PORT="x" (from the environment): must be a whole number from 0 to 65535"#)
        );
        assert!(faults.contains(r#"BCRYPT_ROUNDS="3""#) && faults.contains("from 4 to 15"));
        assert!(faults.contains(r#"JWT_EXPIRATION="-1h""#) && faults.contains("such as 3600 (seconds)"));
        assert!(faults.contains("MONGODB_URI=(hidden)") && !faults.contains("secret"));
    }

    /// Seen: each of these was printed in full.
    #[test]
    fn a_secret_in_another_setting_is_not_shown() {
        let key = "MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE=";
        let name = "hunter2-and-more-than-thirty-two-characters";
        let found = sources(&[
            ("KEYS_SECRET", key),
            ("PUBLIC_URL", "https://me:hunter2@auth.example.com"),
            ("VAULT_ADDR", "https://me:hunter2@vault"),
            ("SERVER_SECRET_SECRET", name),
        ]);
        let faults = Config::read(&found).unwrap_err().to_string();
        assert!(faults.contains(r#"KEYS_SECRET="(hidden)" (from the environment): must be"#), "{faults}");
        assert!(faults.contains(r#"PUBLIC_URL="https://(hidden)@auth.example.com" (from"#), "{faults}");
        let shown: String = SETTINGS.iter().map(|setting| found.shown(setting).into_owned() + "\n").collect();
        assert!(shown.contains("https://(hidden)@vault\n"), "{shown}");
        let origin = found.origin(settings::SERVER_SECRET).unwrap().to_string();
        assert_eq!(origin, "from the secret hunter2-…");
        for text in [faults, shown] {
            assert!(!text.contains("hunter2@") && !text.contains(key) && !text.contains(name), "{text}");
        }
    }

    #[test]
    fn a_likely_typo_is_pointed_out_and_a_stranger_is_not() {
        let found =
            sources(&[("JWT_ISUER", "x"), ("bcrypt_rounds", "9"), ("HOSTNAME", "box"), ("LOGNAME", "me")]);
        assert_eq!(
            found.warnings(),
            [
                "JWT_ISUER is not a setting; did you mean JWT_ISSUER?",
                "bcrypt_rounds is not a setting; did you mean BCRYPT_ROUNDS?"
            ]
        );
    }

    #[test]
    fn the_environment_goes_before_dotenv_and_files_hold_secrets() {
        let folder = tempfile::tempdir().unwrap();
        let secret = folder.path().join("issuer");
        std::fs::write(&secret, "from-file\n").unwrap();
        let dotenv = format!("PORT=4000\nJWT_AUDIENCE=there\nJWT_ISSUER_FILE={}\n", secret.display());
        std::fs::write(folder.path().join(".env"), dotenv).unwrap();
        let found = Sources::read([("PORT".to_owned(), "5000".to_owned())], folder.path()).unwrap();
        let config = Config::read(&found).unwrap();
        assert_eq!(
            (config.port, config.audience.as_str(), config.issuer.as_str()),
            (5000, "there", "from-file")
        );
        assert_eq!(found.get(settings::JWT_AUDIENCE).unwrap().origin, Origin::DotEnv);
    }

    /// What a panic or a log line could show.
    #[test]
    fn debug_shows_no_secret() {
        let key = "MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE=";
        let set = [
            ("MONGODB_URI", "mongodb://me:hunter2@db"),
            ("KEY_ENCRYPTION_KEY", key),
            ("VAULT_ADDR", "https://vault"),
            ("VAULT_TOKEN", "hunter2"),
        ];
        let found = sources(&set);
        let shown = format!("{found:?} {:?}", Config::read(&found).unwrap());
        assert!(shown.contains("https://vault") && shown.contains("Token(Secret)"), "{shown}");
        assert!(!shown.contains("hunter2") && !shown.contains(key), "{shown}");
    }

    #[test]
    fn one_setting_in_two_ways_is_refused() {
        let both =
            [("JWT_ISSUER".to_owned(), "a".to_owned()), ("JWT_ISSUER_FILE".to_owned(), "b".to_owned())];
        let error = Sources::read(both, std::path::Path::new("/nonexistent")).unwrap_err();
        assert!(error.to_string().starts_with("both JWT_ISSUER and JWT_ISSUER_FILE are set"));
    }

    #[test]
    fn what_must_not_be_seen_may_be_in_a_secret_of_aws() {
        let mut found = sources(&[("MONGODB_URI_SECRET", "prod/uri"), ("MONGODB_URI", "")]);
        let named: Vec<_> = found.secrets().into_iter().map(|(setting, id)| (setting.name, id)).collect();
        assert_eq!(named, [("MONGODB_URI", "prod/uri".to_owned())]);
        assert!(found.supply(settings::MONGODB_URI, &Secret::new("mongodb://db/jwt\n".to_owned())));
        let uri = found.get(settings::MONGODB_URI).unwrap();
        assert_eq!(
            (uri.text.expose().as_str(), uri.origin.to_string().as_str()),
            ("mongodb://db/jwt", "from the secret prod/uri")
        );
        assert!(!found.supply(settings::MONGODB_URI, &Secret::new(" \n".to_owned())), "a blank secret");
        let sealing_key = "MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE=";
        for (set, told) in [
            (&[("MONGODB_URI_FILE", "a"), ("MONGODB_URI_SECRET", "b")][..], "both MONGODB_URI_FILE and"),
            (&[("JWT_ISSUER_SECRET", "prod/issuer")], "JWT_ISSUER is not a secret"),
            (&[("MONGODB_URI_SECRET", "mongodb://me:hunter2@db")], "MONGODB_URI_SECRET (hidden, from"),
            (&[("KEY_ENCRYPTION_KEY_SECRET", sealing_key)], "KEY_ENCRYPTION_KEY_SECRET (hidden, from"),
        ] {
            let set = set.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
            let error = Sources::read(set, std::path::Path::new("/nonexistent")).unwrap_err().to_string();
            assert!(error.contains(told), "{error}");
            assert!(!error.contains("hunter2") && !error.contains(sealing_key), "{error}");
        }
    }
}
