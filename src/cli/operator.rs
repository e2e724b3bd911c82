//! The operator of a command, as events name the operator: by account and machine.

use std::{env, fs};

use crate::app;
use crate::clock::Clock;
use crate::config::Config;
use crate::domain::{Actor, EventKind, EventSubject, Initiator, OperatorName};
use crate::entropy::Entropy;

/// The operator, named after the account of the operating system and the machine. After `sudo`, it is the account before.
pub(super) fn operator() -> Initiator {
    let variable = |name| env::var(name).ok().filter(|value| !value.is_empty());
    let account = ["SUDO_USER", "USER", "LOGNAME", "USERNAME"].into_iter().find_map(variable);
    let account = account.unwrap_or_else(|| format!("uid-{}", rustix::process::getuid().as_raw()));
    Initiator::outside_requests(Actor::Operator(Some(OperatorName::new(&account, &machine()))))
}

/// The name of this machine; in a container, that of the container.
fn machine() -> String {
    let of_kernel = fs::read_to_string("/proc/sys/kernel/hostname").ok();
    let name = of_kernel.or_else(|| env::var("HOSTNAME").ok()).unwrap_or_default();
    if name.trim().is_empty() { "unknown".to_owned() } else { name.trim().to_owned() }
}

/// Stores that the operator ran `command`. The change is made already, and it must be possible while the database is away: so if
/// the event cannot be stored, the command succeeds with a warning. Without a database there are no events.
pub(super) async fn record_command(config: &Config, command: &'static str) {
    let (now, subject) = (Clock::System.now(), EventSubject::Command(command));
    let event = Entropy::System.event(now, EventKind::OperatorActed, operator(), subject);
    let stored = match &event {
        Ok(event) => app::store_event(config, event).await.map_err(|error| error.to_string()),
        Err(error) => Err(error.to_string()),
    };
    if let Err(error) = stored {
        tracing::warn!(command, error, "the change is made, but its event could not be stored");
    }
}
