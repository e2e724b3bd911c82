//! The file that `CLIENTS_FILE` names: a JSON array of clients, each with the names of RFC 7591.

use std::collections::HashSet;
use std::fmt;

use aws_lc_rs::digest::{SHA256, digest};
use jose::json::Json;
use serde::de::IgnoredAny;
use serde_json::{Map, Value};

use super::client_faults::{ClientFault, ClientFaults, read_metadata};
use super::client_rules::ClientRules;
use crate::domain::{
    Client, ClientId, ClientMetadata, ClientOrigin, ClientSecretHash, RegistrationId, Secret, Timestamp,
};

/// The fewest characters of a secret from a file. The secrets that this program makes have 43.
const MIN_SECRET_CHARS: usize = 32;
/// The most secrets of a client: the new one and the one before.
const MAX_SECRETS: usize = 2;

/// The clients of a file, each valid, and no id twice.
#[derive(Clone, Debug)]
pub struct ClientsFile(Vec<FileClient>);

/// A client of the file.
#[derive(Clone, Debug)]
pub struct FileClient {
    /// Its id.
    pub id: ClientId,
    /// Its metadata.
    pub metadata: ClientMetadata,
    /// The SHA-256 of each of its secrets in hex, the newest first.
    pub secrets: Vec<String>,
}

/// What is wrong with a file: each line names the client and the member.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClientsFileError(pub Vec<String>);

impl fmt::Display for ClientsFileError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.join("\n"))
    }
}

impl std::error::Error for ClientsFileError {}

impl ClientsFile {
    /// Reads a file's text. `read_secret` returns the content of the file that a `client_secret_file` names.
    ///
    /// # Errors
    /// [`ClientsFileError`] with all faults.
    pub fn parse(
        text: &str,
        rules: &ClientRules,
        read_secret: impl Fn(&str) -> Result<Secret<String>, String>,
    ) -> Result<Self, ClientsFileError> {
        let alone = |fault: String| ClientsFileError(vec![fault]);
        // This error names the line and the column.
        serde_json::from_str::<IgnoredAny>(text)
            .map_err(|fault| alone(format!("the file is not valid JSON: {fault}")))?;
        Json::parse(text).map_err(|fault| alone(fault.to_string()))?;
        let entries: Vec<Map<String, Value>> = serde_json::from_str(text)
            .map_err(|_| alone("the file must be a JSON array of objects, one for each client".to_owned()))?;
        let (mut clients, mut faults, mut ids) = (Vec::new(), Vec::new(), HashSet::new());
        for (position, entry) in entries.into_iter().enumerate() {
            let named = entry.get("client_id").and_then(Value::as_str).map(str::to_owned);
            let name = named.unwrap_or_else(|| format!("client {}", position + 1));
            match FileClient::read(entry, rules, &read_secret) {
                Ok(client) if !ids.insert(client.id.clone()) => {
                    faults.push(format!("{name}: client_id: is there twice"));
                }
                Ok(client) => clients.push(client),
                Err(ClientFaults(of_client)) => {
                    let lines = of_client
                        .into_iter()
                        .map(|ClientFault { member, problem }| format!("{name}: {member}: {problem}"));
                    faults.extend(lines);
                }
            }
        }
        if faults.is_empty() { Ok(Self(clients)) } else { Err(ClientsFileError(faults)) }
    }

    /// The clients in the order of the file.
    pub fn clients(&self) -> &[FileClient] {
        &self.0
    }

    /// The client with this id.
    pub fn find(&self, id: &ClientId) -> Option<&FileClient> {
        self.0.iter().find(|client| client.id == *id)
    }
}

