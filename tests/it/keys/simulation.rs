//! Simulates the schedule. Instances start, end, are late and have different clocks. Settings change, key generation fails, and
//! algorithms are added and removed while some instances still have the earlier list. Each token is checked with the slowest
//! possible verifier: its key set is as old as its cache, other caches and the instance allow. All times are a few seconds,
//! so that the test finds a rule that is one second too short.

use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

use jose::Algorithm;
use jwt_generator::domain::{KeyRecord, KeyState, Kid, NewKey, RingRecord, Timestamp};
use jwt_generator::keys::KeyKind;
use jwt_generator::keys::orders::{Order, carry_out, makes};
use jwt_generator::keys::schedule::{Action, Schedule, Step, apply, plan, step};

/// SplitMix64: a seed determines the whole run.
pub struct Dice(pub u64);

impl Dice {
    pub fn roll(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let z = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    /// From `least` to `most`, both of them possible.
    pub fn between(&mut self, least: u64, most: u64) -> u64 {
        least + self.roll() % (most - least + 1)
    }

    pub fn one_in(&mut self, many: u64) -> bool {
        self.roll().is_multiple_of(many)
    }
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
    CutOffServesOn,
    CutOffSignsOn,
    AddedSignsAtOnce,
    DropNotAnnounced,
    DropNotHeeded,
    DroppedRemovedAtOnce,
    DroppedRetirementShortByASecond,
    OneRetiresAll,
    LastOneDropped,
    PostQuantumCounts,
}

const MUTANTS: [Mutant; 20] = [
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
    Mutant::CutOffServesOn,
    Mutant::CutOffSignsOn,
    Mutant::AddedSignsAtOnce,
    Mutant::DropNotAnnounced,
    Mutant::DropNotHeeded,
    Mutant::DroppedRemovedAtOnce,
    Mutant::DroppedRetirementShortByASecond,
    Mutant::OneRetiresAll,
    Mutant::LastOneDropped,
    Mutant::PostQuantumCounts,
];

impl Mutant {
    /// The settings as the mutant reads them.
    fn schedule(self, honest: &Schedule) -> Schedule {
        let mut read = honest.clone();
        match self {
            Self::MaxAgeNotCounted => read.jwks_max_age = 0,
            Self::VerifierCacheNotCounted => read.verifier_cache = 0,
            Self::StalenessNotCounted => read.staleness = 0,
            Self::SkewNotCounted => read.clock_skew = 0,
            Self::TokenLifeNotCounted => read.longest_token = 1,
            Self::PostQuantumCounts => {
                let post_quantum = read.kinds.iter_mut().filter(|kind| kind.algorithm == POST_QUANTUM);
                post_quantum.for_each(|kind| kind.algorithm = TAKEN_FOR);
            }
            _ => {}
        }
        read
    }

    /// The ring as the mutant reads it.
    fn reads(self, ring: &RingRecord) -> RingRecord {
        if self == Self::PostQuantumCounts { renamed(ring, POST_QUANTUM, TAKEN_FOR) } else { ring.clone() }
    }

    /// The ring as the mutant writes it.
    fn writes(self, ring: RingRecord) -> RingRecord {
        if self == Self::PostQuantumCounts { renamed(&ring, TAKEN_FOR, POST_QUANTUM) } else { ring }
    }

    /// How long the mutant lets caches keep an answer.
    fn max_age(self, schedule: &Schedule, view: &RingRecord, age: u64) -> Option<u64> {
        let fresh = if self == Self::CutOffServesOn { 0 } else { age };
        schedule.max_age(view, fresh)
    }

    /// Until when the mutant signs with an algorithm, by the ring that it read then.
    fn signs_until(self, schedule: &Schedule, view: &RingRecord, alg: &str, read_at: Timestamp) -> Timestamp {
        match self {
            Self::CutOffSignsOn => Timestamp::from_secs(u64::MAX),
            Self::DropNotHeeded => {
                let mut heedless = view.clone();
                heedless.dropped.clear();
                schedule.signs_until(&heedless, alg, read_at)
            }
            _ => schedule.signs_until(view, alg, read_at),
        }
    }

