//! The log lines about a change of the ring: they report what this program has written, after it was written,
//! and nothing else.

use std::io;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use jwt_generator::clock::Clock;
use jwt_generator::domain::{KeyState, Kid, RingRecord, Timestamp};
use jwt_generator::keys::RingService;
use jwt_generator::keys::custody::{
    Custody, CustodyError, Directory, KeyBackend, Replaced, RingLocation, RingStore,
};
use jwt_generator::workers::Workers;
use tracing::subscriber::DefaultGuard;
use tracing_subscriber::fmt::MakeWriter;

use super::asleep::{DAY, START, settings};

/// The result of the write that gives a late change a new date.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum SecondWrite {
    Arrives,
    Fails,
    /// Another program has written a ring first, in which a key has left.
    Loses,
}

/// A folder in which the process falls asleep for three days during the first write.
struct Late {
    folder: Directory,
    clock: Clock,
    /// Writes since the test began to count.
    writes: Arc<AtomicUsize>,
    second: SecondWrite,
}

const NOT_COUNTED: usize = 1_000;

#[async_trait]
impl RingStore for Late {
    async fn load(&self) -> Result<Option<RingRecord>, CustodyError> {
        self.folder.load().await
    }

    async fn replace_if(&self, seen: Option<u64>, ring: &RingRecord) -> Result<Replaced, CustodyError> {
        match (self.writes.fetch_add(1, Ordering::Relaxed), self.second) {
            (0, _) => self.clock.set(self.clock.now().plus_secs(3 * DAY)),
            (1, SecondWrite::Fails) => {
                return Err(CustodyError::Unavailable("as the test wants it".into()));
            }
            (1, SecondWrite::Loses) => {
                let mut theirs = self.folder.load().await?.unwrap();
                let mut left = theirs.keys[0].clone();
                (left.kid, left.state, left.home) =
                    (Kid::parse("of-another-program").unwrap(), KeyState::Removed, None);
                theirs.keys.insert(0, left);
                theirs.revision += 1;
                assert!(self.folder.replace_if(seen, &theirs).await?.or_unwritable()?);
            }
            _ => {}
        }
        self.folder.replace_if(seen, ring).await
    }

    fn location(&self) -> RingLocation {
        self.folder.location()
    }
}

/// The lines of the log.
#[derive(Clone, Default)]
pub(super) struct Log(Arc<Mutex<Vec<u8>>>);

impl Log {
    /// Records what this thread logs until the guard is dropped.
    pub(super) fn listen(&self) -> DefaultGuard {
        let subscriber = tracing_subscriber::fmt().with_ansi(false).with_writer(self.clone()).finish();
        tracing::subscriber::set_default(subscriber)
    }

    pub(super) fn lines(&self) -> Vec<String> {
        let text = String::from_utf8(self.0.lock().unwrap().clone()).unwrap();
        text.lines().map(str::to_owned).collect()
    }

    /// The log lines about a key.
    pub(super) fn of_keys(&self) -> Vec<String> {
        self.lines().into_iter().filter(|line| line.contains("kid=")).collect()
    }
}

impl io::Write for Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl MakeWriter<'_> for Log {
    type Writer = Self;

    fn make_writer(&self) -> Self {
        self.clone()
    }
}

#[tokio::test]
async fn a_change_is_told_once_it_is_written_and_its_new_dates_are_told_apart() {
    const PUBLISHED: &str = "a new key is published";
    const REDATED: &str = "a published key signs at another time than was announced";
    for (second, told) in [
        (SecondWrite::Arrives, &[PUBLISHED, REDATED][..]),
        (SecondWrite::Fails, &[PUBLISHED]),
        (SecondWrite::Loses, &[PUBLISHED, REDATED]),
    ] {
        let folder = tempfile::tempdir().unwrap();
        let clock = Clock::manual(Timestamp::from_secs(START));
        let files = Directory::new(&folder.path().join("keys"), Workers::start("make-key", 1, 4, 0).unwrap());
        let writes = Arc::new(AtomicUsize::new(NOT_COUNTED));
        let ring = Late { folder: files.clone(), clock: clock.clone(), writes: Arc::clone(&writes), second };
        let backend: Arc<dyn KeyBackend> = Arc::new(files.clone());
        let custody = Custody::new("elsewhere", Arc::new(ring), vec![backend], files);
        let ring_service = RingService::new(custody, clock.clone(), settings());
        let ring = ring_service.begin().await.unwrap().ring;
        clock.set(Timestamp::from_secs(START + 9 * DAY));
        writes.store(0, Ordering::Relaxed);

        let log = Log::default();
        let listening = log.listen();
        let (ring, failed) = ring_service.take_due_steps(ring, &[]).await;
        drop(listening);

        assert_eq!(failed.is_some(), second == SecondWrite::Fails, "{second:?} {failed:?}");
        let lines = log.of_keys();
        assert_eq!(lines.len(), told.len(), "{second:?} {lines:#?}");
        for (line, told) in lines.iter().zip(told) {
            assert!(line.contains(told), "{second:?} {line}");
        }
        let written = ring_service.load().await.unwrap().unwrap();
        let next = written.next("ES256").unwrap();
        assert!(lines[0].contains(next.kid.as_str()), "{lines:#?}");
        if second == SecondWrite::Fails {
            continue;
        }
        assert_eq!(ring, written);
        assert!(lines[1].contains(&next.activates_at.to_string()), "{lines:#?}");
        let theirs = written.find("of-another-program").is_some();
        assert_eq!(theirs, second == SecondWrite::Loses, "what another program wrote stays");
    }
}
