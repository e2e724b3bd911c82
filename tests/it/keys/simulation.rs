//! The schedule in a world of its own: instances that start, die, lag and disagree on the time, settings that change,
//! key generation that fails. Every token is held against the slowest verifier that there may be: one whose key set is
//! as old as caches on the way, its own cache and the instance that served it allow. In that world seconds are few, so
//! that a rule that is short by one is caught.

use std::collections::BTreeMap;
use std::rc::Rc;

use jose::Algorithm;
use jwt_generator::domain::{KeyState, Kid, NewKey, RingRecord, Timestamp};
use jwt_generator::keys::KeyKind;
use jwt_generator::keys::schedule::{Action, Schedule, apply, plan};

/// SplitMix64: repeatable, and a seed is all there is to a run.
struct Dice(u64);

impl Dice {
    fn roll(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let z = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    /// From `least` to `most`, both of them possible.
    fn between(&mut self, least: u64, most: u64) -> u64 {
        least + self.roll() % (most - least + 1)
    }

    fn one_in(&mut self, many: u64) -> bool {
        self.roll().is_multiple_of(many)
    }
}

fn new_key(number: u64) -> NewKey {
    NewKey { kid: Kid::parse(&format!("key-{number}")).unwrap(), public: String::new(), home: None }
}

/// A rule of the schedule that a mutant breaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Mutant {
    None,
    LeadShortByASecond,
    MaxAgeNotCounted,
    VerifierCacheNotCounted,
    StalenessNotCounted,
    SkewNotCounted,
    SignsAtOnce,
    RetirementShortByASecond,
    RemovedAtOnce,
    LongerLeadForgotten,
    TokenLifeNotCounted,
}

const MUTANTS: [Mutant; 10] = [
    Mutant::LeadShortByASecond,
    Mutant::MaxAgeNotCounted,
    Mutant::VerifierCacheNotCounted,
    Mutant::StalenessNotCounted,
    Mutant::SkewNotCounted,
    Mutant::SignsAtOnce,
    Mutant::RetirementShortByASecond,
    Mutant::RemovedAtOnce,
    Mutant::LongerLeadForgotten,
    Mutant::TokenLifeNotCounted,
];

impl Mutant {
    /// The settings as the mutant reads them.
    fn schedule(self, honest: &Schedule) -> Schedule {
        let mut read = *honest;
        match self {
            Self::MaxAgeNotCounted => read.jwks_max_age = 0,
            Self::VerifierCacheNotCounted => read.verifier_cache = 0,
            Self::StalenessNotCounted => read.staleness = 0,
            Self::SkewNotCounted => read.clock_skew = 0,
            Self::TokenLifeNotCounted => read.longest_token = 1,
            _ => {}
        }
        read
    }

    /// The ring as the mutant leaves it.
    fn tamper(
        self,
        action: &Action,
        before: &RingRecord,
        mut after: RingRecord,
        now: Timestamp,
    ) -> RingRecord {
        for key in &mut after.keys {
            let fresh = before.keys.iter().all(|old| old.kid != key.kid) && !before.keys.is_empty();
            let just_retired = key.retired_at == Some(now) && matches!(action, Action::Activate(_));
            let earlier = |at: Timestamp| Timestamp::from_secs(at.as_secs() - 1);
            match self {
                Self::LeadShortByASecond if fresh => key.activates_at = earlier(key.activates_at),
                Self::SignsAtOnce if fresh => key.activates_at = now,
                Self::RetirementShortByASecond if just_retired => {
                    key.removes_at = key.removes_at.map(earlier);
                }
                Self::RemovedAtOnce if just_retired => key.removes_at = Some(now),
                _ => {}
            }
        }
        if self == Self::LongerLeadForgotten {
            after.kept_until = Timestamp::from_secs(0);
        }
        after
    }
}

#[derive(Clone)]
struct Instance {
    /// How far its clock is from the true time.
    offset: i64,
    /// What it last read, and when.
    view: Option<(Rc<RingRecord>, u64)>,
    /// The latest expiry of its tokens, by key.
    outstanding: Vec<(Kid, Timestamp)>,
}

