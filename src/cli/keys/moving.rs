//! `keys move`: the ring and its keys, to another custody.

use clap::Args;
use serde_json::json;

use super::super::setup;
use super::{Failure, Output};
use crate::app::IfMissing;
use crate::config::settings::KEY_CUSTODY;
use crate::keys::{Relocation, RingService};

#[derive(Debug, Args)]
pub(in crate::cli) struct Move {
    /// Where to, as KEY_CUSTODY names it; what belongs to it must be set
    #[arg(long, value_name = "CUSTODY")]
    to: String,
}

impl Move {
    pub(super) async fn run(self, from: &RingService, output: &Output) -> Result<(), Failure> {
        let name = from.custody().name();
        if self.to == name {
            return Err(Failure::usage(format!("the keys are in {name} already")));
        }
        let to = setup::ring_service(&setup::config_with(KEY_CUSTODY, &self.to)?, IfMissing::Create)?;
        let Relocation { ring, until } = from.relocate(&to).await.map_err(Failure::because)?;
        let keys = ring.verifying().count();
        let text = format!(
            "The ring and its keys ({keys}) are in {there} now, and none has changed.\nRestart every server with KEY_CUSTODY={to} before \
             {until}. Until then those that still look in {name} serve on with what they know; after it they stop. No new \
             key signs before all of that is over.\nWhat was left in {here} is not needed any more then: take it away when \
             all servers have followed.",
            there = to.custody().ring_store().place(),
            here = from.custody().ring_store().place(),
            to = self.to,
        );
        output.print(&json!({ "moved": keys, "to": self.to, "until": until.to_string() }), &text);
        Ok(())
    }
}
