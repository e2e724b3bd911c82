//! The budgets of all groups and scopes.

use std::hash::{BuildHasher, RandomState};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use super::metrics::Verdicts;
use super::pace::{Pace, ticks};
use super::policies::ADDRESSES_OF_NETWORK;
use super::table::Table;
use super::{Group, LiveInstances, Policies, Quota, Scope, Verdict};
use crate::clock::Clock;
use crate::domain::Peer;

/// How long an address is familiar to an account after a log-in.
const FAMILIAR: Duration = Duration::from_secs(30 * 86_400);
/// How long an address that an account does not know is not looked for again.
const STRANGE: Duration = Duration::from_secs(60);
/// The look-ups in the store that one network may cause in a minute, of addresses that this instance has not seen.
const LOOK_UPS: Quota = Quota::per_minute(30);
/// One network may use one part of this many of the budget of familiar addresses.
const PARTS_OF_FAMILIAR: u32 = 8;

/// The clients that share a global budget.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Crowd {
    /// All clients.
    Everyone,
    /// Addresses that the account of the request knows. They have a budget of the same size, which strangers cannot use up.
    Familiar,
}

/// Says which requests are admitted. It is in memory only and takes no lock. Clones share it.
#[derive(Clone, Debug)]
pub struct RateLimits(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    policies: Policies,
    clock: Clock,
    began_at: Duration,
    /// Hashes with random keys, so that no client can choose keys that share a bucket. The standard library draws these keys,
    /// as it does for every map.
    hashes: RandomState,
    addresses: [Option<AddressBudgets>; Group::COUNT],
    accounts: [Option<Budgets>; Group::COUNT],
    clients: [Option<Budgets>; Group::COUNT],
    /// Accounts with the addresses that logged in to them.
    familiar: Table,
    /// Accounts with addresses that have not logged in to them.
    strange: Table,
    /// Networks that caused look-ups in the store.
    look_ups: Budgets,
    /// Of each group with a global quota: the networks whose familiar addresses used the budget of these.
    familiar_networks: [Option<Table>; Group::COUNT],
    /// Of each crowd and each group with a global quota: the tick at which its bucket is full again.
    globals: [[AtomicU64; Group::COUNT]; 2],
    instances: LiveInstances,
    verdicts: Verdicts,
}

/// The buckets of one quota.
#[derive(Debug)]
struct Budgets {
    pace: Pace,
    table: Table,
}

/// The buckets of addresses and of the networks that they belong to.
#[derive(Debug)]
struct AddressBudgets {
    budgets: Budgets,
    /// The pace of a network, whose window is the same. So its buckets can be in the same table.
    of_network: Pace,
}

impl Budgets {
    fn of(quota: Quota) -> Self {
        let pace = Pace::of(quota, 1);
        Self { pace, table: Table::new(pace.window()) }
    }
}

impl AddressBudgets {
    fn of(quota: Quota) -> Self {
        Self { budgets: Budgets::of(quota), of_network: Pace::times(quota, ADDRESSES_OF_NETWORK) }
    }
}

impl RateLimits {
    /// Full budgets. The global ones are shared with the other live instances.
    pub fn new(policies: Policies, clock: Clock, instances: LiveInstances) -> Self {
        let quotas = |scope| Group::ALL.map(|group| policies.quota(group, scope));
        Self(Arc::new(Shared {
            began_at: clock.uptime(),
            clock,
            hashes: RandomState::new(),
            addresses: quotas(Scope::Address).map(|quota| quota.map(AddressBudgets::of)),
            accounts: quotas(Scope::Account).map(|quota| quota.map(Budgets::of)),
            clients: quotas(Scope::Client).map(|quota| quota.map(Budgets::of)),
            familiar: Table::new(ticks(FAMILIAR)),
            strange: Table::new(ticks(STRANGE)),
            look_ups: Budgets::of(LOOK_UPS),
            familiar_networks: quotas(Scope::Global).map(|quota| quota.map(|quota| Budgets::of(quota).table)),
            globals: Default::default(),
            instances,
            verdicts: Verdicts::default(),
            policies,
        }))
    }

