//! The ring, keys and all, as the value of one secret in Secrets Manager, which seals it under a key of KMS. A version of
//! a secret never changes; a label says which one counts, and moves only from the version that the caller has seen.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use aws_lc_rs::digest::{SHA256, digest};
use aws_sdk_secretsmanager::Client;
use aws_sdk_secretsmanager::operation::get_secret_value::GetSecretValueOutput;
use zeroize::Zeroizing;

use super::super::{CustodyError, Replaced, RingFault, RingLocation, RingStore};
use super::account::Account;
use super::fault::Fault;
use crate::domain::RingRecord;

/// The label of the version that counts.
const CURRENT: &str = "AWSCURRENT";
/// The label of a version that is about to count: one without any might be swept.
const NEXT: &str = "jwt-generator-next";
/// What Secrets Manager answers where there is no secret, or no value in it yet.
const ABSENT: [&str; 1] = ["ResourceNotFoundException"];
/// What it answers where there is a version of that name with another value.
const TAKEN: [&str; 2] = ["ResourceExistsException", "InvalidRequestException"];
/// How often it is looked whether another's version counts, and the pause between.
const LOOKS: u32 = 10;
const PAUSE: Duration = Duration::from_millis(200);

/// A ring in a secret.
#[derive(Clone, Debug)]
pub struct SecretRing {
    account: Arc<Account>,
    id: String,
}

/// The version that counts, and its value.
struct Current {
    version: String,
    ring: RingRecord,
}

/// A version that was added.
struct Added {
    version: String,
    /// Whether it counts already.
    current: bool,
}

impl SecretRing {
    /// What `KEY_CUSTODY` calls keys that are in it too.
    pub const NAME: &'static str = "aws-secrets-manager";

    /// The ring in the secret of this name or ARN.
    pub fn new(account: Arc<Account>, id: &str) -> Self {
        Self { account, id: id.to_owned() }
    }

    async fn current(&self) -> Result<Option<Current>, CustodyError> {
        let Some(found) = self.value().await? else { return Ok(None) };
        let text = Zeroizing::new(found.secret_string.unwrap_or_default());
        let unreadable =
            |error: serde_json::Error| RingFault::Damaged { place: self.place(), fault: shape(&error) };
        let ring: RingRecord = serde_json::from_str(&text).map_err(unreadable)?;
        if !RingRecord::is_known_form(ring.version) {
            return Err(RingFault::Newer { place: self.place(), version: ring.version }.into());
        }
        Ok(Some(Current { version: found.version_id.unwrap_or_default(), ring }))
    }

    /// Adds a version that is to follow `old`; nothing where another has come first. All who follow the same version ask
    /// under the same name, so that of many at once one adds something: versions are few, and each has the keys in it.
    async fn add(&self, old: Option<&Current>, document: &str) -> Result<Option<Added>, Fault> {
        match self.put(document, Some(successor_of(old))).await {
            Err(fault) if fault.is_one_of(&TAKEN) => {}
            other => return other.map(Some),
        }
        for _ in 0..LOOKS {
            tokio::time::sleep(PAUSE).await;
            let current = self.current_version().await?;
            if current.as_deref() != old.map(|old| old.version.as_str()) {
                return Ok(None);
            }
        }
        // The other process ended before it moved the label.
        self.put(document, None).await.map(Some)
    }

    async fn put(&self, document: &str, token: Option<String>) -> Result<Added, Fault> {
        let put = self.secrets().await?.put_secret_value().secret_id(&self.id);
        let put = put.secret_string(document).version_stages(NEXT).set_client_request_token(token);
        let added = put.send().await.map_err(|error| Fault::of("PutSecretValue", &error))?;
        let current = added.version_stages().iter().any(|label| label == CURRENT);
        Ok(Added { version: added.version_id.unwrap_or_default(), current })
    }

