//! The program as systemd starts it: with a socket from systemd, and with messages about its state. These tests do the part
//! of systemd.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::os::fd::OwnedFd;
use std::os::linux::net::SocketAddrExt;
use std::os::unix::net::{SocketAddr, UnixDatagram};
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use rustix::process::Signal;

use crate::support::{Program, folder_with_keys, jwt_generator, unique};

/// If a line has not arrived by then, the test fails.
const PATIENCE: Duration = Duration::from_secs(60);
/// The watchdog's period in these tests.
const WATCHDOG: Duration = Duration::from_millis(600);

/// Makes standard input descriptor 3, then replaces the shell with the command, so that the process keeps its id.
const AS_FD_3: &str = r#"exec 3<&0 </dev/null; : "${LISTEN_PID:=$$}"; export LISTEN_PID; exec "$0""#;

/// Keeps the socket while servers start and stop, and reads their messages.
struct Systemd {
    folder: tempfile::TempDir,
    socket: TcpListener,
    told: UnixDatagram,
}

impl Systemd {
    fn new() -> Self {
        let folder = folder_with_keys();
        let told = UnixDatagram::bind(folder.path().join("notify")).unwrap();
        told.set_read_timeout(Some(PATIENCE)).unwrap();
        Self { folder, socket: TcpListener::bind("127.0.0.1:0").unwrap(), told }
    }

    /// The server without descriptor 3. It could not listen on the address of its settings.
    fn command(&self) -> Command {
        let mut command = on_fd_3(self.folder.path());
        command.env("SKIP_DATABASE", "true").env("LISTEN_FDS", "1").env("HOST", "192.0.2.1");
        command.env("NOTIFY_SOCKET", self.folder.path().join("notify"));
        command.env("WATCHDOG_USEC", WATCHDOG.as_micros().to_string());
        command
    }

    fn start(&self) -> Program {
        let socket = OwnedFd::from(self.socket.try_clone().unwrap());
        Program::spawn_with(&mut self.command(), socket).unwrap_or_else(|log| panic!("no start:\n{log}"))
    }

    /// The next message that is not a watchdog message.
    fn news(&self) -> String {
        loop {
            let told = hear(&self.told).expect("something is told");
            if told != "WATCHDOG=1" {
                return told;
            }
        }
    }
}

fn on_fd_3(folder: &Path) -> Command {
    let program = jwt_generator(folder);
    let mut command = Command::new("sh");
    command.args(["-c", AS_FD_3]).arg(program.get_program()).env_clear().current_dir(folder);
    command
}

fn hear(socket: &UnixDatagram) -> Option<String> {
    let mut buffer = [0; 4096];
    let length = socket.recv(&mut buffer).ok()?;
    Some(String::from_utf8(buffer[..length].to_vec()).unwrap())
}

/// One request on its own connection. Every fault of the connection is an error.
fn ask(address: std::net::SocketAddr, request: &str) -> std::io::Result<String> {
    let mut stream = TcpStream::connect(address)?;
    stream.write_all(request.as_bytes())?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer)?;
    Ok(answer)
}

#[test]
fn the_passed_socket_is_served_and_what_happens_is_told() {
    let systemd = Systemd::new();
    let address = systemd.socket.local_addr().unwrap();
    let program = systemd.start();
    assert_eq!(program.address(), address);
    assert_eq!(systemd.news(), "STATUS=Starting: opening the store and the keys");
    assert_eq!(systemd.news(), format!("READY=1\nSTATUS=Listening on {address}"));
    program.client().get("/health").ok();
    let (status, log) = program.stop();
    assert_eq!(status.code(), Some(0), "{log}");
    assert_eq!(systemd.news(), "STOPPING=1\nSTATUS=Stopping: running requests are being answered");
    assert!(!log.contains("is not a setting"), "systemd's variables are taken for settings: {log}");
}

#[test]
fn signs_of_life_come_at_half_of_the_period_and_end_when_the_process_stands_still() {
    let systemd = Systemd::new();
    let program = systemd.start();
    assert!(systemd.news().starts_with("STATUS="));
    assert!(systemd.news().starts_with("READY=1"));
    let begun = Instant::now();
    let beats = 6;
    (0..=beats).for_each(|_| assert_eq!(hear(&systemd.told).as_deref(), Some("WATCHDOG=1")));
    let took = begun.elapsed();
    assert!(took >= WATCHDOG / 2 * (beats - 1), "more often than wanted: {took:?}");
    program.freeze();
    // Messages may have been sent before.
    systemd.told.set_nonblocking(true).unwrap();
    while hear(&systemd.told).is_some() {}
    systemd.told.set_nonblocking(false).unwrap();
    systemd.told.set_read_timeout(Some(2 * WATCHDOG)).unwrap();
    assert_eq!(hear(&systemd.told), None, "a process that is stopped says nothing");
    systemd.told.set_read_timeout(Some(PATIENCE)).unwrap();
    program.signal(Signal::CONT);
    assert_eq!(hear(&systemd.told).as_deref(), Some("WATCHDOG=1"));
}