    /// The limits that hold.
    pub fn policies(&self) -> &Policies {
        &self.0.policies
    }

    /// Counts the verdict of a limit on a request. A request counts once for each limit.
    pub fn count(&self, verdict: &Verdict) {
        self.0.verdicts.count(verdict);
    }

    /// The verdicts until now.
    pub(super) fn verdicts(&self) -> &Verdicts {
        &self.0.verdicts
    }

    /// Takes a request from the budget of its client, and from that of the client's IPv6 network: one subscriber can have all
    /// addresses of it. The verdict is that of the budget which has less left. `None` if there is no such limit.
    pub fn take_of_address(&self, group: Group, peer: Peer) -> Option<Verdict> {
        let AddressBudgets { budgets, of_network } = self.0.addresses[group as usize].as_ref()?;
        let (hash, now, network) = (self.0.hashes.hash_one(peer), self.0.now(), peer.network());
        let of_peer = budgets.take(hash, now, group, Scope::Address);
        if network == peer || !of_peer.allowed {
            return Some(of_peer);
        }
        let hash = self.0.hashes.hash_one(("network", network));
        let taken = budgets.table.take(hash, now, *of_network);
        let of_network = verdict(group, Scope::Address, *of_network, taken);
        let is_less = !of_network.allowed || of_network.remaining < of_peer.remaining;
        Some(if is_less { of_network } else { of_peer })
    }

    /// Takes a request from the budget of an account, named as the look-up compares names. An address that logged in to the
    /// account has a budget of its own, so that attackers elsewhere cannot use it up. `None` if there is no such limit.
    pub fn take_of_account(&self, group: Group, account: &str, peer: Peer) -> Option<Verdict> {
        let budgets = self.0.accounts[group as usize].as_ref()?;
        let (now, with_peer) = (self.0.now(), self.0.hashes.hash_one((account, peer)));
        let is_familiar = self.0.familiar.remembers(with_peer, now);
        let hash = if is_familiar { with_peer } else { self.0.hashes.hash_one(account) };
        Some(budgets.take(hash, now, group, Scope::Account))
    }

    /// Takes a request from the budget that an account has for this network alone, so that a stranger elsewhere cannot use it up.
    /// `None` if there is no such limit.
    pub fn take_of_account_from(&self, group: Group, account: &str, network: Peer) -> Option<Verdict> {
        let budgets = self.0.accounts[group as usize].as_ref()?;
        let hash = self.0.hashes.hash_one((account, network));
        Some(budgets.take(hash, self.0.now(), group, Scope::Account))
    }

    /// Takes a request from the budget that an OAuth client without a secret has for this address alone: every stranger can name
    /// such a client. `None` if there is no such limit.
    pub fn take_of_client_from(&self, group: Group, client: &str, peer: Peer) -> Option<Verdict> {
        let budgets = self.0.clients[group as usize].as_ref()?;
        let hash = self.0.hashes.hash_one((client, peer));
        Some(budgets.take(hash, self.0.now(), group, Scope::Client))
    }

    /// Takes a request from the budget of an OAuth client: this instance's part of it. `None` if there is no such limit.
    pub fn take_of_client(&self, group: Group, client: &str) -> Option<Verdict> {
        let budgets = self.0.clients[group as usize].as_ref()?;
        let quota = self.0.policies.quota(group, Scope::Client)?;
        let pace = Pace::of(quota, self.0.instances.count());
        let taken = budgets.table.take(self.0.hashes.hash_one(client), self.0.now(), pace);
        Some(verdict(group, Scope::Client, pace, taken))
    }

    /// Notes that an address has logged in to an account.
    pub fn note_familiar(&self, account: &str, peer: Peer) {
        let hash = self.0.hashes.hash_one((account, peer));
        self.0.familiar.remember(hash, self.0.now(), ticks(FAMILIAR));
    }

