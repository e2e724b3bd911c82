//! An open loop: one request every so often, due at fixed instants. What a late answer does to those behind it counts
//! as theirs too, since each is timed from the instant at which it was due, not from when it could be sent.

use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Result, anyhow};
use clap::Args;

use crate::connection::Connection;
use crate::figures::{Figures, Label};
use crate::request::Request;

/// What to ask, and how often.
#[derive(Args)]
pub struct Options {
    #[command(flatten)]
    label: Label,
    #[arg(long)]
    port: u16,
    /// What to ask for; each gets a connection and a row of its own, `ROW:PATH`
    #[arg(long = "path", required = true)]
    paths: Vec<String>,
    /// Requests a second, for each path
    #[arg(long, default_value_t = 200)]
    rate: u32,
    /// How long to ask
    #[arg(long, default_value_t = 5.0)]
    seconds: f64,
}

/// Asks for each path at the same rate, and prints a line for each.
pub fn run(options: Options) -> Result<()> {
    let found: Result<Vec<Figures>> = thread::scope(|scope| {
        let options = &options;
        let threads: Vec<_> = options.paths.iter().map(|path| scope.spawn(|| probe(path, options))).collect();
        threads.into_iter().map(|thread| thread.join().map_err(|_| anyhow!("a thread panicked"))?).collect()
    });
    for (path, figures) in options.paths.iter().zip(found?) {
        let row = format!("{}:{path}", options.label.row);
        Label { row, ..options.label.clone() }.print(figures)?;
    }
    Ok(())
}

fn probe(path: &str, options: &Options) -> Result<Figures> {
    let request = Request::new("GET", path, None, &[])?;
    let mut connection = Connection::open(options.port)?;
    let times = (f64::from(options.rate) * options.seconds) as u32;
    let (mut latencies, mut errors) = (Vec::new(), 0);
    let begun = Instant::now();
    for time in 0..times {
        let due = begun + Duration::from_secs(1) * time / options.rate;
        thread::sleep(due.saturating_duration_since(Instant::now()));
        if connection.ask(&request).is_ok() {
            latencies.push(due.elapsed());
        } else {
            errors += 1;
            connection = Connection::open(options.port)?;
        }
    }
    let per_second = latencies.len() as f64 / begun.elapsed().as_secs_f64();
    Ok(Figures { per_second: Some(per_second), errors, ..Figures::default() }.with_latencies(latencies))
}
