//! The table of open connections, with a limit for all and a limit for each peer address. If a limit is
//! reached, the server closes the connection that has been idle for the longest time, to make room for the
//! new one (docs/adr/0021).

use std::collections::{HashMap, VecDeque};
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

use super::metrics::ConnectionMetrics;
use super::progress::{Idle, Progress};
use crate::domain::{Peer, TrustedProxies};

/// The limits of the server.
#[derive(Clone, Debug)]
pub struct Limits {
    /// Connections at once.
    pub connections: usize,
    /// Connections of one peer address. An IPv6 address counts by its first 64 bits, because one subscriber
    /// has at least these (RFC 6177). The addresses of one network (its first 48 bits) have twice as many together.
    pub per_address: usize,
    /// Peers that may have any number. If this is empty, peers on this machine and in private networks may.
    pub trusted_proxies: TrustedProxies,
}

/// The shortest time between two log lines about connections that were refused or closed for others.
const TOLD_EVERY: Duration = Duration::from_secs(60);
/// The addresses of one IPv6 network have so many times the connections of one address, all together.
const ADDRESSES_OF_NETWORK: usize = 2;
/// One search for idle connections sorts one part in this many of all connections.
const SEARCHED: usize = 256;

/// All open connections. Clones share them.
#[derive(Clone, Debug)]
pub(super) struct Connections(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    limits: Limits,
    metrics: Arc<ConnectionMetrics>,
    start: Instant,
    table: Mutex<Table>,
}

#[derive(Debug, Default)]
struct Table {
    /// The connections by the networks of their peers. All peers that have no limit of their own are together.
    networks: HashMap<Option<Peer>, HashMap<u64, Connection>>,
    open: usize,
    next: u64,
    /// The connections that were idle for the longest time at the last search, in this order.
    longest_idle: VecDeque<Candidate>,
    /// For each setting, when the log last said that its limit was reached.
    told: HashMap<&'static str, Instant>,
}

#[derive(Debug)]
struct Connection {
    peer: Option<Peer>,
    progress: Progress,
}

/// A connection that was idle.
#[derive(Debug)]
struct Candidate {
    since: Idle,
    key: Key,
    progress: Progress,
}

/// The network of a connection's peer, and its number.
type Key = (Option<Peer>, u64);

impl Connections {
    pub(super) fn new(limits: Limits, metrics: Arc<ConnectionMetrics>) -> Self {
        Self(Arc::new(Shared { limits, metrics, start: Instant::now(), table: Mutex::default() }))
    }

    /// A place for a new connection. If necessary, an idle connection is closed for it. `None` if all
    /// connections have running requests.
    pub(super) fn admit(&self, address: IpAddr) -> Option<Place> {
        let place = self.place(address);
        let metrics = &self.0.metrics;
        if place.is_some() {
            metrics.accepted.increment();
        } else {
            metrics.refused.increment();
        }
        place
    }

    fn place(&self, address: IpAddr) -> Option<Place> {
        let peer = Peer::counted(address, &self.0.limits.trusted_proxies);
        let mut table = self.0.table();
        let per_address = self.0.limits.per_address;
        let room = if peer.is_some_and(|peer| table.count_of(peer) >= per_address) {
            table.tell("one address has reached its limit of connections", "MAX_CONNECTIONS_PER_ADDRESS");
            self.0.displaced(table.close_idle_of(peer, |connection| connection.peer == peer))
        } else if peer
            .is_some_and(|peer| table.count_in_network_of(peer) >= ADDRESSES_OF_NETWORK * per_address)
        {
            table.tell("one network has reached its limit of connections", "MAX_CONNECTIONS_PER_ADDRESS");
            self.0.displaced(table.close_idle_of(peer, |_| true))
        } else if table.open >= self.0.limits.connections {
            table.tell("the limit of connections is reached", "MAX_CONNECTIONS");
            self.0.displaced(table.close_idle())
        } else {
            true
        };
        room.then(|| {
            let progress = Progress::new(self.0.start);
            let key = table.add(peer, progress.clone());
            Place { table: Arc::clone(&self.0), key, progress }
        })
    }
}

impl Shared {
    /// Counts an idle connection, if it was closed for a new one.
    fn displaced(&self, closed: bool) -> bool {
        self.metrics.displaced.add(u64::from(closed));
        closed
    }

