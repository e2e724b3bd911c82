//! The memory that the bodies of all running requests share, and the part of it that one peer may use
//! (docs/adr/0020).

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::refusal::{Kind, Refusal};
use crate::domain::Peer;

/// The bytes that a request may hold without being counted: fewer than its connection holds in any case.
/// Log-ins and other small requests pass however full the memory is, and `MAX_CONNECTIONS` limits their
/// number.
pub(super) const UNCOUNTED: usize = 4 * 1024;

/// One peer may use one part of this many, and so may all peers of one IPv6 network together.
const PARTS: usize = 4;

/// The bytes that the bodies of all running requests may hold at once. Clones share them.
#[derive(Clone, Debug)]
pub(super) struct BodyMemory(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    bytes: usize,
    taken: Mutex<Taken>,
}

#[derive(Debug, Default)]
struct Taken {
    by_all: usize,
    by_network: HashMap<Peer, usize>,
}

impl BodyMemory {
    pub(super) fn of_bytes(bytes: usize) -> Self {
        Self(Arc::new(Shared { bytes, taken: Mutex::default() }))
    }

    /// An empty share for a request of this peer. Without a peer, its bytes are only counted with those of all.
    pub(super) fn share(&self, peer: Option<Peer>) -> Share {
        Share { memory: Arc::clone(&self.0), network: peer.map(Peer::network), bytes: 0 }
    }
}

impl Shared {
    /// Nothing panics while it holds the lock.
    fn taken(&self) -> MutexGuard<'_, Taken> {
        self.taken.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// False if all peers together, or those of this network, would hold too much.
    fn take(&self, bytes: usize, network: Option<Peer>) -> bool {
        let mut taken = self.taken();
        let by_all = taken.by_all.saturating_add(bytes);
        let held = |network| taken.by_network.get(&network).copied().unwrap_or_default();
        let by_network = network.map(|network| held(network) + bytes);
        if by_all > self.bytes || by_network.is_some_and(|of_network| of_network > self.bytes / PARTS) {
            return false;
        }
        taken.by_all = by_all;
        if let (Some(network), Some(of_network)) = (network, by_network) {
            taken.by_network.insert(network, of_network);
        }
        true
    }

    fn give_back(&self, bytes: usize, network: Option<Peer>) {
        let mut taken = self.taken();
        taken.by_all -= bytes;
        let Some(network) = network else { return };
        let left = taken.by_network.get(&network).map_or(0, |of_network| of_network - bytes);
        if left == 0 {
            taken.by_network.remove(&network);
        } else {
            taken.by_network.insert(network, left);
        }
    }
}

/// The memory that one request holds; it is given back on drop.
#[derive(Debug)]
pub(super) struct Share {
    memory: Arc<Shared>,
    network: Option<Peer>,
    bytes: usize,
}

impl Share {
    /// From now on the request holds this many bytes. A request with no more than [`UNCOUNTED`] should not
    /// call this.
    ///
    /// # Errors
    /// 503 if fewer bytes are left, for all peers or for those of this network.
    pub(super) fn hold(&mut self, bytes: usize) -> Result<(), Refusal> {
        if bytes > self.bytes {
            if !self.memory.take(bytes - self.bytes, self.network) {
                return Err(Kind::Busy.into());
            }
        } else if bytes < self.bytes {
            self.memory.give_back(self.bytes - bytes, self.network);
        }
        self.bytes = bytes;
        Ok(())
    }
}

impl Drop for Share {
    fn drop(&mut self) {
        if self.bytes > 0 {
            self.memory.give_back(self.bytes, self.network);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{BodyMemory, PARTS, Peer};

    const PART: usize = 1000;

    fn peer(address: &str) -> Option<Peer> {
        Some(Peer::of(address.parse().unwrap()))
    }

    /// Seen: bodies of one public address took all of the memory, and no other client could log in.
    #[test]
    fn one_peer_has_a_part_of_the_memory_and_leaves_the_rest_to_others() {
        let memory = BodyMemory::of_bytes(PARTS * PART);
        let [mut one, mut two] = [(); 2].map(|()| memory.share(peer("192.0.2.1")));
        one.hold(PART - 1).unwrap();
        two.hold(2).unwrap_err();
        two.hold(1).unwrap();
        let mut others: Vec<_> = (2..=PARTS).map(|n| memory.share(peer(&format!("192.0.2.{n}")))).collect();
        others.iter_mut().for_each(|share| share.hold(PART).unwrap());
        let mut late = memory.share(peer("192.0.2.9"));
        late.hold(1).unwrap_err();
        drop(one);
        late.hold(PART - 1).unwrap();
        drop((two, others, late));
        let taken = memory.0.taken();
        assert_eq!((taken.by_all, taken.by_network.len()), (0, 0), "all is given back");
    }

    #[test]
    fn the_peers_of_one_ipv6_network_have_one_part_together() {
        let memory = BodyMemory::of_bytes(PARTS * PART);
        let [mut one, mut two, mut other] = ["2001:db8:0:1::1", "2001:db8:0:2::1", "2001:db8:1:1::1"]
            .map(|address| memory.share(peer(address)));
        one.hold(PART - 1).unwrap();
        two.hold(2).unwrap_err();
        other.hold(PART).unwrap();
        two.hold(1).unwrap();
    }

    #[test]
    fn a_peer_whose_connections_are_not_counted_may_have_all_of_the_memory() {
        let memory = BodyMemory::of_bytes(PARTS * PART);
        let mut proxy = memory.share(None);
        proxy.hold(PARTS * PART + 1).unwrap_err();
        proxy.hold(PARTS * PART).unwrap();
        proxy.hold(PART).unwrap();
        memory.share(None).hold((PARTS - 1) * PART).unwrap();
    }
}
