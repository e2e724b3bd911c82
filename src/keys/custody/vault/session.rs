//! The current token: it is fetched when it is needed, kept as long as possible, and replaced when Vault
//! refuses it.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Weak};
use std::time::Duration;

use arc_swap::ArcSwapOption;
use tokio::sync::Mutex;

use super::client::{Answer, Call, Client};
use super::login::Lease;
use super::{Fault, VaultLogin};
use crate::clock::Clock;

/// The pause after a refused log-in, or after a new token that was refused like the one before. The role or the policy is
/// wrong then, thousands of requests may be waiting, and Vault locks out a client that fails too often.
const FRUITLESS: Duration = Duration::from_secs(5);
/// The shortest time between two checks of the lease, and the pause after a failed check.
const LOOK: Duration = Duration::from_millis(500);
/// The longest time between two checks, so that no timer has to run for days.
const LONGEST_LOOK: Duration = Duration::from_secs(600);

/// The connection between this program and Vault.
pub(super) struct Session {
    client: Client,
    login: VaultLogin,
    mount: String,
    clock: Clock,
    lease: ArcSwapOption<Lease>,
    /// One log-in or renewal at a time. If the last was refused: the reason, and until when it is used as the answer.
    turn: Mutex<Option<(Fault, Duration)>>,
    tended: AtomicBool,
    in_trouble: AtomicBool,
}

impl Session {
    /// A session without a token: Vault is asked when one is needed.
    pub(super) fn new(client: Client, login: VaultLogin, mount: String, clock: Clock) -> Self {
        Self {
            client,
            login,
            mount,
            clock,
            lease: ArcSwapOption::empty(),
            turn: Mutex::new(None),
            tended: AtomicBool::new(false),
            in_trouble: AtomicBool::new(false),
        }
    }

    /// Sends a request with a token; if Vault refuses the token, once more with a new one.
    ///
    /// # Errors
    /// [`Fault`].
    pub(super) async fn ask(self: &Arc<Self>, call: Call) -> Result<Answer, Fault> {
        let answered = self.with_token(call).await;
        self.tend();
        self.note(answered.as_ref().err());
        answered
    }

    async fn with_token(&self, call: Call) -> Result<Answer, Fault> {
        let lease = self.lease().await?;
        let refused = match self.client.ask(call.clone().bearing(&lease.token)).await {
            Err(fault @ Fault::Forbidden(_)) => fault,
            answered => return answered,
        };
        if !self.login.gives_new_tokens() {
            return Err(refused);
        }
        let other = self.replaced(Some(&lease), false).await?;
        let answered = self.client.ask(call.bearing(&other.token)).await;
        if let Err(fault @ Fault::Forbidden(_)) = &answered {
            *self.turn.lock().await = Some(self.fruitless(fault));
        }
        answered
    }

    /// Keeps a valid token from now on, also without requests: a token that is not renewed expires.
    pub(super) fn tend(self: &Arc<Self>) {
        if !self.tended.swap(true, Ordering::Relaxed) {
            tokio::spawn(tend(Arc::downgrade(self)));
        }
    }

    /// A token that is valid as far as is known here.
    async fn lease(&self) -> Result<Arc<Lease>, Fault> {
        let lease = self.lease.load_full();
        let now = self.clock.uptime();
        match lease {
            Some(lease) if lease.ends_at.is_none_or(|ends_at| now < ends_at) => Ok(lease),
            over => self.replaced(over.as_ref(), false).await,
        }
    }

    /// The lease that replaces `seen`: the first caller gets it, and the others use it. With `keep`, the token stays the
    /// same if that is possible.
    async fn replaced(&self, seen: Option<&Arc<Lease>>, keep: bool) -> Result<Arc<Lease>, Fault> {
        let mut turn = self.turn.lock().await;
        if let Some(current) = self.lease.load_full()
            && !seen.is_some_and(|seen| Arc::ptr_eq(seen, &current))
        {
            return Ok(current);
        }
        if let Some((fault, until)) = &*turn
            && self.clock.uptime() < *until
        {
            return Err(fault.clone());
        }
        let other = self.another(seen.filter(|seen| keep && seen.is_renewable())).await;
        *turn = match &other {
            Err(fault) if !matches!(fault, Fault::Unavailable(_)) => Some(self.fruitless(fault)),
            _ => None,
        };
        let lease = Arc::new(other?);
        self.lease.store(Some(Arc::clone(&lease)));
        Ok(lease)
    }

    fn fruitless(&self, fault: &Fault) -> (Fault, Duration) {
        (fault.clone(), self.clock.uptime() + FRUITLESS)
    }

    async fn another(&self, kept: Option<&Arc<Lease>>) -> Result<Lease, Fault> {
        let now = self.clock.uptime();
        if let Some(kept) = kept {
            match kept.renew(&self.client, self.login.gives_new_tokens(), now).await {
                Err(Fault::Forbidden(_) | Fault::Missing(_) | Fault::Refused(_)) => {}
                other => return other,
            }
        }
        self.login.log_in(&self.client, &self.mount, now).await
    }

    /// Renews the lease if necessary, and says when to check it again.
    async fn look(&self) -> Duration {
        let now = self.clock.uptime();
        let lease = self.lease.load_full();
        let is_due = lease.as_ref().is_none_or(|lease| lease.renews_at.is_some_and(|at| at <= now));
        if is_due {
            let replaced = self.replaced(lease.as_ref(), true).await;
            self.note(replaced.as_ref().err());
        }
        let renews_at = self.lease.load().as_ref().map(|lease| lease.renews_at);
        let pause = match renews_at {
            Some(Some(at)) => at.saturating_sub(self.clock.uptime()),
            Some(None) => LONGEST_LOOK,
            None => LOOK,
        };
        pause.clamp(LOOK, LONGEST_LOOK)
    }

    /// Logs when Vault fails and when it works again, but not for each of the many requests.
    fn note(&self, fault: Option<&Fault>) {
        let fault = fault.filter(|fault| !matches!(fault, Fault::Missing(_)));
        let was = self.in_trouble.swap(fault.is_some(), Ordering::Relaxed);
        match fault {
            Some(fault) if !was => tracing::error!(error = %fault, "Vault refuses or does not answer"),
            None if was => tracing::info!("Vault works again"),
            _ => {}
        }
    }
}

async fn tend(session: Weak<Session>) {
    while let Some(tended) = session.upgrade() {
        let pause = tended.look().await;
        drop(tended);
        tokio::time::sleep(pause).await;
    }
}
