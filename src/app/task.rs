//! Background tasks, which work in turns, and their supervision. If a turn fails or panics, the supervisor
//! logs it, counts it and tries again; other tasks are not affected.

use std::any::Any;
use std::error::Error;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use futures_util::FutureExt;
use tokio::sync::{oneshot, watch};
use tokio::task::JoinSet;
use tokio::time::Instant;

use crate::clock::Clock;
use crate::domain::Timestamp;
use crate::health::{TaskRecord, Tasks};

/// The pause after the first failed turn in a row, and the longest pause. Each further pause is twice as
/// long.
const FIRST_RETRY: Duration = Duration::from_secs(1);
const LAST_RETRY: Duration = Duration::from_secs(60);

/// When a task wants its next turn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NextTurn {
    /// After this time.
    After(Duration),
    /// Never: the task has nothing to do in this process.
    Never,
}

/// Why a turn failed.
pub type TurnError = Box<dyn Error + Send + Sync>;

/// Work that continues for as long as the process lives.
#[async_trait]
pub trait Task: Send {
    /// The name of the task in the log.
    fn name(&self) -> &'static str;

    /// Whether a stop may end a turn in the middle: then it waits for nothing.
    fn may_be_cut_off(&self) -> bool {
        false
    }

    /// Does the work that is due at `now`, and says when the next turn is due. If it panics, it must leave
    /// nothing half done in `self`.
    ///
    /// # Errors
    /// The cause for the log. The supervisor tries the turn again.
    async fn turn(&mut self, now: Timestamp) -> Result<NextTurn, TurnError>;

    /// Writes what is still only in memory, when the process stops. At `cut_off_at` it is cut off.
    ///
    /// # Errors
    /// The cause for the log. There is no other try.
    async fn last_turn(&mut self, _now: Timestamp, _cut_off_at: Instant) -> Result<(), TurnError> {
        Ok(())
    }
}

/// A task, and how often its turns failed.
pub struct Supervised {
    task: Box<dyn Task>,
    record: Arc<TaskRecord>,
    first_pause: Duration,
    /// Turns that failed since the last one that succeeded.
    in_a_row: u32,
}

impl Supervised {
    /// A task that takes its first turn at once, and is one of `tasks`.
    pub fn new(task: impl Task + 'static, tasks: &Tasks) -> Self {
        let record = tasks.add(task.name());
        Self { task: Box::new(task), record, first_pause: Duration::ZERO, in_a_row: 0 }
    }

    /// The same, with a pause before its first turn.
    pub fn after(self, first_pause: Duration) -> Self {
        Self { first_pause, ..self }
    }

    /// The pause before its first turn.
    pub fn first_pause(&self) -> Duration {
        self.first_pause
    }

    /// Gives the task a turn, and says when the next one is due.
    pub async fn turn(&mut self, now: Timestamp) -> NextTurn {
        let began = Instant::now();
        // After a panic only the task itself is used again: it takes its next turn.
        let error = match AssertUnwindSafe(self.task.turn(now)).catch_unwind().await {
            Ok(Ok(next)) => {
                self.in_a_row = 0;
                self.record.note_turn(now, began.elapsed(), true);
                return next;
            }
            Ok(Err(error)) => with_causes(error.as_ref()),
            Err(panic) => format!("it panicked: {}", words_of(panic.as_ref())),
        };
        let pause = FIRST_RETRY.saturating_mul(1 << self.in_a_row.min(16)).min(LAST_RETRY);
        self.in_a_row += 1;
        self.record.note_turn(now, began.elapsed(), false);
        let (task, failures, retry_after) = (self.task.name(), self.record.failures(), pause.as_secs());
        tracing::error!(
            task,
            error,
            failures,
            retry_after,
            "a background task failed; the service tries it again"
        );
        NextTurn::After(pause)
    }

    async fn last_turn(mut self, now: Timestamp, cut_off_at: Instant) {
        if let Err(error) = self.task.last_turn(now, cut_off_at).await {
            let (task, error) = (self.task.name(), with_causes(error.as_ref()));
            tracing::warn!(task, error, "a background task could not write its last data");
        }
    }

    /// Takes turns until the task wants no more or has to stop. It stops in the middle of a turn only if the task may be cut off.
    async fn run(
        mut self,
        clock: Clock,
        mut stops: watch::Receiver<Option<Instant>>,
        mut first_turn: Option<oneshot::Sender<()>>,
    ) {
        let mut next = NextTurn::After(self.first_pause);
        while let NextTurn::After(pause) = next {
            self.record.note_due(Some(clock.uptime() + pause));
            tokio::select! {
                biased;
                cut_off_at = stopped(&mut stops) => return self.last_turn(clock.now(), cut_off_at).await,
                () = tokio::time::sleep(pause) => {}
            }
            let may_be_cut_off = self.task.may_be_cut_off();
            next = tokio::select! {
                biased;
                _ = stopped(&mut stops), if may_be_cut_off => return,
                next = self.turn(clock.now()) => next,
            };
            if let Some(first_turn) = first_turn.take() {
                // The start may no longer wait for this.
                let _ = first_turn.send(());
            }
        }
        self.record.note_due(None);
    }
}

/// Returns when the tasks are to stop, and says when they are cut off.
async fn stopped(stops: &mut watch::Receiver<Option<Instant>>) -> Instant {
    // The sender is gone only with the supervisor, which ends the tasks.
    let stop = stops.wait_for(Option::is_some).await;
    stop.ok().and_then(|cut_off_at| *cut_off_at).unwrap_or_else(Instant::now)
}

