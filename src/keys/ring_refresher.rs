//! The task that keeps an instance's view of the ring current, and takes the steps that are due. If there are
//! several instances, each one does this; the first one writes, and the others read what it has written.

use std::sync::Arc;
use std::time::Duration;

use super::custody::{CustodyError, RingFault};
use super::ring_service::Begun;
use super::{Keys, RingService};
use crate::clock::Clock;
use crate::domain::RingRecord;
use crate::entropy::Entropy;

/// The longest time, in seconds, between two tries of steps that fail repeatedly.
const LONGEST_PAUSE: u64 = 300;

/// How often an instance without keys reads the ring.
const WITHOUT_KEYS: Duration = Duration::from_secs(1);

/// Keeps the ring in [`Keys`] current.
pub struct RingRefresher {
    ring_service: RingService,
    keys: Arc<Keys>,
    clock: Clock,
    entropy: Entropy,
    failures: u32,
    looks_to_skip: u32,
    trouble: Option<String>,
    /// Whether this instance ever found a written ring here.
    found: bool,
    /// Whether the log already says that the ring cannot be written.
    unwritten: bool,
}

/// One read of the ring. When this value is dropped, it tells [`Keys`] whether the read succeeded, even if the read
/// panicked.
struct Unfinished {
    keys: Arc<Keys>,
    refreshed: bool,
}

impl Drop for Unfinished {
    fn drop(&mut self) {
        self.keys.note_refreshed(self.refreshed);
    }
}

impl RingRefresher {
    /// A refresher that has not read the ring yet.
    pub fn new(ring_service: RingService, keys: Arc<Keys>, clock: Clock, entropy: Entropy) -> Self {
        Self {
            ring_service,
            keys,
            clock,
            entropy,
            failures: 0,
            looks_to_skip: 0,
            trouble: None,
            found: false,
            unwritten: false,
        }
    }

    /// The first read: begins a ring if there is none. It is not an error if a custody does not answer; then
    /// the service starts without keys, and gets them when the custody answers.
    ///
    /// # Errors
    /// [`CustodyError`] that is not temporary.
    pub async fn start(&mut self) -> Result<(), CustodyError> {
        match self.first_look().await {
            Err(error) if error.is_passing() => {
                self.note(Some(&error));
                Ok(())
            }
            other => other,
        }
    }

    async fn first_look(&mut self) -> Result<(), CustodyError> {
        let looked_at = self.clock.uptime();
        let begun = self.seen().await?;
        self.ring_service.custody().ring_store().align_copies(&begun.ring).await?;
        if let Err(error) = self.ring_service.leave_folder(&begun.ring).await {
            tracing::warn!(%error, "cannot record in KEYS_DIR that its keys have moved");
        }
        self.take_up(begun, looked_at).await
    }

    /// Reads the ring once. If the ring cannot be read for a while, this logs it and returns no error.
    ///
    /// # Errors
    /// [`CustodyError`] that is not temporary. The known ring stays in use.
    pub async fn look_again(&mut self) -> Result<(), CustodyError> {
        let mut unfinished = Unfinished { keys: Arc::clone(&self.keys), refreshed: false };
        match self.look().await {
            Err(error) if !error.is_passing() => {
                self.trouble = Some(error.to_string());
                Err(error)
            }
            looked => {
                self.note(looked.as_ref().err());
                unfinished.refreshed = true;
                Ok(())
            }
        }
    }

    /// How long to wait before the next read. It differs between instances that were started together.
    pub fn pause(&self) -> Duration {
        let refresh = Duration::from_secs(self.ring_service.settings().refresh);
        let refresh = if self.keys.ring().is_none() { refresh.min(WITHOUT_KEYS) } else { refresh };
        let share = self.entropy.bytes::<1>().map_or(0, |[byte]| u32::from(byte));
        refresh.mul_f64(0.8 + 0.4 * f64::from(share) / 255.0)
    }

