//! Each rule at its boundary: what is true at an instant is not true a second earlier.

use jose::Algorithm;

use super::due::due;
use super::*;
use crate::domain::{Kid, NewKey};

pub const RS256: KeyKind = kind(Algorithm::Rs256);
pub const ES256: KeyKind = kind(Algorithm::Es256);
pub const EDDSA: KeyKind = kind(Algorithm::EdDsa);
pub const ML_DSA: KeyKind = kind(Algorithm::MlDsa65);

const fn kind(algorithm: Algorithm) -> KeyKind {
    KeyKind { algorithm, rsa_bits: 2048 }
}

/// A key signs for 1000 s, is published 183 s (100 + 60 + 3 + 20) before, and verifies 56 s (30 + 20 + 2 x 3) longer.
pub fn schedule(kinds: &[KeyKind]) -> Schedule {
    Schedule {
        period: Some(1_000),
        period_of_adopted: None,
        jwks_max_age: 100,
        verifier_cache: 60,
        clock_skew: 3,
        staleness: 20,
        longest_token: 30,
        kinds: kinds.to_vec(),
        any_size: false,
    }
}

const LEAD: u64 = 183;
const RETIREMENT: u64 = 56;

pub fn at(secs: u64) -> Timestamp {
    Timestamp::from_secs(1_000_000 + secs)
}

pub fn named(number: u64) -> Kid {
    Kid::parse(&format!("key-{number}")).unwrap()
}

pub fn new_key(kind: KeyKind, number: u64) -> NewKey {
    let (alg, bits) = (kind.algorithm.name().to_owned(), kind.rsa_bits);
    NewKey { kid: named(number), alg, bits, public: format!("public-{number}"), home: None }
}

/// The ring after all steps that are due at `now`, and these steps.
pub fn at_rest(ring: &RingRecord, schedule: &Schedule, now: Timestamp) -> (RingRecord, Vec<Action>) {
    let (mut ring, mut actions) = (ring.clone(), Vec::new());
    loop {
        let mut number = ring.keys.len() as u64;
        let make = |kind| {
            number += 1;
            new_key(kind, number)
        };
        let Some((action, after)) = step(&ring, schedule, &[], now, make) else { return (ring, actions) };
        ring = after;
        actions.push(action);
    }
}

/// A ring that began at 0 with a key of each algorithm.
pub fn begun(kinds: &[KeyKind]) -> RingRecord {
    at_rest(&RingRecord::empty(), &schedule(kinds), at(0)).0
}

fn steps(ring: &RingRecord, schedule: &Schedule, now: u64) -> Vec<Action> {
    at_rest(ring, schedule, at(now)).1
}

fn states(ring: &RingRecord) -> Vec<(&str, KeyState)> {
    ring.keys.iter().map(|key| (key.alg.as_str(), key.state)).collect()
}

use KeyState::{Active, Published, Removed, Retired};

#[test]
fn the_lead_and_the_retirement_are_sums() {
    let (schedule, ring) = (schedule(&[ES256]), begun(&[ES256]));
    assert_eq!((schedule.lead(), schedule.retirement(&ring, 0)), (LEAD, RETIREMENT));
    assert_eq!(schedule.retirement(&ring, 31), RETIREMENT + 1, "a key that carries more stays longer");
    let lagging = RingRecord { lag: 27, ..ring };
    assert_eq!(schedule.retirement(&lagging, 0), RETIREMENT + 1, "instances that lag more are waited for");
}

#[test]
fn a_new_ring_begins_with_a_key_of_each_algorithm_and_another_with_the_default_one() {
    let schedule = schedule(&[ES256, RS256]);
    let (ring, actions) = at_rest(&RingRecord::empty(), &schedule, at(0));
    assert_eq!(actions, [Action::Begin]);
    assert_eq!(states(&ring), [("ES256", Active), ("RS256", Active)]);
    let mut served = begun(&[EDDSA]);
    served.keys[0].state = Removed;
    let (ring, actions) = at_rest(&served, &schedule, at(5));
    let publish = Action::Publish { kind: RS256, activates_at: at(5 + LEAD) };
    assert_eq!(actions[..2], [Action::Begin, publish], "a key set without it may have been served");
    assert_eq!(states(&ring)[1..], [("ES256", Active), ("RS256", Published)]);
}

