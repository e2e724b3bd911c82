//! Region, credentials and endpoint, as AWS's own tools find them, and the patience that calls have.

use std::time::Duration;

use aws_config::retry::RetryConfig;
use aws_config::timeout::TimeoutConfig;
use aws_config::{BehaviorVersion, SdkConfig};
use aws_sdk_secretsmanager::Client as Secrets;
use tokio::sync::OnceCell;

use super::super::CustodyError;
use super::fault::Fault;
use crate::domain::Secret;

/// Tries of a call in all; the pauses between them are the SDK's, with jitter.
const TRIES: u32 = 3;
const FIRST_PAUSE: Duration = Duration::from_millis(100);
const LONGEST_PAUSE: Duration = Duration::from_millis(500);
/// How long one try may take, and all tries together, for calls that only the start waits for.
const USUAL: (Duration, Duration) = (Duration::from_secs(3), Duration::from_secs(8));

/// An account of AWS, looked up when it is first needed: that may take calls of its own.
#[derive(Debug, Default)]
pub struct Account {
    config: OnceCell<SdkConfig>,
    secrets: OnceCell<Secrets>,
}

impl Account {
    /// With settings that somebody else has found.
    pub fn with(config: SdkConfig) -> Self {
        Self { config: OnceCell::from(config), secrets: OnceCell::new() }
    }

    /// The value of a secret in Secrets Manager, by its name or ARN.
    ///
    /// # Errors
    /// [`CustodyError`]; `Unavailable` where trying again may help.
    pub async fn read_secret(&self, id: &str) -> Result<Secret<String>, CustodyError> {
        let call = self.secrets().await?.get_secret_value().secret_id(id);
        let found = call.send().await.map_err(|error| Fault::of("GetSecretValue", &error))?;
        let text = found.secret_string.map(Secret::new);
        text.ok_or_else(|| Fault::lasting(&format!("GetSecretValue: {id} holds no text")).into())
    }

    /// The client for Secrets Manager.
    pub(super) async fn secrets(&self) -> Result<&Secrets, Fault> {
        self.secrets.get_or_try_init(async || Ok(Secrets::new(self.config().await?))).await
    }

    /// What clients are made of; a region that was not found may be found next time.
    pub(super) async fn config(&self) -> Result<&SdkConfig, Fault> {
        self.config.get_or_try_init(look_up).await
    }
}

async fn look_up() -> Result<SdkConfig, Fault> {
    let retry = RetryConfig::standard().with_max_attempts(TRIES);
    let retry = retry.with_initial_backoff(FIRST_PAUSE).with_max_backoff(LONGEST_PAUSE);
    let config = aws_config::defaults(BehaviorVersion::v2026_01_12());
    let config = config.retry_config(retry).timeout_config(within(USUAL)).load().await;
    if config.region().is_none() {
        return Err(Fault::lasting("no region is set for AWS: set AWS_REGION"));
    }
    Ok(config)
}

/// One try within the first, all together within the second.
pub(super) fn within((a_try, all): (Duration, Duration)) -> TimeoutConfig {
    TimeoutConfig::builder().operation_attempt_timeout(a_try).operation_timeout(all).build()
}
