//! Each order on rings of one algorithm and of several.

use super::*;
use crate::domain::Home;
use crate::keys::schedule::tests::{
    EDDSA, ES256, ML_DSA, RS256, at, at_rest, begun, named, new_key, schedule,
};

const LEAD: u64 = 183;
const RETIREMENT: u64 = 56;

use KeyState::{Active, Published, Removed, Retired};

fn states(ring: &RingRecord) -> Vec<(&str, KeyState)> {
    ring.keys.iter().map(|key| (key.alg.as_str(), key.state)).collect()
}

/// The ring after an order that makes the key which it needs.
fn ordered(
    ring: &RingRecord,
    schedule: &Schedule,
    order: &Order,
    now: u64,
) -> Result<RingRecord, OrderError> {
    let number = ring.keys.len() as u64 + 1;
    let new = makes(ring, schedule, order)?.map(|kind| new_key(kind, number));
    carry_out(ring, schedule, order, new, at(now))
}

#[test]
fn a_rotation_publishes_now_and_signs_a_lead_later_though_the_period_is_longer() {
    let (schedule, ring) = (schedule(&[RS256, ES256]), begun(&[RS256, ES256]));
    let after = ordered(&ring, &schedule, &Order::Rotate(Algorithm::Es256), 10).unwrap();
    assert_eq!(states(&after)[2], ("ES256", Published));
    assert_eq!((after.keys[2].activates_at, after.revision), (at(10 + LEAD), ring.revision + 1));
    let again = ordered(&after, &schedule, &Order::Rotate(Algorithm::Es256), 11);
    assert_eq!(again, Err(OrderError::UnderWay(named(3), at(10 + LEAD))));
    let other = ordered(&after, &schedule, &Order::Rotate(Algorithm::Rs256), 11).unwrap();
    assert_eq!(states(&other)[3], ("RS256", Published), "another algorithm has a successor of its own");
    let unlisted = ordered(&ring, &schedule, &Order::Rotate(Algorithm::EdDsa), 11);
    assert_eq!(unlisted, Err(OrderError::Unlisted("EdDSA".to_owned())));
}

#[test]
fn a_rotation_at_once_lets_the_published_key_sign_and_the_old_one_stay_for_those_that_have_not_heard() {
    let (schedule, ring) = (schedule(&[ES256]), begun(&[ES256]));
    let fresh = ordered(&ring, &schedule, &Order::RotateNow(Algorithm::Es256), 10).unwrap();
    assert_eq!(states(&fresh), [("ES256", Retired), ("ES256", Active)]);
    assert_eq!(
        fresh.keys[0].removes_at,
        Some(at(10 + RETIREMENT + LEAD)),
        "its turn would have come a lead later"
    );
    let published = ordered(&ring, &schedule, &Order::Rotate(Algorithm::Es256), 10).unwrap();
    let order = Order::RotateNow(Algorithm::Es256);
    assert_eq!(makes(&published, &schedule, &order), Ok(None));
    let early = ordered(&published, &schedule, &order, 40).unwrap();
    assert_eq!(early.keys[0].removes_at, Some(at(40 + RETIREMENT + LEAD - 30)));
    assert_eq!(carry_out(&ring, &schedule, &order, None, at(40)), Err(OrderError::NoSuccessor));
}

#[test]
fn a_rotation_at_once_to_another_algorithm_ends_the_old_one_at_once() {
    let (other, ring) = (schedule(&[ES256]), begun(&[RS256]));
    let ring = at_rest(&ring, &other, at(10)).0;
    let after = ordered(&ring, &other, &Order::RotateNow(Algorithm::Es256), 40).unwrap();
    assert_eq!(states(&after), [("RS256", Retired), ("ES256", Active)]);
    assert_eq!(after.keys[0].removes_at, Some(at(40 + RETIREMENT + LEAD - 30)));
    assert!(after.dropped.is_empty() && !after.has_several());
    let further = schedule(&[RS256, EDDSA]);
    let after = ordered(&begun(&[RS256, ES256]), &further, &Order::RotateNow(Algorithm::EdDsa), 40).unwrap();
    assert_eq!(
        states(&after),
        [("RS256", Active), ("ES256", Active), ("EdDSA", Active)],
        "an algorithm that is not the default one takes no place"
    );
}

