//! `audit checkpoint`: a checkpoint of all events, at once.

use std::sync::Arc;

use serde_json::json;

use super::super::setup;
use super::{Failure, Output};
use crate::app::{self, IfMissing};
use crate::audit::{CheckpointMetrics, Checkpointer};
use crate::clock::Clock;
use crate::keys::refuse_moved;

pub(super) fn run(output: &Output) -> Result<(), Failure> {
    // The stores and the keys work on threads of the runtime.
    setup::runtime()?.block_on(async {
        let (config, stores) = super::open()?;
        let ring_service = setup::ring_service(&config, IfMissing::Refuse)?;
        let ring = setup::ring(&ring_service).await?;
        refuse_moved(&ring).map_err(Failure::refused)?;
        let keys = app::open_keys(&ring_service, &ring).await.map_err(Failure::because)?;
        let metrics = Arc::<CheckpointMetrics>::default();
        let checkpointer = Checkpointer::new(stores.events, stores.checkpoints, keys, metrics);
        match checkpointer.make_now(Clock::System.now()).await.map_err(Failure::because)? {
            Some(made) => {
                let (number, seq) = (made.number, made.head.seq);
                let value = json!({ "checkpoint": number, "seq": seq, "at": made.at.to_string() });
                output.print(&value, &format!("checkpoint {number} is signed for the events up to {seq}"));
            }
            None => {
                let text = "the last checkpoint is signed for all events already";
                output.print(&json!({ "checkpoint": null }), text);
            }
        }
        Ok(())
    })
}