    /// Whether an address has logged in to an account.
    pub fn is_familiar(&self, account: &str, peer: Peer) -> bool {
        let hash = self.0.hashes.hash_one((account, peer));
        self.0.familiar.remembers(hash, self.0.now())
    }

    /// Notes that an account does not know an address.
    pub fn note_strange(&self, account: &str, peer: Peer) {
        let hash = self.0.hashes.hash_one((account, peer));
        self.0.strange.remember(hash, self.0.now(), ticks(STRANGE));
    }

    /// Whether this was noted within the last minute.
    pub fn is_strange(&self, account: &str, peer: Peer) -> bool {
        let hash = self.0.hashes.hash_one((account, peer));
        self.0.strange.remembers(hash, self.0.now())
    }

    /// Whether an address may be looked for in the store. One network may cause few look-ups, because they cost more than a
    /// refusal.
    pub fn may_look_up(&self, peer: Peer) -> bool {
        let look_ups = &self.0.look_ups;
        look_ups.table.take(self.0.hashes.hash_one(peer.network()), self.0.now(), look_ups.pace).is_ok()
    }

    /// Takes a request from the budget of familiar addresses, of which one network may use a small part. `None` if there is no
    /// such limit.
    pub fn take_of_familiar(&self, group: Group, peer: Peer) -> Option<Verdict> {
        let networks = self.0.familiar_networks[group as usize].as_ref()?;
        let quota = self.0.policies.quota(group, Scope::Global)?;
        let pace = Pace::of(quota, self.0.instances.count().saturating_mul(PARTS_OF_FAMILIAR));
        let taken = networks.take(self.0.hashes.hash_one(peer.network()), self.0.now(), pace);
        let of_network = verdict(group, Scope::Global, pace, taken);
        if of_network.allowed { self.take_of_crowd(group, Crowd::Familiar) } else { Some(of_network) }
    }

    /// Takes a request from the budget of a crowd: this instance's part of it. `None` if there is no such limit.
    pub fn take_of_crowd(&self, group: Group, crowd: Crowd) -> Option<Verdict> {
        let quota = self.0.policies.quota(group, Scope::Global)?;
        let pace = Pace::of(quota, self.0.instances.count());
        let (now, full_at) = (self.0.now(), &self.0.globals[crowd as usize][group as usize]);
        let load = |full_at: u64| full_at.saturating_sub(now).min(pace.window());
        let next = |full_at: u64| pace.take(load(full_at));
        let order = Ordering::Relaxed;
        let before = full_at.fetch_update(order, order, |full_at| next(full_at).map(|load| now + load));
        let (Ok(before) | Err(before)) = before;
        Some(verdict(group, Scope::Global, pace, next(before).ok_or(load(before))))
    }

    /// Gives back the request that [`Self::take_of_crowd`] took, because another budget refused it then.
    pub fn give_back_to_crowd(&self, group: Group, crowd: Crowd) {
        let Some(quota) = self.0.policies.quota(group, Scope::Global) else { return };
        let step = Pace::of(quota, self.0.instances.count()).step();
        let order = Ordering::Relaxed;
        let before = |full_at: u64| Some(full_at.saturating_sub(step));
        // It always succeeds, because there is always a value before.
        let _ = self.0.globals[crowd as usize][group as usize].fetch_update(order, order, before);
    }
}

impl Budgets {
    fn take(&self, hash: u64, now: u64, group: Group, scope: Scope) -> Verdict {
        verdict(group, scope, self.pace, self.table.take(hash, now, self.pace))
    }
}

impl Shared {
    /// Ticks since the beginning.
    fn now(&self) -> u64 {
        ticks(self.clock.uptime().saturating_sub(self.began_at))
    }
}

/// The verdict of a bucket with this load: after a request that it admitted, or before one that it refused.
fn verdict(group: Group, scope: Scope, pace: Pace, taken: Result<u64, u64>) -> Verdict {
    let (Ok(load) | Err(load)) = taken;
    let (remaining, more_in) = (pace.remaining(load), pace.more_in(load));
    Verdict { group, scope, allowed: taken.is_ok(), remaining, more_in }
}