#[test]
fn a_successor_is_published_a_lead_before_the_period_ends_and_signs_when_it_does() {
    let (schedule, ring) = (schedule(&[ES256]), begun(&[ES256]));
    assert_eq!(steps(&ring, &schedule, 1_000 - LEAD - 1), []);
    let (ring, actions) = at_rest(&ring, &schedule, at(1_000 - LEAD));
    assert_eq!(actions, [Action::Publish { kind: ES256, activates_at: at(1_000) }]);
    assert_eq!(steps(&ring, &schedule, 999), []);
    assert_eq!(steps(&ring, &schedule, 1_000), [Action::Activate(named(2))]);
}

#[test]
fn a_publication_that_comes_late_waits_out_the_whole_lead() {
    let (schedule, ring) = (schedule(&[ES256]), begun(&[ES256]));
    let (ring, actions) = at_rest(&ring, &schedule, at(2_000));
    assert_eq!(actions, [Action::Publish { kind: ES256, activates_at: at(2_000 + LEAD) }]);
    assert_eq!(steps(&ring, &schedule, 2_000 + LEAD - 1), []);
}

#[test]
fn a_retired_key_leaves_when_its_last_token_has_expired_on_the_slowest_clock() {
    let schedule = schedule(&[ES256]);
    let ring = at_rest(&begun(&[ES256]), &schedule, at(900)).0;
    let ring = at_rest(&ring, &schedule, at(1_100)).0;
    assert_eq!(ring.keys[0].removes_at, Some(at(1_100 + RETIREMENT)));
    assert_eq!(steps(&ring, &schedule, 1_100 + RETIREMENT - 1), []);
    assert_eq!(steps(&ring, &schedule, 1_100 + RETIREMENT), [Action::Remove(named(1))]);
}

#[test]
fn a_token_that_lives_a_second_longer_keeps_its_key_a_second_longer() {
    let schedule = schedule(&[ES256]);
    let ring = at_rest(&begun(&[ES256]), &schedule, at(900)).0;
    let ring = at_rest(&ring, &schedule, at(1_100)).0;
    let removes_at = 1_100 + RETIREMENT;
    let expires = |secs| [(named(1), at(secs))];
    assert_eq!(plan(&ring, &schedule, &expires(removes_at - 3), at(1_101)), None, "the skew counts");
    let extend = plan(&ring, &schedule, &expires(removes_at - 2), at(1_101)).unwrap();
    assert_eq!(extend, Action::Extend(named(1), at(removes_at + 1)));
    let after = apply(&ring, &extend, &schedule, [], at(1_101));
    assert_eq!(steps(&after, &schedule, removes_at), []);
    assert_eq!(steps(&after, &schedule, removes_at + 1), [Action::Remove(named(1))]);
}

#[test]
fn the_record_of_a_key_that_has_left_is_kept_for_ninety_days() {
    let schedule = Schedule { period: None, ..schedule(&[ES256]) };
    let mut ring = begun(&[ES256]);
    let (removes_at, state) = (Some(at(10)), Removed);
    ring.keys.push(KeyRecord { kid: named(9), state, removes_at, ..ring.keys[0].clone() });
    let days = 90 * 86_400;
    assert_eq!(steps(&ring, &schedule, 10 + days - 1), []);
    assert_eq!(steps(&ring, &schedule, 10 + days), [Action::Forget(named(9))]);
}

#[test]
fn a_shorter_lead_counts_once_answers_of_the_longer_one_are_forgotten() {
    let ring = begun(&[ES256]);
    let shorter = Schedule { jwks_max_age: 40, ..schedule(&[ES256]) };
    let (noted, actions) = at_rest(&ring, &shorter, at(500));
    assert_eq!(actions, [Action::NoteLead]);
    assert_eq!((noted.lead, noted.kept_until), (LEAD - 60, at(500 + LEAD)));
    assert_eq!(known_to_all(&noted, &shorter, at(559)), at(500 + LEAD));
    assert_eq!(known_to_all(&noted, &shorter, at(561)), at(501 + LEAD));
    let (longer, _) = at_rest(&noted, &schedule(&[ES256]), at(510));
    assert_eq!((longer.lead, longer.kept_until), (LEAD, noted.kept_until));
}

