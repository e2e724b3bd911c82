//! A network connection. Bytes arrive later, in order, in both directions. A test can slow it down, cut it and join it again.

use std::io::{Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Condvar, Mutex, mpsc};
use std::time::{Duration, Instant};

/// A connection from one address to another.
pub struct Wire(Arc<State>);

#[derive(Default)]
struct State {
    delay: Mutex<Duration>,
    cut: Mutex<bool>,
    mended: Condvar,
}

impl Wire {
    /// Begins to pass connections to `from` on to `to`, without a delay. It ends with the process.
    pub fn lay(from: SocketAddr, to: SocketAddr) -> Self {
        let listener = TcpListener::bind(from).unwrap_or_else(|error| panic!("{from}: {error}"));
        let state = Arc::new(State::default());
        let wire = Self(Arc::clone(&state));
        std::thread::spawn(move || {
            for client in listener.incoming().flatten() {
                let state = Arc::clone(&state);
                std::thread::spawn(move || connect(&client, to, &state));
            }
        });
        wire
    }

    /// From now on bytes take `delay` in either direction, and a new connection a round trip, as those of TCP do.
    pub fn slow_down(&self, delay: Duration) {
        *self.0.delay.lock().unwrap() = delay;
    }

    /// From now on no bytes arrive, and no new connection succeeds.
    pub fn cut(&self) {
        *self.0.cut.lock().unwrap() = true;
    }

    /// The waiting bytes arrive now, as TCP repeats what was lost.
    pub fn mend(&self) {
        *self.0.cut.lock().unwrap() = false;
        self.0.mended.notify_all();
    }
}

impl State {
    fn delay(&self) -> Duration {
        *self.delay.lock().unwrap()
    }

    /// If the connection is cut, waits until it is joined again. Returns whether it was cut.
    fn wait_while_cut(&self) -> bool {
        let cut = self.cut.lock().unwrap();
        let was_cut = *cut;
        drop(self.mended.wait_while(cut, |cut| *cut).unwrap());
        was_cut
    }
}

fn connect(client: &TcpStream, to: SocketAddr, state: &Arc<State>) {
    pause_until(Instant::now() + 2 * state.delay());
    // A client that connected during the cut must connect again.
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
    let arrival = Arc::clone(&state);
    let due = move || Instant::now() + arrival.delay();
    std::thread::spawn(move || {
        let mut buffer = [0; 64 * 1024];
        while let Ok(length @ 1..) = from.read(&mut buffer) {
            if put.send((due(), buffer[..length].to_vec())).is_err() {
                return;
            }
        }
        // The end of a connection arrives as late as its bytes.
        let _ = put.send((due(), Vec::new()));
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
