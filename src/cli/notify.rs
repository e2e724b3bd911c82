//! Messages to systemd (sd_notify(3)): the service is ready, its status, it is alive, it stops. Without `NOTIFY_SOCKET`,
//! nothing is sent.

use std::env;
use std::io;
use std::os::linux::net::SocketAddrExt;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::net::{SocketAddr, UnixDatagram};
use std::sync::Arc;
use std::time::Duration;

use tokio::task::JoinHandle;
use tokio::time::{MissedTickBehavior, interval};

/// If systemd does not take a message within this time, the message is dropped: the service comes first.
const SEND_TIMEOUT: Duration = Duration::from_secs(1);

/// The socket of systemd, and the period of its watchdog.
#[derive(Debug)]
pub(super) struct Notify {
    socket: Option<UnixDatagram>,
    watchdog: Option<Duration>,
}

impl Notify {
    /// From `NOTIFY_SOCKET`, `WATCHDOG_USEC` and `WATCHDOG_PID`.
    pub(super) fn from_environment() -> Arc<Self> {
        let socket = env::var_os("NOTIFY_SOCKET").filter(|name| !name.is_empty()).and_then(|name| {
            let connected = connect(name.as_bytes());
            if let Err(error) = &connected {
                tracing::warn!(%error, "cannot use NOTIFY_SOCKET: the service runs, but does not report to systemd");
            }
            connected.ok()
        });
        Arc::new(Self { socket, watchdog: watchdog() })
    }

    /// The start has begun.
    pub(super) fn starting(&self) {
        self.tell("STATUS=Starting: opening the store and the keys");
    }

    /// The service listens.
    pub(super) fn ready(&self, status: &str) {
        self.tell(&format!("READY=1\nSTATUS={status}"));
    }

    /// The service was asked to end.
    pub(super) fn stopping(&self) {
        self.tell("STOPPING=1\nSTATUS=Stopping: running requests are being answered");
    }

    /// Tells systemd twice in each period that the service is alive. The runtime that answers requests does it, so that the
    /// messages end if that runtime is blocked.
    pub(super) fn live(self: &Arc<Self>) -> Option<JoinHandle<()>> {
        let mut beats = interval(self.watchdog? / 2);
        beats.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let told = Arc::clone(self);
        Some(tokio::spawn(async move {
            loop {
                beats.tick().await;
                told.tell("WATCHDOG=1");
            }
        }))
    }

    fn tell(&self, lines: &str) {
        if let Some(socket) = &self.socket
            && let Err(error) = socket.send(lines.as_bytes())
        {
            tracing::debug!(%error, "cannot send a message to systemd");
        }
    }
}

/// A path, or `@` and an abstract name.
fn connect(name: &[u8]) -> io::Result<UnixDatagram> {
    let address = match name {
        [b'@', name @ ..] => SocketAddr::from_abstract_name(name),
        [b'/', ..] => SocketAddr::from_pathname(std::ffi::OsStr::from_bytes(name)),
        _ => Err(io::Error::other("it is neither a path nor an abstract name")),
    }?;
    let socket = UnixDatagram::unbound()?;
    socket.connect_addr(&address)?;
    socket.set_write_timeout(Some(SEND_TIMEOUT))?;
    Ok(socket)
}

/// The period of the watchdog, if it watches this process.
fn watchdog() -> Option<Duration> {
    let number = |name| env::var(name).ok()?.parse::<u64>().ok();
    let ours = env::var_os("WATCHDOG_PID").is_none()
        || number("WATCHDOG_PID") == Some(u64::from(std::process::id()));
    let period = number("WATCHDOG_USEC").filter(|period| *period > 0 && ours)?;
    Some(Duration::from_micros(period))
}