#[test]
fn an_algorithm_that_is_added_is_published_at_once_and_signs_a_lead_later() {
    let (ring, both) = (begun(&[RS256]), schedule(&[RS256, ES256]));
    let (ring, actions) = at_rest(&ring, &both, at(10));
    assert_eq!(actions, [Action::Publish { kind: ES256, activates_at: at(10 + LEAD) }]);
    assert_eq!(steps(&ring, &both, 10 + LEAD - 1), []);
    let (ring, actions) = at_rest(&ring, &both, at(10 + LEAD));
    assert_eq!(actions, [Action::Activate(named(2))]);
    assert_eq!(states(&ring), [("RS256", Active), ("ES256", Active)], "the other one signs on");
}

#[test]
fn each_algorithm_rotates_by_itself() {
    let both = schedule(&[RS256, ES256]);
    let ring = at_rest(&begun(&[RS256]), &both, at(10)).0;
    let ring = at_rest(&ring, &both, at(10 + LEAD)).0;
    let (ring, actions) = at_rest(&ring, &both, at(1_000 - LEAD));
    assert_eq!(actions, [Action::Publish { kind: RS256, activates_at: at(1_000) }]);
    let (ring, actions) = at_rest(&ring, &both, at(1_000));
    assert_eq!(actions[0], Action::Activate(named(3)));
    assert_eq!(states(&ring)[..3], [("RS256", Retired), ("ES256", Active), ("RS256", Active)]);
}

#[test]
fn an_algorithm_that_is_dropped_signs_for_a_lead_more_and_retires_like_any_key() {
    let (ring, one) = (begun(&[RS256, ES256]), schedule(&[RS256]));
    let (ring, actions) = at_rest(&ring, &one, at(10));
    assert_eq!(actions, [Action::Drop { alg: "ES256".to_owned(), at: at(10 + LEAD) }]);
    assert_eq!(steps(&ring, &one, 10 + LEAD - 1), []);
    let (ring, actions) = at_rest(&ring, &one, at(10 + LEAD));
    assert_eq!(actions, [Action::Retire("ES256".to_owned())]);
    assert_eq!(ring.keys[1].removes_at, Some(at(10 + LEAD + RETIREMENT)));
    assert!(ring.dropped.is_empty() && !ring.has_several());
    let gone = 10 + LEAD + RETIREMENT;
    assert_eq!(steps(&ring, &one, gone - 1), []);
    assert_eq!(steps(&ring, &one, gone), [Action::Remove(named(2))]);
}

#[test]
fn an_instance_that_lists_an_algorithm_keeps_it_from_the_middle_of_its_last_lead_on() {
    let (both, one) = (schedule(&[RS256, ES256]), schedule(&[RS256]));
    let ring = at_rest(&begun(&[RS256, ES256]), &one, at(10)).0;
    assert_eq!(steps(&ring, &both, 10 + LEAD - LEAD / 2 - 1), []);
    let (kept, actions) = at_rest(&ring, &both, at(10 + LEAD - LEAD / 2));
    assert_eq!(actions, [Action::Keep("ES256".to_owned())]);
    assert!(kept.dropped.is_empty());
}

#[test]
fn an_algorithm_that_was_dropped_before_its_key_signed_leaves_without_a_signature() {
    let (both, one) = (schedule(&[RS256, ES256]), schedule(&[RS256]));
    let ring = at_rest(&begun(&[RS256]), &both, at(10)).0;
    let ring = at_rest(&ring, &one, at(20)).0;
    assert!(ring.has_several(), "an earlier program would let the key sign, in the place of the other");
    let (ring, actions) = at_rest(&ring, &one, at(10 + LEAD));
    assert_eq!((actions, states(&ring)[1]), (vec![], ("ES256", Published)), "its turn is no turn here");
    let (ring, _) = at_rest(&ring, &one, at(20 + LEAD));
    assert_eq!(states(&ring), [("RS256", Active), ("ES256", Removed)]);
}

