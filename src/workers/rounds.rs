//! Waiting work of one rank, in rounds: the first piece of each asker comes before the second piece of any.

/// The keys of a piece of work, such as a client's address and an account. A piece without a key never waits for an earlier one.
pub type Keys<K> = [Option<K>; 2];

/// Names a waiting piece of work.
pub(super) type Ticket = u64;

/// Waiting pieces of work, taken in rounds: in each round, every key has one piece.
#[derive(Debug)]
pub(super) struct Rounds<K, P> {
    waiting: Vec<Waiting<K, P>>,
    /// The round of the piece that was taken last. No waiting piece has an earlier one.
    round: u64,
}

#[derive(Debug)]
struct Waiting<K, P> {
    round: u64,
    ticket: Ticket,
    keys: Keys<K>,
    piece: P,
}

impl<K: PartialEq, P> Rounds<K, P> {
    /// No waiting piece.
    pub(super) fn new() -> Self {
        Self { waiting: Vec::new(), round: 0 }
    }

    /// Adds a piece in this round.
    pub(super) fn add(&mut self, round: u64, ticket: Ticket, keys: Keys<K>, piece: P) {
        self.waiting.push(Waiting { round, ticket, keys, piece });
    }

    /// The piece whose turn it is, and its keys.
    pub(super) fn take(&mut self) -> Option<(P, Keys<K>)> {
        let places = self.waiting.iter().enumerate();
        let (place, _) = places.min_by_key(|(_, waiting)| (waiting.round, waiting.ticket))?;
        let Waiting { round, piece, keys, .. } = self.waiting.swap_remove(place);
        self.round = round;
        Some((piece, keys))
    }

    /// The round of the piece that was taken last.
    pub(super) fn round(&self) -> u64 {
        self.round
    }

    /// How many pieces wait.
    pub(super) fn len(&self) -> usize {
        self.waiting.len()
    }

    /// Takes a piece out before its turn, if it still waits.
    pub(super) fn remove(&mut self, ticket: Ticket) -> Option<P> {
        let place = self.waiting.iter().position(|waiting| waiting.ticket == ticket)?;
        Some(self.waiting.swap_remove(place).piece)
    }

    /// Whether one of these keys has a waiting piece.
    pub(super) fn have_piece_of(&self, keys: &Keys<K>) -> bool {
        self.rounds_of(keys).next().is_some()
    }

    /// The round of the next piece of these keys: behind the last one in which one of them has a piece, or the next one.
    pub(super) fn next_round_of(&self, keys: &Keys<K>) -> u64 {
        1 + self.rounds_of(keys).max().unwrap_or(self.round)
    }

    /// The same for one key.
    pub(super) fn next_round_of_key(&self, key: &K) -> u64 {
        let has_key = |waiting: &&Waiting<K, P>| waiting.keys.iter().flatten().any(|own| own == key);
        let of_key = self.waiting.iter().filter(has_key).map(|waiting| waiting.round);
        1 + of_key.max().unwrap_or(self.round)
    }

    /// The piece of the latest round, if that round is later than `round`.
    pub(super) fn push_out_behind(&mut self, round: u64) -> Option<P> {
        let places = self.waiting.iter().enumerate();
        let (place, last) = places.max_by_key(|(_, waiting)| (waiting.round, waiting.ticket))?;
        (last.round > round).then(|| self.waiting.swap_remove(place).piece)
    }

    /// The rounds in which one of these keys has a piece.
    fn rounds_of(&self, keys: &Keys<K>) -> impl Iterator<Item = u64> {
        let counts =
            |of: &Keys<K>| of.iter().flatten().any(|key| keys.iter().flatten().any(|own| own == key));
        self.waiting.iter().filter(move |waiting| counts(&waiting.keys)).map(|waiting| waiting.round)
    }
}
