//! The places of connections. If a network has all of its places, or if all are taken, a connection gives way to the new one: the
//! one that has been silent for the longest time, or else the one that has had an answer for the longest time. So connections which
//! ask for nothing, or read no answer, keep no scraper out.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::Instant;

use crate::domain::Peer;

/// Connections at once. A scraper has one.
const MAX_CONNECTIONS: usize = 32;
/// Connections of one network at once. The other places are for other networks.
const MAX_CONNECTIONS_OF_NETWORK: usize = 24;
/// How long a connection keeps its place after its request was complete, so that a client can read the answer.
const ANSWER_KEPT: Duration = Duration::from_secs(1);

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
    network: Peer,
    /// `None` while it is silent.
    complete_at: Option<Instant>,
    tell: watch::Sender<Stage>,
}

/// How far a connection is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stage {
    /// Its request is not complete.
    Silent,
    /// Its request is complete.
    Complete,
    /// It must end, because another connection has its place.
    GivesWay,
}

/// The place of one connection, which is free again when this value is dropped.
pub(super) struct Place {
    places: Places,
    number: u64,
}

impl Places {
    /// A place for a new connection from this address, and the stage of the connection. `None` if no connection may give way.
    pub(super) fn take(&self, address: IpAddr) -> Option<(Place, watch::Receiver<Stage>)> {
        let (mut taken, network) = (self.taken(), Peer::of(address).network());
        if let Some(full) = taken.network_without_place(network) {
            taken.give_way(full)?;
        }
        let (tell, told) = watch::channel(Stage::Silent);
        let number = taken.next;
        taken.next += 1;
        taken.connections.push(Connection { number, network, complete_at: None, tell });
        Some((Place { places: self.clone(), number }, told))
    }

    /// Nothing panics while it holds the lock.
    fn taken(&self) -> MutexGuard<'_, Taken> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Taken {
    /// The network whose connection must give way to a new one of `new`, if there is no free place for it.
    fn network_without_place(&self, new: Peer) -> Option<Peer> {
        let mut counts = HashMap::<Peer, usize>::new();
        self.connections.iter().for_each(|one| *counts.entry(one.network).or_default() += 1);
        if counts.get(&new).is_some_and(|own| *own >= MAX_CONNECTIONS_OF_NETWORK) {
            return Some(new);
        }
        let is_full = self.connections.len() >= MAX_CONNECTIONS;
        let most = counts.into_iter().max_by_key(|(_, count)| *count);
        most.filter(|_| is_full).map(|(network, _)| network)
    }

    /// Ends a connection of this network; `None` if each of them has just had its request complete.
    fn give_way(&mut self, network: Peer) -> Option<()> {
        let of_network = |one: &&Connection| one.network == network;
        let silent = self.connections.iter().filter(of_network).find(|one| one.complete_at.is_none());
        let answered = self.connections.iter().filter(of_network).filter(|one| one.has_had_time());
        let number = silent.or_else(|| answered.min_by_key(|one| one.complete_at))?.number;
        let place = self.connections.iter().position(|one| one.number == number)?;
        // The connection may have ended at this moment.
        self.connections.remove(place).tell.send_replace(Stage::GivesWay);
        Some(())
    }
}

impl Connection {
    fn has_had_time(&self) -> bool {
        self.complete_at.is_some_and(|at| at.elapsed() >= ANSWER_KEPT)
    }
}

impl Place {
    /// The request is complete.
    pub(super) fn complete(&self) {
        let mut taken = self.places.taken();
        let own = taken.connections.iter_mut().find(|connection| connection.number == self.number);
        // It may have been told to give way at this moment.
        if let Some(own) = own {
            own.complete_at = Some(Instant::now());
            own.tell.send_replace(Stage::Complete);
        }
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.places.taken().connections.retain(|connection| connection.number != self.number);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    type Taken = (Place, watch::Receiver<Stage>);

    fn take(places: &Places, address: &str) -> Option<Taken> {
        places.take(address.parse().unwrap())
    }

    fn many(places: &Places, address: &str, number: usize) -> Vec<Taken> {
        (0..number).map(|_| take(places, address).unwrap()).collect()
    }

    fn gave_way(taken: &[Taken]) -> Vec<usize> {
        taken
            .iter()
            .enumerate()
            .filter(|(_, (_, told))| *told.borrow() == Stage::GivesWay)
            .map(|(at, _)| at)
            .collect()
    }

    #[tokio::test(start_paused = true)]
    async fn the_connections_of_one_network_leave_places_to_others() {
        let places = Places::default();
        let flood = many(&places, "198.51.100.1", MAX_CONNECTIONS_OF_NETWORK);
        let scraper = many(&places, "10.0.0.9", MAX_CONNECTIONS - MAX_CONNECTIONS_OF_NETWORK);
        let _more = many(&places, "198.51.100.1", 3);
        assert_eq!((gave_way(&flood), gave_way(&scraper)), (vec![0, 1, 2], vec![]));
        let _next = take(&places, "10.0.0.10").unwrap();
        assert_eq!((gave_way(&flood), gave_way(&scraper)), (vec![0, 1, 2, 3], vec![]));
        let ipv6 = Places::default();
        let flood: Vec<_> = (0..=MAX_CONNECTIONS_OF_NETWORK)
            .map(|n| take(&ipv6, &format!("2001:db8:1:{n:x}::1")).unwrap())
            .collect();
        assert_eq!(gave_way(&flood), [0]);
    }

    /// Seen: 32 clients that read no answer kept a scraper out for ten seconds.
    #[tokio::test(start_paused = true)]
    async fn a_connection_with_an_answer_gives_way_after_a_second_if_none_is_silent() {
        let places = Places::default();
        let flood = many(&places, "127.0.0.1", MAX_CONNECTIONS_OF_NETWORK);
        flood.iter().rev().for_each(|(place, _)| place.complete());
        assert!(take(&places, "127.0.0.1").is_none(), "their clients may be reading");
        tokio::time::advance(ANSWER_KEPT).await;
        let _scraper = take(&places, "127.0.0.1").unwrap();
        assert_eq!(gave_way(&flood).len(), 1);
    }

    #[tokio::test(start_paused = true)]
    async fn a_silent_connection_gives_way_before_one_with_an_answer() {
        let places = Places::default();
        let flood = many(&places, "127.0.0.1", MAX_CONNECTIONS_OF_NETWORK);
        flood[..5].iter().for_each(|(place, _)| place.complete());
        tokio::time::advance(ANSWER_KEPT).await;
        let _scraper = take(&places, "127.0.0.1").unwrap();
        assert_eq!(gave_way(&flood), [5]);
    }
}
