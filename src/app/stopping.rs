//! The end of a server: it waits for its requests and for the turns of its background tasks.

use std::time::Duration;

use tokio::sync::oneshot;
use tokio::time::{Instant, timeout_at};

use super::task::Supervisor;

/// Later than this after the stop, no task begins a turn, even if requests are still being answered. A turn that writes to
/// the database has the rest of [`PATIENCE`] then, which is the deadline of such a write.
const LAST_TURN: Duration = Duration::from_secs(7);
/// Later than this after the stop, a turn that has not ended is cut off.
const PATIENCE: Duration = Duration::from_secs(9);

/// Serves, and returns when both the requests and the tasks have ended. `stopped` tells when `serving` was asked to stop. The
/// tasks go on while the last requests are answered, because these need fresh keys. After that each task may end the turn
/// that is under way, so that nothing cuts it off in the middle of a write.
pub(super) async fn end_together(
    serving: impl Future<Output = ()>,
    stopped: oneshot::Receiver<Instant>,
    mut tasks: Supervisor,
) {
    let (tell, served) = oneshot::channel::<()>();
    let serving = async {
        serving.await;
        // The tasks may have ended first.
        let _ = tell.send(());
    };
    let ending = async {
        let Ok(stopped_at) = stopped.await else { return };
        // Either way the tasks end now.
        let _ = timeout_at(stopped_at + LAST_TURN, served).await;
        let cut_off_at = stopped_at + PATIENCE;
        if timeout_at(cut_off_at, tasks.finish(cut_off_at)).await.is_err() {
            tracing::warn!("some background tasks did not end in time and are cut off");
        }
    };
    tokio::join!(serving, ending);
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicU64, Ordering};

    use async_trait::async_trait;
    use tokio::time::sleep;

    use super::*;
    use crate::app::task::{NextTurn, Supervised, Task, TurnError};
    use crate::clock::Clock;
    use crate::domain::Timestamp;
    use crate::health::Tasks;

    /// Takes turns of this length, without a pause, and counts those that ended. A stop may cut them off or not.
    struct Turns {
        length: Duration,
        may_be_cut_off: bool,
        ended: Arc<AtomicU64>,
    }

    #[async_trait]
    impl Task for Turns {
        fn name(&self) -> &'static str {
            "turns"
        }

        fn may_be_cut_off(&self) -> bool {
            self.may_be_cut_off
        }

        async fn turn(&mut self, _now: Timestamp) -> Result<NextTurn, TurnError> {
            sleep(self.length).await;
            self.ended.fetch_add(1, Ordering::Relaxed);
            Ok(NextTurn::After(Duration::ZERO))
        }
    }

    /// The seconds from the stop to the end, and the turns that ended, if the requests take `requests` seconds to end and each
    /// turn takes `turn` seconds. The stop comes when the first turn has half a second behind it.
    async fn end(requests: u64, turn: u64) -> (u64, u64) {
        end_of(requests, turn, false).await
    }

    /// The same for a task whose turns may be cut off.
    async fn end_of(requests: u64, turn: u64, may_be_cut_off: bool) -> (u64, u64) {
        let ended = Arc::<AtomicU64>::default();
        let mut tasks = Supervisor::new(Clock::System);
        let turns = Turns { length: Duration::from_secs(turn), may_be_cut_off, ended: Arc::clone(&ended) };
        tasks.start(Supervised::new(turns, &Tasks::new(Clock::System)));
        sleep(Duration::from_millis(500)).await;
        let (tell, stopped) = oneshot::channel();
        let stopped_at = Instant::now();
        tell.send(stopped_at).unwrap();
        end_together(sleep(Duration::from_secs(requests)), stopped, tasks).await;
        (stopped_at.elapsed().as_secs(), ended.load(Ordering::Relaxed))
    }

    #[tokio::test(start_paused = true)]
    async fn a_turn_that_is_under_way_ends_before_the_server_does() {
        assert_eq!(end(0, 5).await, (4, 1), "no request is left, and the turn ends after 4.5 s");
    }

    #[tokio::test(start_paused = true)]
    async fn tasks_go_on_while_requests_are_answered_but_begin_nothing_late() {
        assert_eq!(end(3, 1).await, (3, 4), "the fourth turn ends after 3.5 s");
        assert_eq!(end(9, 2).await, (9, 4), "the fourth turn ends after 7.5 s");
    }

    #[tokio::test(start_paused = true)]
    async fn a_turn_that_may_be_cut_off_holds_nothing_up() {
        assert_eq!(end_of(0, 60, true).await, (0, 0));
        assert_eq!(end_of(2, 1, true).await, (2, 2), "it goes on while requests are answered");
    }

    #[tokio::test(start_paused = true)]
    async fn a_turn_that_hangs_does_not_hold_the_server_up() {
        assert_eq!(end(0, 60).await, (9, 0));
    }
}