    /// Adds the first version of all: the program that comes first has the label without asking for it.
    async fn begin(&self, document: &str) -> Result<bool, CustodyError> {
        match self.add(None, document).await {
            Ok(added) => Ok(added.is_some_and(|added| added.current)),
            Err(fault) if fault.is_one_of(&ABSENT) => self.create(document).await,
            Err(fault) => Err(fault.into()),
        }
    }

    /// Makes the secret itself.
    async fn create(&self, document: &str) -> Result<bool, CustodyError> {
        let call = self.secrets().await?.create_secret().name(&self.id).secret_string(document);
        // The first version has the same name whether the secret was there or not: another's is no second one.
        let call = call.client_request_token(successor_of(None));
        let sent = call.description("The keys of JWT Generator").send().await;
        match sent.map_err(|error| Fault::of("CreateSecret", &error)) {
            Ok(_) => Ok(true),
            Err(fault) if fault.is_one_of(&["ResourceExistsException"]) => Ok(false),
            Err(fault) => Err(fault.into()),
        }
    }

    /// Adds a version, and moves the label to it if that is still where it was.
    async fn succeed(&self, old: &Current, document: &str) -> Result<bool, CustodyError> {
        let Some(added) = self.add(Some(old), document).await? else { return Ok(false) };
        let call = self.secrets().await?.update_secret_version_stage().secret_id(&self.id);
        let call = call.version_stage(CURRENT).move_to_version_id(&added.version);
        let sent = call.remove_from_version_id(&old.version).send().await;
        match sent.map_err(|error| Fault::of("UpdateSecretVersionStage", &error)) {
            Ok(_) => Ok(true),
            // Another has moved it, or we did, and the answer to our first try was lost.
            Err(fault) if fault.is_one_of(&["InvalidParameterException"]) => {
                Ok(self.current_version().await? == Some(added.version))
            }
            Err(fault) => Err(fault.into()),
        }
    }

    /// Which version counts now.
    async fn current_version(&self) -> Result<Option<String>, Fault> {
        Ok(self.value().await?.and_then(|value| value.version_id))
    }

    async fn value(&self) -> Result<Option<GetSecretValueOutput>, Fault> {
        let call = self.secrets().await?.get_secret_value().secret_id(&self.id).version_stage(CURRENT);
        match call.send().await.map_err(|error| Fault::of("GetSecretValue", &error)) {
            Err(fault) if fault.is_one_of(&ABSENT) => Ok(None),
            other => other.map(Some),
        }
    }

    async fn secrets(&self) -> Result<&Client, Fault> {
        self.account.secrets().await
    }
}

#[async_trait]
impl RingStore for SecretRing {
    async fn load(&self) -> Result<Option<RingRecord>, CustodyError> {
        Ok(self.current().await?.map(|current| current.ring))
    }

    async fn replace_if(&self, seen: Option<u64>, ring: &RingRecord) -> Result<Replaced, CustodyError> {
        let current = self.current().await?;
        if current.as_ref().map(|current| current.ring.revision) != seen {
            return Ok(Replaced::Outrun);
        }
        let document = serde_json::to_string(ring).map(Zeroizing::new);
        let document =
            document.map_err(|error| RingFault::Damaged { place: self.place(), fault: error.to_string() })?;
        let written = match current {
            Some(current) => self.succeed(&current, &document).await?,
            None => self.begin(&document).await?,
        };
        Ok(written.into())
    }

    fn location(&self) -> RingLocation {
        RingLocation::Secret(self.id.clone())
    }
}

/// The name of the version that is to follow `old`: 64 characters, as long as names may be.
fn successor_of(old: Option<&Current>) -> String {
    let version = old.map_or("", |old| old.version.as_str());
    digest(&SHA256, version.as_bytes()).as_ref().iter().map(|byte| format!("{byte:02x}")).collect()
}

/// What is wrong with a value, without a word of it: private keys may be in it.
fn shape(error: &serde_json::Error) -> String {
    format!("it is not the JSON that this program writes (line {}, column {})", error.line(), error.column())
}