/// What is known of a key from outside.
#[derive(Default)]
struct Life {
    /// From when on no verifier has a key set without it.
    known_at: u64,
    /// Till when some verifier may have to look for it.
    needed_till: u64,
    gone: bool,
}

struct World {
    dice: Dice,
    mutant: Mutant,
    schedule: Schedule,
    ring: Rc<RingRecord>,
    now: u64,
    instances: Vec<Instance>,
    lives: BTreeMap<String, Life>,
    /// Till when somebody may keep an answer that was served under earlier settings.
    kept_till: u64,
    /// Whether the key set was served under the settings of now.
    served: bool,
    rotations: u64,
    made: u64,
}

/// So that clocks that are slow do not run below zero.
const EPOCH: u64 = 1_000_000;

type Verdict = Result<(), String>;

impl World {
    fn new(mutant: Mutant, mut dice: Dice, schedule: Schedule, instances: u64) -> Self {
        let half = schedule.clock_skew / 2;
        let instances = (0..instances)
            .map(|_| Instance {
                offset: dice.between(0, 2 * half) as i64 - half as i64,
                view: None,
                outstanding: Vec::new(),
            })
            .collect();
        Self {
            dice,
            mutant,
            schedule,
            ring: Rc::new(RingRecord::empty()),
            now: EPOCH,
            instances,
            lives: BTreeMap::new(),
            kept_till: 0,
            served: false,
            rotations: 0,
            made: 0,
        }
    }

    /// How long an answer may be kept that is served now.
    fn kept(&self) -> u64 {
        self.schedule.jwks_max_age + self.schedule.verifier_cache
    }

    /// The operator restarts everything with other settings.
    fn change(&mut self, schedule: Schedule) {
        if std::mem::take(&mut self.served) {
            self.kept_till = self.kept_till.max(self.now + self.kept());
        }
        self.schedule = schedule;
        self.instances.iter_mut().for_each(|instance| instance.view = None);
    }

    fn clock(&self, instance: usize) -> Timestamp {
        Timestamp::from_secs(self.now.saturating_add_signed(self.instances[instance].offset))
    }

    /// One instance's turn: it reads the ring (or fails to), takes the steps that are due, and signs.
    fn turn(&mut self, instance: usize) -> Verdict {
        if self.instances[instance].view.is_none() || !self.dice.one_in(3) {
            self.instances[instance].view = Some((Rc::clone(&self.ring), self.now));
        }
        // Between two looks at the ring an instance signs by what it knows.
        let looks = self.instances[instance].view.as_ref().is_some_and(|(_, read_at)| *read_at == self.now);
        for step in 0.. {
            assert!(step < 20, "the schedule does not come to rest");
            if !looks || !self.step(instance)? {
                break;
            }
        }
        self.served = true;
        self.sign(instance)
    }

    /// Takes the next step, if there is one and nothing fails.
    fn step(&mut self, instance: usize) -> Result<bool, String> {
        let now = self.clock(instance);
        let read = self.mutant.schedule(&self.schedule);
        let Some((view, _)) = self.instances[instance].view.clone() else { return Ok(false) };
        let Some(action) = plan(&view, &read, &self.instances[instance].outstanding, now) else {
            return Ok(false);
        };
        let makes = matches!(action, Action::Begin | Action::Publish { .. });
        // Making a key fails, and so does writing the ring. Without the first three nobody begins to serve.
        let must = matches!(action, Action::Begin | Action::SettleLead | Action::Carry);
        if !must && self.dice.one_in(4) {
            return Ok(false);
        }
        if view.revision != self.ring.revision {
            self.instances[instance].view = Some((Rc::clone(&self.ring), self.now));
            return Ok(true);
        }
        self.made += u64::from(makes);
        let new = makes.then(|| new_key(self.made));
        let after = apply(&view, &action, &read, new, now);
        let after = self.mutant.tamper(&action, &view, after, now);
        self.rotations += u64::from(matches!(action, Action::Activate(_)));
        self.commit(after)?;
        self.instances[instance].view = Some((Rc::clone(&self.ring), self.now));
        Ok(true)
    }

