//! The order of work that several askers share. Work of each rank is taken in rounds, and the ranks take turns.

use super::preferred_rounds::PreferredRounds;
use super::rounds::{Keys, Rounds, Ticket};

/// One of so many places stays free of preferred work.
const PLACES_FOR_ONE_OF_USUAL_WORK: usize = 4;

/// How a piece of work ranks among the others.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rank {
    /// Anyone may ask for it.
    Usual,
    /// Only few can ask for it. It takes the place of usual work if all places are taken, and every other turn. Of each key,
    /// one piece is preferred in each round of usual work, and it counts for the key as a piece of that round; the others are
    /// usual work.
    Preferred,
}

/// Waiting pieces of work.
#[derive(Debug)]
pub(super) struct Turns<K, P> {
    usual: Rounds<K, P>,
    preferred: Rounds<K, P>,
    preferred_in: PreferredRounds<K>,
    limit: usize,
    next: Ticket,
    /// The rank that has the next turn, if it has work.
    turn: Rank,
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
        let (usual, preferred) = (Rounds::new(), Rounds::new());
        let preferred_in = PreferredRounds::new();
        Self { usual, preferred, preferred_in, limit: limit.max(1), next: 0, turn: Rank::Preferred }
    }

    /// Adds a piece behind the earlier ones of its keys. If all places are taken, a usual piece loses its place: the one of the
    /// latest round, so that a key with many pieces never keeps out another key's first one. `None` if that is the new piece.
    pub(super) fn add(&mut self, rank: Rank, keys: Keys<K>, piece: P) -> Option<Added<P>> {
        let rank = if self.may_prefer(&keys) { rank } else { Rank::Usual };
        let round = match rank {
            Rank::Usual => self.next_usual_round_of(&keys),
            Rank::Preferred => self.preferred.next_round_of(&keys),
        };
        let later_than = if rank == Rank::Usual { round } else { 0 };
        let pushed_out = match self.len() < self.limit {
            true => None,
            false => Some(self.usual.push_out_behind(later_than)?),
        };
        let ticket = self.next;
        self.next += 1;
        self.of(rank).add(round, ticket, keys, piece);
        Some(Added { ticket, pushed_out })
    }

    /// The piece whose turn it is.
    pub(super) fn take(&mut self) -> Option<P> {
        let turn = self.turn;
        if let Some(piece) = self.take_of(turn) {
            self.turn = turn.other();
            return Some(piece);
        }
        self.take_of(turn.other())
    }

    fn take_of(&mut self, rank: Rank) -> Option<P> {
        let (piece, keys) = self.of(rank).take()?;
        if self.usual.len() == 0 {
            // No piece waits that it could keep back.
            self.preferred_in.forget_all();
        } else if rank == Rank::Preferred {
            let now = self.usual.round();
            for key in keys.into_iter().flatten() {
                let counts_in = self.next_usual_round_of_key(&key);
                self.preferred_in.note(key, now + 1, counts_in, now);
            }
        }
        Some(piece)
    }

    /// The round of the next usual piece of these keys: also behind those in which preferred pieces of these count.
    fn next_usual_round_of(&self, keys: &Keys<K>) -> u64 {
        let after_preferred = keys.iter().flatten().filter_map(|key| self.preferred_in.counts_in(key)).max();
        self.usual.next_round_of(keys).max(after_preferred.map_or(0, |round| round + 1))
    }

    fn next_usual_round_of_key(&self, key: &K) -> u64 {
        let after_preferred = self.preferred_in.counts_in(key).map_or(0, |round| round + 1);
        self.usual.next_round_of_key(key).max(after_preferred)
    }

    /// How many pieces wait.
    pub(super) fn len(&self) -> usize {
        self.usual.len() + self.preferred.len()
    }

    /// Takes a piece out before its turn, if it still waits.
    pub(super) fn remove(&mut self, ticket: Ticket) -> Option<P> {
        self.usual.remove(ticket).or_else(|| self.preferred.remove(ticket))
    }

    fn may_prefer(&self, keys: &Keys<K>) -> bool {
        let places = self.limit - self.limit / PLACES_FOR_ONE_OF_USUAL_WORK;
        self.preferred.len() < places
            && !self.preferred.have_piece_of(keys)
            && !keys.iter().flatten().any(|key| self.preferred_in.has_had(key, self.usual.round()))
    }

    fn of(&mut self, rank: Rank) -> &mut Rounds<K, P> {
        match rank {
            Rank::Usual => &mut self.usual,
            Rank::Preferred => &mut self.preferred,
        }
    }
}

