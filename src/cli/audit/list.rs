//! `audit list`: the latest events that match.

use clap::Args;

use super::super::setup;
use super::filter::{Filter, FilterArgs};
use super::shown::EntryTable;
use super::{Failure, Output};
use crate::app::Stores;
use crate::audit::Entry;

/// Events that one query reads.
const PAGE: usize = 500;

#[derive(Debug, Args)]
pub(in crate::cli) struct List {
    #[command(flatten)]
    filter: FilterArgs,
    /// How many events, the latest ones
    #[arg(long, default_value_t = 50)]
    limit: usize,
}

impl List {
    pub(super) fn run(self, output: &Output) -> Result<(), Failure> {
        setup::runtime()?.block_on(async {
            let (config, stores) = super::open()?;
            let filter = self.filter.read(&config, &stores).await?;
            let entries = latest(&stores, &filter, self.limit).await?;
            let table = EntryTable::new(output);
            if entries.is_empty() {
                output.progress("there is no such event");
            } else {
                table.print_heading();
            }
            entries.iter().for_each(|entry| table.print(entry));
            Ok(())
        })
    }
}

/// The latest `limit` events that match, the oldest of them first.
pub(super) async fn latest(stores: &Stores, filter: &Filter, limit: usize) -> Result<Vec<Entry>, Failure> {
    let (mut latest, mut before) = (Vec::new(), None);
    while latest.len() < limit {
        let page = stores.events.list_latest_events(&filter.stored, before, PAGE).await;
        let page = page.map_err(Failure::because)?;
        let Some(last) = page.last() else { break };
        before = Some(last.seq);
        latest.extend(filter.open(stores, &page).await?);
        if page.len() < PAGE {
            break;
        }
    }
    latest.truncate(limit);
    latest.reverse();
    Ok(latest)
}