    fn commit(&mut self, after: RingRecord) -> Verdict {
        assert_eq!(after.revision, self.ring.revision + 1);
        let active = after.keys.iter().filter(|key| key.state == KeyState::Active).count();
        assert_eq!(active, 1, "one key signs, never two and never none");
        let known_at = self.kept_till.max(self.now + self.kept() + self.schedule.staleness);
        let first = self.ring.keys.is_empty();
        for key in after.verifying() {
            let fresh = Life { known_at: if first { 0 } else { known_at }, ..Life::default() };
            self.lives.entry(key.kid.to_string()).or_insert(fresh);
        }
        for key in after.keys.iter().filter(|key| key.state == KeyState::Removed) {
            let life = self.lives.get_mut(key.kid.as_str()).unwrap();
            if !life.gone && life.needed_till > self.now {
                return Err(format!(
                    "{} left at {} and is needed till {}",
                    key.kid, self.now, life.needed_till
                ));
            }
            life.gone = true;
        }
        self.ring = Rc::new(after);
        Ok(())
    }

    /// Signs a token of the longest life that the ring allows, unless the view is too old for that.
    fn sign(&mut self, instance: usize) -> Verdict {
        let now = self.clock(instance);
        let Some((view, read_at)) = &self.instances[instance].view else { return Ok(()) };
        let Some(active) = view.active().filter(|_| self.now - read_at <= self.schedule.staleness) else {
            return Ok(());
        };
        let forgets = self.mutant == Mutant::TokenLifeNotCounted;
        let life = self.schedule.longest_token;
        let expiry = now.plus_secs(if forgets { life } else { life.min(active.carries) });
        let kid = active.kid.clone();
        let life = self.lives.get_mut(kid.as_str()).unwrap();
        if life.known_at > self.now || life.gone {
            return Err(format!("{kid} signs at {} and is known to all from {} on", self.now, life.known_at));
        }
        let slowest = expiry.as_secs() + self.schedule.clock_skew / 2;
        life.needed_till = life.needed_till.max(slowest);
        let outstanding = &mut self.instances[instance].outstanding;
        outstanding.retain(|(of_key, _)| *of_key != kid);
        // What a process signed is forgotten when it ends; only the ring lasts.
        if !self.dice.one_in(2) {
            outstanding.push((kid, expiry));
        }
        Ok(())
    }
}

/// Settings of a few seconds each.
fn small_settings(dice: &mut Dice) -> Schedule {
    let algorithm = if dice.one_in(2) { Algorithm::Es256 } else { Algorithm::EdDsa };
    let mut schedule = Schedule {
        period: None,
        jwks_max_age: dice.between(1, 12),
        verifier_cache: dice.between(0, 6),
        clock_skew: 2 * dice.between(0, 3),
        staleness: dice.between(1, 5),
        longest_token: dice.between(1, 15),
        kind: KeyKind { algorithm, rsa_bits: 2048 },
    };
    schedule.period = Some(schedule.lead() + dice.between(0, 25));
    schedule
}

/// A run of so many rotations, or what went wrong in it.
fn run(mutant: Mutant, seed: u64, rotations: u64) -> Verdict {
    let mut dice = Dice(seed);
    let schedule = small_settings(&mut dice);
    let skew = schedule.clock_skew;
    let mut world = World::new(mutant, dice, schedule, 3);
    while world.rotations < rotations {
        world.now += 1;
        if world.dice.one_in(150) {
            let other = Schedule { clock_skew: skew, ..small_settings(&mut world.dice) };
            let period = other.period.map(|period| period.max(other.lead()));
            world.change(Schedule { period, ..other });
        }
        for instance in 0..world.instances.len() {
            if world.dice.one_in(40) {
                world.instances[instance].view = None;
                world.instances[instance].outstanding.clear();
            }
            if !world.dice.one_in(5) {
                world.turn(instance)?;
            }
        }
    }
    Ok(())
}

#[test]
fn no_token_is_unverifiable_in_ten_thousand_rotations_under_any_settings() {
    for seed in 0..1_250 {
        if let Err(what) = run(Mutant::None, seed, 8) {
            panic!("seed {seed}: {what}");
        }
    }
}

