//! Tests the schedule with models of real verifiers, each alone and behind a cache that serves answers until they are as old
//! as they may be. The simulation runs for years. Instances are late, are cut off for hours, restart, and have different
//! clocks. (`simulation` tests the schedule with the worst possible verifier.)

use std::collections::BTreeMap;
use std::rc::Rc;

use jose::Algorithm;
use jwt_generator::domain::{Kid, NewKey, RingRecord, Timestamp};
use jwt_generator::keys::KeyKind;
use jwt_generator::keys::schedule::{Schedule, step};

use super::simulation::Dice;

const HOUR: u64 = 3_600;
const DAY: u64 = 24 * HOUR;
const EPOCH: u64 = 1_000_000;

/// A key set as an instance served it: its keys, and how long it may be cached.
#[derive(Clone)]
struct Answer {
    kids: Rc<[Kid]>,
    max_age: u64,
}

/// What a verifier does with key sets.
#[derive(Clone, Copy, Debug)]
enum Habit {
    /// Keeps a set for its max-age and never fetches one because of an unknown key (Kubernetes).
    MaxAge,
    /// Keeps a set for this long, whatever it says, and never fetches one because of an unknown key (AWS: two
    /// hours).
    Blind(u64),
    /// Keeps a set for the first time, and fetches one for an unknown key if the second has passed (`jose`: 600 and 30
    /// seconds; PyJWT: 300 and 30).
    Curious(u64, u64),
    /// Fetches a set each time.
    Always,
}

const HABITS: [Habit; 5] =
    [Habit::MaxAge, Habit::Blind(2 * HOUR), Habit::Curious(600, 30), Habit::Curious(300, 30), Habit::Always];

struct Verifier {
    habit: Habit,
    /// A cache in front of the verifier: its copy, and when it got it.
    cache: Option<Option<(Answer, u64)>>,
    kept: Option<(Answer, u64)>,
}

impl Verifier {
    fn knows(&mut self, kid: &Kid, now: u64, serve: &mut dyn FnMut() -> Option<Answer>) -> bool {
        let age = self.kept.as_ref().map(|(_, since)| now - since);
        let known = self.kept.as_ref().is_some_and(|(answer, _)| answer.kids.contains(kid));
        let fetches = match (self.habit, age) {
            (_, None) | (Habit::Always, _) => true,
            (Habit::MaxAge, Some(age)) => age >= self.kept.as_ref().unwrap().0.max_age,
            (Habit::Blind(time), Some(age)) => age >= time,
            (Habit::Curious(time, cooldown), Some(age)) => age >= time || (!known && age >= cooldown),
        };
        if fetches && let Some(answer) = self.fetch(now, serve) {
            self.kept = Some((answer, now));
        }
        self.kept.as_ref().is_some_and(|(answer, _)| answer.kids.contains(kid))
    }

    /// A cache serves its copy until the copy is as old as it may be, and does not say how old it is.
    fn fetch(&mut self, now: u64, serve: &mut dyn FnMut() -> Option<Answer>) -> Option<Answer> {
        let Some(held) = &mut self.cache else { return serve() };
        match held {
            Some((answer, since)) if now - *since < answer.max_age => Some(answer.clone()),
            _ => {
                let answer = serve()?;
                *held = Some((answer.clone(), now));
                Some(answer)
            }
        }
    }
}

struct Instance {
    offset: i64,
    view: Option<(Rc<RingRecord>, u64)>,
    cut_till: u64,
    outstanding: Vec<(Kid, Timestamp)>,
}

struct World {
    dice: Dice,
    schedule: Schedule,
    ring: Rc<RingRecord>,
    now: u64,
    instances: Vec<Instance>,
    verifiers: Vec<Verifier>,
    /// The latest expiry of a token, by key.
    tokens: BTreeMap<String, (Kid, u64)>,
    made: u64,
    checked: u64,
}

