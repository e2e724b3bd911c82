//! A closed loop: many connections, and each sends the next request as soon as it has the answer. It shares the cores with
//! the server, so it does little: the bytes are made before, and a request needs one write and one read.

use std::net::Ipv4Addr;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, Instant};
use std::{fs, io};

use anyhow::{Context, Result, anyhow, ensure};
use clap::Args;
use serde::Deserialize;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::answer::Answer;
use crate::conversation::{Conversation, TokenRequest};
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
    /// The result of `log_in.py`: each connection uses the refresh token of a user, which the body lacks at its end
    #[arg(long, conflicts_with = "codes")]
    refresh: Option<PathBuf>,
    /// The result of `log_in.py`: each connection gets codes with the session of a user, which the body lacks at its end, and redeems
    /// them
    #[arg(long)]
    codes: Option<PathBuf>,
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
    let conversations = options.conversations()?;
    let from = Instant::now() + Duration::from_secs_f64(options.warm_up);
    let window = Window { from, to: from + Duration::from_secs_f64(options.seconds) };
    let share = options.connections.div_ceil(options.threads);
    let (seen, cpu) = thread::scope(|scope| -> Result<_> {
        let threads: Vec<_> = conversations
            .chunks(share)
            .map(|conversations| scope.spawn(|| ask_on(conversations, options.port, window)))
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
fn ask_on(conversations: &[Conversation], port: u16, window: Window) -> Result<Seen> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        let tasks: Vec<_> = conversations
            .iter()
            .map(|conversation| tokio::spawn(ask_until_end(port, conversation.clone(), window)))
            .collect();
        let mut seen = Seen::default();
        for task in tasks {
            seen.add(task.await?);
        }
        Ok(seen)
    })
}

/// One connection. If it breaks, a new one replaces it.
async fn ask_until_end(port: u16, mut conversation: Conversation, window: Window) -> Seen {
    let mut seen = Seen::default();
    let end = tokio::time::Instant::from_std(window.to + PATIENCE);
    while Instant::now() < window.to {
        match tokio::time::timeout_at(end, converse(port, &mut conversation, window, &mut seen)).await {
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

async fn converse(
    port: u16,
    conversation: &mut Conversation,
    window: Window,
    seen: &mut Seen,
) -> io::Result<()> {
    let mut stream = TcpStream::connect((Ipv4Addr::LOCALHOST, port)).await?;
    stream.set_nodelay(true)?;
    let mut received = Vec::with_capacity(16 * 1024);
    let mut begun = Instant::now();
    while begun < window.to {
        let is_success = operate(&mut stream, &mut received, conversation).await?;
        let ended = Instant::now();
        if !is_success {
            seen.errors += 1;
        } else if (window.from..window.to).contains(&ended) {
            seen.latencies.push(ended - begun);
        }
        begun = ended;
    }
    Ok(())
}

/// One operation of the conversation: its requests, one after the other. False if an answer is not the expected one.
async fn operate(
    stream: &mut TcpStream,
    received: &mut Vec<u8>,
    conversation: &mut Conversation,
) -> io::Result<bool> {
    let mut next = conversation.begin();
    loop {
        let answer = ask(stream, received, &next.request).await?;
        let is_expected = if next.ends { answer.is_success() } else { answer.is_redirect() };
        if !is_expected {
            return Ok(false);
        }
        match conversation.follow(next.ends, answer, received)? {
            Some(following) => next = following,
            None => return Ok(true),
        }
    }
}

async fn ask(stream: &mut TcpStream, received: &mut Vec<u8>, request: &Request) -> io::Result<Answer> {
    received.clear();
    stream.write_all(request.bytes()).await?;
    loop {
        if stream.read_buf(received).await? == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        if let Some(answer) = Answer::parse(received)? {
            return Ok(answer);
        }
    }
}

impl Options {
    /// One conversation for each connection.
    fn conversations(&self) -> Result<Vec<Conversation>> {
        let log_in = match self.refresh.as_ref().or(self.codes.as_ref()) {
            Some(file) => LogIn::read(file)?,
            None => {
                let request = Request::new(&self.method, &self.path, self.body.as_deref(), &self.headers)?;
                return Ok(vec![Conversation::Repeat(request); self.connections]);
            }
        };
        ensure!(log_in.users.len() >= self.connections, "{} users are needed", self.connections);
        let token_request = self.token_request()?;
        let conversation = |user: &User| {
            let (token_request, refresh_token) = (token_request.clone(), user.refresh_token.clone());
            if self.codes.is_none() {
                return Ok(Conversation::Refresh { token_request, refresh_token });
            }
            let authorize = Request::new("GET", &log_in.path, None, &[format!("cookie: {}", user.cookies)])?;
            Ok(Conversation::Code { authorize, token_request })
        };
        log_in.users.iter().take(self.connections).map(conversation).collect()
    }

    fn token_request(&self) -> Result<TokenRequest> {
        let file = self.body.as_ref().context("--body is missing")?;
        let body = fs::read_to_string(file).with_context(|| format!("cannot read {}", file.display()))?;
        let headers: String = self.headers.iter().map(|header| format!("{header}\r\n")).collect();
        let head = format!("POST {} HTTP/1.1\r\nhost: localhost\r\n{headers}", self.path);
        Ok(TokenRequest { head: head.into(), body: body.into() })
    }
}

/// The result of `log_in.py`.
#[derive(Deserialize)]
struct LogIn {
    path: String,
    users: Vec<User>,
}

#[derive(Deserialize)]
struct User {
    cookies: String,
    refresh_token: String,
}

impl LogIn {
    fn read(file: &Path) -> Result<Self> {
        let text = fs::read_to_string(file).with_context(|| format!("cannot read {}", file.display()))?;
        Ok(serde_json::from_str(&text)?)
    }
}

impl Seen {
    fn add(&mut self, other: Self) {
        self.latencies.extend(other.latencies);
        self.errors += other.errors;
    }
}
