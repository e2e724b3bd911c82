//! `audit export`: all events with their checkpoints.

use std::fs::File;
use std::io::{self, BufWriter, IsTerminal, Write};
use std::path::PathBuf;

use clap::{Args, ValueEnum};

use super::super::output::visible;
use super::super::setup;
use super::filter::{Filter, FilterArgs};
use super::progress::Progress;
use super::{Failure, Output};
use crate::app::Stores;
use crate::audit::{Entry, ExportLines, OpenRecord, Portion, StoredEvent, TrailReader, cef_line};
use crate::clock::Clock;
use crate::config::Config;

/// Events that one query reads.
const PAGE: usize = 2000;

#[derive(Debug, Args)]
pub(in crate::cli) struct Export {
    #[command(flatten)]
    filter: FilterArgs,
    /// Form of the lines
    #[arg(long, value_enum, default_value_t = Format::Jsonl)]
    format: Format,
    /// Only events behind the one with this number, to continue an export
    #[arg(long, value_name = "NUMBER")]
    after: Option<u64>,
    /// Add the personal data of the events, which no deletion of a user then removes
    /// from the export
    #[arg(long)]
    with_personal_data: bool,
    /// File to write to [default: standard output]
    #[arg(long, value_name = "FILE")]
    to: Option<PathBuf>,
}

/// The form of an export.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Format {
    /// JSON lines, with checkpoints; `audit verify` checks them
    Jsonl,
    /// Common Event Format, for systems that collect security events
    Cef,
}

impl Export {
    pub(super) fn run(self, output: &Output) -> Result<(), Failure> {
        setup::runtime()?.block_on(async {
            let (config, stores) = super::open()?;
            let mut lines = Lines::open(self.to.as_ref())?;
            let done = self.write(&config, &stores, &mut lines, output).await;
            done.and_then(|count| {
                lines.finish()?;
                if let Some(file) = &self.to {
                    output.progress(&format!("{count} events are in {}", file.display()));
                }
                Ok(())
            })
        })
    }

    /// Writes the export. Returns the number of events.
    async fn write(
        &self,
        config: &Config,
        stores: &Stores,
        lines: &mut Lines,
        output: &Output,
    ) -> Result<u64, Failure> {
        let filter = self.filter.read(config, stores).await?;
        if self.filter.is_empty() && self.format == Format::Jsonl {
            return self.write_trail(config, stores, &filter, lines, output).await;
        }
        if self.format == Format::Jsonl {
            let chain = stores.events.find_chain().await.map_err(Failure::because)?;
            let now = Clock::System.now();
            lines.add(ExportLines::header(now, &config.event_retention, chain.base, true))?;
        }
        let (mut after, mut count) = (self.after.unwrap_or(0), 0);
        loop {
            let page =
                stores.events.list_events(&filter.stored, after, PAGE).await.map_err(Failure::because)?;
            let Some(last) = page.last() else { return Ok(count) };
            after = last.seq;
            count += self.write_events(&page, stores, &filter, lines).await?;
            if lines.is_closed {
                return Ok(count);
            }
        }
    }

    /// Writes the whole trail, with its keys, its checkpoints and its end.
    async fn write_trail(
        &self,
        config: &Config,
        stores: &Stores,
        filter: &Filter,
        lines: &mut Lines,
        output: &Output,
    ) -> Result<u64, Failure> {
        let (events, checkpoints) = (stores.events.clone(), stores.checkpoints.clone());
        let reader = TrailReader::begin(events, checkpoints, self.after).await;
        let mut reader = reader.map_err(Failure::because)?;
        let chain = reader.chain();
        lines.add(ExportLines::header(Clock::System.now(), &config.event_retention, chain.base, false))?;
        for key in reader.keys().await.map_err(Failure::because)? {
            lines.add(ExportLines::key(&key.jwk))?;
        }
        // Lines on a terminal show the progress themselves.
        let mut progress =
            Progress::new(chain.head.seq - chain.base.seq, output.is_for_people() && self.to.is_some());
        let mut count = 0;
        while let Some(Portion { checkpoints, events }) = reader.next().await.map_err(Failure::because)? {
            for checkpoint in checkpoints {
                lines.add(ExportLines::checkpoint(&checkpoint.jws))?;
            }
            count += self.write_events(&events, stores, filter, lines).await?;
            progress.add(events.len() as u64);
            if lines.is_closed {
                break;
            }
        }
        lines.add(ExportLines::end(chain.head))?;
        Ok(count)
    }

    async fn write_events(
        &self,
        page: &[StoredEvent],
        stores: &Stores,
        filter: &Filter,
        lines: &mut Lines,
    ) -> Result<u64, Failure> {
        // Only the addresses, the personal data and CEF need what the records contain.
        if self.filter.is_empty() && self.format == Format::Jsonl && !self.with_personal_data {
            page.iter().try_for_each(|event| lines.add(ExportLines::event(event, None)))?;
            return Ok(page.len() as u64);
        }
        let entries = filter.open(stores, page).await?;
        let mut stored = page.iter();
        for entry in &entries {
            let Some(event) = stored.find(|event| event.seq == entry.seq) else { continue };
            self.write_event(event, entry, lines)?;
        }
        Ok(entries.len() as u64)
    }

    fn write_event(&self, event: &StoredEvent, entry: &Entry, lines: &mut Lines) -> Result<(), Failure> {
        match self.format {
            Format::Cef => lines.add(Ok(cef_line(entry, self.with_personal_data))),
            Format::Jsonl => {
                let opened = entry.record.as_ref().filter(|_| self.with_personal_data);
                lines.add(ExportLines::event(event, opened.and_then(OpenRecord::personal_data)))
            }
        }
    }
}

/// The place to which the lines go.
struct Lines {
    to: Box<dyn Write>,
    /// On a terminal, what steers it is written out. Elsewhere each line stays as it is, because links depend on its bytes.
    is_terminal: bool,
    /// A closed pipe is not an error: its reader wants no more.
    is_closed: bool,
}

impl Lines {
    fn open(to: Option<&PathBuf>) -> Result<Self, Failure> {
        let (to, is_terminal): (Box<dyn Write>, _) = match to {
            None => (Box::new(BufWriter::new(io::stdout())), io::stdout().is_terminal()),
            Some(path) => {
                let file = File::create(path);
                let fault = |error| Failure::refused(format!("--to {}: {error}", path.display()));
                (Box::new(BufWriter::new(file.map_err(fault)?)), false)
            }
        };
        Ok(Self { to, is_terminal, is_closed: false })
    }

    fn add(&mut self, line: Result<String, serde_json::Error>) -> Result<(), Failure> {
        let line = line.map_err(|error| Failure::refused(format!("an event cannot be written: {error}")))?;
        if self.is_closed {
            return Ok(());
        }
        let shown = if self.is_terminal { visible(&line) } else { line.as_str().into() };
        let written = writeln!(self.to, "{shown}");
        self.note(written)
    }

    fn finish(&mut self) -> Result<(), Failure> {
        let flushed = self.to.flush();
        self.note(flushed)
    }

    fn note(&mut self, written: io::Result<()>) -> Result<(), Failure> {
        match written {
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => {
                self.is_closed = true;
                Ok(())
            }
            other => other.map_err(|error| Failure::refused(format!("cannot write the export: {error}"))),
        }
    }
}
