//! `backup`: a copy of the embedded database and of the keys' folder, beside a running server.

use std::path::PathBuf;

use clap::Args;
use serde_json::json;

use super::setup;
use super::{Failure, Output};
use crate::app;
use crate::config::{Config, CustodyChoice, StoreChoice};

#[derive(Debug, Args)]
pub(super) struct Backup {
    /// Where to: a folder that is empty, or not there yet
    #[arg(value_name = "FOLDER")]
    to: PathBuf,
}

impl Backup {
    pub(super) fn run(self, output: &Output) -> Result<(), Failure> {
        let config = setup::config()?;
        let backup = app::back_up(&config, &self.to).map_err(Failure::because)?;
        let elsewhere = elsewhere(&config);
        if backup.database.is_none() && backup.keys.is_none() && elsewhere.is_empty() {
            return Err(Failure::refused("there is nothing to copy: no database and no keys are there yet"));
        }
        let copied: Vec<_> = [&backup.database, &backup.keys].into_iter().flatten().collect();
        let mut lines: Vec<_> = copied.iter().map(|path| format!("copied  {}", path.display())).collect();
        lines.extend(elsewhere.iter().map(|what| format!("not here: {what}")));
        let value = json!({ "database": backup.database, "keys": backup.keys, "elsewhere": elsewhere });
        output.print(&value, &lines.join("\n"));
        Ok(())
    }
}

/// What such a copy does not hold.
fn elsewhere(config: &Config) -> Vec<&'static str> {
    let mongo = matches!(config.store, StoreChoice::Mongo(_));
    let keys = match config.custody {
        CustodyChoice::AwsKms => Some("private keys are in AWS KMS"),
        CustodyChoice::AwsSecretsManager => Some("keys are in AWS Secrets Manager"),
        CustodyChoice::Vault => Some("private keys are in Vault"),
        CustodyChoice::Directory | CustodyChoice::Database => None,
    };
    let users =
        mongo.then_some("users are in MongoDB: `mongodump` copies them, and a ring of keys that is there");
    let sealing = config.key_encryption_key.is_some();
    let sealing = sealing.then_some("KEY_ENCRYPTION_KEY: keep it where this copy is not");
    [users, keys, sealing].into_iter().flatten().collect()
}
