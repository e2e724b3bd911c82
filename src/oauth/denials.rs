//! Denials: refuses tokens before they expire, on all instances. Each instance has them in memory, and reads the new ones
//! about every `KEY_REFRESH`.

use std::sync::Arc;

use super::{OAuth, TokenError};
use crate::domain::{ClientId, Denial, Denied, Event, Timestamp, UserId};
use crate::store::{Denials, StoreError};
use crate::token::DeniedTokens;

/// How many denials one call of the store returns.
const PAGE: usize = 1000;
/// Clocks of instances differ, and a write takes a while: a denial may arrive with an instant so many seconds before the last
/// one that was read.
pub(super) const LATE_SECS: u64 = 600;

impl OAuth {
    /// Refuses these tokens from now on: here at once, and on the other instances within `KEY_REFRESH`. The last of the
    /// tokens expires at `expires_at`. If another change brings the denial about, that change has the event.
    ///
    /// # Errors
    /// [`TokenError`] if the denial may not be durable.
    pub async fn deny(
        &self,
        denied: Denied,
        expires_at: Timestamp,
        event: Option<&Event>,
    ) -> Result<(), TokenError> {
        let at = event.map_or_else(|| self.clock.now(), |event| event.at);
        let denial = Denial::of(denied, at, expires_at);
        self.denials.record_denial(&denial, event).await?;
        self.tokens.denied().add(&denial);
        Ok(())
    }

    /// Refuses everything that a client has got for a user until now, while `ends` ends what would give more. The tokens that were
    /// there before are refused first, so that they are also refused after a crash in between.
    ///
    /// # Errors
    /// [`TokenError`] if the denial may not be durable, and those of `ends`.
    pub(super) async fn deny_access(
        &self,
        user: UserId,
        client: &ClientId,
        ends: impl Future<Output = Result<(), TokenError>> + Send,
    ) -> Result<(), TokenError> {
        let denied = Denied::Access(user, client.clone());
        self.deny(denied.clone(), self.last_expiry(), None).await?;
        ends.await?;
        self.deny(denied, self.last_expiry(), None).await
    }

    /// When the last token expires that could be issued now: the instant for a denial of everything of a user, a client, a
    /// grant or a session.
    pub fn last_expiry(&self) -> Timestamp {
        let settings = self.tokens.settings();
        self.clock.now().plus_secs(settings.lifetime.max(settings.max_lifetime).as_secs())
    }
}

/// Reads the denials of all instances.
pub struct DenialReader {
    cursor: DenialCursor,
    denied: DeniedTokens,
}

/// Reads the denials of a store again and again.
pub(super) struct DenialCursor {
    store: Arc<dyn Denials>,
    /// The instant of the latest denial that was read.
    latest: Timestamp,
}

impl DenialReader {
    /// Reads from `store` into `denied`.
    pub fn new(store: Arc<dyn Denials>, denied: DeniedTokens) -> Self {
        Self { cursor: DenialCursor::new(store), denied }
    }

    /// Reads what is new since the last time. A server without a database has no denials.
    ///
    /// # Errors
    /// As the store. Then everything that is known stays.
    pub async fn read(&mut self, now: Timestamp) -> Result<(), StoreError> {
        let new = match self.cursor.next(now).await {
            Err(StoreError::Absent) => Vec::new(),
            listed => listed?,
        };
        self.denied.install(&new, now);
        Ok(())
    }
}

impl DenialCursor {
    /// Begins with the oldest denial.
    pub(super) fn new(store: Arc<dyn Denials>) -> Self {
        Self { store, latest: Timestamp::from_secs(0) }
    }

    /// What is new since the last time, and again what was written in the [`LATE_SECS`] before the latest denial. An instance
    /// whose clock is ahead dates its denials after `now`: these do not hide what others write until then.
    ///
    /// # Errors
    /// As the store. Then the next call returns the same denials.
    pub(super) async fn next(&mut self, now: Timestamp) -> Result<Vec<Denial>, StoreError> {
        let listed = self.list().await?;
        if let Some(last) = listed.last() {
            self.latest = self.latest.max(last.at.min(now));
        }
        Ok(listed)
    }

    async fn list(&self) -> Result<Vec<Denial>, StoreError> {
        let since = self.latest.minus_secs(LATE_SECS);
        let mut listed: Vec<Denial> = Vec::new();
        loop {
            let page = self.store.list_denials(since, listed.last(), PAGE).await?;
            let is_last = page.len() < PAGE;
            listed.extend(page);
            if is_last {
                return Ok(listed);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use async_trait::async_trait;

    use super::*;
    use crate::domain::{Event, GrantId};

    /// Denials in the order in which they were written.
    #[derive(Default)]
    struct Written(Mutex<Vec<Denial>>);

    #[async_trait]
    impl Denials for Written {
        async fn record_denial(&self, denial: &Denial, _: Option<&Event>) -> Result<(), StoreError> {
            self.0.lock().unwrap().push(denial.clone());
            Ok(())
        }

        async fn list_denials(
            &self,
            since: Timestamp,
            _: Option<&Denial>,
            _: usize,
        ) -> Result<Vec<Denial>, StoreError> {
            Ok(self.0.lock().unwrap().iter().filter(|denial| denial.at >= since).cloned().collect())
        }

        async fn purge_denials(&self, _: Timestamp) -> Result<bool, StoreError> {
            Ok(false)
        }
    }

    /// Seen: one denial that was dated an hour ahead hid for an hour what other instances denied.
    #[tokio::test]
    async fn a_denial_from_the_future_hides_no_other_one() {
        let (denials, now) = (Arc::<Written>::default(), Timestamp::from_secs(1_900_000_000));
        let denial = |n, at: Timestamp| Denial {
            denied: Denied::Grant(GrantId::from_bytes([n; 16])),
            at,
            expires_at: now.plus_secs(100_000),
        };
        let mut cursor = DenialCursor::new(Arc::clone(&denials) as Arc<dyn Denials>);
        denials.record_denial(&denial(1, now.plus_secs(3600)), None).await.unwrap();
        assert_eq!(cursor.next(now).await.unwrap().len(), 1);
        let later = denial(2, now);
        denials.record_denial(&later, None).await.unwrap();
        assert!(cursor.next(now).await.unwrap().contains(&later));
    }
}