#[test]
fn an_algorithm_takes_the_place_of_another_in_one_step_and_earlier_programs_can_read_all_of_it() {
    let other = schedule(&[ES256]);
    let (ring, actions) = at_rest(&begun(&[RS256]), &other, at(10));
    assert_eq!(actions, [Action::Publish { kind: ES256, activates_at: at(10 + LEAD) }]);
    assert_eq!(ring.dropped["RS256"], at(10 + LEAD));
    assert_eq!((ring.form(), other.default_key(&ring).unwrap().alg.as_str()), (1, "RS256"));
    let (ring, actions) = at_rest(&ring, &other, at(10 + LEAD));
    assert_eq!(actions, [Action::Activate(named(2))]);
    assert_eq!(states(&ring), [("RS256", Retired), ("ES256", Active)]);
    assert_eq!((ring.form(), ring.dropped.len()), (1, 0));
}

/// A program that knows only one algorithm lets the next key replace all active keys, and keeps the members
/// that it does not know.
#[test]
fn an_announcement_that_an_earlier_program_has_overtaken_is_put_away() {
    let other = schedule(&[ES256]);
    let mut ring = at_rest(&begun(&[RS256]), &other, at(10)).0;
    (ring.keys[0].state, ring.keys[0].removes_at) = (Retired, Some(at(10 + LEAD + RETIREMENT)));
    ring.keys[1].state = Active;
    assert_eq!(ring.dropped["RS256"], at(10 + LEAD));
    let (after, actions) = at_rest(&ring, &other, at(10 + LEAD + RETIREMENT));
    assert_eq!(actions, [Action::Remove(named(1))]);
    assert!(after.dropped.is_empty());
    let back = schedule(&[RS256]);
    let (after, actions) = at_rest(&ring, &back, at(11 + LEAD));
    let publish = Action::Publish { kind: RS256, activates_at: at(11 + 2 * LEAD) };
    assert_eq!(actions, [Action::Keep("RS256".to_owned()), publish]);
    assert_eq!(after.dropped, [("ES256".to_owned(), at(11 + 2 * LEAD))].into());
}

#[test]
fn the_last_key_that_signs_never_retires() {
    let (other, mut ring) = (schedule(&[ES256]), begun(&[RS256]));
    ring.dropped.insert("RS256".to_owned(), at(0));
    let retires = due(&ring, &other, &[], at(500)).contains(&Action::Retire("RS256".to_owned()));
    assert!(!retires, "no key of the settings signs yet");
}

#[test]
fn the_first_algorithm_that_can_sign_is_the_default_one() {
    let ring = begun(&[RS256, ES256]);
    let default = |kinds: &[KeyKind]| schedule(kinds).default_key(&ring).unwrap().alg.clone();
    assert_eq!(default(&[RS256, ES256]), "RS256");
    assert_eq!(default(&[ES256, RS256]), "ES256", "another order changes nothing else");
    assert_eq!(steps(&ring, &schedule(&[ES256, RS256]), 10), []);
    assert_eq!(default(&[EDDSA, ES256]), "ES256", "until the first one can sign");
    assert_eq!(default(&[EDDSA]), "RS256", "what signed before signs until then");
    let ring = begun(&[ES256, ML_DSA]);
    assert_eq!(schedule(&[EDDSA, ML_DSA]).default_key(&ring).unwrap().alg, "ES256", "never ML-DSA");
}

