//! `audit tail`: the latest events, and then each new one.

use std::time::Duration;

use clap::Args;

use super::super::setup;
use super::filter::{Filter, FilterArgs};
use super::list::latest;
use super::shown::EntryTable;
use super::{Failure, Output};
use crate::app::Stores;

/// Between two looks for new events.
const EVERY: Duration = Duration::from_millis(500);
/// Events that one query reads.
const PAGE: usize = 500;

#[derive(Debug, Args)]
pub(in crate::cli) struct Tail {
    #[command(flatten)]
    filter: FilterArgs,
    /// How many of the latest events to print first
    #[arg(long, short = 'n', default_value_t = 10)]
    lines: usize,
}

impl Tail {
    pub(super) fn run(self, output: &Output) -> Result<(), Failure> {
        setup::runtime()?.block_on(async {
            let (config, stores) = super::open()?;
            let filter = self.filter.read(&config, &stores).await?;
            let after = stores.events.find_chain().await.map_err(Failure::because)?.head.seq;
            let table = EntryTable::new(output);
            table.print_heading();
            let latest = latest(&stores, &filter, self.lines).await?;
            latest.iter().filter(|entry| entry.seq <= after).for_each(|entry| table.print(entry));
            follow(&stores, &filter, after, &table, output).await
        })
    }
}

/// Prints each event behind the number `after`. Returns when nothing reads the output any more.
async fn follow(
    stores: &Stores,
    filter: &Filter,
    mut after: u64,
    table: &EntryTable<'_>,
    output: &Output,
) -> Result<(), Failure> {
    let mut is_away = false;
    while !output.is_closed() {
        let page = match stores.events.list_events(&filter.stored, after, PAGE).await {
            Ok(page) => page,
            Err(error) if error.is_unavailable() => {
                if !std::mem::replace(&mut is_away, true) {
                    output.progress("the database does not answer; the command tries it again");
                }
                Vec::new()
            }
            Err(error) => return Err(Failure::because(error)),
        };
        if let Some(last) = page.last() {
            (after, is_away) = (last.seq, false);
            filter.open(stores, &page).await?.iter().for_each(|entry| table.print(entry));
        }
        if page.len() < PAGE {
            tokio::time::sleep(EVERY).await;
        }
    }
    Ok(())
}
