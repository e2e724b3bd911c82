//! The listening socket, our own or systemd's, and how many connections the system lets us have.

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpListener as PassedListener};

use listenfd::ListenFd;
use tokio::net::{TcpListener, TcpSocket};

use super::StartError;
use crate::config::AdminChoice;

/// Connections that may wait to be accepted.
const BACKLOG: u32 = 4096;
/// File descriptors that are not connections' (database, log, keys).
const OTHER_DESCRIPTORS: usize = 64;

/// The listening socket that systemd passes (sd_listen_fds(3)), if it passes one. It outlives the process, so
/// clients are not refused while another process takes over. To be called before there are threads: it changes the
/// environment, which must not be read at the same time.
///
/// # Errors
/// [`StartError::Passed`] where what was passed is not one listening socket.
pub fn passed_listener() -> Result<Option<PassedListener>, StartError> {
    // Without a process id, the sockets may be meant for another process.
    if std::env::var_os("LISTEN_PID").is_none() {
        return Ok(None);
    }
    let mut passed = ListenFd::from_env();
    if passed.len() > 1 {
        return Err(StartError::Passed(format!("there are {}", passed.len())));
    }
    let listener = passed.take_tcp_listener(0).map_err(|cause| StartError::Passed(cause.to_string()))?;
    if let Some(listener) = &listener
        && !rustix::net::sockopt::socket_acceptconn(listener).map_err(io::Error::from)?
    {
        return Err(StartError::Passed("it is a connection".to_owned()));
    }
    Ok(listener)
}

/// The same socket for the runtime.
pub(super) fn adopt(passed: PassedListener) -> io::Result<TcpListener> {
    passed.set_nonblocking(true)?;
    TcpListener::from_std(passed)
}

/// All addresses means IPv6 and IPv4 in one socket; where the system has no IPv6, IPv4.
pub(super) fn listen(host: Option<IpAddr>, port: u16) -> Result<TcpListener, StartError> {
    let on = |ip: IpAddr| {
        let address = SocketAddr::new(ip, port);
        bind(address).map_err(|cause| StartError::Listen { address, cause })
    };
    match host {
        Some(ip) => on(ip),
        None => on(Ipv6Addr::UNSPECIFIED.into()).or_else(|error| match error {
            StartError::Listen { cause, .. } if cause.kind() == io::ErrorKind::AddrInUse => {
                Err(StartError::Listen { address: (Ipv6Addr::UNSPECIFIED, port).into(), cause })
            }
            _ => on(Ipv4Addr::UNSPECIFIED.into()),
        }),
    }
}

/// The admin listener's socket, if there is to be one. The default address may be taken, such as by another instance on the
/// machine: then the service starts without the listener.
///
/// # Errors
/// [`StartError::ListenForAdmin`] if an address that was set is taken.
pub(super) fn listen_for_admin(choice: AdminChoice) -> Result<Option<TcpListener>, StartError> {
    match choice {
        AdminChoice::Off => Ok(None),
        AdminChoice::At(address) => {
            bind(address).map(Some).map_err(|cause| StartError::ListenForAdmin { address, cause })
        }
        AdminChoice::Usual(address) => Ok(bind(address)
            .inspect_err(|cause| {
                tracing::warn!(
                    %address, %cause,
                    "cannot listen for metrics and health; the service starts without them. ADMIN_ADDRESS sets another address, or off"
                );
            })
            .ok()),
    }
}

fn bind(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = if address.is_ipv6() { TcpSocket::new_v6() } else { TcpSocket::new_v4() }?;
    socket.set_reuseaddr(true)?;
    socket.bind(address)?;
    socket.listen(BACKLOG)
}

/// Raises the limit on open files as far as the system lets us, and keeps some for what is no connection.
pub(super) fn connection_limit(wanted: usize) -> usize {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
    let limit = getrlimit(Resource::Nofile);
    let raised = Rlimit { current: limit.maximum, maximum: limit.maximum };
    let files = match setrlimit(Resource::Nofile, raised) {
        Ok(()) => limit.maximum,
        Err(_) => limit.current,
    };
    let files = files.and_then(|files| usize::try_from(files).ok()).unwrap_or(usize::MAX);
    let possible = files.saturating_sub(OTHER_DESCRIPTORS).max(1);
    if possible < wanted {
        tracing::warn!(
            "at most {possible} connections at once: that is what the limit on open files (ulimit -n) allows"
        );
    }
    wanted.min(possible)
}
