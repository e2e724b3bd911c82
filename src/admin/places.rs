//! The places of connections. If all are taken, the connection that has been silent for the longest time gives way to a new one, so
//! that connections which ask for nothing keep no scraper out.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::oneshot;

/// Connections at once. A scraper has one.
const MAX_CONNECTIONS: usize = 32;

/// All places. Clones share them.
#[derive(Clone, Default)]
pub(super) struct Places(Arc<Mutex<Taken>>);

#[derive(Default)]
struct Taken {
    next: u64,
    /// The earliest connection first.
    connections: Vec<Connection>,
}

struct Connection {
    number: u64,
    /// Tells it to give way. `None` if its request is complete.
    silent: Option<oneshot::Sender<()>>,
}

/// The place of one connection, which is free again when this value is dropped.
pub(super) struct Place {
    places: Places,
    number: u64,
}

impl Places {
    /// A place for a new connection, and what tells the connection to give way, or gives an error when the connection keeps its
    /// place. `None` if all places are taken by connections whose requests are complete.
    pub(super) fn take(&self) -> Option<(Place, oneshot::Receiver<()>)> {
        let mut taken = self.taken();
        if taken.connections.len() >= MAX_CONNECTIONS {
            let silent = taken.connections.iter().position(|connection| connection.silent.is_some())?;
            let silent = taken.connections.remove(silent).silent;
            // The connection may have ended at this moment.
            silent.map(|tell| tell.send(()));
        }
        let (tell, told) = oneshot::channel();
        let number = taken.next;
        taken.next += 1;
        taken.connections.push(Connection { number, silent: Some(tell) });
        Some((Place { places: self.clone(), number }, told))
    }

    /// Nothing panics while it holds the lock.
    fn taken(&self) -> MutexGuard<'_, Taken> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Place {
    /// The request is complete: from now on the connection keeps its place.
    pub(super) fn keep(&self) {
        let mut taken = self.places.taken();
        let own = taken.connections.iter_mut().find(|connection| connection.number == self.number);
        // It may have been told to give way at this moment.
        if let Some(own) = own {
            own.silent = None;
        }
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.places.taken().connections.retain(|connection| connection.number != self.number);
    }
}