#[test]
fn a_key_that_signs_is_followed_by_the_published_one_or_else_by_a_new_one() {
    let (schedule, ring) = (schedule(&[RS256, ES256]), begun(&[RS256, ES256]));
    let order = Order::Revoke(named(2));
    assert_eq!(makes(&ring, &schedule, &order), Ok(Some(ES256)));
    let alone = ordered(&ring, &schedule, &order, 10).unwrap();
    assert_eq!(states(&alone), [("RS256", Active), ("ES256", Removed), ("ES256", Active)]);
    assert_eq!((alone.keys[1].revoked_at, alone.keys[1].removes_at), (Some(at(10)), Some(at(10))));
    let published = ordered(&ring, &schedule, &Order::Rotate(Algorithm::Es256), 10).unwrap();
    assert_eq!(makes(&published, &schedule, &order), Ok(None));
    let followed = ordered(&published, &schedule, &order, 20).unwrap();
    assert_eq!(states(&followed), [("RS256", Active), ("ES256", Removed), ("ES256", Active)]);
}

#[test]
fn a_key_that_does_not_sign_leaves_alone_and_leaves_once() {
    let (schedule, ring) = (schedule(&[ES256]), begun(&[ES256]));
    let published = ordered(&ring, &schedule, &Order::Rotate(Algorithm::Es256), 10).unwrap();
    let order = Order::Revoke(named(2));
    assert_eq!(makes(&published, &schedule, &order), Ok(None));
    let after = ordered(&published, &schedule, &order, 20).unwrap();
    assert_eq!(states(&after), [("ES256", Active), ("ES256", Removed)]);
    assert_eq!(ordered(&after, &schedule, &order, 21), Err(OrderError::Gone(named(2))));
    let unknown = ordered(&after, &schedule, &Order::Revoke(named(9)), 21);
    assert_eq!(unknown, Err(OrderError::Unknown(named(9))));
}

#[test]
fn a_revoked_key_of_a_dropped_algorithm_has_a_successor_only_if_nothing_else_signs() {
    let (other, ring) = (schedule(&[RS256]), begun(&[RS256, ES256]));
    let order = Order::Revoke(named(2));
    assert_eq!(makes(&ring, &other, &order), Ok(None));
    assert_eq!(states(&ordered(&ring, &other, &order, 10).unwrap()), [("RS256", Active), ("ES256", Removed)]);
    let (replacing, alone) = (schedule(&[EDDSA]), begun(&[ES256]));
    let order = Order::Revoke(named(1));
    assert_eq!(makes(&alone, &replacing, &order), Ok(Some(EDDSA)));
    let after = ordered(&alone, &replacing, &order, 10).unwrap();
    assert_eq!(states(&after), [("ES256", Removed), ("EdDSA", Active)]);
}

#[test]
fn a_revoked_default_key_is_followed_though_a_post_quantum_key_signs() {
    let changed = schedule(&[ES256, ML_DSA]);
    let (begun, order) = (begun(&[RS256, ML_DSA]), Order::Revoke(named(1)));
    let published = at_rest(&begun, &changed, at(10)).0;
    assert_eq!(makes(&published, &changed, &order), Ok(None));
    let after = ordered(&published, &changed, &order, 20).unwrap();
    assert_eq!(states(&after), [("RS256", Removed), ("ML-DSA-65", Active), ("ES256", Active)]);
    assert_eq!(makes(&begun, &changed, &order), Ok(Some(ES256)), "before there is a published one");
    let after = ordered(&begun, &changed, &order, 20).unwrap();
    assert_eq!(states(&after), [("RS256", Removed), ("ML-DSA-65", Active), ("ES256", Active)]);
}

#[test]
fn a_ring_begins_with_no_post_quantum_key_that_is_not_listed() {
    let (empty, order) = (RingRecord::empty(), brought(ML_DSA, 7, Active));
    let never = Err(OrderError::NeverSigns(named(7), "ML-DSA-65".to_owned()));
    assert_eq!(ordered(&empty, &schedule(&[RS256]), &order, 10), never);
    let listed = schedule(&[RS256, ML_DSA]);
    let ring = ordered(&empty, &listed, &order, 10).unwrap();
    assert_eq!(states(&ring), [("ML-DSA-65", Active)]);
    let ring = at_rest(&ring, &listed, at(11)).0;
    assert_eq!(states(&ring), [("ML-DSA-65", Active), ("RS256", Active)], "a server makes the default one");
}

