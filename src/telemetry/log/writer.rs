//! Standard error as the log uses it. A line is written at once as long as its reader takes it. If the reader stalls, lines wait
//! in a bounded memory, and then they are dropped and counted: a log that is not read holds up no request (ADR 0049).

use std::collections::VecDeque;
use std::io::{self, Write};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::stdio::stderr;
use tracing_subscriber::fmt::MakeWriter;

/// Lines that may wait for the reader, in bytes.
const BACKLOG_BYTES: usize = 4 * 1024 * 1024;
/// A pipe that can be written to takes as much at once (`PIPE_BUF`, pipe(7)).
const AT_ONCE_BYTES: usize = 4096;

/// What waits for the reader.
struct Backlog {
    lines: VecDeque<Vec<u8>>,
    bytes: usize,
    dropped: u64,
    /// Whether the thread that writes them was started, and whether it is in the middle of a line.
    has_thread: bool,
    is_writing: bool,
}

static BACKLOG: Mutex<Backlog> = Mutex::new(Backlog {
    lines: VecDeque::new(),
    bytes: 0,
    dropped: 0,
    has_thread: false,
    is_writing: false,
});
static CHANGED: Condvar = Condvar::new();

/// Takes one line at a time.
#[derive(Clone, Copy, Debug)]
pub(super) struct LogWriter;

impl MakeWriter<'_> for LogWriter {
    type Writer = Self;

    fn make_writer(&self) -> Self {
        Self
    }
}

impl Write for LogWriter {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        let mut backlog = locked();
        let waits = backlog.is_writing || !backlog.lines.is_empty();
        if waits || !written_at_once(line) {
            backlog.keep(line);
        }
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Backlog {
    fn keep(&mut self, line: &[u8]) {
        if !self.has_thread {
            // Without a thread, lines wait for one until they are dropped.
            self.has_thread = thread::Builder::new().name("log".to_owned()).spawn(write_backlog).is_ok();
        }
        if self.bytes + line.len() > BACKLOG_BYTES {
            self.dropped += 1;
            return;
        }
        self.bytes += line.len();
        self.lines.push_back(line.to_vec());
        CHANGED.notify_all();
    }

    /// What is to be written next.
    fn next(&mut self) -> Option<Vec<u8>> {
        let line = self.lines.pop_front()?;
        self.bytes -= line.len();
        self.is_writing = true;
        Some(line)
    }
}

/// Writes a line if standard error takes it without a wait. False if not a byte of it was written.
fn written_at_once(line: &[u8]) -> bool {
    if line.len() > AT_ONCE_BYTES || !takes_more() {
        return false;
    }
    // A log that cannot be written has no place to say so.
    let _ = io::stderr().lock().write_all(line);
    true
}

fn takes_more() -> bool {
    let stderr = stderr();
    let mut polled = [PollFd::new(&stderr, PollFlags::OUT)];
    let at_once = Timespec { tv_sec: 0, tv_nsec: 0 };
    // A reader that is gone lets the write fail at once.
    matches!(poll(&mut polled, Some(&at_once)), Ok(1..))
}

fn write_backlog() {
    let mut backlog = locked();
    loop {
        match backlog.next() {
            Some(line) => {
                drop(backlog);
                let _ = io::stderr().lock().write_all(&line);
                backlog = locked();
                backlog.is_writing = false;
                let dropped = std::mem::take(&mut backlog.dropped);
                if dropped > 0 {
                    drop(backlog);
                    tracing::warn!(dropped, "log lines were dropped because standard error was not read");
                    backlog = locked();
                }
                CHANGED.notify_all();
            }
            None => backlog = CHANGED.wait(backlog).unwrap_or_else(PoisonError::into_inner),
        }
    }
}

/// Waits until the lines that were logged are written, but no longer than `patience`: before the process ends or is frozen.
pub fn flush_log(patience: Duration) {
    let waits = |backlog: &mut Backlog| backlog.is_writing || !backlog.lines.is_empty();
    drop(CHANGED.wait_timeout_while(locked(), patience, waits));
}

fn locked() -> MutexGuard<'static, Backlog> {
    BACKLOG.lock().unwrap_or_else(PoisonError::into_inner)
}
