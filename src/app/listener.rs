//! The listening socket, and how many connections the system lets us have.

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use tokio::net::{TcpListener, TcpSocket};

use super::StartError;

/// Connections that may wait to be accepted.
const BACKLOG: u32 = 4096;
/// File descriptors that are not connections' (database, log, keys).
const OTHER_DESCRIPTORS: usize = 64;

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
