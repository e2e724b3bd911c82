//! `keys move`: moves the key ring and its keys to another custody.

use clap::Args;
use serde_json::json;

use super::super::setup;
use super::{Failure, Output};
use crate::app::IfMissing;
use crate::config::settings::KEY_CUSTODY;
use crate::keys::{Relocation, RingService};

/// The values of `KEY_CUSTODY`.
const CUSTODIES: [&str; 5] = ["directory", "database", "aws-kms", "aws-secrets-manager", "vault"];

#[derive(Debug, Args)]
pub(in crate::cli) struct Move {
    /// The new custody; its settings must be set
    #[arg(long, value_name = "CUSTODY", value_parser = CUSTODIES)]
    to: String,
}

impl Move {
    pub(super) async fn run(self, from: &RingService, output: &Output) -> Result<(), Failure> {
        let name = from.custody().name();
        if self.to == name {
            return Err(Failure::usage(format!("--to {name}: the keys are in this custody already")));
        }
        let config = setup::config_with(KEY_CUSTODY, &self.to)
            .map_err(|failure| Failure::usage(format!("--to {}: {}", self.to, failure.message())))?;
        let to = setup::ring_service(&config, IfMissing::Create)?;
        let Relocation { ring, until } = from.relocate(&to).await.map_err(Failure::because)?;
        let keys = ring.verifying().count();
        let text = format!(
            "The key ring and its keys ({keys}) are now in {there}. No key has changed.\nRestart every server with KEY_CUSTODY={to} \
             before {until}. Until then, servers with KEY_CUSTODY={name} work with the keys that they know; after it, they \
             answer 503. No new key signs before that.\nWhen all servers are restarted, delete what is left in {here}.",
            there = to.custody().ring_store().place(),
            here = from.custody().ring_store().place(),
            to = self.to,
        );
        output.print(&json!({ "moved": keys, "to": self.to, "until": until.to_string() }), &text);
        Ok(())
    }
}
