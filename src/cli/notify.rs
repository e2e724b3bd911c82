//! What systemd is told (sd_notify(3)): that the service is ready, what it is at, that it lives, that it stops. Where
//! nobody has asked to be told, nothing is done.

use std::env;
use std::io;
use std::os::linux::net::SocketAddrExt;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::net::{SocketAddr, UnixDatagram};
use std::sync::Arc;
use std::time::Duration;

use tokio::task::JoinHandle;
use tokio::time::{MissedTickBehavior, interval};

/// Whoever does not take a line within this time does without it: the service comes first.
const PATIENCE: Duration = Duration::from_secs(1);

/// Who is to be told, and how often a sign of life is wanted.
#[derive(Debug)]
pub(super) struct Notify {
    socket: Option<UnixDatagram>,
    watchdog: Option<Duration>,
}

impl Notify {
    /// As `NOTIFY_SOCKET`, `WATCHDOG_USEC` and `WATCHDOG_PID` say.
    pub(super) fn from_environment() -> Arc<Self> {
        let socket = env::var_os("NOTIFY_SOCKET").filter(|name| !name.is_empty()).and_then(|name| {
            let connected = connect(name.as_bytes());
            if let Err(error) = &connected {
                tracing::warn!(%error, "NOTIFY_SOCKET cannot be used: the service runs on, and tells nobody");
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
        self.tell("STOPPING=1\nSTATUS=Stopping: requests under way are being answered");
    }

    /// Gives a sign of life twice in each period. It comes out of the runtime that answers requests, so that it ends
    /// with it where that no longer gets round to anything.
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
            tracing::debug!(%error, "systemd was not told");
        }
    }
}

/// A path, or an abstract name behind an `@`.
fn connect(name: &[u8]) -> io::Result<UnixDatagram> {
    let address = match name {
        [b'@', name @ ..] => SocketAddr::from_abstract_name(name),
        [b'/', ..] => SocketAddr::from_pathname(std::ffi::OsStr::from_bytes(name)),
        _ => Err(io::Error::other("it is neither a path nor an abstract name")),
    }?;
    let socket = UnixDatagram::unbound()?;
    socket.connect_addr(&address)?;
    socket.set_write_timeout(Some(PATIENCE))?;
    Ok(socket)
}

/// The period of the watchdog, where there is one and it watches this process.
fn watchdog() -> Option<Duration> {
    let number = |name| env::var(name).ok()?.parse::<u64>().ok();
    let ours = env::var_os("WATCHDOG_PID").is_none()
        || number("WATCHDOG_PID") == Some(u64::from(std::process::id()));
    let period = number("WATCHDOG_USEC").filter(|period| *period > 0 && ours)?;
    Some(Duration::from_micros(period))
}