impl FileClient {
    fn read(
        mut entry: Map<String, Value>,
        rules: &ClientRules,
        read_secret: impl Fn(&str) -> Result<Secret<String>, String>,
    ) -> Result<Self, ClientFaults> {
        let fault = |member: &str, problem: String| {
            ClientFaults(vec![ClientFault { member: member.to_owned(), problem }])
        };
        let id = entry.remove("client_id");
        let id = id.as_ref().and_then(Value::as_str).unwrap_or_default();
        let id = ClientId::parse(id).map_err(|error| fault("client_id", error.to_string()))?;
        let (hashes, files) = (entry.remove("client_secret_sha256"), entry.remove("client_secret_file"));
        if entry.contains_key("client_secret") {
            let instead = "must not be in the file: give client_secret_sha256 or client_secret_file";
            return Err(fault("client_secret", instead.to_owned()));
        }
        let mut secrets = Vec::new();
        for hash in texts(hashes).map_err(|problem| fault("client_secret_sha256", problem))? {
            if hash.len() != 64 || !hash.bytes().all(|byte| byte.is_ascii_hexdigit()) {
                return Err(fault("client_secret_sha256", "must be 64 hex digits".to_owned()));
            }
            secrets.push(hash.to_ascii_lowercase());
        }
        for file in texts(files).map_err(|problem| fault("client_secret_file", problem))? {
            let secret = read_secret(&file).map_err(|problem| fault("client_secret_file", problem))?;
            if secret.expose().chars().count() < MIN_SECRET_CHARS {
                let problem = format!("{file} must contain at least {MIN_SECRET_CHARS} characters");
                return Err(fault("client_secret_file", problem));
            }
            secrets.push(hash_of(secret.expose()));
        }
        let metadata = read_metadata(entry)?;
        rules.check(&id, &metadata)?;
        check_secrets(&metadata, &secrets)
            .map_err(|problem| fault("client_secret_sha256", problem.to_owned()))?;
        Ok(Self { id, metadata, secrets })
    }

    /// The record of this client; `before` is the one that is stored. Revision, registration and instants follow from it. If
    /// the client is not stored yet, its registration is `new`.
    pub fn record(&self, before: Option<&Client>, new: Option<RegistrationId>, now: Timestamp) -> Client {
        let made_at = |sha256: &String| {
            let known = before.and_then(|before| before.secrets.iter().find(|hash| hash.sha256 == *sha256));
            known.map_or(now, |hash| hash.created_at)
        };
        let hash = |sha256: &String| ClientSecretHash {
            sha256: sha256.clone(),
            created_at: made_at(sha256),
            expires_at: None,
        };
        Client {
            id: self.id.clone(),
            revision: before.map_or(1, |before| before.revision + 1),
            origin: ClientOrigin::File,
            metadata: self.metadata.clone(),
            secrets: self.secrets.iter().map(hash).collect(),
            created_at: before.map_or(now, |before| before.created_at),
            updated_at: now,
            registration: before.map_or(new, |before| before.registration),
        }
    }

    /// Whether the stored client is already as the file says.
    pub fn is_as_stored(&self, stored: &Client) -> bool {
        let hashes = stored.secrets.iter().map(|hash| &hash.sha256);
        stored.origin == ClientOrigin::File
            && stored.metadata == self.metadata
            && self.secrets.iter().eq(hashes)
            && stored.secrets.iter().all(|hash| hash.expires_at.is_none())
    }
}

fn check_secrets(metadata: &ClientMetadata, secrets: &[String]) -> Result<(), &'static str> {
    match (metadata.uses_secret(), secrets.len()) {
        (true, 0) => {
            Err("or client_secret_file must be given, because the client authenticates with a secret")
        }
        (true, 1..=MAX_SECRETS) | (false, 0) => Ok(()),
        (true, _) => Err("must be at most two secrets, the newest first"),
        (false, _) => Err("must not be given: the client does not authenticate with a secret"),
    }
}

/// A text, or an array of texts.
fn texts(value: Option<Value>) -> Result<Vec<String>, String> {
    let one_or_more = match value {
        None => return Ok(Vec::new()),
        Some(Value::String(one)) => return Ok(vec![one]),
        Some(other) => serde_json::from_value::<Vec<String>>(other),
    };
    one_or_more.map_err(|_| "must be a text or an array of texts".to_owned())
}

/// The form in which a secret is stored.
pub(super) fn hash_of(secret: &str) -> String {
    let hash = digest(&SHA256, secret.as_bytes());
    hash.as_ref().iter().map(|byte| format!("{byte:02x}")).collect()
}
