//! A process is suspended in the middle of a step, as a function between two requests or a laptop at night. Even then, no
//! key signs before it has been published for its whole lead.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use async_trait::async_trait;
use jose::{Algorithm, SigningKey};
use jwt_generator::clock::Clock;
use jwt_generator::domain::{
    Home, KeyRecord, KeyState, Kid, Lifetime, NewKey, RingRecord, Rotation, Timestamp,
};
use jwt_generator::keys::custody::{
    Custody, CustodyError, Directory, KeyBackend, Replaced, RingLocation, RingStore,
};
use jwt_generator::keys::{KeyKind, KeySettings, Private, RingService};
use jwt_generator::workers::Workers;

pub(super) const DAY: u64 = 86_400;
pub(super) const START: u64 = 1_800_000_000;

/// A folder of keys with which the test can suspend the process for three days in the middle of a step.
#[derive(Clone)]
struct Asleep {
    folder: Directory,
    clock: Clock,
    while_making: bool,
    armed: Arc<AtomicBool>,
}

impl Asleep {
    fn sleep(&self) {
        if self.armed.swap(false, Ordering::Relaxed) {
            self.clock.set(self.clock.now().whole_secs().plus_secs(3 * DAY));
        }
    }
}

#[async_trait]
impl RingStore for Asleep {
    async fn load(&self) -> Result<Option<RingRecord>, CustodyError> {
        self.folder.load().await
    }

    async fn replace_if(&self, seen: Option<u64>, ring: &RingRecord) -> Result<Replaced, CustodyError> {
        if !self.while_making {
            self.sleep();
        }
        self.folder.replace_if(seen, ring).await
    }

    fn location(&self) -> RingLocation {
        self.folder.location()
    }
}

#[async_trait]
impl KeyBackend for Asleep {
    fn scheme(&self) -> &'static str {
        self.folder.scheme()
    }

    async fn make(&self, kind: KeyKind) -> Result<NewKey, CustodyError> {
        let made = self.folder.make(kind).await;
        if self.while_making {
            self.sleep();
        }
        made
    }

    async fn keep(&self, key: &SigningKey) -> Result<Option<Home>, CustodyError> {
        self.folder.keep(key).await
    }

    async fn open(&self, key: &KeyRecord) -> Result<Private, CustodyError> {
        self.folder.open(key).await
    }

    async fn discard(&self, home: &Home) -> Result<(), CustodyError> {
        self.folder.discard(home).await
    }
}

fn ring_service(folder: &Path, clock: &Clock, while_making: bool) -> (RingService, Arc<AtomicBool>) {
    let files = Directory::new(folder, Workers::start("make-key", 1, 4, 0).unwrap());
    let armed = Arc::new(AtomicBool::new(false));
    let home =
        Asleep { folder: files.clone(), clock: clock.clone(), while_making, armed: Arc::clone(&armed) };
    let custody =
        Custody::new("elsewhere", Arc::new(home.clone()), vec![Arc::new(home) as Arc<dyn KeyBackend>], files);
    (RingService::new(custody, clock.clone(), settings()), armed)
}

pub(super) fn settings() -> KeySettings {
    KeySettings {
        rotation: Rotation::Every(Lifetime::hours(10 * 24)),
        jwks_max_age: DAY,
        verifier_cache: 0,
        clock_skew: 0,
        refresh: 15,
        longest_token: 3_600,
        kinds: vec![KeyKind { algorithm: Algorithm::Es256, rsa_bits: 2048 }],
        any_size: true,
        first_kid: Some(Kid::original()),
    }
}

#[test]
fn a_key_signs_no_sooner_though_the_process_slept_while_it_was_published() {
    for while_making in [true, false] {
        let folder = tempfile::tempdir().unwrap();
        let clock = Clock::manual(Timestamp::from_secs(START));
        let (ring_service, armed) = ring_service(&folder.path().join("keys"), &clock, while_making);
        tokio::runtime::Runtime::new().unwrap().block_on(async {
            let ring = ring_service.begin().await.unwrap().ring;
            // The planned time of the step is over when the process continues.
            clock.set(Timestamp::from_secs(START + 9 * DAY));
            armed.store(true, Ordering::Relaxed);
            let (ring, failed) = ring_service.take_due_steps(ring, &[]).await;
            assert!(failed.is_none(), "{failed:?}");
            let woke_up = clock.now().whole_secs();
            assert_eq!(woke_up, Timestamp::from_secs(START + 12 * DAY));
            let [first, next] = &ring.keys[..] else { panic!("two keys: {ring:?}") };
            assert_eq!((first.state, next.state), (KeyState::Active, KeyState::Published), "{while_making}");
            let lead = ring_service.schedule().lead();
            assert_eq!(next.published_at, woke_up);
            assert!(next.activates_at >= woke_up.plus_secs(lead), "{} {lead}", next.activates_at);
            assert_eq!(ring_service.load().await.unwrap().unwrap(), ring, "that is what is written");
        });
    }
}
