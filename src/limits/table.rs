//! Buckets of many keys in a memory of bounded size. If there is no room, the bucket with the least load is forgotten: a key
//! that is being refused has the greatest load, and a key that made one request has almost none.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering};

use super::pace::Pace;

/// Entries that a key can be in. Any of them that is not in use can be taken for it.
const WAYS: usize = 8;
/// Sets of a block. A block gets its memory with its first key.
const SETS: usize = 16;
/// Blocks of a table. All together are 32,768 entries in 256 KiB.
const BLOCKS: usize = 256;
/// The bits of an entry that say when its bucket is full again, in ticks since the table began. The bits above tell keys apart.
/// The time begins anew after two years, and an entry that old counts as not in use.
const TIME_BITS: u32 = 42;
const TIME: u64 = (1 << TIME_BITS) - 1;

type Set = [AtomicU64; WAYS];

/// Buckets by the hashes of their keys. An entry is one word, so no lock is needed. Two keys share a bucket if 34 bits of their
/// hashes are equal.
#[derive(Debug)]
pub(super) struct Table {
    blocks: Box<[OnceLock<Box<[Set; SETS]>>]>,
    /// Ticks. An entry that lies further ahead is not in use.
    horizon: u64,
}

/// The entry of a key, or the one that the key can have.
struct Found<'t> {
    entry: &'t AtomicU64,
    seen: u64,
    load: u64,
}

impl Table {
    /// An empty table, whose entries lie at most `horizon` ticks ahead.
    pub(super) fn new(horizon: u64) -> Self {
        Self { blocks: (0..BLOCKS).map(|_| OnceLock::new()).collect(), horizon }
    }

    /// Takes one request from the bucket of a key. Returns the load of the bucket after it.
    ///
    /// # Errors
    /// The load of a bucket that does not admit the request.
    pub(super) fn take(&self, hash: u64, now: u64, pace: Pace) -> Result<u64, u64> {
        let set = self.set(hash);
        loop {
            let found = self.find(set, hash, now);
            let load = pace.take(found.load).ok_or(found.load)?;
            if found.replace(hash, now + load) {
                return Ok(load);
            }
        }
    }

    /// Remembers a key for so many ticks.
    pub(super) fn remember(&self, hash: u64, now: u64, ticks: u64) {
        let set = self.set(hash);
        while !self.find(set, hash, now).replace(hash, now + ticks) {}
    }

    /// Whether a key is remembered.
    pub(super) fn remembers(&self, hash: u64, now: u64) -> bool {
        self.find(self.set(hash), hash, now).load > 0
    }

    fn set(&self, hash: u64) -> &Set {
        let block = self.blocks[hash as usize % BLOCKS]
            .get_or_init(|| Box::new(std::array::from_fn(|_| std::array::from_fn(|_| AtomicU64::new(0)))));
        &block[hash as usize / BLOCKS % SETS]
    }

    /// The entry of the key. If it has none: the entry with the least load, as one without load.
    fn find<'t>(&self, set: &'t Set, hash: u64, now: u64) -> Found<'t> {
        let mut least = Found { entry: &set[0], seen: 0, load: u64::MAX };
        for entry in set {
            let seen = entry.load(Ordering::Relaxed);
            let load = self.load(seen, now);
            if (seen ^ hash) >> TIME_BITS == 0 && load > 0 {
                return Found { entry, seen, load };
            }
            if load < least.load {
                least = Found { entry, seen, load };
            }
        }
        Found { load: 0, ..least }
    }

    fn load(&self, entry: u64, now: u64) -> u64 {
        let ahead = entry.wrapping_sub(now) & TIME;
        if ahead <= self.horizon { ahead } else { 0 }
    }
}

impl Found<'_> {
    /// False if the entry has changed meanwhile.
    fn replace(&self, hash: u64, full_at: u64) -> bool {
        let entry = (hash & !TIME) | (full_at & TIME);
        let order = Ordering::Relaxed;
        self.entry.compare_exchange_weak(self.seen, entry, order, order).is_ok()
    }
}