fn brought(kind: KeyKind, number: u64, state: KeyState) -> Order {
    let home = Some(Home::new("pem", "private"));
    let new = NewKey { home, ..new_key(kind, number) };
    Order::Import(Box::new(Import { new, aliases: vec![], state }))
}

#[test]
fn a_key_from_elsewhere_has_the_turn_of_its_state() {
    let (schedule, ring) = (schedule(&[RS256, ES256]), begun(&[RS256, ES256]));
    let published = ordered(&ring, &schedule, &brought(ES256, 7, Published), 10).unwrap();
    assert_eq!(published.keys[2].activates_at, at(10 + LEAD));
    let second = ordered(&published, &schedule, &brought(ES256, 8, Published), 11);
    assert_eq!(second, Err(OrderError::UnderWay(named(7), at(10 + LEAD))));
    let active = ordered(&ring, &schedule, &brought(ES256, 7, Active), 10).unwrap();
    assert_eq!(states(&active), [("RS256", Active), ("ES256", Retired), ("ES256", Active)]);
    assert_eq!(active.keys[1].removes_at, Some(at(10 + RETIREMENT + LEAD)));
    let retired = ordered(&ring, &schedule, &brought(EDDSA, 7, Retired), 10).unwrap();
    assert_eq!(retired.keys[2].removes_at, Some(at(10 + RETIREMENT)));
}

#[test]
fn a_key_that_could_never_sign_is_refused_unless_it_is_to_verify() {
    let (schedule, ring) = (schedule(&[RS256]), begun(&[RS256]));
    let never = Err(OrderError::NeverSigns(named(7), "EdDSA".to_owned()));
    assert_eq!(ordered(&ring, &schedule, &brought(EDDSA, 7, Published), 10), never);
    let empty = RingRecord::empty();
    let first = ordered(&empty, &schedule, &brought(EDDSA, 7, Active), 10).unwrap();
    assert_eq!(states(&first), [("EdDSA", Active)], "a ring may begin with it");
    let public = Import { new: new_key(RS256, 7), aliases: vec![], state: Published };
    let public = ordered(&ring, &schedule, &Order::Import(Box::new(public)), 10);
    assert_eq!(public, Err(OrderError::PublicOnly(named(7))));
    let known = ordered(&ring, &schedule, &brought(RS256, 1, Retired), 10);
    assert_eq!(known, Err(OrderError::Known(named(1))));
}

#[test]
fn room_is_made_for_the_key_that_signs_the_token() {
    let (schedule, ring) = (schedule(&[RS256, ES256]), begun(&[RS256, ES256]));
    let (default, other) = (Order::Carry(None, 90), Order::Carry(Some(Algorithm::Es256), 90));
    assert!(!is_done(&ring, &schedule, &default) && is_done(&ring, &schedule, &Order::Carry(None, 30)));
    let carries = |ring: &RingRecord| ring.keys.iter().map(|key| key.carries).collect::<Vec<_>>();
    assert_eq!(carries(&ordered(&ring, &schedule, &default, 10).unwrap()), [90, 30]);
    let after = ordered(&ring, &schedule, &other, 10).unwrap();
    assert_eq!(carries(&after), [30, 90]);
    assert!(is_done(&after, &schedule, &other));
}

#[test]
fn a_record_is_forgotten_once_the_private_half_is_destroyed() {
    let (schedule, ring) = (schedule(&[ES256]), begun(&[ES256]));
    let mut ring = ordered(&ring, &schedule, &Order::RotateNow(Algorithm::Es256), 10).unwrap();
    assert!(is_done(&ring, &schedule, &Order::Forget));
    (ring.keys[0].state, ring.keys[0].home) = (Removed, Some(Home::new("pem", "private")));
    assert!(is_done(&ring, &schedule, &Order::Forget));
    ring.keys[0].home = None;
    let after = ordered(&ring, &schedule, &Order::Forget, 11).unwrap();
    assert_eq!(states(&after), [("ES256", Active)]);
}
