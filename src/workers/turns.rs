//! The order of work that several askers share: the first piece of each asker comes before the second piece of any.

/// The keys of a piece of work, such as a client's address and an account. A piece without a key never waits for an earlier one.
pub type Keys<K> = [Option<K>; 2];

/// Names a waiting piece of work.
pub(super) type Ticket = u64;

/// Waiting pieces of work, taken in rounds: in each round, every key has one piece.
#[derive(Debug)]
pub(super) struct Turns<K, P> {
    waiting: Vec<Waiting<K, P>>,
    limit: usize,
    /// The round of the piece that was taken last. No waiting piece has an earlier one.
    round: u64,
    next: Ticket,
}

#[derive(Debug)]
struct Waiting<K, P> {
    round: u64,
    ticket: Ticket,
    keys: Keys<K>,
    piece: P,
}

/// A piece that waits now.
#[derive(Debug)]
pub(super) struct Added<P> {
    pub(super) ticket: Ticket,
    /// The piece that lost its place to it.
    pub(super) pushed_out: Option<P>,
}

impl<K: PartialEq, P> Turns<K, P> {
    /// Room for `limit` waiting pieces, at least one.
    pub(super) fn new(limit: usize) -> Self {
        Self { waiting: Vec::new(), limit: limit.max(1), round: 0, next: 0 }
    }

    /// Adds a piece behind the earlier ones of its keys. If all places are taken, the piece of the latest round loses its
    /// place, so that a key with many pieces never keeps out another key's first one. `None` if that is the new piece.
    pub(super) fn add(&mut self, keys: Keys<K>, piece: P) -> Option<Added<P>> {
        let round = 1 + self.last_round_of(&keys);
        let pushed_out = if self.waiting.len() < self.limit { None } else { Some(self.push_out(round)?) };
        let ticket = self.next;
        self.next += 1;
        self.waiting.push(Waiting { round, ticket, keys, piece });
        Some(Added { ticket, pushed_out })
    }

    /// The piece whose turn it is.
    pub(super) fn take(&mut self) -> Option<P> {
        let places = self.waiting.iter().enumerate();
        let (place, _) = places.min_by_key(|(_, waiting)| (waiting.round, waiting.ticket))?;
        let Waiting { round, piece, .. } = self.waiting.swap_remove(place);
        self.round = round;
        Some(piece)
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

    /// The latest round in which one of these keys has a piece, or the round that is under way.
    fn last_round_of(&self, keys: &Keys<K>) -> u64 {
        let counts =
            |of: &Keys<K>| of.iter().flatten().any(|key| keys.iter().flatten().any(|own| own == key));
        let theirs = self.waiting.iter().filter(|waiting| counts(&waiting.keys));
        theirs.map(|waiting| waiting.round).max().unwrap_or(self.round)
    }

    /// The piece of the latest round, if that round is later than `round`.
    fn push_out(&mut self, round: u64) -> Option<P> {
        let places = self.waiting.iter().enumerate();
        let (place, last) = places.max_by_key(|(_, waiting)| (waiting.round, waiting.ticket))?;
        (last.round > round).then(|| self.waiting.swap_remove(place).piece)
    }
}

#[cfg(test)]
mod tests {
    use super::Turns;

    /// Adds pieces that are named after their keys and a number: `ab1` counts under `a` and `b`, `-1` under no key.
    fn turns(limit: usize, pieces: &[&'static str]) -> Turns<char, &'static str> {
        let mut turns = Turns::new(limit);
        for piece in pieces {
            assert!(add(&mut turns, piece).is_some(), "{piece}");
        }
        turns
    }

    /// The piece that lost its place, if any; `None` if the new one gets no place.
    fn add(turns: &mut Turns<char, &'static str>, piece: &'static str) -> Option<Option<&'static str>> {
        let mut keys = piece.chars().filter(|c| c.is_alphabetic());
        turns.add([keys.next(), keys.next()], piece).map(|added| added.pushed_out)
    }

    fn order(mut turns: Turns<char, &'static str>) -> Vec<&'static str> {
        std::iter::from_fn(|| turns.take()).collect()
    }

    #[test]
    fn the_second_piece_of_a_key_waits_behind_the_first_pieces_of_all_others() {
        assert_eq!(
            order(turns(9, &["a1", "a2", "a3", "b1", "c1", "b2"])),
            ["a1", "b1", "c1", "a2", "b2", "a3"]
        );
    }

    #[test]
    fn a_piece_waits_behind_those_of_each_of_its_keys() {
        assert_eq!(order(turns(9, &["ax1", "bx1", "cx1", "ay1", "d1"])), ["ax1", "d1", "bx1", "ay1", "cx1"]);
        assert_eq!(order(turns(9, &["a1", "a2", "-1", "-2", "-3"])), ["a1", "-1", "-2", "-3", "a2"]);
    }

    #[test]
    fn a_key_that_asks_again_and_again_gets_one_turn_in_each_round() {
        let mut turns = turns(9, &["a1", "b1", "b2"]);
        assert_eq!(turns.take(), Some("a1"));
        add(&mut turns, "a2");
        assert_eq!(turns.take(), Some("b1"));
        add(&mut turns, "a3");
        assert_eq!(order(turns), ["b2", "a2", "a3"]);
    }

    #[test]
    fn a_piece_gets_its_turn_however_many_other_keys_come() {
        let mut turns = turns(9, &["a1", "a2"]);
        assert_eq!(turns.take(), Some("a1"));
        let newcomers = ["b1", "c1", "d1", "e1"];
        let taken = newcomers.map(|newcomer| {
            add(&mut turns, newcomer);
            turns.take().unwrap()
        });
        assert_eq!(taken[0], "a2", "it was there before the first newcomer");
        assert_eq!(order(turns), ["e1"]);
    }

    #[test]
    fn a_full_line_takes_the_first_piece_of_a_key_and_pushes_out_the_last_one_of_the_key_with_most() {
        let mut turns = turns(4, &["a1", "b1", "a2", "a3"]);
        assert_eq!(add(&mut turns, "c1"), Some(Some("a3")));
        assert_eq!(add(&mut turns, "a4"), None, "it would be the last one itself");
        assert_eq!(add(&mut turns, "d1"), Some(Some("a2")));
        assert_eq!(add(&mut turns, "e1"), None, "each key has one");
        assert_eq!(order(turns), ["a1", "b1", "c1", "d1"]);
    }

    #[test]
    fn a_piece_that_is_taken_out_frees_its_place() {
        let mut turns = turns(1, &["a1"]);
        assert_eq!(add(&mut turns, "b1"), None);
        assert_eq!(turns.remove(0), Some("a1"));
        assert_eq!(turns.remove(0), None);
        assert_eq!(add(&mut turns, "b2"), Some(None));
        assert_eq!(order(turns), ["b2"]);
    }
}
