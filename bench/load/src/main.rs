//! What `bench/run` measures with. Each measuring subcommand prints its figures as one line of JSON; `table` makes a
//! Markdown table of all such lines.

mod answer;
mod bare;
mod connection;
mod conversation;
mod figures;
mod load;
mod probe;
mod process;
mod raw;
mod request;
mod spread;
mod start;
mod summary;
mod table;

use std::io::Write;
use std::path::PathBuf;

use anyhow::Result;
use clap::{Args, Parser, Subcommand};

use figures::Figures;
use request::Request;

#[derive(Parser)]
#[command(about, version)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Signs with RSA-2048 on all cores, with the crypto library alone
    Raw(raw::Options),
    /// Serves recorded answers with nothing but hyper
    Bare(bare::Options),
    /// Asks on many connections at once, each as soon as it is answered (a closed loop)
    Load(load::Options),
    /// Asks at a constant rate, whether answered or not (an open loop)
    Probe(probe::Options),
    /// Starts a server again and again, and times its first answer
    Start(start::Options),
    /// Waits until a server answers
    Await(start::Await),
    /// Reads the memory that a server and its children hold
    Memory(Memory),
    /// Asks once and prints the answer as it came, head and body
    Record(Record),
    /// Prints the Markdown table of all figures
    Table(table::Options),
}

#[derive(Args)]
struct Memory {
    #[command(flatten)]
    label: figures::Label,
    #[arg(long)]
    pid: u32,
}

#[derive(Args)]
struct Record {
    #[arg(long)]
    port: u16,
    #[arg(long, default_value = "GET")]
    method: String,
    #[arg(long)]
    path: String,
    /// A file with a body
    #[arg(long)]
    body: Option<PathBuf>,
    /// A header, such as `content-type: text/plain`
    #[arg(long = "header")]
    headers: Vec<String>,
}

fn main() -> Result<()> {
    match Cli::parse().command {
        Command::Raw(options) => raw::run(options),
        Command::Bare(options) => bare::run(&options),
        Command::Load(options) => load::run(&options),
        Command::Probe(options) => probe::run(options),
        Command::Start(options) => start::run(&options),
        Command::Await(options) => options.run(),
        Command::Memory(options) => options.run(),
        Command::Record(options) => options.run(),
        Command::Table(options) => table::run(&options),
    }
}

impl Memory {
    fn run(self) -> Result<()> {
        let memory_mib = Some(process::memory_mib(self.pid)?);
        self.label.print(Figures { memory_mib, ..Figures::default() })
    }
}

impl Record {
    fn run(self) -> Result<()> {
        let request = Request::new(&self.method, &self.path, self.body.as_deref(), &self.headers)?;
        let mut connection = connection::Connection::open(self.port)?;
        connection.ask(&request)?;
        Ok(std::io::stdout().write_all(connection.received())?)
    }
}