fn with_causes(error: &(dyn Error + 'static)) -> String {
    let causes = std::iter::successors(Some(error), |error| (*error).source());
    causes.map(ToString::to_string).collect::<Vec<_>>().join(": ")
}

fn words_of(panic: &(dyn Any + Send)) -> &str {
    let text = panic.downcast_ref::<&str>().copied();
    text.or_else(|| panic.downcast_ref::<String>().map(String::as_str)).unwrap_or("it gave no reason")
}

/// Runs tasks, all at the same time. They end at the latest when this value is dropped.
pub struct Supervisor {
    clock: Clock,
    running: JoinSet<()>,
    stop: watch::Sender<Option<Instant>>,
}

impl Supervisor {
    /// A supervisor without tasks.
    pub fn new(clock: Clock) -> Self {
        Self { clock, running: JoinSet::new(), stop: watch::Sender::new(None) }
    }

    /// Takes the task's turns from now on.
    pub fn start(&mut self, task: Supervised) {
        self.running.spawn(task.run(self.clock.clone(), self.stop.subscribe(), None));
    }

    /// The same, and returns when the task's first turn is over, or after `patience`.
    pub async fn start_and_wait(&mut self, task: Supervised, patience: Duration) {
        let (tell, told) = oneshot::channel();
        self.running.spawn(task.run(self.clock.clone(), self.stop.subscribe(), Some(tell)));
        // Whether the turn is over or late, the service starts.
        let _ = tokio::time::timeout(patience, told).await;
    }

    /// Lets each task end its current turn, and begin no other one. The caller drops the value at `cut_off_at`, which cuts the
    /// turns off.
    pub async fn finish(&mut self, cut_off_at: Instant) {
        self.stop.send_replace(Some(cut_off_at));
        while self.running.join_next().await.is_some() {}
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use tokio::time::Instant;

    use super::*;

    /// What happens in a turn.
    #[derive(Clone, Copy)]
    enum Fate {
        Panics,
        Fails,
        Goes,
    }

    use Fate::{Fails, Goes, Panics};

    /// Records when it has its turns, and follows a script in each. After the last one it wants no more.
    struct Scripted {
        fates: std::vec::IntoIter<Fate>,
        began: Instant,
        turns: Arc<Mutex<Vec<u64>>>,
    }

    #[async_trait]
    impl Task for Scripted {
        fn name(&self) -> &'static str {
            "scripted"
        }

        async fn turn(&mut self, _now: Timestamp) -> Result<NextTurn, TurnError> {
            let Some(fate) = self.fates.next() else { return Ok(NextTurn::Never) };
            self.turns.lock().unwrap().push(self.began.elapsed().as_secs());
            match fate {
                Panics => panic!("as the test wants it"),
                Fails => Err("as the test wants it".into()),
                Goes => Ok(NextTurn::After(Duration::from_secs(100))),
            }
        }
    }

    /// The seconds at which a task with this script has its turns.
    async fn turns(fates: Vec<Fate>, rest: u64) -> Vec<u64> {
        let turns = Arc::<Mutex<Vec<u64>>>::default();
        let script = Scripted { fates: fates.into_iter(), began: Instant::now(), turns: Arc::clone(&turns) };
        let mut supervisor = Supervisor::new(Clock::System);
        supervisor
            .start(Supervised::new(script, &Tasks::new(Clock::System)).after(Duration::from_secs(rest)));
        while supervisor.running.join_next().await.is_some_and(|ended| ended.is_ok()) {}
        turns.lock().unwrap().clone()
    }

    #[tokio::test(start_paused = true)]
    async fn a_task_has_its_turns_when_it_wants_them() {
        assert_eq!(turns(vec![Goes, Goes, Goes], 0).await, [0, 100, 200]);
        assert_eq!(turns(vec![Goes, Goes], 7).await, [7, 107]);
    }

    #[tokio::test(start_paused = true)]
    async fn a_task_that_panics_or_fails_is_tried_again_more_and_more_rarely() {
        let fates = vec![Panics, Fails, Panics, Panics, Fails, Panics, Panics, Panics, Goes, Panics, Goes];
        assert_eq!(turns(fates, 0).await, [0, 1, 3, 7, 15, 31, 63, 123, 183, 283, 284]);
    }

    #[tokio::test(start_paused = true)]
    async fn the_start_waits_for_the_first_turn_and_no_longer_than_it_may() {
        struct Slow;
        #[async_trait]
        impl Task for Slow {
            fn name(&self) -> &'static str {
                "slow"
            }
            async fn turn(&mut self, _now: Timestamp) -> Result<NextTurn, TurnError> {
                tokio::time::sleep(Duration::from_secs(5)).await;
                Ok(NextTurn::Never)
            }
        }
        for (patience, waited) in [(9, 5), (2, 2)] {
            let began = Instant::now();
            let mut supervisor = Supervisor::new(Clock::System);
            supervisor
                .start_and_wait(
                    Supervised::new(Slow, &Tasks::new(Clock::System)),
                    Duration::from_secs(patience),
                )
                .await;
            assert_eq!(began.elapsed().as_secs(), waited);
        }
    }

    #[tokio::test(start_paused = true)]
    async fn failures_are_counted_and_listed() {
        let fates = vec![Panics, Fails, Goes, Panics].into_iter();
        let script = Scripted { fates, began: Instant::now(), turns: Arc::default() };
        let tasks = Tasks::new(Clock::System);
        let mut task = Supervised::new(script, &tasks);
        for (failures, in_a_row) in [(1, 1), (2, 2), (2, 0), (3, 1)] {
            task.turn(Timestamp::from_secs(0)).await;
            assert_eq!((task.record.failures(), task.in_a_row), (failures, in_a_row));
            assert_eq!(tasks.failing().len(), usize::from(in_a_row > 0));
        }
    }
}