    /// Nothing panics while it holds the lock.
    fn table(&self) -> MutexGuard<'_, Table> {
        self.table.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Table {
    fn add(&mut self, peer: Option<Peer>, progress: Progress) -> Key {
        let key = (peer.map(Peer::network), self.next);
        self.next += 1;
        self.open += 1;
        self.networks.entry(key.0).or_default().insert(key.1, Connection { peer, progress });
        key
    }

    /// False if the connection was no longer in the table.
    fn remove(&mut self, (network, number): Key) -> bool {
        let Some(of_network) = self.networks.get_mut(&network) else { return false };
        let removed = of_network.remove(&number).is_some();
        if of_network.is_empty() {
            self.networks.remove(&network);
        }
        self.open -= usize::from(removed);
        removed
    }

    fn count_of(&self, peer: Peer) -> usize {
        let of_network = self.networks.get(&Some(peer.network())).into_iter().flatten();
        of_network.filter(|(_, connection)| connection.peer == Some(peer)).count()
    }

    fn count_in_network_of(&self, peer: Peer) -> usize {
        self.networks.get(&Some(peer.network())).map_or(0, HashMap::len)
    }

    /// Closes the connection in the network of this peer that has been idle for the longest time among those that are meant, if
    /// one of them is idle.
    fn close_idle_of(&mut self, peer: Option<Peer>, is_meant: impl Fn(&Connection) -> bool) -> bool {
        let network = peer.map(Peer::network);
        loop {
            let idle = self.networks.get(&network).into_iter().flatten();
            let idle = idle.filter(|(_, connection)| is_meant(connection));
            let idle = idle.filter_map(|(number, connection)| candidate((network, *number), connection));
            let Some(longest) = idle.min_by_key(|idle| idle.since) else { return false };
            if self.close(&longest) {
                return true;
            }
        }
    }

    /// Closes the connection that has been idle for the longest time, if one is idle. If an earlier search
    /// found one that has been idle ever since, it is the right one: all others became idle later.
    fn close_idle(&mut self) -> bool {
        loop {
            while let Some(longest) = self.longest_idle.pop_front() {
                if self.close(&longest) {
                    return true;
                }
            }
            self.search();
            if self.longest_idle.is_empty() {
                return false;
            }
        }
    }

    fn search(&mut self) {
        let networks = self.networks.iter();
        let all =
            networks.flat_map(|(network, of_network)| of_network.iter().map(move |one| (*network, one)));
        let idle =
            all.filter_map(|(network, (number, connection))| candidate((network, *number), connection));
        let mut idle: Vec<_> = idle.collect();
        idle.sort_unstable_by_key(|idle| idle.since);
        idle.truncate((self.open / SEARCHED).max(1));
        self.longest_idle = idle.into();
    }

    /// False if the connection is no longer idle, or no longer there.
    fn close(&mut self, idle: &Candidate) -> bool {
        idle.progress.close_if_idle(idle.since) && self.remove(idle.key)
    }

    /// An operator should learn of it, but an attacker must not fill the log.
    fn tell(&mut self, what: &str, setting: &'static str) {
        if self.told.get(setting).is_none_or(|told| told.elapsed() >= TOLD_EVERY) {
            self.told.insert(setting, Instant::now());
            tracing::warn!(
                "{what} ({setting}): for each new connection, the server closes the one that has been idle for the longest time, or the new one if no connection is idle"
            );
        }
    }
}

fn candidate(key: Key, connection: &Connection) -> Option<Candidate> {
    let since = connection.progress.idle_since()?;
    Some(Candidate { since, key, progress: connection.progress.clone() })
}

/// A place among the open connections, given back on drop.
#[derive(Debug)]
pub(super) struct Place {
    table: Arc<Shared>,
    key: Key,
    progress: Progress,
}

impl Place {
    pub(super) fn progress(&self) -> &Progress {
        &self.progress
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        // A connection that was closed for another one has given up its place already.
        self.table.table().remove(self.key);
        self.table.metrics.closed.increment();
    }
}

#[cfg(test)]
mod tests {
    use std::net::IpAddr;
    use std::sync::Arc;

    use futures_util::FutureExt;

    use super::{Connections, Limits, Place};
    use crate::domain::TrustedProxies;

    const PEER: &str = "192.0.2.1";

    fn connections(connections: usize, per_address: usize, trusted_proxies: &str) -> Connections {
        let trusted_proxies = match trusted_proxies {
            "" => TrustedProxies::default(),
            text => TrustedProxies::parse(text).unwrap(),
        };
        Connections::new(Limits { connections, per_address, trusted_proxies }, Arc::default())
    }

    fn admit(connections: &Connections, peer: &str) -> Option<Place> {
        connections.admit(peer.parse::<IpAddr>().unwrap())
    }

    /// The places in this list whose connections were told to close.
    fn told_to_close(places: &[&Place]) -> Vec<bool> {
        places.iter().map(|place| place.progress().told_to_close().now_or_never().is_some()).collect()
    }

    fn answer(place: &Place) {
        place.progress().begin();
        place.progress().end();
    }

    #[test]
    fn where_all_places_are_taken_the_longest_idle_connection_gives_way() {
        let all = connections(3, 3, "");
        let [one, two, three] = [PEER, PEER, "10.0.0.1"].map(|peer| admit(&all, peer).unwrap());
        answer(&one);
        let four = admit(&all, "10.0.0.2").unwrap();
        assert_eq!(told_to_close(&[&one, &two, &three, &four]), [false, true, false, false]);
        let five = admit(&all, "10.0.0.2").unwrap();
        assert_eq!(told_to_close(&[&one, &three, &four, &five]), [false, true, false, false]);
        let six = admit(&all, "10.0.0.2").unwrap();
        assert_eq!(told_to_close(&[&one, &four, &five, &six]), [true, false, false, false]);
    }

