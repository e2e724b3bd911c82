//! The file that `WEBHOOKS_FILE` names: a JSON array of endpoints.

use std::collections::HashSet;
use std::fmt;

use serde::Deserialize;

use super::registry::MAX_DESCRIPTION_CHARS;
use super::secret::WebhookSecret;
use super::sender::WebhookRules;
use crate::domain::{EventKind, Secret, WebhookId, WebhookUrl};

/// The most secrets of an endpoint: the new one and the one before.
const MAX_SECRETS: usize = 2;

/// How the secrets of both schemes begin.
const SECRET_PREFIXES: [&str; 2] = ["whsec_", "whsk_"];

/// The endpoints of a file, each valid, and no id twice.
#[derive(Clone, Debug)]
pub struct WebhooksFile(Vec<FileWebhook>);

/// An endpoint of the file.
#[derive(Clone, Debug)]
pub struct FileWebhook {
    /// Its id.
    pub id: WebhookId,
    /// The address to which events are sent.
    pub url: WebhookUrl,
    /// Which kinds are sent; all of them if there are none.
    pub kinds: Vec<String>,
    /// For people.
    pub description: String,
    /// Whether events are sent, or wait.
    pub enabled: bool,
    /// The secrets that sign, the newest first.
    pub secrets: Vec<WebhookSecret>,
}

/// What is wrong with a file: each line names the endpoint and the member.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WebhooksFileError(pub Vec<String>);

impl fmt::Display for WebhooksFileError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.join("\n"))
    }
}

impl std::error::Error for WebhooksFileError {}

/// An endpoint as it is written.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    id: String,
    url: String,
    kinds: Option<Vec<String>>,
    #[serde(default)]
    description: String,
    #[serde(default = "yes")]
    enabled: bool,
    secret_file: String,
}

const fn yes() -> bool {
    true
}

impl WebhooksFile {
    /// Reads a file's text. `read_secret` returns the content of the file that a `secret_file` names.
    ///
    /// # Errors
    /// [`WebhooksFileError`] with all faults.
    pub fn parse(
        text: &str,
        rules: &WebhookRules,
        read_secret: impl Fn(&str) -> Result<Secret<String>, String>,
    ) -> Result<Self, WebhooksFileError> {
        let entries: Vec<serde_json::Value> = serde_json::from_str(text).map_err(|error| {
            WebhooksFileError(vec![format!("the file is not a JSON array of endpoints: {error}")])
        })?;
        let (mut webhooks, mut faults, mut ids) = (Vec::new(), Vec::new(), HashSet::new());
        for (place, entry) in entries.into_iter().enumerate() {
            let name = entry
                .get("id")
                .and_then(|id| id.as_str())
                .map_or_else(|| format!("endpoint {}", place + 1), ToOwned::to_owned);
            match read(entry, rules, &read_secret) {
                Ok(webhook) if ids.insert(webhook.id.clone()) => webhooks.push(webhook),
                Ok(_) => faults.push(format!("{name}: id: is there twice")),
                Err(of_entry) => faults.extend(of_entry.into_iter().map(|fault| format!("{name}: {fault}"))),
            }
        }
        if faults.is_empty() {
            // A value keeps the last one of two members with the same name.
            faults.extend(serde_json::from_str::<Vec<Written>>(text).err().map(|error| error.to_string()));
        }
        if faults.is_empty() { Ok(Self(webhooks)) } else { Err(WebhooksFileError(faults)) }
    }

    /// The endpoints, in the order of the file.
    pub fn webhooks(&self) -> &[FileWebhook] {
        &self.0
    }

    /// The endpoint with this id.
    pub fn find(&self, id: &WebhookId) -> Option<&FileWebhook> {
        self.0.iter().find(|webhook| webhook.id == *id)
    }
}

/// Reads an endpoint, or tells all its faults.
fn read(
    entry: serde_json::Value,
    rules: &WebhookRules,
    read_secret: &impl Fn(&str) -> Result<Secret<String>, String>,
) -> Result<FileWebhook, Vec<String>> {
    let written: Written = serde_json::from_value(entry).map_err(|error| vec![error.to_string()])?;
    let mut faults = Vec::new();
    let id = WebhookId::parse(&written.id).map_err(|error| faults.push(format!("id: {error}"))).ok();
    let url = WebhookUrl::parse(&written.url).map_err(|error| faults.push(format!("url: {error}"))).ok();
    if url.as_ref().is_some_and(|url| !url.is_https() && !rules.allow_http) {
        faults.push("url: must begin with https://; WEBHOOK_HTTP=true permits http://".to_owned());
    }
    faults.extend(faults_of_kinds(written.kinds.as_deref()));
    if written.description.chars().count() > MAX_DESCRIPTION_CHARS {
        faults.push(format!("description: must have at most {MAX_DESCRIPTION_CHARS} characters"));
    }
    let secrets = secret_file(&written.secret_file).and_then(read_secret);
    let secrets = secrets.and_then(|text| secrets_of(text.expose()));
    let secrets = secrets.map_err(|fault| faults.push(format!("secret_file: {fault}"))).ok();
    match (id, url, secrets) {
        (Some(id), Some(url), Some(secrets)) if faults.is_empty() => Ok(FileWebhook {
            id,
            url,
            kinds: written.kinds.unwrap_or_default(),
            description: written.description,
            enabled: written.enabled,
            secrets,
        }),
        _ => Err(faults),
    }
}

