//! A load balancer in front of several instances: it passes a GET request to an instance that answers. It skips instances
//! that have ended, are stopped or are unhealthy, as a load balancer with health checks does.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// The time after which an instance without an answer is skipped.
const PATIENCE: Duration = Duration::from_millis(200);

pub struct Balancer {
    address: SocketAddr,
    behind: Arc<Mutex<Vec<SocketAddr>>>,
}

impl Balancer {
    /// Begins to pass requests to `instances`, in turn. It ends with the process.
    pub fn before(instances: Vec<SocketAddr>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let balancer =
            Self { address: listener.local_addr().unwrap(), behind: Arc::new(Mutex::new(instances)) };
        let behind = Arc::clone(&balancer.behind);
        std::thread::spawn(move || {
            let next = Arc::new(AtomicUsize::new(0));
            for client in listener.incoming().flatten() {
                let instances = behind.lock().unwrap().clone();
                let first = next.fetch_add(1, Ordering::Relaxed);
                std::thread::spawn(move || pass(client, &instances, first));
            }
        });
        balancer
    }

    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Puts another instance in the place of one.
    pub fn replace(&self, index: usize, instance: SocketAddr) {
        self.behind.lock().unwrap()[index] = instance;
    }
}

fn pass(mut client: TcpStream, instances: &[SocketAddr], first: usize) {
    let Some(path) = path_of(&mut client) else { return };
    for index in 0..instances.len() {
        if let Some(answer) = ask(instances[(first + index) % instances.len()], &path) {
            let _ = client.write_all(&answer);
            return;
        }
    }
    let _ = client.write_all(b"HTTP/1.1 502 Bad Gateway\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
}

fn path_of(client: &mut TcpStream) -> Option<String> {
    client.set_read_timeout(Some(PATIENCE)).ok()?;
    let mut head = Vec::new();
    let mut byte = [0];
    while !head.ends_with(b"\r\n\r\n") {
        client.read_exact(&mut byte).ok()?;
        head.push(byte[0]);
    }
    String::from_utf8(head).ok()?.split(' ').nth(1).map(str::to_owned)
}

fn ask(instance: SocketAddr, path: &str) -> Option<Vec<u8>> {
    let mut server = TcpStream::connect_timeout(&instance, PATIENCE).ok()?;
    server.set_read_timeout(Some(PATIENCE)).ok()?;
    write!(server, "GET {path} HTTP/1.1\r\nHost: {instance}\r\nConnection: close\r\n\r\n").ok()?;
    let mut answer = Vec::new();
    server.read_to_end(&mut answer).ok()?;
    answer.starts_with(b"HTTP/1.1 200").then_some(answer)
}