#[test]
fn an_abstract_name_is_told_too_and_a_watchdog_of_another_process_is_not() {
    let systemd = Systemd::new();
    let name = unique("jwt-generator-notify-");
    let told = UnixDatagram::bind_addr(&SocketAddr::from_abstract_name(&name).unwrap()).unwrap();
    told.set_read_timeout(Some(PATIENCE)).unwrap();
    let mut command = systemd.command();
    command.env("NOTIFY_SOCKET", format!("@{name}")).env("WATCHDOG_PID", "1");
    let socket = OwnedFd::from(systemd.socket.try_clone().unwrap());
    let program = Program::spawn_with(&mut command, socket).unwrap();
    assert!(hear(&told).unwrap().starts_with("STATUS="));
    assert!(hear(&told).unwrap().starts_with("READY=1"));
    told.set_read_timeout(Some(2 * WATCHDOG)).unwrap();
    assert_eq!(hear(&told), None);
    drop(program);
}

#[test]
fn a_restart_on_the_same_socket_loses_no_connection() {
    let systemd = Systemd::new();
    let address = systemd.socket.local_addr().unwrap();
    let (get, post) = ("GET /api/jwks", "POST /api/token/generate");
    let over = AtomicBool::new(false);
    let mut program = systemd.start();
    let answered: usize = std::thread::scope(|scope| {
        let clients: Vec<_> = [get, post, get, post]
            .map(|line| {
                let request = format!("{line} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
                let over = &over;
                scope.spawn(move || {
                    let mut answered = 0;
                    while !over.load(Ordering::Relaxed) {
                        let answer = ask(address, &request).unwrap_or_else(|error| panic!("{line}: {error}"));
                        assert!(answer.starts_with("HTTP/1.1 200 "), "{line}: {answer:?}");
                        answered += 1;
                    }
                    answered
                })
            })
            .into();
        for _ in 0..10 {
            let (status, log) = program.stop();
            assert_eq!(status.code(), Some(0), "{log}");
            // While no service runs, connections wait.
            let waiting = TcpStream::connect(address).expect("the socket is still there");
            program = systemd.start();
            drop(waiting);
            program.client().get("/health").ok();
        }
        over.store(true, Ordering::Relaxed);
        clients.into_iter().map(|client| client.join().unwrap()).sum()
    });
    println!("{answered} requests answered over 10 restarts");
    assert!(answered >= 40, "{answered}");
}

#[test]
fn sockets_that_are_meant_for_another_process_are_left_alone() {
    let systemd = Systemd::new();
    for (name, value) in [("LISTEN_PID", "1"), ("LISTEN_FDS", "0")] {
        let mut command = systemd.command();
        command.env("HOST", "127.0.0.1").env("PORT", "0").env(name, value);
        let socket = OwnedFd::from(systemd.socket.try_clone().unwrap());
        let program = Program::spawn_with(&mut command, socket).unwrap();
        assert_ne!(program.address(), systemd.socket.local_addr().unwrap(), "{name}={value}");
        program.client().get("/health").ok();
    }
}

#[test]
fn what_is_passed_and_is_not_one_listening_socket_stops_the_start() {
    let systemd = Systemd::new();
    let socket = || OwnedFd::from(systemd.socket.try_clone().unwrap());
    let connection = TcpStream::connect(systemd.socket.local_addr().unwrap()).unwrap();
    for (fds, stdin, told) in [
        ("2", Stdio::from(socket()), "but there are 2:"),
        ("1", Stdio::from(OwnedFd::from(connection)), "but it is a connection:"),
        ("1", Stdio::null(), "is not a socket:"),
    ] {
        let Err(log) = Program::spawn_with(systemd.command().env("LISTEN_FDS", fds), stdin) else {
            panic!("{told}: it started");
        };
        assert!(log.contains(told) && log.contains("put one ListenStream="), "{log}");
    }
}

#[test]
fn a_supervisor_that_cannot_be_told_does_not_stop_the_start() {
    let systemd = Systemd::new();
    for name in ["/nowhere/notify", "vsock:2:1234"] {
        let socket = OwnedFd::from(systemd.socket.try_clone().unwrap());
        let program = Program::spawn_with(systemd.command().env("NOTIFY_SOCKET", name), socket).unwrap();
        program.client().get("/health").ok();
        let (status, log) = program.stop();
        assert!(status.success() && log.contains("cannot use NOTIFY_SOCKET"), "{log}");
    }
}
