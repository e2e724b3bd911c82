//! The listening socket, which the program opens or systemd passes, and the number of connections that the
//! system allows.

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpListener as PassedListener};

use listenfd::ListenFd;
use tokio::net::{TcpListener, TcpSocket};

use super::StartError;
use crate::config::AdminChoice;

/// The most connections that may wait to be accepted.
const BACKLOG: u32 = 4096;
/// The address of the admin listener, unless the operator sets another one.
const USUAL_ADMIN_ADDRESS: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 9464);
/// File descriptors that are kept for the database, the log and the keys.
const OTHER_DESCRIPTORS: usize = 64;

/// The listening socket that systemd passes (sd_listen_fds(3)), if it passes one. The socket stays open when
/// this process ends, so that clients can connect while another process starts. Call this before other
/// threads start: it changes the environment, and no other thread may read it at the same time.
///
/// # Errors
/// [`StartError::Passed`] if systemd does not pass exactly one listening socket.
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

/// All addresses means IPv6 and IPv4 in one socket; if the system has no IPv6, only IPv4.
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
        AdminChoice::Usual => Ok(bind(USUAL_ADMIN_ADDRESS)
            .inspect_err(|cause| {
                tracing::warn!(
                    address = %USUAL_ADMIN_ADDRESS, %cause,
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

/// Raises the limit on open files as far as the system allows, and keeps some of them for the rest of the
/// program.
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
            "at most {possible} connections at once: the limit on open files (ulimit -n) allows no more"
        );
    }
    wanted.min(possible)
}
