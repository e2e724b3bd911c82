//! `backup`: a copy of the SQLite database and of the folder of keys, also while the server runs.

use std::io::{self, BufWriter, IsTerminal};
use std::path::{Path, PathBuf};

use clap::Args;
use serde_json::{Value, json};

use super::setup;
use super::{Failure, Output};
use crate::app;
use crate::config::{Config, CustodyChoice, StoreChoice};
use crate::entropy::Entropy;

#[derive(Debug, Args)]
pub(super) struct Backup {
    /// The same as --to FOLDER
    #[arg(required_unless_present = "to", conflicts_with = "to")]
    folder: Option<PathBuf>,
    /// Folder for the copy; it must be empty or must not exist. Or - for a tar archive
    /// on standard output
    #[arg(long, value_name = "FOLDER|-")]
    to: Option<PathBuf>,
}

impl Backup {
    pub(super) fn run(self, output: &Output) -> Result<(), Failure> {
        let to = self.to.or(self.folder).unwrap_or_default();
        let config = setup::config()?;
        let elsewhere = elsewhere(&config);
        if to == Path::new("-") {
            return archive(&config, &elsewhere, output);
        }
        let backup = app::back_up(&config, &to).map_err(Failure::because)?;
        refuse_nothing(&backup, &elsewhere)?;
        let copied = [&backup.database, &backup.keys].into_iter().flatten();
        let copied = copied.map(|path| format!("copied  {}", path.display()));
        output.print(&as_json(&backup, &elsewhere), &lines(copied, &elsewhere));
        Ok(())
    }
}

/// Writes a tar archive to standard output. Messages go to standard error.
fn archive(config: &Config, elsewhere: &[&str], output: &Output) -> Result<(), Failure> {
    if io::stdout().is_terminal() {
        return Err(Failure::usage(
            "a terminal cannot show the archive: redirect standard output to a file or a pipe",
        ));
    }
    let archive = app::Archive::read(config, &Entropy::System).map_err(Failure::because)?;
    let contents = archive.contents();
    refuse_nothing(&contents, elsewhere)?;
    let stdout = BufWriter::with_capacity(64 * 1024, io::stdout().lock());
    let done = |path: &Path| output.progress(&format!("archived  {}", path.display()));
    archive.write(stdout, done).map_err(Failure::because)?;
    let complete = std::iter::once("the archive is complete".to_owned());
    output.report(&as_json(&contents, elsewhere), &lines(complete, elsewhere));
    Ok(())
}

fn refuse_nothing(backup: &app::Backup, elsewhere: &[&str]) -> Result<(), Failure> {
    if backup.database.is_none() && backup.keys.is_none() && elsewhere.is_empty() {
        return Err(Failure::refused(
            "there is nothing to copy: there is no database and there are no keys yet",
        ));
    }
    Ok(())
}

fn as_json(backup: &app::Backup, elsewhere: &[&str]) -> Value {
    json!({ "database": backup.database, "keys": backup.keys, "elsewhere": elsewhere })
}

fn lines(done: impl Iterator<Item = String>, elsewhere: &[&str]) -> String {
    let elsewhere = elsewhere.iter().map(|what| format!("not included: {what}"));
    done.chain(elsewhere).collect::<Vec<_>>().join("\n")
}

/// What such a copy does not contain.
fn elsewhere(config: &Config) -> Vec<&'static str> {
    let mongo = matches!(config.store, StoreChoice::Mongo(_));
    let keys = match config.custody {
        CustodyChoice::AwsKms => Some("private keys are in AWS KMS"),
        CustodyChoice::AwsSecretsManager => Some("keys are in AWS Secrets Manager"),
        CustodyChoice::Vault => Some("private keys are in Vault"),
        CustodyChoice::Directory | CustodyChoice::Database => None,
    };
    let users = mongo.then_some("users are in MongoDB, and so may be the key ring: `mongodump` copies them");
    let sealing = config.key_encryption_key.is_some();
    let sealing = sealing.then_some("KEY_ENCRYPTION_KEY: keep it apart from this copy");
    [users, keys, sealing].into_iter().flatten().collect()
}
