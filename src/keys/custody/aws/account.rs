//! Region, credentials and endpoint, found as AWS's own tools find them, and the deadlines of calls.

use std::time::Duration;

use aws_config::retry::RetryConfig;
use aws_config::timeout::TimeoutConfig;
use aws_config::{BehaviorVersion, SdkConfig};
use aws_sdk_secretsmanager::Client as Secrets;
use tokio::sync::OnceCell;

use super::super::CustodyError;
use super::fault::Fault;
use crate::domain::Secret;

/// The most tries of a call; the pauses between them come from the SDK, with jitter.
const TRIES: u32 = 3;
const FIRST_PAUSE: Duration = Duration::from_millis(100);
const LONGEST_PAUSE: Duration = Duration::from_millis(500);
/// The longest time of one try, and of all tries together, for calls for which only the start waits.
const USUAL: (Duration, Duration) = (Duration::from_secs(3), Duration::from_secs(8));

/// An account of AWS. It is looked up when it is first needed, because that may need calls of its own.
#[derive(Debug, Default)]
pub struct Account {
    config: OnceCell<SdkConfig>,
    secrets: OnceCell<Secrets>,
}

impl Account {
    /// With settings that the caller has found.
    pub fn with(config: SdkConfig) -> Self {
        Self { config: OnceCell::from(config), secrets: OnceCell::new() }
    }

    /// The value of a secret in Secrets Manager, by its name or ARN.
    ///
    /// # Errors
    /// [`CustodyError`]; `Unavailable` if trying again may help.
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

    /// The configuration of clients; a region that was not found may be found next time.
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

/// One try within the first duration, all tries together within the second.
pub(super) fn within((a_try, all): (Duration, Duration)) -> TimeoutConfig {
    TimeoutConfig::builder().operation_attempt_timeout(a_try).operation_timeout(all).build()
}