impl Rank {
    fn other(self) -> Self {
        match self {
            Self::Usual => Self::Preferred,
            Self::Preferred => Self::Usual,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Rank, Turns};

    /// Adds pieces that are named after their keys and a number: `ab1` counts under `a` and `b`, `-1` under no key. `+a1` is
    /// preferred.
    fn turns(limit: usize, pieces: &[&'static str]) -> Turns<char, &'static str> {
        let mut turns = Turns::new(limit);
        for piece in pieces {
            assert!(add(&mut turns, piece).is_some(), "{piece}");
        }
        turns
    }

    /// The piece that lost its place, if any; `None` if the new one gets no place.
    fn add(turns: &mut Turns<char, &'static str>, piece: &'static str) -> Option<Option<&'static str>> {
        let rank = if piece.starts_with('+') { Rank::Preferred } else { Rank::Usual };
        let mut keys = piece.chars().filter(|c| c.is_alphabetic());
        turns.add(rank, [keys.next(), keys.next()], piece).map(|added| added.pushed_out)
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

    #[test]
    fn usual_and_preferred_work_take_turns() {
        assert_eq!(
            order(turns(9, &["a1", "b1", "c1", "+d1", "+e1", "+f1", "+g1"])),
            ["+d1", "a1", "+e1", "b1", "+f1", "c1", "+g1"]
        );
    }

    #[test]
    fn preferred_work_takes_the_last_place_of_usual_work_if_all_are_taken() {
        let mut turns = turns(4, &["a1", "b1", "c1", "d1"]);
        assert_eq!(add(&mut turns, "+e1"), Some(Some("d1")));
        assert_eq!(add(&mut turns, "f1"), None, "usual work takes no place of preferred work");
        assert_eq!(add(&mut turns, "+f1"), Some(Some("c1")));
        assert_eq!(order(turns), ["+e1", "a1", "+f1", "b1"]);
    }

    #[test]
    fn of_each_key_one_piece_is_preferred_in_each_round_of_usual_work() {
        let mut turns = turns(4, &["+ax", "b1", "c1", "d1"]);
        for usual in ["+ay", "+xz"] {
            assert_eq!(add(&mut turns, usual), None, "it would be the last one of usual work");
        }
        assert_eq!(turns.take(), Some("+ax"));
        assert_eq!(add(&mut turns, "+ay"), Some(None), "as usual work of the next round");
        assert_eq!(["b1", "c1"], [(); 2].map(|()| turns.take().unwrap()));
        assert_eq!(add(&mut turns, "+bx"), Some(None), "a new round has begun");
        assert_eq!(order(turns), ["+bx", "d1", "+ay"]);
    }

    /// Seen: a client with one account had more than half of all turns.
    #[test]
    fn a_key_with_preferred_work_has_no_more_turns_than_the_others() {
        let others = ["b", "c", "d", "e", "f", "g", "h", "i"];
        let mut turns = turns(16, &others);
        let (mut own, mut of_others, mut waiting) = (0, 0, 0);
        while of_others < 800 {
            while waiting < 6 && add(&mut turns, "+a").is_some() {
                waiting += 1;
            }
            match turns.take().unwrap() {
                "+a" => (own, waiting) = (own + 1, waiting - 1),
                other => {
                    of_others += 1;
                    assert_eq!(add(&mut turns, other), Some(None));
                }
            }
        }
        assert!((95..=110).contains(&own), "{own} of a, and 100 of each other key");
    }

    #[test]
    fn usual_work_of_the_same_account_keeps_no_piece_from_being_preferred() {
        let mut turns = turns(9, &["bx", "cx", "dx", "ex"]);
        for n in 0..3 {
            assert_eq!(add(&mut turns, "+ax"), Some(None));
            assert_eq!(turns.take(), Some("+ax"), "{n}");
            assert!(turns.take().is_some_and(|usual| usual.ends_with('x')));
        }
    }

    #[test]
    fn a_quarter_of_the_places_stays_free_of_preferred_work() {
        let mut turns = turns(4, &["+a1", "+b1", "+c1"]);
        assert_eq!(add(&mut turns, "+d1"), Some(None), "as usual work");
        assert_eq!(add(&mut turns, "+e1"), None);
        assert_eq!(order(turns), ["+a1", "+d1", "+b1", "+c1"]);
    }
}