#[test]
fn the_old_default_key_signs_on_while_the_new_one_cannot() {
    let changed = schedule(&[ES256, ML_DSA]);
    let publish = Action::Publish { kind: ES256, activates_at: at(10 + LEAD) };
    let begun = begun(&[RS256, ML_DSA]);
    assert_eq!(
        due(&begun, &changed, &[], at(10)),
        [publish],
        "no end is announced before there is a successor"
    );
    let (ring, _) = at_rest(&begun, &changed, at(10));
    assert_eq!(ring.dropped["RS256"], at(10 + LEAD));
    // A step that fails is skipped, so no later step may end the key that signs.
    assert_eq!(due(&ring, &changed, &[], at(400)), [Action::Activate(named(3))]);
    let (ring, actions) = at_rest(&ring, &changed, at(400));
    assert_eq!(actions, [Action::Activate(named(3))]);
    assert_eq!(states(&ring), [("RS256", Retired), ("ML-DSA-65", Active), ("ES256", Active)]);
}

#[test]
fn a_post_quantum_key_takes_the_place_of_no_default_key() {
    let changed = schedule(&[ES256, ML_DSA]);
    let only_this = apply(
        &begun(&[RS256]),
        &Action::Publish { kind: ML_DSA, activates_at: at(10 + LEAD) },
        &changed,
        [new_key(ML_DSA, 2)],
        at(10),
    );
    assert!(only_this.dropped.is_empty(), "where the publication of the other one fails");
    let ring = at_rest(&begun(&[RS256]), &changed, at(10)).0;
    let ring = apply(&ring, &Action::Activate(named(3)), &changed, [], at(10 + LEAD));
    assert_eq!(states(&ring), [("RS256", Active), ("ES256", Published), ("ML-DSA-65", Active)]);
}

#[test]
fn a_ring_without_a_default_key_has_one_at_once() {
    let listed = schedule(&[RS256, ML_DSA]);
    let mut ring = begun(&[RS256, ML_DSA]);
    ring.keys.remove(0);
    let (after, actions) = at_rest(&ring, &listed, at(10));
    assert_eq!(actions, [Action::Begin]);
    assert_eq!(states(&after), [("ML-DSA-65", Active), ("RS256", Active)]);
    for (kind, number) in [(ML_DSA, 7), (ES256, 8), (RS256, 9)] {
        ring.keys.push(published(new_key(kind, number), &listed, at(100 - number), at(0)));
    }
    assert_eq!(
        due(&ring, &listed, &[], at(10)),
        [Action::Activate(named(9))],
        "a listed one before the others"
    );
    ring.keys.pop();
    assert_eq!(due(&ring, &listed, &[], at(10)), [Action::Activate(named(8))]);
}

#[test]
fn an_end_that_was_announced_for_an_earlier_key_is_taken_back_if_the_algorithm_is_listed() {
    let ring = begun(&[ES256]);
    let stale = RingRecord { dropped: [("ES256".to_owned(), at(0).minus_secs(9))].into(), ..ring };
    let (after, actions) = at_rest(&stale, &schedule(&[ES256]), at(10));
    assert_eq!(actions, [Action::Keep("ES256".to_owned())]);
    assert!(after.dropped.is_empty());
}

#[test]
fn several_algorithms_have_a_form_of_their_own_that_earlier_programs_refuse() {
    assert_eq!((begun(&[RS256]).form(), begun(&[RS256, ES256]).form()), (1, 3));
    let published = at_rest(&begun(&[RS256]), &schedule(&[RS256, ES256]), at(10)).0;
    assert_eq!(published.form(), 3, "from the publication of the second one on");
    assert!(RingRecord::is_known_form(1) && RingRecord::is_known_form(3) && !RingRecord::is_known_form(2));
}

#[test]
fn an_instance_that_is_cut_off_signs_until_the_first_announced_end_of_its_key() {
    let (both, ring) = (schedule(&[RS256, ES256]), begun(&[RS256, ES256]));
    let until = |ring: &RingRecord, alg| both.signs_until(ring, alg, at(100));
    assert_eq!(until(&ring, "ES256"), at(100 + LEAD - 3 + 20), "a lead after its last look");
    let announced = RingRecord { dropped: [("ES256".to_owned(), at(150))].into(), ..ring.clone() };
    assert_eq!(
        (until(&announced, "ES256"), until(&announced, "RS256")),
        (at(150 - 3 + 20), at(100 + LEAD - 3 + 20))
    );
    let mut next = ring.clone();
    next.keys.push(published(new_key(RS256, 3), &both, at(160), at(0)));
    assert_eq!((until(&next, "RS256"), until(&next, "ES256")), (at(160 - 3 + 20), at(100 + LEAD - 3 + 20)));
    let mut replaced = begun(&[RS256]);
    replaced.keys.push(published(new_key(ES256, 2), &both, at(160), at(0)));
    replaced.dropped.insert("RS256".to_owned(), at(400));
    assert_eq!(until(&replaced, "RS256"), at(160 - 3 + 20), "an earlier program would retire it then");
}