impl World {
    fn new(seed: u64, schedule: Schedule) -> Self {
        let mut dice = Dice(seed);
        let half = schedule.clock_skew / 2;
        let instances = (0..3)
            .map(|_| Instance {
                offset: dice.between(0, 2 * half) as i64 - half as i64,
                view: None,
                cut_till: 0,
                outstanding: Vec::new(),
            })
            .collect();
        let verifiers = HABITS
            .into_iter()
            .flat_map(|habit| [None, Some(None)].map(|cache| Verifier { habit, cache, kept: None }));
        Self {
            dice,
            schedule,
            ring: Rc::new(RingRecord::empty()),
            now: EPOCH,
            instances,
            verifiers: verifiers.collect(),
            tokens: BTreeMap::new(),
            made: 0,
            checked: 0,
        }
    }

    fn clock(&self, instance: usize) -> Timestamp {
        Timestamp::from_secs(self.now.saturating_add_signed(self.instances[instance].offset))
    }

    /// The simulation makes small steps while keys change, and large steps at other times.
    fn pass(&mut self) {
        let at_rest = self.ring.verifying().count() == self.ring.signing().count();
        self.now += if at_rest { self.schedule.lead() / 20 } else { (self.schedule.lead() / 1_000).max(1) };
        for index in 0..self.instances.len() {
            self.turn(index);
        }
        self.check();
    }

    fn turn(&mut self, index: usize) {
        if self.dice.one_in(500) {
            let longest = 2 * self.schedule.lead();
            self.instances[index].cut_till = self.now + self.dice.between(1, longest);
        }
        if self.instances[index].cut_till <= self.now {
            self.instances[index].view = Some((Rc::clone(&self.ring), self.now));
            self.steps(index);
        }
        self.sign(index);
    }

    fn steps(&mut self, index: usize) {
        let now = self.clock(index);
        let Self { ring, schedule, instances, made, .. } = self;
        loop {
            let make = |kind: KeyKind| {
                *made += 1;
                new_key(kind, *made)
            };
            let outstanding = &instances[index].outstanding;
            let Some((_, after)) = step(ring, schedule, outstanding, now, make) else { break };
            *ring = Rc::new(after);
        }
        self.instances[index].view = Some((Rc::clone(&self.ring), self.now));
    }

    fn sign(&mut self, index: usize) {
        let now = self.clock(index);
        let Some((view, read_at)) = self.instances[index].view.clone() else { return };
        let read_at = Timestamp::from_secs(read_at.saturating_add_signed(self.instances[index].offset));
        for active in view.signing() {
            if self.schedule.signs_until(&view, &active.alg, read_at) <= now {
                continue;
            }
            let expiry = now.plus_secs(active.carries.min(self.schedule.longest_token));
            let kid = active.kid.clone();
            let instance = &mut self.instances[index];
            instance.outstanding.retain(|(of_key, _)| *of_key != kid);
            instance.outstanding.push((kid.clone(), expiry));
            let latest = self.tokens.entry(kid.to_string()).or_insert((kid, 0));
            latest.1 = latest.1.max(expiry.as_secs());
        }
    }

    /// Every verifier gets a token of each key that has tokens that are not expired.
    fn check(&mut self) {
        let now = self.now;
        self.tokens.retain(|_, (_, expiry)| *expiry > now);
        let Self { tokens, verifiers, instances, dice, checked, schedule, .. } = self;
        let mut serve = || {
            let first = dice.between(0, 2) as usize;
            (0..3).find_map(|next| {
                let (view, read_at) = instances[(first + next) % 3].view.as_ref()?;
                let max_age = schedule.max_age(view, now - read_at)?;
                Some(Answer { kids: view.verifying().map(|key| key.kid.clone()).collect(), max_age })
            })
        };
        for (kid, expiry) in tokens.values() {
            for verifier in verifiers.iter_mut() {
                *checked += 1;
                let knows = verifier.knows(kid, now, &mut serve);
                let behind = if verifier.cache.is_some() { "behind a cache" } else { "alone" };
                assert!(
                    knows,
                    "{:?} {behind} does not know {kid} at {now}, and a token of it is valid until {expiry}",
                    verifier.habit
                );
            }
        }
    }
}

