//! The program, started as a user starts it: in a folder, with an environment of its own.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStderr, Command, ExitStatus, Output, Stdio};
use std::sync::{Arc, Mutex, mpsc};
use std::thread::JoinHandle;
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, poll};
use rustix::io::{ioctl_fionread, read, retry_on_intr};
use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;

use super::{Client, eventually};

/// A program that has written nothing within this time is broken. Without this limit it would block the run.
const PATIENCE: Duration = Duration::from_secs(120);

/// The binary under test: the release build if `./test` made one. It has no admin listener: many of them run at once.
pub fn jwt_generator(folder: &Path) -> Command {
    let built = std::env::var_os("JWT_TEST_BINARY").map(PathBuf::from);
    let mut command = Command::new(built.unwrap_or_else(|| env!("CARGO_BIN_EXE_jwt-generator").into()));
    command.env_clear().env("ADMIN_ADDRESS", "off").current_dir(folder);
    command
}

/// A running server; killed with the value.
pub struct Program {
    child: Child,
    address: SocketAddr,
    log: Arc<Log>,
    reader: Option<JoinHandle<()>>,
}

/// The end of the pipe to which the server logs, and the text that was read from it.
struct Log {
    pipe: ChildStderr,
    text: Mutex<Vec<u8>>,
}

impl Program {
    /// Starts the server in `folder` and waits until it says where it listens.
    pub fn start(folder: &Path, settings: &[(&str, &str)]) -> Self {
        Self::try_start(folder, settings).unwrap_or_else(|log| panic!("the server did not start:\n{log}"))
    }

    /// The same. If the server ends instead, returns what it logged.
    pub fn try_start(folder: &Path, settings: &[(&str, &str)]) -> Result<Self, String> {
        let mut command = jwt_generator(folder);
        command.env("HOST", "127.0.0.1").env("PORT", "0").envs(settings.iter().copied());
        Self::spawn(&mut command)
    }

    /// Runs a command that becomes the server.
    pub fn spawn(command: &mut Command) -> Result<Self, String> {
        Self::spawn_with(command, Stdio::null())
    }

    /// The same, with this text at its standard input.
    pub fn spawn_with(command: &mut Command, stdin: impl Into<Stdio>) -> Result<Self, String> {
        let mut child = command.stdin(stdin).stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
        let log = Arc::new(Log { pipe: child.stderr.take().unwrap(), text: Mutex::default() });
        let (tell, told) = mpsc::channel();
        let reader = std::thread::spawn({
            let log = Arc::clone(&log);
            move || log.follow(&tell)
        });
        match told.recv_timeout(PATIENCE) {
            Ok(address) => Ok(Self { child, address, log, reader: Some(reader) }),
            Err(_) => {
                let _ = child.kill();
                child.wait().unwrap();
                reader.join().unwrap();
                Err(log.text())
            }
        }
    }

    pub fn address(&self) -> SocketAddr {
        self.address
    }

    pub fn client(&self) -> Client {
        Client::new(&format!("http://{}", self.address))
    }

    pub fn pid(&self) -> Pid {
        Pid::from_child(&self.child)
    }

    pub fn signal(&self, signal: Signal) {
        kill_process(self.pid(), signal).unwrap();
    }

    /// Stops it with SIGSTOP, and returns when each of its threads has stopped.
    pub fn freeze(&self) {
        self.signal(Signal::STOP);
        eventually("each thread has stopped", || self.is_frozen().then_some(()));
    }

    fn is_frozen(&self) -> bool {
        let threads = std::fs::read_dir(format!("/proc/{}/task", self.child.id())).unwrap();
        let mut states = threads.map(|thread| std::fs::read_to_string(thread.unwrap().path().join("status")));
        // A thread that has ended in the meantime does nothing either.
        states.all(|status| status.map_or(true, |status| status.contains("State:\tT")))
    }

    /// Ends it with SIGKILL, at once.
    pub fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// Waits for its end, and returns its log.
    pub fn wait(mut self) -> (ExitStatus, String) {
        let status = eventually("the server ends", || self.child.try_wait().unwrap());
        self.reader.take().unwrap().join().unwrap();
        (status, self.log.text())
    }

