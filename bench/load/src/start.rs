//! From the start of a process to its first answer.

use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use clap::Args;
use rustix::process::{Pid, Signal, kill_process};

use crate::connection::Connection;
use crate::figures::{Figures, Label};
use crate::request::Request;

/// Between two attempts to connect.
const PAUSE: Duration = Duration::from_micros(200);

/// What to start.
#[derive(Args)]
pub struct Options {
    #[command(flatten)]
    label: Label,
    /// The address on which the server will listen
    #[arg(long)]
    port: u16,
    /// How often to start it
    #[arg(long, default_value_t = 5)]
    times: u32,
    /// The server and its arguments
    #[arg(last = true, required = true)]
    command: Vec<String>,
}

/// What to wait for.
#[derive(Args)]
pub struct Await {
    #[arg(long)]
    port: u16,
    /// How long to wait at most
    #[arg(long, default_value_t = 10.0)]
    seconds: f64,
}

/// Starts the server again and again, and prints how long it took.
pub fn run(options: &Options) -> Result<()> {
    let times = (0..options.times).map(|_| time_one(options)).collect::<Result<Vec<_>>>()?;
    options.label.clone().print(Figures::default().with_latencies(times))
}

impl Await {
    /// Waits, or fails.
    pub fn run(self) -> Result<()> {
        first_answer(self.port, Duration::from_secs_f64(self.seconds))
    }
}

fn time_one(options: &Options) -> Result<Duration> {
    let (program, arguments) = options.command.split_first().context("no command")?;
    let begun = Instant::now();
    let child = Command::new(program).args(arguments).stdout(Stdio::null()).stderr(Stdio::null()).spawn();
    let mut child = child.with_context(|| format!("cannot start {program}"))?;
    let answered = first_answer(options.port, Duration::from_secs(10));
    let time = begun.elapsed();
    end(&mut child)?;
    answered.map(|()| time)
}

/// Waits until `/health` is answered on `port`.
fn first_answer(port: u16, patience: Duration) -> Result<()> {
    let health = Request::new("GET", "/health", None, &[])?;
    let begun = Instant::now();
    loop {
        match Connection::open(port).and_then(|mut connection| connection.ask(&health)) {
            Ok(_) => return Ok(()),
            Err(error) if begun.elapsed() > patience => bail!("nothing answers on port {port}: {error}"),
            Err(_) => thread::sleep(PAUSE),
        }
    }
}

/// Asks the process to end, and waits until it has.
fn end(child: &mut Child) -> Result<()> {
    kill_process(Pid::from_child(child), Signal::TERM)?;
    child.wait()?;
    Ok(())
}