fn new_key(kind: KeyKind, number: u64) -> NewKey {
    let kid = Kid::parse(&format!("key-{number}")).unwrap();
    let (alg, bits) = (kind.algorithm.name().to_owned(), kind.rsa_bits);
    NewKey { kid, alg, bits, public: String::new(), home: None }
}

fn settings(period: u64) -> Schedule {
    Schedule {
        period: Some(period),
        period_of_adopted: None,
        jwks_max_age: DAY,
        verifier_cache: 2 * HOUR,
        clock_skew: 60,
        staleness: 60,
        longest_token: DAY,
        kinds: vec![KeyKind { algorithm: Algorithm::Rs256, rsa_bits: 2048 }],
        any_size: false,
    }
}

#[test]
fn ten_years_of_the_usual_settings_strand_no_verifier_that_people_run() {
    let mut world = World::new(1, settings(30 * DAY));
    while world.now < EPOCH + 10 * 365 * DAY {
        world.pass();
    }
    println!("{} keys, {} checks", world.made, world.checked);
    assert!(world.made >= 121, "{}", world.made);
}

#[test]
fn three_algorithms_of_which_one_comes_and_one_goes_strand_no_verifier_that_people_run() {
    let kinds = |algorithms: &[Algorithm]| -> Vec<_> {
        algorithms.iter().map(|algorithm| KeyKind { algorithm: *algorithm, rsa_bits: 2048 }).collect()
    };
    use Algorithm::{EdDsa, Es256, Rs256};
    let lists = [kinds(&[Rs256, Es256]), kinds(&[Es256, Rs256, EdDsa]), kinds(&[EdDsa, Rs256])];
    let mut world = World::new(3, Schedule { kinds: lists[0].clone(), ..settings(30 * DAY) });
    for days in 1..2 * 365 {
        // Every quarter, all instances are started with another list.
        world.schedule.kinds = lists[days / 91 % 3].clone();
        while world.now < EPOCH + days as u64 * DAY {
            world.pass();
        }
    }
    println!("{} keys, {} checks", world.made, world.checked);
    let signing: Vec<_> = world.ring.signing().map(|key| key.alg.clone()).collect();
    assert!(world.made >= 48, "{}", world.made);
    assert_eq!(signing.len(), 2, "{signing:?}");
}

#[test]
fn two_days_a_key_and_a_restart_every_36_hours_strand_no_verifier_that_people_run() {
    let mut world = World::new(2, settings(2 * DAY));
    let mut restarts = 0;
    while world.now < EPOCH + 2 * 365 * DAY {
        world.pass();
        if (world.now - EPOCH) / (36 * HOUR) > restarts {
            restarts += 1;
            let instance = &mut world.instances[restarts as usize % 3];
            // It forgets what it knew, but stays cut off.
            instance.outstanding.clear();
            instance.view = None;
        }
    }
    println!("{} keys, {} checks", world.made, world.checked);
    // If all three are cut off at the same time, a rotation is late, but none is skipped.
    assert!(world.made >= 250, "{}", world.made);
}

#[test]
fn a_hundred_other_settings_strand_no_verifier_that_fits_them() {
    for seed in 0..100 {
        let mut dice = Dice(seed);
        let schedule = Schedule {
            jwks_max_age: dice.between(1, 12) * 600,
            verifier_cache: dice.between(8, 16) * 900,
            clock_skew: 2 * dice.between(0, 60),
            staleness: dice.between(1, 20) * 4,
            longest_token: dice.between(1, 96) * 900,
            ..settings(0)
        };
        let period = schedule.lead() + dice.between(0, 5 * DAY);
        let mut world = World::new(seed, Schedule { period: Some(period), ..schedule.clone() });
        while world.made < 5 {
            world.pass();
        }
    }
}
