//! A TCP proxy that can fail as networks do.

use std::io::{Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Condvar, Mutex};
use std::time::Duration;

/// What the proxy does with bytes from the server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// Nothing.
    None,
    /// Each chunk is delayed by this time.
    Delay(Duration),
    /// They never arrive.
    BlackHole,
    /// Half of the first chunk comes, then the connection ends.
    Cut,
}

/// A proxy in front of one address.
pub struct Proxy {
    address: SocketAddr,
    fault: Arc<(Mutex<Fault>, Condvar)>,
}

impl Proxy {
    /// Begins to pass bytes to `target`. It ends with the process.
    pub fn before(target: SocketAddr) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let proxy = Self {
            address: listener.local_addr().unwrap(),
            fault: Arc::new((Mutex::new(Fault::None), Condvar::new())),
        };
        let fault = Arc::clone(&proxy.fault);
        std::thread::spawn(move || {
            for client in listener.incoming().flatten() {
                let Ok(server) = TcpStream::connect(target) else { continue };
                let (client2, server2) = (client.try_clone().unwrap(), server.try_clone().unwrap());
                let none = Arc::new((Mutex::new(Fault::None), Condvar::new()));
                std::thread::spawn(move || pass(client2, server2, &none));
                std::thread::spawn({
                    let fault = Arc::clone(&fault);
                    move || pass(server, client, &fault)
                });
            }
        });
        proxy
    }

    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Changes the behaviour from now on; connections that are stuck receive what waits for them.
    pub fn set(&self, fault: Fault) {
        *self.fault.0.lock().unwrap() = fault;
        self.fault.1.notify_all();
    }
}

fn pass(mut from: TcpStream, mut to: TcpStream, fault: &(Mutex<Fault>, Condvar)) {
    let mut buffer = [0; 64 * 1024];
    while let Ok(length @ 1..) = from.read(&mut buffer) {
        let chunk = &buffer[..length];
        let current = *fault.0.lock().unwrap();
        let passed = match current {
            Fault::None => to.write_all(chunk).is_ok(),
            Fault::Delay(delay) => {
                let changed =
                    fault.1.wait_timeout_while(fault.0.lock().unwrap(), delay, |now| *now == current);
                drop(changed);
                to.write_all(chunk).is_ok()
            }
            Fault::BlackHole => {
                drop(fault.1.wait_while(fault.0.lock().unwrap(), |now| *now == Fault::BlackHole));
                to.write_all(chunk).is_ok()
            }
            Fault::Cut => {
                let _ = to.write_all(&chunk[..length / 2]);
                false
            }
        };
        if !passed {
            break;
        }
    }
    let _ = from.shutdown(Shutdown::Both);
    let _ = to.shutdown(Shutdown::Both);
}
