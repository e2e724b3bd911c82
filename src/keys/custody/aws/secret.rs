//! The ring, keys and all, as the value of one secret in Secrets Manager, which seals it under a key of KMS. A version of
//! a secret never changes; a label says which one counts, and moves only from the version that the caller has seen.

use std::sync::Arc;

use async_trait::async_trait;
use aws_sdk_secretsmanager::Client;
use zeroize::Zeroizing;

use super::super::{CustodyError, RingHome};
use super::account::Account;
use super::fault::Fault;
use crate::domain::RingRecord;

/// The label of the version that counts.
const CURRENT: &str = "AWSCURRENT";
/// The label of a version that is about to count: one without any might be swept.
const NEXT: &str = "jwt-generator-next";
/// What Secrets Manager answers where there is no secret, or no value in it yet.
const ABSENT: [&str; 1] = ["ResourceNotFoundException"];

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

impl SecretRing {
    /// What `KEY_CUSTODY` calls keys that are in it too.
    pub const NAME: &'static str = "aws-secrets-manager";

    /// The ring in the secret of this name or ARN.
    pub fn new(account: Arc<Account>, id: &str) -> Self {
        Self { account, id: id.to_owned() }
    }

    async fn current(&self) -> Result<Option<Current>, CustodyError> {
        let call = self.secrets().await?.get_secret_value().secret_id(&self.id).version_stage(CURRENT);
        let found = match call.send().await.map_err(|error| Fault::of("GetSecretValue", &error)) {
            Err(fault) if fault.is_one_of(&ABSENT) => return Ok(None),
            other => other?,
        };
        let text = Zeroizing::new(found.secret_string.unwrap_or_default());
        let unreadable =
            |error: serde_json::Error| CustodyError::Ring { place: self.place(), fault: shape(&error) };
        let ring: RingRecord = serde_json::from_str(&text).map_err(unreadable)?;
        if ring.version > RingRecord::VERSION {
            return Err(CustodyError::Newer { place: self.place(), version: ring.version });
        }
        Ok(Some(Current { version: found.version_id.unwrap_or_default(), ring }))
    }

    /// Adds the first version of all: who comes first has the label without asking for it.
    async fn begin(&self, document: &str) -> Result<bool, CustodyError> {
        let put = self.secrets().await?.put_secret_value().secret_id(&self.id);
        let sent = put.secret_string(document).version_stages(NEXT).send().await;
        match sent.map_err(|error| Fault::of("PutSecretValue", &error)) {
            Ok(added) => Ok(added.version_stages().iter().any(|label| label == CURRENT)),
            Err(fault) if fault.is_one_of(&ABSENT) => self.create(document).await,
            Err(fault) => Err(fault.into()),
        }
    }

    /// Makes the secret itself.
    async fn create(&self, document: &str) -> Result<bool, CustodyError> {
        let call = self.secrets().await?.create_secret().name(&self.id).secret_string(document);
        let sent = call.description("The keys of JWT Generator").send().await;
        match sent.map_err(|error| Fault::of("CreateSecret", &error)) {
            Ok(_) => Ok(true),
            Err(fault) if fault.is_one_of(&["ResourceExistsException"]) => Ok(false),
            Err(fault) => Err(fault.into()),
        }
    }

    /// Adds a version, and moves the label to it if that is still where it was.
    async fn succeed(&self, old: &str, document: &str) -> Result<bool, CustodyError> {
        let put = self.secrets().await?.put_secret_value().secret_id(&self.id);
        let sent = put.secret_string(document).version_stages(NEXT).send().await;
        let added = sent.map_err(|error| Fault::of("PutSecretValue", &error))?;
        let new = added.version_id.unwrap_or_default();
        let call = self.secrets().await?.update_secret_version_stage().secret_id(&self.id);
        let call = call.version_stage(CURRENT).move_to_version_id(&new).remove_from_version_id(old);
        match call.send().await.map_err(|error| Fault::of("UpdateSecretVersionStage", &error)) {
            Ok(_) => Ok(true),
            // Another has moved it, or we did, and the answer to our first try was lost.
            Err(fault) if fault.is_one_of(&["InvalidParameterException"]) => {
                Ok(self.current().await?.is_some_and(|current| current.version == new))
            }
            Err(fault) => Err(fault.into()),
        }
    }

    async fn secrets(&self) -> Result<&Client, Fault> {
        self.account.secrets().await
    }
}

#[async_trait]
impl RingHome for SecretRing {
    async fn load(&self) -> Result<Option<RingRecord>, CustodyError> {
        Ok(self.current().await?.map(|current| current.ring))
    }

    async fn replace_if(&self, seen: Option<u64>, ring: &RingRecord) -> Result<bool, CustodyError> {
        let current = self.current().await?;
        if current.as_ref().map(|current| current.ring.revision) != seen {
            return Ok(false);
        }
        let document = serde_json::to_string(ring).map(Zeroizing::new);
        let document =
            document.map_err(|error| CustodyError::Ring { place: self.place(), fault: error.to_string() })?;
        match current {
            Some(current) => self.succeed(&current.version, &document).await,
            None => self.begin(&document).await,
        }
    }

    fn place(&self) -> String {
        format!("the secret {}", self.id)
    }
}

/// What is wrong with a value, without a word of it: private keys may be in it.
fn shape(error: &serde_json::Error) -> String {
    format!("it is not the JSON that this program writes (line {}, column {})", error.line(), error.column())
}