    /// Ends it with SIGTERM.
    pub fn stop(self) -> (ExitStatus, String) {
        self.signal(Signal::TERM);
        self.wait()
    }

    /// Everything that it has logged until now, including the lines that are still in the pipe.
    pub fn log(&self) -> String {
        self.log.text()
    }

    /// A line of `/proc/PID/status`, in kB.
    pub fn memory_kib(&self) -> u64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id())).unwrap();
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
        line.trim().trim_end_matches(" kB").parse().unwrap()
    }

    /// The number of its open files.
    pub fn open_files(&self) -> usize {
        std::fs::read_dir(format!("/proc/{}/fd", self.child.id())).unwrap().count()
    }
}

impl Log {
    /// Reads the pipe to its end. It takes the lock before it reads, so that no byte is in neither the pipe nor the text.
    fn follow(&self, tell: &mpsc::Sender<SocketAddr>) {
        let mut address = Some(tell);
        loop {
            retry_on_intr(|| poll(&mut [PollFd::new(&self.pipe, PollFlags::IN)], None)).unwrap();
            let mut text = self.text.lock().unwrap();
            if !self.read_chunk(&mut text) {
                return;
            }
            if let Some(listening) = address.and_then(|_| listening_at(&text)) {
                // The receiver may be gone.
                let _ = tell.send(listening);
                address = None;
            }
        }
    }

    /// False at the end of the pipe.
    fn read_chunk(&self, text: &mut Vec<u8>) -> bool {
        let mut chunk = [0; 64 * 1024];
        let length = retry_on_intr(|| read(&self.pipe, &mut chunk)).unwrap();
        text.extend_from_slice(&chunk[..length]);
        length > 0
    }

    fn text(&self) -> String {
        let mut text = self.text.lock().unwrap();
        while ioctl_fionread(&self.pipe).unwrap() > 0 {
            self.read_chunk(&mut text);
        }
        String::from_utf8_lossy(&text).into_owned()
    }
}

/// The address in the line that says where the server listens, if this line is whole.
fn listening_at(log: &[u8]) -> Option<SocketAddr> {
    let lines = log.split(|byte| *byte == b'\n');
    let mut entries = lines.filter_map(|line| serde_json::from_slice::<Value>(line).ok());
    let listening = entries.find(|entry| entry["message"] == "listening")?;
    listening["address"].as_str()?.parse().ok()
}

impl Drop for Program {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Runs the program to its end; it must fail with this code. Returns what it wrote to standard error.
#[track_caller]
pub fn refused(command: &mut Command, code: i32) -> String {
    let child = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
    let pid = Pid::from_child(&child);
    let (tell, told) = mpsc::channel();
    std::thread::spawn(move || tell.send(child.wait_with_output().unwrap()));
    let Ok(Output { status, stderr, .. }) = told.recv_timeout(PATIENCE) else {
        kill_process(pid, Signal::KILL).unwrap();
        panic!("{command:?} was to be refused, and runs");
    };
    let stderr = String::from_utf8(stderr).unwrap();
    assert_eq!(status.code(), Some(code), "{stderr}");
    stderr
}

/// The program with its own small disk at `place`. No other process sees the disk. `BEFORE` is shell code to run first.
pub fn on_small_disk(folder: &Path, place: &Path, size: &str) -> Command {
    const SCRIPT: &str =
        r#"mount -t tmpfs -o size="$1",mode=700 tmpfs "$2" || exit 9; eval "${BEFORE-}"; exec "$3""#;
    let program = jwt_generator(folder);
    let mut command = Command::new("unshare");
    command.arg("--mount").args((!rustix::process::geteuid().is_root()).then_some("--map-root-user"));
    command.args(["sh", "-c", SCRIPT, "sh", size]).arg(place).arg(program.get_program());
    command.env_clear().env("PATH", std::env::var_os("PATH").unwrap_or_default()).current_dir(folder);
    command
}
