//! The background tasks that fail now: `app` records them, and `/health` and `/readyz` report them.

use std::sync::Arc;

use arc_swap::{ArcSwap, Guard};

/// The names of the tasks whose latest turn failed. Clones share them; reading takes no lock.
#[derive(Clone, Debug, Default)]
pub struct FailingTasks(Arc<ArcSwap<Vec<&'static str>>>);

impl FailingTasks {
    /// Records how a task's latest turn ended.
    pub fn note(&self, name: &'static str, failed: bool) {
        if self.contain(name) != failed {
            self.0.rcu(|names| {
                let others = names.iter().copied().filter(|other| *other != name);
                others.chain(failed.then_some(name)).collect::<Vec<_>>()
            });
        }
    }

    /// Whether this task's latest turn failed.
    pub fn contain(&self, name: &str) -> bool {
        self.names().contains(&name)
    }

    /// All of them.
    pub fn names(&self) -> Guard<Arc<Vec<&'static str>>> {
        self.0.load()
    }
}

#[cfg(test)]
mod tests {
    use super::FailingTasks;

    #[test]
    fn a_task_is_listed_once_and_as_long_as_it_fails() {
        let failing = FailingTasks::default();
        for (name, failed, listed) in [
            ("ring", false, &[][..]),
            ("ring", true, &["ring"]),
            ("ring", true, &["ring"]),
            ("signer", true, &["ring", "signer"]),
            ("ring", false, &["signer"]),
            ("signer", false, &[]),
        ] {
            failing.clone().note(name, failed);
            assert_eq!(**failing.names(), listed);
        }
    }
}
