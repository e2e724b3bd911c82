//! Counts what happens too often for an event of its own. Counting touches memory only; a task adds the counts to the store.

use std::array;
use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use arc_swap::ArcSwap;

use crate::domain::{ClientId, EventKind};

/// What is counted.
const COUNTED: [EventKind; 5] = [
    EventKind::LoginFailed,
    EventKind::DemoTokensMade,
    EventKind::TokensGenerated,
    EventKind::ClientTokensIssued,
    EventKind::TokensRefreshed,
];

/// Counts for each kind, and for each client apart. Clones share the counts.
#[derive(Clone, Debug, Default)]
pub struct EventCounter(Arc<Counts>);

#[derive(Debug, Default)]
struct Counts {
    without_client: Counters,
    /// A client has an entry from its first count on, for as long as the process lives.
    of_clients: ArcSwap<HashMap<ClientId, Arc<Counters>>>,
}

#[derive(Debug)]
struct Counters([AtomicU64; COUNTED.len()]);

/// How often something happened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Counted {
    /// What happened.
    pub kind: EventKind,
    /// The client for which it happened.
    pub client: Option<ClientId>,
    /// How often.
    pub count: u64,
}

impl EventCounter {
    /// Counts one. A kind that is not counted changes nothing.
    pub fn count(&self, kind: EventKind, client: Option<&ClientId>) {
        let Some(client) = client else { return self.0.without_client.add(kind) };
        if let Some(counters) = self.0.of_clients.load().get(client) {
            return counters.add(kind);
        }
        self.0.of_clients.rcu(|clients| {
            let mut clients = HashMap::clone(clients);
            clients.entry(client.clone()).or_default();
            clients
        });
        if let Some(counters) = self.0.of_clients.load().get(client) {
            counters.add(kind);
        }
    }

    /// What was counted since the last call.
    pub fn take(&self) -> Vec<Counted> {
        let of_clients = self.0.of_clients.load();
        let clients = of_clients.iter().map(|(client, counters)| (Some(client), counters.as_ref()));
        let all = std::iter::once((None, &self.0.without_client)).chain(clients);
        all.flat_map(|(client, counters)| counters.take(client)).collect()
    }
}

impl Counters {
    fn add(&self, kind: EventKind) {
        let of_kind = COUNTED.iter().zip(&self.0).find(|(counted, _)| **counted == kind);
        if let Some((_, counter)) = of_kind {
            counter.fetch_add(1, Ordering::Relaxed);
        }
    }

    fn take(&self, client: Option<&ClientId>) -> impl Iterator<Item = Counted> {
        COUNTED.into_iter().zip(&self.0).filter_map(move |(kind, counter)| {
            let count = counter.swap(0, Ordering::Relaxed);
            (count > 0).then(|| Counted { kind, client: client.cloned(), count })
        })
    }
}

impl Default for Counters {
    fn default() -> Self {
        Self(array::from_fn(|_| AtomicU64::new(0)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn client(id: &str) -> ClientId {
        ClientId::parse(id).unwrap()
    }

    #[test]
    fn each_kind_and_each_client_is_counted_apart_and_taken_once() {
        let counter = EventCounter::default();
        counter.count(EventKind::DemoTokensMade, None);
        for _ in 0..3 {
            counter.clone().count(EventKind::TokensRefreshed, Some(&client("app")));
        }
        counter.count(EventKind::UserRegistered, None);
        let taken = counter.take();
        let expected = [
            Counted { kind: EventKind::DemoTokensMade, client: None, count: 1 },
            Counted { kind: EventKind::TokensRefreshed, client: Some(client("app")), count: 3 },
        ];
        assert_eq!(taken, expected);
        assert_eq!(counter.take(), []);
    }

    #[test]
    fn of_many_first_counts_at_once_none_is_lost() {
        let counter = EventCounter::default();
        std::thread::scope(|scope| {
            for thread in 0..8 {
                let counter = counter.clone();
                scope.spawn(move || {
                    for n in 0..50 {
                        let id = client(&format!("client-{}", n % 10));
                        counter.count(EventKind::ClientTokensIssued, Some(&id));
                        counter
                            .count(EventKind::TokensGenerated, Some(&client(&format!("only-{thread}-{n}"))));
                    }
                });
            }
        });
        let taken = counter.take();
        let sum = |kind| taken.iter().filter(|one| one.kind == kind).map(|one| one.count).sum::<u64>();
        assert_eq!((sum(EventKind::ClientTokensIssued), sum(EventKind::TokensGenerated)), (400, 400));
    }
}