    /// The ring as the mutant leaves it.
    fn tamper(
        self,
        action: &Action,
        before: &RingRecord,
        mut after: RingRecord,
        now: Timestamp,
    ) -> RingRecord {
        let activates = matches!(action, Action::Activate(_));
        for key in &mut after.keys {
            let fresh = before.keys.iter().all(|old| old.kid != key.kid) && !before.keys.is_empty();
            let just_retired = key.retired_at == Some(now) && activates;
            let was_dropped = key.retired_at == Some(now)
                && before.dropped.contains_key(&key.alg)
                && before.find(key.kid.as_str()).unwrap().state == KeyState::Active;
            let earlier = |at: Timestamp| Timestamp::from_secs(at.as_secs() - 1);
            match self {
                Self::LeadShortByASecond if fresh => key.activates_at = earlier(key.activates_at),
                Self::SignsAtOnce if fresh => key.activates_at = now,
                Self::AddedSignsAtOnce if fresh && before.active(&key.alg).is_none() => {
                    key.activates_at = now;
                }
                Self::RetirementShortByASecond if just_retired => {
                    key.removes_at = key.removes_at.map(earlier);
                }
                Self::DroppedRetirementShortByASecond if was_dropped => {
                    key.removes_at = key.removes_at.map(earlier);
                }
                Self::RemovedAtOnce if just_retired => key.removes_at = Some(now),
                Self::DroppedRemovedAtOnce if was_dropped => key.removes_at = Some(now),
                Self::OneRetiresAll
                    if activates && key.state == KeyState::Active && key.activated_at != Some(now) =>
                {
                    (key.state, key.retired_at) = (KeyState::Retired, Some(now));
                    key.removes_at = Some(now.plus_secs(100));
                }
                _ => {}
            }
        }
        match self {
            Self::LongerLeadForgotten => after.kept_until = Timestamp::from_secs(0),
            Self::DropNotAnnounced => after.dropped.values_mut().for_each(|at| *at = now),
            Self::LastOneDropped => {
                let gone = after.dropped.clone();
                for key in after.keys.iter_mut().filter(|key| key.state == KeyState::Active) {
                    if gone.get(&key.alg).is_some_and(|at| *at <= now) {
                        key.state = KeyState::Retired;
                    }
                }
            }
            _ => {}
        }
        after
    }
}

/// The post-quantum algorithm of the lists, and one that no list has: for a mutant, the one is the other.
const POST_QUANTUM: Algorithm = Algorithm::MlDsa44;
const TAKEN_FOR: Algorithm = Algorithm::Ps256;

/// The ring with another name for one of its algorithms.
fn renamed(ring: &RingRecord, from: Algorithm, to: Algorithm) -> RingRecord {
    let mut ring = ring.clone();
    for key in ring.keys.iter_mut().filter(|key| key.alg == from.name()) {
        key.alg = to.name().to_owned();
    }
    if let Some(at) = ring.dropped.remove(from.name()) {
        ring.dropped.insert(to.name().to_owned(), at);
    }
    ring
}

#[derive(Clone)]
struct Instance {
    /// How far its clock is from the true time.
    offset: i64,
    /// The algorithms that its settings list.
    kinds: Vec<KeyKind>,
    /// What it last read, and when.
    view: Option<(Rc<RingRecord>, u64)>,
    /// Until when it cannot reach the ring.
    cut_till: u64,
    /// The latest expiry of its tokens, by key.
    outstanding: Vec<(Kid, Timestamp)>,
}

/// What is known of a key from outside.
#[derive(Default)]
struct Life {
    /// From this second on, every verifier has a key set that contains the key.
    known_at: u64,
    /// Until then, some verifier may need it.
    needed_until: u64,
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
    /// Until then, a cache may keep an answer that was served under earlier settings.
    kept_until: u64,
    /// Whether the key set was served under the settings of now.
    served: bool,
    rotations: u64,
    made: u64,
}

/// The first second, so that slow clocks are not below zero.
const EPOCH: u64 = 1_000_000;

type Verdict = Result<(), String>;

impl World {
    fn new(mutant: Mutant, mut dice: Dice, schedule: Schedule, instances: u64) -> Self {
        let half = schedule.clock_skew / 2;
        let instances = (0..instances)
            .map(|_| Instance {
                offset: dice.between(0, 2 * half) as i64 - half as i64,
                kinds: schedule.kinds.clone(),
                view: None,
                cut_till: 0,
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
            kept_until: 0,
            served: false,
            rotations: 0,
            made: 0,
        }
    }

    /// How long caches may keep an answer that is served now.
    fn kept(&self) -> u64 {
        self.schedule.jwks_max_age + self.schedule.verifier_cache
    }

    /// The operator restarts everything with other settings.
    fn change(&mut self, schedule: Schedule) {
        if std::mem::take(&mut self.served) {
            self.kept_until = self.kept_until.max(self.now + self.kept());
        }
        self.schedule = schedule;
        (0..self.instances.len()).for_each(|instance| self.restart(instance));
    }

    /// The operator changes the list of algorithms; each instance has it from its next start on.
    fn list(&mut self, kinds: Vec<KeyKind>) {
        self.schedule.kinds = kinds;
    }

    fn restart(&mut self, instance: usize) {
        self.instances[instance].view = None;
        self.instances[instance].kinds.clone_from(&self.schedule.kinds);
    }

    fn clock(&self, instance: usize) -> Timestamp {
        Timestamp::from_secs(self.now.saturating_add_signed(self.instances[instance].offset))
    }

    /// One instance's turn: it reads the ring (or fails to), takes the steps that are due, and signs.
    fn turn(&mut self, instance: usize) -> Verdict {
        if self.dice.one_in(60) {
            self.instances[instance].cut_till = self.now + self.dice.between(1, 80);
        }
        let reads = self.instances[instance].view.is_none() || !self.dice.one_in(3);
        if reads && self.instances[instance].cut_till <= self.now {
            self.instances[instance].view = Some((Rc::clone(&self.ring), self.now));
        }
        // Between two reads of the ring, an instance signs with what it knows.
        let looks = self.instances[instance].view.as_ref().is_some_and(|(_, read_at)| *read_at == self.now);
        for step in 0.. {
            assert!(step < 20, "the schedule does not come to rest");
            if !looks || !self.step(instance)? {
                break;
            }
        }
        self.serve(instance);
        self.sign(instance)
    }

    /// Takes the next step, if there is one and nothing fails.
    fn step(&mut self, instance: usize) -> Result<bool, String> {
        let now = self.clock(instance);
        let kinds = self.instances[instance].kinds.clone();
        let read = self.mutant.schedule(&Schedule { kinds, ..self.schedule.clone() });
        let Some((view, _)) = self.instances[instance].view.clone() else { return Ok(false) };
        let seen = self.mutant.reads(&view);
        let Some(step) = self.next_step(instance, &seen, &read, now) else { return Ok(false) };
        if view.revision != self.ring.revision {
            self.instances[instance].view = Some((Rc::clone(&self.ring), self.now));
            return Ok(true);
        }
        let new: Vec<_> = step.makes().iter().map(|kind| self.make(*kind)).collect();
        let (action, after) = step.take(&seen, &read, new, now);
        let after = self.mutant.writes(self.mutant.tamper(&action, &seen, after, now));
        self.rotations += u64::from(matches!(action, Action::Activate(_)));
        self.commit(after)?;
        self.instances[instance].view = Some((Rc::clone(&self.ring), self.now));
        Ok(true)
    }

    /// The next step that does not fail. Making a key fails, and the next step is taken in its place; writing the ring
    /// fails, and no step is taken. Without the first three no instance begins to serve.
    fn next_step(
        &mut self,
        instance: usize,
        seen: &RingRecord,
        read: &Schedule,
        now: Timestamp,
    ) -> Option<Step> {
        let mut passed_over = Vec::new();
        loop {
            let outstanding = &self.instances[instance].outstanding;
            let step = Step::next(seen, read, outstanding, &passed_over, now)?;
            let must = matches!(step.action(), Action::Begin | Action::NoteLead | Action::Carry);
            match self.dice.between(0, 7) {
                0 if !must => passed_over.push(step.action().clone()),
                1 if !must => return None,
                _ => return Some(step),
            }
        }
    }

    fn make(&mut self, kind: KeyKind) -> NewKey {
        self.made += 1;
        new_key(kind, self.made)
    }

    /// One key of each algorithm signs, never two, and one of them may be the default one. For an algorithm
    /// that every instance lists, a key always signs.
    fn check_active(&self, after: &RingRecord) -> Verdict {
        let signing: Vec<_> = after.signing().map(|key| key.alg.as_str()).collect();
        let distinct: BTreeSet<_> = signing.iter().collect();
        let has_default = signing.iter().any(|alg| *alg != POST_QUANTUM.name());
        if !has_default || distinct.len() < signing.len() {
            return Err(format!("at {} these sign: {signing:?}", self.now));
        }
        let listed = |alg: &str| {
            let lists = |kinds: &[KeyKind]| kinds.iter().any(|kind| kind.algorithm.name() == alg);
            self.instances.iter().all(|instance| lists(&instance.kinds))
        };
        let lost = self.ring.signing().find(|key| listed(&key.alg) && !signing.contains(&key.alg.as_str()));
        match lost {
            Some(key) => Err(format!("at {} nothing signs by {} any more", self.now, key.alg)),
            None => Ok(()),
        }
    }

    fn commit(&mut self, after: RingRecord) -> Verdict {
        assert_eq!(after.revision, self.ring.revision + 1);
        self.check_active(&after)?;
        let known_at = self.kept_until.max(self.now + self.kept() + self.schedule.staleness);
        let first = self.ring.keys.is_empty();
        for key in after.verifying() {
            let fresh = Life { known_at: if first { 0 } else { known_at }, ..Life::default() };
            self.lives.entry(key.kid.to_string()).or_insert(fresh);
        }
        for key in after.keys.iter().filter(|key| key.state == KeyState::Removed) {
            let life = self.lives.get_mut(key.kid.as_str()).unwrap();
            if !life.gone && life.needed_until > self.now {
                return Err(format!(
                    "{} left at {} and is needed until {}",
                    key.kid, self.now, life.needed_until
                ));
            }
            life.gone = true;
        }
        self.ring = Rc::new(after);
        Ok(())
    }

    /// Publishes the key set as this instance knows it: a key that the instance does not know is not in it
    /// for as long as caches keep the response. The publication of a key counts from an instance that has
    /// read the ring in good time.
    fn serve(&mut self, instance: usize) {
        let Some((view, read_at)) = self.instances[instance].view.clone() else { return };
        let age = self.now - read_at;
        let Some(max_age) = self.mutant.max_age(&self.schedule, &view, age) else { return };
        self.served = true;
        if age <= self.schedule.staleness {
            return;
        }
        let kept_until = self.now + max_age + self.schedule.verifier_cache;
        for key in self.ring.verifying().filter(|key| view.find(key.kid.as_str()).is_none()) {
            let life = self.lives.get_mut(key.kid.as_str()).unwrap();
            life.known_at = life.known_at.max(kept_until);
        }
    }

    /// Signs tokens of the longest life that the ring allows, one by each algorithm, unless the view is too old for that.
    fn sign(&mut self, instance: usize) -> Verdict {
        let now = self.clock(instance);
        let Some((view, read_at)) = self.instances[instance].view.clone() else { return Ok(()) };
        let read_at = Timestamp::from_secs(read_at.saturating_add_signed(self.instances[instance].offset));
        for active in view.signing() {
            if now <= self.mutant.signs_until(&self.schedule, &view, &active.alg, read_at) {
                self.sign_with(instance, active, now)?;
            }
        }
        Ok(())
    }

    fn sign_with(&mut self, instance: usize, active: &KeyRecord, now: Timestamp) -> Verdict {
        let forgets = self.mutant == Mutant::TokenLifeNotCounted;
        let life = self.schedule.longest_token;
        let expiry = now.plus_secs(if forgets { life } else { life.min(active.carries) });
        let kid = active.kid.clone();
        let life = self.lives.get_mut(kid.as_str()).unwrap();
        if life.known_at > self.now || life.gone {
            return Err(format!("{kid} signs at {} and is known to all from {} on", self.now, life.known_at));
        }
        let slowest = expiry.as_secs() + self.schedule.clock_skew / 2;
        life.needed_until = life.needed_until.max(slowest);
        let outstanding = &mut self.instances[instance].outstanding;
        outstanding.retain(|(of_key, _)| *of_key != kid);
        // What a process signed is forgotten when it ends; only the ring lasts.
        if !self.dice.one_in(2) {
            outstanding.push((kid, expiry));
        }
        Ok(())
    }
}

/// One to three algorithms, in any order. The first one is not post-quantum, as the settings require.
fn any_kinds(dice: &mut Dice) -> Vec<KeyKind> {
    let mut algorithms = vec![Algorithm::Rs256, Algorithm::Es256, Algorithm::EdDsa];
    let mut kinds = Vec::new();
    for place in 0..dice.between(1, 3) {
        if place == 1 {
            algorithms.push(POST_QUANTUM);
        }
        let index = dice.between(0, algorithms.len() as u64 - 1) as usize;
        kinds.push(KeyKind { algorithm: algorithms.swap_remove(index), rsa_bits: 2048 });
    }
    kinds
}

/// Settings of a few seconds each.
fn small_settings(dice: &mut Dice) -> Schedule {
    let mut schedule = Schedule {
        period: None,
        period_of_adopted: None,
        jwks_max_age: dice.between(1, 12),
        verifier_cache: dice.between(0, 6),
        clock_skew: 2 * dice.between(0, 3),
        staleness: dice.between(1, 5),
        longest_token: dice.between(1, 15),
        kinds: any_kinds(dice),
        any_size: false,
    };
    schedule.period = Some(schedule.lead() + dice.between(0, 25));
    schedule
}

/// A run with this many rotations, or what went wrong in it.
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
        if world.dice.one_in(100) {
            let kinds = any_kinds(&mut world.dice);
            world.list(kinds);
        }
        for instance in 0..world.instances.len() {
            if world.dice.one_in(40) {
                world.restart(instance);
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
        let (seed, what) = caught.unwrap_or_else(|| panic!("the simulation does not catch {mutant:?}"));
        println!("{mutant:?}: seed {seed}: {what}");
    }
}

const HOUR: u64 = 3_600;

/// The settings of a service without any configuration.
fn usual_settings(period: u64) -> Schedule {
    Schedule {
        period: Some(period),
        period_of_adopted: None,
        jwks_max_age: 24 * HOUR,
        verifier_cache: 2 * HOUR,
        clock_skew: 60,
        staleness: 60,
        longest_token: 24 * HOUR,
        kinds: vec![KeyKind { algorithm: Algorithm::Rs256, rsa_bits: 2048 }],
        any_size: false,
    }
}

/// Ten years, hour by hour; each instance is started again after a certain number of hours.
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

/// Takes every step that is due, one after the other.
fn settled(ring: RingRecord, schedule: &Schedule, now: Timestamp) -> (RingRecord, Vec<Action>) {
    let (mut ring, mut actions, mut made) = (ring, Vec::new(), 0);
    let first = ring.keys.len() as u64;
    let mut make = |kind| {
        made += 1;
        new_key(kind, first + made)
    };
    while let Some((action, after)) = step(&ring, schedule, &[], now, &mut make) {
        ring = after;
        actions.push(action);
    }
    (ring, actions)
}

fn at(secs: u64) -> Timestamp {
    Timestamp::from_secs(EPOCH + secs)
}

fn new_key(kind: KeyKind, number: u64) -> NewKey {
    let (alg, bits) = (kind.algorithm.name().to_owned(), kind.rsa_bits);
    NewKey { kid: named(&format!("key-{number}")), alg, bits, public: String::new(), home: None }
}

/// The key that signs by the first algorithm of the settings.
fn active<'a>(ring: &'a RingRecord, schedule: &Schedule) -> &'a KeyRecord {
    ring.active(schedule.kinds[0].algorithm.name()).unwrap()
}