fn faults_of_kinds(kinds: Option<&[String]>) -> Vec<String> {
    if kinds.is_some_and(<[String]>::is_empty) {
        return vec!["kinds: names no kind; leave the member out for all kinds".to_owned()];
    }
    let is_unknown = |kind: &&String| EventKind::from_name(kind).is_none_or(EventKind::is_only_counted);
    let unknown = kinds.unwrap_or_default().iter().filter(is_unknown);
    unknown.map(|kind| format!("kinds: there is no kind of event `{kind}`")).collect()
}

/// The name of a file. The message about a secret in its place does not contain the secret.
fn secret_file(name: &str) -> Result<&str, String> {
    if SECRET_PREFIXES.iter().any(|prefix| name.starts_with(prefix)) {
        return Err("must be the name of a file that contains the secret, and not the secret".to_owned());
    }
    Ok(name)
}

/// The secrets of a file, one a line, the newest first.
fn secrets_of(text: &str) -> Result<Vec<WebhookSecret>, String> {
    let lines = text.lines().map(str::trim).filter(|line| !line.is_empty());
    let secrets: Result<Vec<_>, _> = lines.map(WebhookSecret::parse).collect();
    let secrets = secrets.map_err(|error| error.to_string())?;
    if (1..=MAX_SECRETS).contains(&secrets.len()) {
        Ok(secrets)
    } else {
        Err("must contain one secret, or two: one a line, the newest first".to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<WebhooksFile, WebhooksFileError> {
        let one = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
        WebhooksFile::parse(text, &WebhookRules::default(), |name| match name {
            "one" => Ok(Secret::new(format!("{one}\n"))),
            "two" => Ok(Secret::new(format!("{one}\n{one}\n"))),
            "three" => Ok(Secret::new(format!("{one}\n{one}\n{one}"))),
            "none" => Ok(Secret::new("\n".to_owned())),
            "short" => Ok(Secret::new("secret".to_owned())),
            name => Err(format!("{name} cannot be read")),
        })
    }

    #[test]
    fn a_file_names_endpoints_with_their_secrets_in_files() {
        let text = r#"[{"id":"a","url":"https://a.example/","secret_file":"one"},
            {"id":"b","url":"https://b.example/","kinds":["user.registered"],"description":"B","enabled":false,"secret_file":"two"}]"#;
        let file = parse(text).unwrap();
        let of = |id: &str| file.find(&WebhookId::parse(id).unwrap()).unwrap();
        assert_eq!((of("a").enabled, of("a").secrets.len(), of("a").kinds.len()), (true, 1, 0));
        assert_eq!((of("b").enabled, of("b").secrets.len(), of("b").kinds.len()), (false, 2, 1));
        assert_eq!(file.webhooks().len(), 2);
    }

    #[test]
    fn a_file_is_refused_if_a_start_could_not_do_what_it_says() {
        let with = |members: &str| {
            let text = format!(r#"[{{"id":"a","url":"https://a.example/","secret_file":"one"{members}}}]"#);
            parse(&text).map(drop).map_err(|error| error.to_string())
        };
        let described = |length| format!(",\"description\":\"{}\"", "ö".repeat(length));
        assert_eq!(with(&described(200)), Ok(()));
        let long = with(&described(201));
        assert_eq!(long, Err("a: description: must have at most 200 characters".to_owned()));
        let empty = "a: kinds: names no kind; leave the member out for all kinds".to_owned();
        assert_eq!(with(r#","kinds":[]"#), Err(empty));
        assert!(with(r#","url":"https://b.example/""#).unwrap_err().starts_with("duplicate field `url`"));
        let text = r#"[{"id":"a","url":"https://a.example/","secret_file":"whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"}]"#;
        let fault = "a: secret_file: must be the name of a file that contains the secret, and not the secret";
        assert_eq!(parse(text).unwrap_err().to_string(), fault);
    }

    #[test]
    fn all_faults_are_told_at_once() {
        let text = r#"[{"id":"a b","url":"ftp://a.example/","kinds":["x"],"secret_file":"away"},
            {"id":"h","url":"http://a.example/","secret_file":"one"},
            {"id":"c","url":"https://a.example/","secret_file":"three"},
            {"id":"n","url":"https://a.example/","secret_file":"none"},
            {"id":"s","url":"https://a.example/","secret_file":"short"},
            {"id":"d","url":"https://a.example/","secret_file":"one"},
            {"id":"d","url":"https://a.example/","secret_file":"one"},
            {"id":"u","url":"https://a.example/","secret_file":"one","secret":"x"}]"#;
        let faults = parse(text).unwrap_err().0;
        for (line, begin) in faults.iter().zip([
            "a b: id: must be",
            "a b: url: must be a URL",
            "a b: kinds: there is no kind of event `x`",
            "a b: secret_file: away cannot be read",
            "h: url: must begin with https://",
            "c: secret_file: must contain one secret",
            "n: secret_file: must contain one secret",
            "s: secret_file: must be whsec_",
            "d: id: is there twice",
            "u: unknown field `secret`",
        ]) {
            assert!(line.starts_with(begin), "{line} is not {begin}");
        }
        assert_eq!(faults.len(), 10, "{faults:?}");
        assert!(parse("{}").unwrap_err().0[0].starts_with("the file is not a JSON array"));
    }
}