#[test]
fn every_rule_is_needed_for_each_mutant_is_caught() {
    for mutant in MUTANTS {
        let caught = (0..1_250).find_map(|seed| run(mutant, seed, 8).err().map(|what| (seed, what)));
        let (seed, what) = caught.unwrap_or_else(|| panic!("nobody misses {mutant:?}"));
        println!("{mutant:?}: seed {seed}: {what}");
    }
}

const HOUR: u64 = 3_600;

/// The settings of a service that nobody has configured.
fn usual_settings(period: u64) -> Schedule {
    Schedule {
        period: Some(period),
        jwks_max_age: 24 * HOUR,
        verifier_cache: 2 * HOUR,
        clock_skew: 60,
        staleness: 60,
        longest_token: 24 * HOUR,
        kind: KeyKind { algorithm: Algorithm::Rs256, rsa_bits: 2048 },
    }
}

/// Ten years, hour by hour, in which each instance is started anew every so many hours.
fn ten_years(period: u64, restart: u64) -> World {
    let mut world = World::new(Mutant::None, Dice(1), usual_settings(period), 3);
    for hour in 0..10 * 365 * 24 {
        world.now += HOUR;
        for instance in 0..3 {
            world.instances[instance].view = None;
            if hour % restart == instance as u64 {
                world.instances[instance].outstanding.clear();
            }
            world.turn(instance).unwrap();
        }
    }
    world
}

#[test]
fn ten_years_of_thirty_days_each_have_a_rotation_a_period() {
    assert_eq!(ten_years(30 * 24 * HOUR, 100_000).rotations, 10 * 365 / 30);
}

#[test]
fn restarts_more_often_than_the_period_skip_no_rotation() {
    // An hour's step comes an hour late for a lead of some odd minutes, and one that fails another hour later.
    let rotations = ten_years(48 * HOUR, 36).rotations;
    assert!((10 * 365 * 24 / 50..=10 * 365 * 24 / 49).contains(&rotations), "{rotations}");
}

#[test]
fn a_key_set_never_holds_more_than_three_keys_with_the_usual_settings() {
    let mut world = World::new(Mutant::None, Dice(2), usual_settings(30 * 24 * HOUR), 2);
    for _ in 0..365 * 24 {
        world.now += HOUR;
        for instance in 0..2 {
            world.instances[instance].view = None;
            world.turn(instance).unwrap();
        }
        assert!(world.ring.verifying().count() <= 3);
    }
}

/// Every step that is due, each on top of the one before.
fn settled(ring: RingRecord, schedule: &Schedule, now: Timestamp) -> (RingRecord, Vec<Action>) {
    let (mut ring, mut actions) = (ring, Vec::new());
    while let Some(action) = plan(&ring, schedule, &[], now) {
        let new = matches!(action, Action::Begin | Action::Publish { .. });
        let new = new.then(|| new_key(ring.keys.len() as u64 + 1));
        ring = apply(&ring, &action, schedule, new, now);
        actions.push(action);
    }
    (ring, actions)
}

fn at(secs: u64) -> Timestamp {
    Timestamp::from_secs(EPOCH + secs)
}

fn named(name: &str) -> Kid {
    Kid::parse(name).unwrap()
}

#[test]
fn the_first_key_signs_at_once_and_its_successor_waits_out_the_lead() {
    let schedule = usual_settings(30 * 24 * HOUR);
    let (ring, actions) = settled(RingRecord::empty(), &schedule, at(0));
    assert_eq!(actions, [Action::Begin]);
    assert_eq!(ring.active().unwrap().kid, named("key-1"));
    let due = 30 * 24 * HOUR - schedule.lead();
    assert_eq!(settled(ring.clone(), &schedule, at(due - 1)).1, []);
    let (ring, actions) = settled(ring, &schedule, at(due));
    assert_eq!(actions, [Action::Publish { activates_at: at(30 * 24 * HOUR) }]);
    assert_eq!(settled(ring.clone(), &schedule, at(30 * 24 * HOUR - 1)).1, []);
    let (ring, actions) = settled(ring, &schedule, at(30 * 24 * HOUR));
    assert_eq!(actions, [Action::Activate(named("key-2"))]);
    let gone = 30 * 24 * HOUR + 24 * HOUR + 60 + 2 * 60;
    assert_eq!(settled(ring.clone(), &schedule, at(gone - 1)).1, []);
    assert_eq!(settled(ring, &schedule, at(gone)).1, [Action::Remove(named("key-1"))]);
}

