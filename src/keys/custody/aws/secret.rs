//! The ring with its keys, as the value of one secret in Secrets Manager, which seals it with a key of KMS. A
//! version of a secret never changes; a label marks the current version, and moves only from the version that
//! the caller has read.

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

/// The label of the current version.
const CURRENT: &str = "AWSCURRENT";
/// The label of a version that is about to become current: AWS might delete a version without a label.
const NEXT: &str = "jwt-generator-next";
/// The answer of Secrets Manager if the secret does not exist, or if it has no value yet.
const ABSENT: [&str; 1] = ["ResourceNotFoundException"];
/// Its answer if a version with that name has another value.
const TAKEN: [&str; 2] = ["ResourceExistsException", "InvalidRequestException"];
/// How often this checks whether the version of another process is current, and the pause between two checks.
const LOOKS: u32 = 10;
const PAUSE: Duration = Duration::from_millis(200);

/// A ring in a secret.
#[derive(Clone, Debug)]
pub struct SecretRing {
    account: Arc<Account>,
    id: String,
}

/// The current version, and its value.
struct Current {
    version: String,
    ring: RingRecord,
}

/// A version that was added.
struct Added {
    version: String,
    /// Whether it is current already.
    current: bool,
}

impl SecretRing {
    /// Its name in `KEY_CUSTODY`, if private keys are in the secret, too.
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

    /// Adds a version that follows `old`; `None` if another process was faster. All processes that follow the
    /// same version use the same name for the new one, so that only one of many adds a version: the number of
    /// versions is limited, and each contains the keys.
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

    /// Adds the first version: the program that is first gets the label without asking for it.
    async fn begin(&self, document: &str) -> Result<bool, CustodyError> {
        match self.add(None, document).await {
            Ok(added) => Ok(added.is_some_and(|added| added.current)),
            Err(fault) if fault.is_one_of(&ABSENT) => self.create(document).await,
            Err(fault) => Err(fault.into()),
        }
    }

    /// Creates the secret itself.
    async fn create(&self, document: &str) -> Result<bool, CustodyError> {
        let call = self.secrets().await?.create_secret().name(&self.id).secret_string(document);
        // The first version has the same name, whether the secret existed or not: so the version of another
        // process is not a second one.
        let call = call.client_request_token(successor_of(None));
        let sent = call.description("The keys of JWT Generator").send().await;
        match sent.map_err(|error| Fault::of("CreateSecret", &error)) {
            Ok(_) => Ok(true),
            Err(fault) if fault.is_one_of(&["ResourceExistsException"]) => Ok(false),
            Err(fault) => Err(fault.into()),
        }
    }

    /// Adds a version, and moves the label to it if the label is still at the old version.
    async fn succeed(&self, old: &Current, document: &str) -> Result<bool, CustodyError> {
        let Some(added) = self.add(Some(old), document).await? else { return Ok(false) };
        let call = self.secrets().await?.update_secret_version_stage().secret_id(&self.id);
        let call = call.version_stage(CURRENT).move_to_version_id(&added.version);
        let sent = call.remove_from_version_id(&old.version).send().await;
        match sent.map_err(|error| Fault::of("UpdateSecretVersionStage", &error)) {
            Ok(_) => Ok(true),
            // Another process has moved it; or this one did, and the answer to the first try was lost.
            Err(fault) if fault.is_one_of(&["InvalidParameterException"]) => {
                Ok(self.current_version().await? == Some(added.version))
            }
            Err(fault) => Err(fault.into()),
        }
    }

    /// The version that is current now.
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

/// The name of the version that follows `old`: 64 characters, the longest name that is allowed.
fn successor_of(old: Option<&Current>) -> String {
    let version = old.map_or("", |old| old.version.as_str());
    digest(&SHA256, version.as_bytes()).as_ref().iter().map(|byte| format!("{byte:02x}")).collect()
}

/// What is wrong with a value, without any part of it, because it may contain private keys.
fn shape(error: &serde_json::Error) -> String {
    format!("it is not the JSON that this program writes (line {}, column {})", error.line(), error.column())
}
