//! T4: two regions, 150 ms apart, and one of them is cut off: in one test the region without the primary, in the other the
//! region with it. Each token verifies in both regions at all times. A write that cannot be made fails with a clear error,
//! and every write that was confirmed exists afterwards. docs/multi-region.md describes this behaviour.

mod costs;
mod ledger;
mod tokens;
mod world;

use std::time::{Duration, Instant};

use mongodb::bson::doc;

use crate::support::client::registration;
use crate::support::mongod::on_database;
use crate::support::{Answer, Client, eventually, unique};
use ledger::{Ledger, is_unavailable, log_in};
use tokens::{Traffic, is_without_keys};
use world::{A, B, JWKS_MAX_AGE, PERIOD, STALENESS, World};

use super::fleet::one_key_a_period;

#[test]
fn t4_a_region_without_the_primary_is_cut_off_and_comes_back() {
    is_cut_off_and_comes_back(A);
}

#[test]
fn t4_a_region_with_the_primary_is_cut_off_and_comes_back() {
    is_cut_off_and_comes_back(B);
}

/// B is cut off while the primary is in `home`.
fn is_cut_off_and_comes_back(home: usize) {
    let world = World::start(home);
    costs::print(&world);
    let weak = with_a_weak_hash(&world, home);
    let (traffic, ledger) = (Traffic::start(&world), Ledger::start(&world));
    let turn = world.wait_for_a_publication();
    let cut_at = Instant::now();
    world.regions.cut_off(B);
    std::thread::scope(|scope| {
        scope.spawn(|| the_key_set_ends_when_it_must(&world, cut_at));
        writes_fail_in_the_cut_off_region(&world, &weak);
        the_majority_goes_on(&world, &ledger, home);
        signing_ends_when_it_must(&traffic, turn);
    });
    println!("cut off for {:?}", cut_at.elapsed());
    world.regions.join(B);
    the_region_is_whole_again(&world, &traffic, &ledger, home);
    assert_eq!(ledger.settle(&world), Vec::<String>::new(), "{}", world.logs());
    the_hash_is_strong(&world, &weak);
    assert_eq!(traffic.end(), Vec::<String>::new(), "{}", world.logs());
    one_key_a_period(&world.ring(), PERIOD);
}

/// A user whose log-in writes, because the hash of the password is too weak.
fn with_a_weak_hash(world: &World, home: usize) -> String {
    let name = unique("weak");
    let hash = bcrypt::hash_with_salt(format!("secret-{name}"), 4, [7; 16]).unwrap().to_string();
    let user = doc! { "username": &name, "email": format!("{name}@example.com"), "password": hash };
    on_database(&world.database(home), async |database| database.collection("users").insert_one(user).await)
        .unwrap();
    name
}

/// A registration is refused with a clear error, and creates no user. A log-in is refused, too, because its event cannot be
/// stored; a wrong name may still be answered by a primary that has not noticed yet that it is alone.
fn writes_fail_in_the_cut_off_region(world: &World, weak: &str) {
    for client in world.clients(B) {
        let name = unique("late");
        let answer = client.post("/api/auth/register", &registration(&name));
        assert!(is_unavailable(&answer), "{}", answer.text());
        let answer = log_in(&client, &name);
        assert!(answer.status == 401 || is_unavailable(&answer), "half there: {}", answer.text());
        let answer = log_in(&client, weak);
        assert!(answer.status == 200 || is_unavailable(&answer), "{}", answer.text());
    }
    for client in world.clients(B) {
        eventually("B knows that it is alone", || {
            (client.get("/health").ok()["database_connected"] == false).then_some(())
        });
    }
    let (at_the_primary, nearby) = (world.client(B), world.servers[B][1].client());
    for client in [&at_the_primary, &nearby] {
        assert!(is_unavailable(&log_in(client, weak)));
    }
    assert!(is_unavailable(&nearby.post("/api/auth/register", &registration(&unique("late")))));
}

/// Region A continues without an interruption if it has the primary, else as soon as a new primary is elected.
fn the_majority_goes_on(world: &World, ledger: &Ledger, home: usize) {
    eventually("A has a primary", || world.regions.leads(A).then_some(()));
    let (created, refused) = ledger.counts(A);
    eventually("A registers", || (ledger.counts(A).0 > created + 1).then_some(()));
    if home == A {
        assert_eq!(refused, 0, "the region with the majority refuses no registration");
    }
}

/// `max-age` decreases. When the copy of the ring is too old, the answer is 503.
fn the_key_set_ends_when_it_must(world: &World, cut_at: Instant) {
    for client in world.clients(B) {
        let mut last = u64::MAX;
        let ended = eventually("the key set is given out no more", || {
            let asked = cut_at.elapsed();
            let answer = client.get("/api/jwks");
            if is_without_keys(&answer) {
                return Some(cut_at.elapsed());
            }
            let age = max_age(&answer);
            assert!(
                age <= last && asked <= Duration::from_secs(JWKS_MAX_AGE + STALENESS),
                "{age} at {asked:?}"
            );
            last = age;
            None
        });
        assert!(ended >= Duration::from_secs(JWKS_MAX_AGE), "{ended:?}: it knew the ring well enough");
    }
}

fn max_age(answer: &Answer) -> u64 {
    answer.header("cache-control").unwrap().split("max-age=").nth(1).unwrap().parse().unwrap()
}

/// B signs until the next key that it knows becomes active, and for the extra time of ADR 0014, but not longer.
fn signing_ends_when_it_must(traffic: &Traffic, turn: u64) {
    eventually("B signs no more", || traffic.of(B).iter().all(|signed| signed.refuses).then_some(()));
    for signed in traffic.of(B) {
        assert!((turn..=turn + STALENESS).contains(&signed.last), "{} and not {turn}", signed.last);
        let next = |other: &tokens::Signed| other.kids.difference(&signed.kids).count() > 0;
        eventually("A goes on", || traffic.of(A).iter().any(next).then_some(()));
    }
}

/// Everything works in B again, with the new keys of A, and the next change of keys works, too.
fn the_region_is_whole_again(world: &World, traffic: &Traffic, ledger: &Ledger, home: usize) {
    let before = ledger.counts(B).0;
    eventually("B signs and registers", || {
        let signs = traffic.of(B).iter().all(|signed| !signed.refuses);
        (signs && ledger.counts(B).0 > before).then_some(())
    });
    world.regions.lead(home);
    let seen = traffic.of(B)[0].kids.len();
    eventually("the keys change once more", || {
        let changed = |region| traffic.of(region).iter().all(|signed| signed.kids.len() > seen);
        ((changed(A) && changed(B)) || !traffic.is_well()).then_some(())
    });
}

/// The log-in that could not write left the old hash. The next log-in writes a stronger hash.
fn the_hash_is_strong(world: &World, name: &str) {
    for client in [A, B].map(|region: usize| -> Client { world.client(region) }) {
        assert_eq!(log_in(&client, name).status, 200);
    }
    let find = async |database: mongodb::Database| {
        database.collection::<mongodb::bson::Document>("users").find_one(doc! { "username": name }).await
    };
    let user = on_database(&world.database(world.home), find).unwrap().unwrap();
    assert!(user.get_str("password").unwrap().starts_with("$2b$05$"), "{user}");
}