    #[test]
    fn a_connection_with_a_request_under_way_never_gives_way() {
        let all = connections(2, 2, "");
        let [one, two] = [(); 2].map(|()| admit(&all, PEER).unwrap());
        one.progress().begin();
        two.progress().begin();
        assert!(admit(&all, "10.0.0.1").is_none());
        two.progress().end();
        let three = admit(&all, "10.0.0.1").unwrap();
        assert_eq!(told_to_close(&[&one, &two, &three]), [false, true, false]);
    }

    #[test]
    fn a_connection_whose_answer_is_being_taken_gives_way_after_those_that_take_nothing() {
        let all = connections(2, 2, "");
        let [one, two] = [(); 2].map(|()| admit(&all, PEER).unwrap());
        answer(&one);
        answer(&two);
        one.progress().wrote(one.progress().now());
        let _three = admit(&all, "10.0.0.1").unwrap();
        assert_eq!(told_to_close(&[&one, &two]), [false, true]);
    }

    #[test]
    fn a_place_that_was_left_is_there_again_and_one_that_was_given_away_is_counted_once() {
        let all = connections(2, 2, "");
        let [one, two] = [(); 2].map(|()| admit(&all, PEER).unwrap());
        let three = admit(&all, PEER).unwrap();
        assert_eq!(told_to_close(&[&one]), [true]);
        drop(one);
        two.progress().begin();
        three.progress().begin();
        assert!(admit(&all, PEER).is_none());
        drop(two);
        assert!(admit(&all, PEER).is_some());
    }

    #[test]
    fn one_address_has_only_so_many_connections_and_gives_way_to_itself() {
        let all = connections(16, 2, "");
        let others = ["10.0.0.1", "192.0.2.2", "2001:db8::1"].map(|peer| admit(&all, peer).unwrap());
        let [one, two] = [(); 2].map(|()| admit(&all, PEER).unwrap());
        one.progress().begin();
        let three = admit(&all, "::ffff:192.0.2.1").unwrap();
        assert_eq!(told_to_close(&[&one, &two, &three]), [false, true, false]);
        three.progress().begin();
        assert!(admit(&all, PEER).is_none(), "both of its connections have requests under way");
        assert_eq!(told_to_close(&others.each_ref()), [false; 3]);
    }

    #[test]
    fn the_addresses_of_one_ipv6_subscriber_count_together() {
        let all = connections(16, 1, "");
        let one = admit(&all, "2001:db8:0:1::1").unwrap();
        let two = admit(&all, "2001:db8:0:2::1").unwrap();
        let _three = admit(&all, "2001:db8:0:1:ffff::").unwrap();
        assert_eq!(told_to_close(&[&one, &two]), [true, false]);
    }

    /// Seen: eight /64s of one /48 took all places, and no other client got one.
    #[test]
    fn the_addresses_of_one_network_have_twice_as_many_connections_as_one_address() {
        let all = connections(16, 2, "");
        let other = admit(&all, PEER).unwrap();
        let places: Vec<_> = (1..=4).map(|n| admit(&all, &format!("2001:db8:0:{n}::1")).unwrap()).collect();
        assert_eq!(told_to_close(&places.iter().collect::<Vec<_>>()), [false; 4]);
        let next = admit(&all, "2001:db8:0:5::1").unwrap();
        assert_eq!(told_to_close(&[&places[0], &places[1], &other]), [true, false, false]);
        [&places[1], &places[2], &places[3], &next].iter().for_each(|place| place.progress().begin());
        assert!(admit(&all, "2001:db8:0:6::1").is_none(), "all of the network have requests under way");
        assert!(admit(&all, "2001:db8:1:6::1").is_some(), "another network");
        assert_eq!(told_to_close(&[&other]), [false]);
    }

    #[test]
    fn near_peers_are_not_counted_until_the_proxies_are_named_and_then_only_these_are_not() {
        let near = [
            "127.0.0.1",
            "::1",
            "10.1.2.3",
            "172.16.0.1",
            "192.168.0.1",
            "169.254.0.1",
            "100.64.0.1",
            "fd00::1",
            "fe80::1",
            "::ffff:10.1.2.3",
        ];
        for peer in near {
            let all = connections(16, 1, "");
            let one = admit(&all, peer).unwrap();
            let _two = admit(&all, peer).unwrap();
            assert_eq!(told_to_close(&[&one]), [false], "{peer}");
            let all = connections(16, 1, "192.0.2.0/24");
            let one = admit(&all, peer).unwrap();
            let _two = admit(&all, peer).unwrap();
            assert_eq!(told_to_close(&[&one]), [true], "{peer}");
        }
        let all = connections(16, 1, "192.0.2.0/24");
        let one = admit(&all, PEER).unwrap();
        let _two = admit(&all, PEER).unwrap();
        assert_eq!(told_to_close(&[&one]), [false]);
    }
}
