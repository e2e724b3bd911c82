//! A closed loop: many connections, and each sends the next request as soon as it has the answer. It shares the cores with
//! the server, so it does little: the bytes are made before, and a request needs one write and one read.

use std::io;
use std::net::Ipv4Addr;
use std::path::PathBuf;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Result, anyhow};
use clap::Args;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::answer::Answer;
use crate::figures::{Figures, Label};
use crate::process;
use crate::request::Request;

/// How long an answer may be overdue when the time is up.
const PATIENCE: Duration = Duration::from_secs(5);

/// What to ask, and how.
#[derive(Args)]
pub struct Options {
    #[command(flatten)]
    label: Label,
    /// The server's process
    #[arg(long)]
    pid: u32,
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
    #[arg(long, default_value_t = 64)]
    connections: usize,
    /// Threads of this generator
    #[arg(long, default_value_t = 2)]
    threads: usize,
    /// How long to ask before it counts
    #[arg(long, default_value_t = 1.0)]
    warm_up: f64,
    /// How long to measure
    #[arg(long, default_value_t = 5.0)]
    seconds: f64,
}

/// The span of time in which answers count.
#[derive(Clone, Copy)]
struct Window {
    from: Instant,
    to: Instant,
}

/// What one connection saw.
#[derive(Default)]
struct Seen {
    latencies: Vec<Duration>,
    errors: u64,
}

/// Asks, and prints what the answers took.
pub fn run(options: &Options) -> Result<()> {
    let request = Request::new(&options.method, &options.path, options.body.as_deref(), &options.headers)?;
    let from = Instant::now() + Duration::from_secs_f64(options.warm_up);
    let window = Window { from, to: from + Duration::from_secs_f64(options.seconds) };
    let share = options.connections / options.threads;
    let (seen, cpu) = thread::scope(|scope| -> Result<_> {
        let threads: Vec<_> = (0..options.threads)
            .map(|_| scope.spawn(|| ask_on(share, options.port, &request, window)))
            .collect();
        let cpu = cpu_within(window, options.pid)?;
        let mut seen = Seen::default();
        for thread in threads {
            seen.add(thread.join().map_err(|_| anyhow!("a thread panicked"))??);
        }
        Ok((seen, cpu))
    })?;
    let answers = seen.latencies.len() as f64;
    let figures = Figures {
        per_second: Some(answers / options.seconds),
        cpu_us: Some(cpu.as_secs_f64() * 1e6 / answers),
        memory_mib: Some(process::memory_mib(options.pid)?),
        errors: seen.errors,
        ..Figures::default()
    };
    options.label.clone().print(figures.with_latencies(seen.latencies))
}

/// The processor time that the server uses from the window's beginning to its end.
fn cpu_within(window: Window, pid: u32) -> Result<Duration> {
    thread::sleep(window.from.saturating_duration_since(Instant::now()));
    let before = process::cpu_time(pid)?;
    thread::sleep(window.to.saturating_duration_since(Instant::now()));
    Ok(process::cpu_time(pid)?.saturating_sub(before))
}

/// One thread's share of the connections.
fn ask_on(connections: usize, port: u16, request: &Request, window: Window) -> Result<Seen> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        let tasks: Vec<_> =
            (0..connections).map(|_| tokio::spawn(ask_until_end(port, request.clone(), window))).collect();
        let mut seen = Seen::default();
        for task in tasks {
            seen.add(task.await?);
        }
        Ok(seen)
    })
}

/// One connection. If it breaks, a new one replaces it.
async fn ask_until_end(port: u16, request: Request, window: Window) -> Seen {
    let mut seen = Seen::default();
    let end = tokio::time::Instant::from_std(window.to + PATIENCE);
    while Instant::now() < window.to {
        match tokio::time::timeout_at(end, converse(port, request.bytes(), window, &mut seen)).await {
            Ok(Ok(())) => {}
            Ok(Err(_)) => {
                seen.errors += 1;
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
            Err(_) => seen.errors += 1,
        }
    }
    seen
}

async fn converse(port: u16, request: &[u8], window: Window, seen: &mut Seen) -> io::Result<()> {
    let mut stream = TcpStream::connect((Ipv4Addr::LOCALHOST, port)).await?;
    stream.set_nodelay(true)?;
    let mut received = Vec::with_capacity(16 * 1024);
    let mut begun = Instant::now();
    while begun < window.to {
        received.clear();
        stream.write_all(request).await?;
        let answer = loop {
            if stream.read_buf(&mut received).await? == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            if let Some(answer) = Answer::parse(&received)? {
                break answer;
            }
        };
        let ended = Instant::now();
        if !answer.is_success() {
            seen.errors += 1;
        } else if (window.from..window.to).contains(&ended) {
            seen.latencies.push(ended - begun);
        }
        begun = ended;
    }
    Ok(())
}

impl Seen {
    fn add(&mut self, other: Self) {
        self.latencies.extend(other.latencies);
        self.errors += other.errors;
    }
}
