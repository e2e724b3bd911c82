//! The background tasks of a function. AWS freezes the process between two invocations, so no timer runs: the tasks have
//! their turns in rounds, when a request or the event of a schedule comes.

use std::time::Duration;

use futures_util::future::join_all;

use super::task::{NextTurn, Supervised};
use crate::domain::Timestamp;

/// Which tasks have a turn in a round.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Round {
    /// Those that are due.
    Due,
    /// All of them.
    All,
}

/// A task, and the uptime at which its next turn is due.
struct Scheduled {
    task: Supervised,
    due_at: Duration,
}

/// The tasks of a server, in rounds.
pub(super) struct FunctionTasks {
    tasks: Vec<Scheduled>,
    /// A task that is due in so long or less counts as due: the next round may be twice as far away.
    slack: Duration,
}

impl FunctionTasks {
    /// Tasks whose first pause begins at `uptime`. There are at least `period` between two rounds of [`Round::Due`].
    pub(super) fn new(tasks: Vec<Supervised>, uptime: Duration, period: Duration) -> Self {
        let scheduled = |task: Supervised| Scheduled { due_at: uptime + task.first_pause(), task };
        Self { tasks: tasks.into_iter().map(scheduled).collect(), slack: period / 2 }
    }

    /// Gives the tasks of this round their turns, all at the same time.
    pub(super) async fn turn(&mut self, round: Round, now: Timestamp, uptime: Duration) {
        let until = uptime + self.slack;
        let of_round = self.tasks.iter_mut().filter(|task| round == Round::All || task.due_at <= until);
        let turns = of_round.map(async |scheduled| match scheduled.task.turn(now).await {
            NextTurn::After(pause) => scheduled.due_at = uptime + pause,
            NextTurn::Never => scheduled.due_at = Duration::MAX,
        });
        join_all(turns).await;
        self.tasks.retain(|task| task.due_at < Duration::MAX);
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use async_trait::async_trait;

    use super::*;
    use crate::app::task::{Task, TurnError};
    use crate::clock::Clock;
    use crate::health::Tasks;

    /// Notes the seconds of the clock at which it has its turns.
    struct Noting {
        turns: Arc<Mutex<Vec<u64>>>,
        answer: fn() -> Result<NextTurn, TurnError>,
    }

    #[async_trait]
    impl Task for Noting {
        fn name(&self) -> &'static str {
            "noting"
        }

        async fn turn(&mut self, now: Timestamp) -> Result<NextTurn, TurnError> {
            self.turns.lock().unwrap().push(now.as_secs());
            (self.answer)()
        }
    }

    const PERIOD: u64 = 10;

    #[expect(clippy::unnecessary_wraps, reason = "it is the answer of a turn")]
    fn every(seconds: u64) -> Result<NextTurn, TurnError> {
        Ok(NextTurn::After(Duration::from_secs(seconds)))
    }

    /// The turns that a task with these answers has if the clock moves from 0 to 100 s and a round comes every 10 s.
    async fn turns(round: Round, first_pause: u64, answer: fn() -> Result<NextTurn, TurnError>) -> Vec<u64> {
        let (clock, turns) = (Clock::manual(Timestamp::from_secs(0)), Arc::<Mutex<Vec<u64>>>::default());
        let task = Supervised::new(Noting { turns: Arc::clone(&turns), answer }, &Tasks::new(clock.clone()));
        let task = task.after(Duration::from_secs(first_pause));
        let mut tasks = FunctionTasks::new(vec![task], Duration::ZERO, Duration::from_secs(PERIOD));
        for seconds in (0..=100).step_by(PERIOD as usize) {
            clock.set(Timestamp::from_secs(seconds));
            tasks.turn(round, clock.now(), Duration::from_secs(seconds)).await;
        }
        turns.lock().unwrap().clone()
    }

    #[tokio::test]
    async fn a_task_has_a_turn_in_the_round_nearest_to_when_it_is_due() {
        let due = Round::Due;
        assert_eq!(turns(due, 30, || every(30)).await, [30, 60, 90]);
        assert_eq!(turns(due, 12, || every(12)).await, [10, 20, 30, 40, 50, 60, 70, 80, 90, 100]);
        assert_eq!(turns(due, 0, || every(36)).await, [0, 40, 80]);
    }

    #[tokio::test]
    async fn a_task_that_fails_rests_more_and_more_in_a_function_as_well() {
        let fails = || Err("as the test wants it".into());
        assert_eq!(turns(Round::Due, 0, fails).await, [0, 10, 20, 30, 40, 60, 90]);
    }

    #[tokio::test]
    async fn a_task_that_wants_no_more_turns_has_no_more() {
        assert_eq!(turns(Round::All, 0, || Ok(NextTurn::Never)).await, [0]);
    }

    #[tokio::test]
    async fn a_round_of_all_waits_for_no_pause() {
        assert_eq!(turns(Round::All, 3_600, || every(3_600)).await.len(), 11);
    }
}