    async fn look(&mut self) -> Result<(), CustodyError> {
        let looked_at = self.clock.uptime();
        let begun = self.seen().await?;
        self.take_up(begun, looked_at).await
    }

    /// Uses the ring that was read, and takes the steps that are due.
    async fn take_up(&mut self, begun: Begun, looked_at: Duration) -> Result<(), CustodyError> {
        let Begun { ring, written } = begun;
        self.install(&ring, looked_at).await?;
        if !written {
            if !std::mem::replace(&mut self.unwritten, true) {
                tracing::warn!("KEYS_DIR cannot be written: its key is used as it is, and is not rotated");
            }
            return Ok(());
        }
        if self.looks_to_skip > 0 {
            self.looks_to_skip -= 1;
            return Ok(());
        }
        let outstanding = self.keys.ring().as_ref().map(|ring| ring.outstanding()).unwrap_or_default();
        let (ring, failed) = self.ring_service.take_due_steps(ring, &outstanding).await;
        self.install(&ring, looked_at).await?;
        self.back_off(failed.as_ref());
        Ok(())
    }

    /// The ring as it is now. It is begun at most once: if it vanishes later, this does not begin another
    /// one.
    async fn seen(&mut self) -> Result<Begun, CustodyError> {
        let begun = match self.ring_service.load().await? {
            Some(ring) => Begun { ring, written: true },
            None if self.found => {
                return Err(RingFault::Gone(self.ring_service.custody().ring_store().place()).into());
            }
            None => self.ring_service.begin().await?,
        };
        self.found |= begun.written;
        Ok(begun)
    }

    /// A failed step is tried again after longer and longer pauses; meanwhile the active key continues to
    /// sign.
    fn back_off(&mut self, failed: Option<&CustodyError>) {
        let Some(error) = failed else {
            self.failures = 0;
            return;
        };
        self.failures += 1;
        let longest =
            u32::try_from(LONGEST_PAUSE / self.ring_service.settings().refresh).unwrap_or(u32::MAX).max(1);
        self.looks_to_skip = (1 << self.failures.min(10)).min(longest) - 1;
        let pauses = self.looks_to_skip + 1;
        tracing::error!(%error, failures = self.failures, pauses, "a step of the key schedule failed; the existing keys stay in use");
    }

    /// Uses the ring, as it was read at that time.
    async fn install(&self, ring: &RingRecord, looked_at: Duration) -> Result<(), CustodyError> {
        let now = self.ring_service.now();
        if ring.moved.as_ref().is_some_and(|moved| moved.until <= now) {
            self.keys.clear();
            return Ok(());
        }
        let before = self.keys.ring().as_ref().map(|view| Arc::clone(view.snapshot()));
        let same = before.as_ref().filter(|before| before.record() == ring && before.is_whole());
        let snapshot = match same {
            Some(same) => Arc::clone(same),
            None => Arc::new(self.ring_service.snapshot(ring, before.as_deref()).await?),
        };
        let schedule = self.ring_service.schedule();
        let latest = ring.moved.as_ref().map(|moved| moved.until);
        self.keys.install(snapshot, looked_at, |key| {
            let until = schedule.signs_until(ring, key.verifying().algorithm().name(), now);
            latest.map_or(until, |latest| until.min(latest)).secs_since(now)
        });
        Ok(())
    }

    /// Logs when the ring cannot be read, and when it can be read again.
    fn note(&mut self, trouble: Option<&CustodyError>) {
        let trouble = trouble.map(std::string::ToString::to_string);
        match (&self.trouble, &trouble) {
            (None, Some(error)) => {
                tracing::error!(
                    error,
                    "the ring of keys cannot be read; the service continues with the keys that it knows"
                );
            }
            (Some(_), None) => tracing::info!("the ring of keys is read again"),
            _ => {}
        }
        self.trouble = trouble;
    }
}