#[cfg(test)]
mod tests {
    use std::hash::{BuildHasher, RandomState};
    use std::time::Duration;

    use super::super::Quota;
    use super::super::pace::ticks;
    use super::*;

    const MIB: usize = 1024 * 1024;

    fn pace(quota: &str) -> Pace {
        Pace::of(Quota::parse(quota).unwrap(), 1)
    }

    fn memory(table: &Table) -> usize {
        let blocks = table.blocks.iter().filter(|block| block.get().is_some()).count();
        size_of_val(&*table.blocks) + blocks * size_of::<[Set; SETS]>()
    }

    fn at(seconds: f64) -> u64 {
        ticks(Duration::from_secs_f64(seconds))
    }

    #[test]
    fn each_key_has_a_bucket_of_its_own_that_fills_again() {
        let (pace, hashes) = (pace("3/m"), RandomState::new());
        let table = Table::new(pace.window());
        let admitted = |key: &str, now| table.take(hashes.hash_one(key), at(now), pace).is_ok();
        assert_eq!(
            [0.0, 0.0, 0.0, 0.0, 19.9].map(|now| admitted("ada", now)),
            [true, true, true, false, false]
        );
        assert!(admitted("eve", 19.9));
        assert_eq!([20.1, 20.1].map(|now| admitted("ada", now)), [true, false]);
        let years = 3.0 * 365.0 * 86_400.0;
        assert_eq!([years; 4].map(|now| admitted("ada", now)), [true, true, true, false]);
    }

    #[test]
    fn what_is_remembered_is_forgotten_in_time() {
        let table = Table::new(at(100.0));
        assert!(!table.remembers(7, at(1.0)));
        table.remember(7, at(1.0), at(100.0));
        assert_eq!([1.0, 100.0, 102.0].map(|now| table.remembers(7, at(now))), [true, true, false]);
    }

    /// Ten million keys in ten minutes, each with one request, while one key asks again and again.
    #[test]
    fn a_key_that_is_being_refused_is_not_forgotten_for_ten_million_others() {
        const KEYS: u64 = 10_000_000;
        let (pace, hashes) = (pace("60/h"), RandomState::new());
        let table = Table::new(pace.window());
        let attacked = hashes.hash_one("ada");
        let mut admitted = 0;
        for key in 0..KEYS {
            let now = at(600.0 * key as f64 / KEYS as f64);
            assert!(table.take(hashes.hash_one(key), now, pace).is_ok() || key > 0);
            if key % 1_000 == 0 {
                admitted += u32::from(table.take(attacked, now, pace).is_ok());
            }
        }
        assert!((69..=70).contains(&admitted), "{admitted} of the attacked key: 60 at once and one a minute");
        let memory = memory(&table);
        assert!((MIB / 4..MIB / 3).contains(&memory), "{memory} bytes");
    }

    #[test]
    fn a_table_with_few_keys_needs_little_memory() {
        let table = Table::new(pace("60/h").window());
        let empty = memory(&table);
        (0..10_u64).for_each(|key| assert!(table.take(key * 77, 0, pace("60/h")).is_ok()));
        assert!(empty <= MIB / 256 && memory(&table) <= empty + 10 * 1024);
    }

    #[test]
    fn threads_that_take_from_one_bucket_never_take_more_than_it_has() {
        let (pace, table) = (pace("1000/h"), Table::new(pace("1000/h").window()));
        let admitted: usize = std::thread::scope(|scope| {
            let take = || (0..1_000).filter(|_| table.take(42, 5, pace).is_ok()).count();
            let threads: Vec<_> = (0..4).map(|_| scope.spawn(take)).collect();
            threads.into_iter().map(|thread| thread.join().unwrap()).sum()
        });
        assert_eq!(admitted, 1_000);
    }
}