#[test]
fn the_key_set_is_kept_for_less_the_longer_ago_the_ring_was_read() {
    let (schedule, ring) = (schedule(&[ES256]), begun(&[ES256]));
    let kept = |age| schedule.max_age(&ring, age);
    assert_eq!((kept(20), kept(21), kept(120), kept(121)), (Some(100), Some(99), Some(0), None));
    let short = RingRecord { lead: 10, ..ring };
    let kept = |age| schedule.max_age(&short, age);
    assert_eq!((kept(20), kept(21)), (Some(0), None), "a ring that is held to less is not kept at all");
}

#[test]
fn what_was_written_late_counts_from_then() {
    let both = schedule(&[RS256, ES256]);
    let begun = begun(&[RS256, EDDSA]);
    let publish = Action::Publish { kind: ES256, activates_at: at(10 + LEAD) };
    let after = apply(&begun, &publish, &both, [new_key(ES256, 3)], at(10));
    assert_eq!(written_late(&begun, &after, &both, at(10), at(11)), None, "a second is nothing");
    let later = written_late(&begun, &after, &both, at(10), at(12)).unwrap();
    assert_eq!((later.keys[2].published_at, later.keys[2].activates_at), (at(12), at(12 + LEAD)));
    assert_eq!((later.dropped["EdDSA"], later.revision), (at(12 + LEAD), after.revision + 1));
    let turn = apply(&after, &Action::Activate(named(3)), &schedule(&[ES256]), [], at(10 + LEAD));
    let ended = apply(&turn, &Action::Retire("RS256".to_owned()), &both, [], at(300));
    let late = written_late(&turn, &ended, &both, at(300), at(340)).unwrap();
    assert_eq!(late.keys[0].removes_at, Some(at(340 + RETIREMENT)), "it was believed to sign until then");
}

#[test]
fn a_key_of_another_size_is_replaced_only_if_a_size_is_asked_for() {
    let larger = KeyKind { rsa_bits: 3072, ..RS256 };
    let (ring, asked) = (begun(&[RS256]), Schedule { period: None, ..schedule(&[larger]) });
    assert_eq!(steps(&ring, &asked, 10), [Action::Publish { kind: larger, activates_at: at(10 + LEAD) }]);
    assert_eq!(steps(&ring, &Schedule { any_size: true, ..asked }, 10), []);
}

#[test]
fn a_key_of_the_original_stays_if_the_operator_has_not_said_otherwise() {
    let (schedule, adopted) = (schedule(&[RS256]), RingRecord { adopted: true, ..begun(&[RS256]) });
    assert_eq!(steps(&adopted, &schedule, 100_000), []);
    assert_eq!(schedule.check(&adopted), Ok(()));
    let short = Schedule { period: Some(LEAD - 1), ..schedule };
    assert!(short.check(&RingRecord::empty()).is_err() && short.check(&adopted).is_ok());
    assert_eq!(Schedule { period: Some(LEAD), ..short }.check(&RingRecord::empty()), Ok(()));
}

#[test]
fn what_fails_holds_up_no_other_step_and_the_lead_comes_before_all() {
    let three = schedule(&[RS256, ES256, EDDSA]);
    let publishes = |kind| Action::Publish { kind, activates_at: at(10 + LEAD) };
    assert_eq!(due(&begun(&[RS256]), &three, &[], at(10)), [publishes(ES256), publishes(EDDSA)]);
    let longer = Schedule { jwks_max_age: 200, ..three };
    assert_eq!(due(&begun(&[RS256]), &longer, &[], at(10)), [Action::NoteLead]);
}