#[test]
fn a_clock_that_jumps_a_year_ahead_publishes_before_it_signs() {
    let schedule = usual_settings(30 * 24 * HOUR);
    let (ring, _) = settled(RingRecord::empty(), &schedule, at(0));
    let year = 365 * 24 * HOUR;
    let (ring, actions) = settled(ring, &schedule, at(year));
    assert_eq!(actions, [Action::Publish { activates_at: at(year + schedule.lead()) }]);
    assert_eq!(ring.active().unwrap().kid, named("key-1"));
}

#[test]
fn a_clock_that_jumps_back_undoes_nothing_and_repeats_nothing() {
    let schedule = usual_settings(30 * 24 * HOUR);
    let (mut ring, _) = settled(RingRecord::empty(), &schedule, at(0));
    for now in [29 * 24 * HOUR, 30 * 24 * HOUR, 32 * 24 * HOUR] {
        ring = settled(ring, &schedule, at(now)).0;
        for back in [now - 1, now / 2, 0] {
            assert_eq!(settled(ring.clone(), &schedule, at(back)), (ring.clone(), vec![]));
        }
    }
}

#[test]
fn another_kind_of_key_is_published_first_and_the_old_one_signs_till_then() {
    let schedule = usual_settings(30 * 24 * HOUR);
    let (ring, _) = settled(RingRecord::empty(), &schedule, at(0));
    let other =
        Schedule { kind: KeyKind { algorithm: Algorithm::Es256, rsa_bits: 2048 }, period: None, ..schedule };
    let (ring, actions) = settled(ring, &other, at(10));
    assert_eq!(actions, [Action::Publish { activates_at: at(10 + schedule.lead()) }]);
    assert_eq!(ring.active().unwrap().alg, "RS256");
    let (ring, _) = settled(ring, &other, at(10 + schedule.lead()));
    assert_eq!(ring.active().unwrap().alg, "ES256");
}

#[test]
fn without_a_period_nothing_ever_happens() {
    let schedule = Schedule { period: None, ..usual_settings(1) };
    let (ring, _) = settled(RingRecord::empty(), &schedule, at(0));
    assert_eq!(settled(ring, &schedule, at(100 * 365 * 24 * HOUR)).1, []);
}

#[test]
fn a_token_that_outlives_what_was_thought_keeps_its_key() {
    let schedule = usual_settings(30 * 24 * HOUR);
    let (ring, _) = settled(RingRecord::empty(), &schedule, at(0));
    let (ring, _) = settled(ring, &schedule, at(29 * 24 * HOUR));
    let (ring, _) = settled(ring, &schedule, at(31 * 24 * HOUR));
    let late = at(60 * 24 * HOUR);
    let outstanding = [(named("key-1"), late)];
    let extended = plan(&ring, &schedule, &outstanding, at(31 * 24 * HOUR));
    assert_eq!(extended, Some(Action::Extend(named("key-1"), late.plus_secs(60))));
    let ring = apply(&ring, &extended.unwrap(), &schedule, None, at(31 * 24 * HOUR));
    assert_eq!(plan(&ring, &schedule, &outstanding, at(40 * 24 * HOUR)), None);
}

#[test]
fn a_period_shorter_than_the_lead_is_refused_with_the_arithmetic() {
    let schedule = usual_settings(24 * HOUR);
    let told = schedule.check().unwrap_err().to_string();
    assert_eq!(
        told,
        "keys would sign for 86400 s and must be published 93720 s before they sign (JWKS_MAX_AGE 86400 + \
         VERIFIER_CACHE 7200 + clock skew 60 + staleness 60): make KEY_ROTATION longer, or one of the others shorter"
    );
    assert!(usual_settings(93_720).check().is_ok());
}
