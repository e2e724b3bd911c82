//! A long wire: what goes in comes out later, at either end, in order. It can be cut, and mended.

use std::io::{Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Condvar, Mutex, mpsc};
use std::time::{Duration, Instant};

/// A wire from an address to another.
pub struct Wire(Arc<State>);

struct State {
    delay: Duration,
    cut: Mutex<bool>,
    mended: Condvar,
}

impl Wire {
    /// Begins to pass connections to `from` on to `to`; bytes take `delay` in either direction, and a new connection a
    /// round trip, as those of TCP do. It ends with the process.
    pub fn lay(from: SocketAddr, to: SocketAddr, delay: Duration) -> Self {
        let listener = TcpListener::bind(from).unwrap_or_else(|error| panic!("{from}: {error}"));
        let state = Arc::new(State { delay, cut: Mutex::new(false), mended: Condvar::new() });
        let wire = Self(Arc::clone(&state));
        std::thread::spawn(move || {
            for client in listener.incoming().flatten() {
                let state = Arc::clone(&state);
                std::thread::spawn(move || connect(&client, to, &state));
            }
        });
        wire
    }

    /// From now on nothing comes out, and nobody is reached.
    pub fn cut(&self) {
        *self.0.cut.lock().unwrap() = true;
    }

    /// What waits in the wire comes out, as TCP sends again what was lost.
    pub fn mend(&self) {
        *self.0.cut.lock().unwrap() = false;
        self.0.mended.notify_all();
    }
}

impl State {
    /// Waits for the end of a cut, if there is one. Whether there was.
    fn wait_while_cut(&self) -> bool {
        let cut = self.cut.lock().unwrap();
        let was_cut = *cut;
        drop(self.mended.wait_while(cut, |cut| *cut).unwrap());
        was_cut
    }
}

fn connect(client: &TcpStream, to: SocketAddr, state: &Arc<State>) {
    pause_until(Instant::now() + 2 * state.delay);
    // Whoever called while there was no way through has to call again.
    if state.wait_while_cut() {
        return;
    }
    let Ok(server) = TcpStream::connect(to) else { return };
    for (from, into) in [(client, &server), (&server, client)] {
        let _ = into.set_nodelay(true);
        carry(from.try_clone().unwrap(), into.try_clone().unwrap(), Arc::clone(state));
    }
}

/// One direction: a thread takes chunks as they come, and another lets them out when they are due.
fn carry(mut from: TcpStream, mut into: TcpStream, state: Arc<State>) {
    let (put, chunks) = mpsc::channel::<(Instant, Vec<u8>)>();
    let delay = state.delay;
    std::thread::spawn(move || {
        let mut buffer = [0; 64 * 1024];
        while let Ok(length @ 1..) = from.read(&mut buffer) {
            if put.send((Instant::now() + delay, buffer[..length].to_vec())).is_err() {
                return;
            }
        }
        // An end travels as far as any byte.
        let _ = put.send((Instant::now() + delay, Vec::new()));
    });
    std::thread::spawn(move || {
        for (due, chunk) in chunks {
            pause_until(due);
            state.wait_while_cut();
            if chunk.is_empty() || into.write_all(&chunk).is_err() {
                break;
            }
        }
        let _ = into.shutdown(Shutdown::Both);
    });
}

fn pause_until(due: Instant) {
    std::thread::sleep(due.saturating_duration_since(Instant::now()));
}
