//! Which keys have had a preferred piece in which rounds of usual work. So preferred work does not give a key more than its part.

/// The preferred pieces that were taken and still count.
#[derive(Debug)]
pub(super) struct PreferredRounds<K>(Vec<Counted<K>>);

#[derive(Debug)]
struct Counted<K> {
    key: K,
    /// Until a usual piece of this round is taken, no other piece of the key is preferred.
    had_in: u64,
    /// The usual round in which the preferred piece has the place of the key.
    counts_in: u64,
}

impl<K: PartialEq> PreferredRounds<K> {
    /// No piece counts.
    pub(super) fn new() -> Self {
        Self(Vec::new())
    }

    /// Notes that a preferred piece of this key was taken. `round` is that of the last usual piece: what is behind it no longer
    /// counts.
    pub(super) fn note(&mut self, key: K, had_in: u64, counts_in: u64, round: u64) {
        self.0.retain(|one| one.key != key && (one.had_in > round || one.counts_in > round));
        self.0.push(Counted { key, had_in, counts_in });
    }

    /// Whether the key has had its preferred piece, if this is the round of the last usual piece.
    pub(super) fn has_had(&self, key: &K, round: u64) -> bool {
        self.of(key).is_some_and(|one| one.had_in > round)
    }

    /// The usual round in which the last preferred piece of the key counts.
    pub(super) fn counts_in(&self, key: &K) -> Option<u64> {
        self.of(key).map(|one| one.counts_in)
    }

    /// From now on no piece counts.
    pub(super) fn forget_all(&mut self) {
        self.0.clear();
    }

    fn of(&self, key: &K) -> Option<&Counted<K>> {
        self.0.iter().find(|one| one.key == *key)
    }
}