fn named(name: &str) -> Kid {
    Kid::parse(name).unwrap()
}

#[test]
fn the_first_key_signs_at_once_and_its_successor_waits_out_the_lead() {
    let schedule = usual_settings(30 * 24 * HOUR);
    let (ring, actions) = settled(RingRecord::empty(), &schedule, at(0));
    assert_eq!(actions, [Action::Begin]);
    assert_eq!(active(&ring, &schedule).kid, named("key-1"));
    let due = 30 * 24 * HOUR - schedule.lead();
    assert_eq!(settled(ring.clone(), &schedule, at(due - 1)).1, []);
    let (ring, actions) = settled(ring, &schedule, at(due));
    assert_eq!(actions, [Action::Publish { kind: schedule.kinds[0], activates_at: at(30 * 24 * HOUR) }]);
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
    assert_eq!(
        actions,
        [Action::Publish { kind: schedule.kinds[0], activates_at: at(year + schedule.lead()) }]
    );
    assert_eq!(active(&ring, &schedule).kid, named("key-1"));
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
fn another_kind_of_key_is_published_first_and_the_old_one_signs_until_then() {
    let schedule = usual_settings(30 * 24 * HOUR);
    let (ring, _) = settled(RingRecord::empty(), &schedule, at(0));
    let kind = KeyKind { algorithm: Algorithm::Es256, rsa_bits: 2048 };
    let other = Schedule { kinds: vec![kind], period: None, ..schedule.clone() };
    let (ring, actions) = settled(ring, &other, at(10));
    assert_eq!(actions, [Action::Publish { kind, activates_at: at(10 + schedule.lead()) }]);
    assert_eq!(other.default_key(&ring).unwrap().alg, "RS256");
    let (ring, _) = settled(ring, &other, at(10 + schedule.lead()));
    assert_eq!(other.default_key(&ring).unwrap().alg, "ES256");
    assert_eq!(ring.signing().count(), 1);
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
    let told = schedule.check(&RingRecord::empty()).unwrap_err().to_string();
    assert_eq!(
        told,
        "keys would sign for 86400 s and must be published 93720 s before they sign (JWKS_MAX_AGE 86400 + \
         VERIFIER_CACHE 7200 + clock skew 60 + staleness 60): make KEY_ROTATION longer, or one of the others shorter"
    );
    assert!(usual_settings(93_720).check(&RingRecord::empty()).is_ok());
}

/// A ring in any state that the schedule, orders and clocks may have led to.
fn any_ring(dice: &mut Dice) -> (RingRecord, Schedule, Timestamp) {
    let mut schedule = small_settings(dice);
    let (mut ring, mut now) = (RingRecord::empty(), at(0));
    for _ in 0..dice.between(1, 40) {
        now = match dice.between(0, 3) {
            0 => now.minus_secs(dice.between(0, 30)),
            _ => now.plus_secs(dice.between(0, 30)),
        };
        if dice.one_in(6) {
            let other = small_settings(dice);
            schedule = Schedule { period: other.period.filter(|_| !dice.one_in(4)), ..other };
        }
        let mut number = 10 * ring.revision;
        let make = |kind| {
            number += 1;
            new_key(kind, number)
        };
        if let Some((_, after)) = step(&ring, &schedule, &[], now, make) {
            ring = after;
        }
    }
    (ring, schedule, now)
}

fn rank(ring: &RingRecord, kid: &Kid) -> Option<KeyState> {
    ring.find(kid.as_str()).map(|key| key.state)
}

#[test]
fn a_plan_is_the_same_twice_comes_to_rest_and_only_ever_goes_forward() {
    let mut dice = Dice(42);
    for case in 0..20_000 {
        let (ring, schedule, now) = any_ring(&mut dice);
        assert_eq!(plan(&ring, &schedule, &[], now), plan(&ring, &schedule, &[], now));
        let (after, actions) = settled(ring.clone(), &schedule, now);
        assert!(actions.len() < 16, "case {case}: {actions:?}");
        assert_eq!(plan(&after, &schedule, &[], now), None, "case {case}: it has come to rest");
        assert_eq!(after.revision, ring.revision + actions.len() as u64);
        let active: Vec<_> = after.signing().map(|key| &key.alg).collect();
        let distinct: BTreeSet<_> = active.iter().collect();
        let has_default = schedule.default_key(&after).is_some();
        assert!(has_default && distinct.len() == active.len(), "case {case}: {active:?}");
        for key in &ring.keys {
            let (before, then) = (Some(key.state), rank(&after, &key.kid));
            assert!(
                then.is_none() && key.state == KeyState::Removed || then >= before,
                "case {case}: {key:?}"
            );
        }
        for key in after.keys.iter().filter(|key| key.activated_at.is_some()) {
            let first = key.published_at == key.activates_at;
            assert!(first || key.activated_at >= Some(key.activates_at), "case {case}: {key:?}");
        }
    }
}

#[test]
fn no_order_takes_the_default_key_from_a_ring_that_has_one() {
    let mut dice = Dice(43);
    let mut carried_out = 0;
    for case in 0..20_000 {
        let (ring, schedule, now) = any_ring(&mut dice);
        let revoked = ring.keys.iter().map(|key| Order::Revoke(key.kid.clone()));
        let rotated = schedule.kinds.iter().map(|kind| Order::RotateNow(kind.algorithm));
        for order in revoked.chain(rotated) {
            let new = makes(&ring, &schedule, &order).unwrap().map(|kind| new_key(kind, 1_000_000));
            let Ok(after) = carry_out(&ring, &schedule, &order, new, now) else { continue };
            assert!(schedule.default_key(&after).is_some(), "case {case}: {order:?}");
            carried_out += 1;
        }
    }
    assert!(carried_out > 20_000, "{carried_out} orders");
}
