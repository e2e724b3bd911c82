//! Keys of earlier days: the original's pair becomes the first key of a ring, and a ring of files moves into another
//! custody that begins with nothing.

use std::sync::Arc;

use super::custody::{Custody, CustodyError, Directory, Found, KeyHome, RingHome};
use super::relocation::{GRACE, relocated};
use super::schedule::first;
use super::{Keeper, Private};
use crate::domain::{Home, KeyRecord, KeyState, Kid, Moved, NewKey, RingRecord};

/// How long the original lets its key set be kept, in seconds.
const ORIGINAL_MAX_AGE: u64 = 86_400;

impl Keeper {
    /// A ring of what lies in `KEYS_DIR` from before: a ring of files, where this custody is another, or a pair.
    pub(super) async fn inherited(&self) -> Result<Option<RingRecord>, CustodyError> {
        let folder = self.custody().folder();
        if self.custody().name() != Directory::NAME
            && let Some(ring) = folder.load().await?
        {
            return self.taken_over(ring).await.map(Some);
        }
        match folder.pair(self.settings().kind.algorithm).await? {
            Some(found) => self.adopted(found).await.map(Some),
            None => Ok(None),
        }
    }

    /// The original's key stays the one that signs, under its name and, where the operator chose another, under that.
    async fn adopted(&self, found: Found) -> Result<RingRecord, CustodyError> {
        let home = match self.custody().keep(&found.signing).await {
            Err(CustodyError::Write { .. } | CustodyError::Homeless(_)) => Directory::pair_home(),
            other => other?,
        };
        Ok(self.of_original(&found, home))
    }

    pub(super) fn of_original(&self, found: &Found, home: Home) -> RingRecord {
        let public = found.signing.verifying_key();
        let kid = self.settings().first_kid.clone();
        let empty = RingRecord { adopted: true, ..RingRecord::empty() };
        let schedule = self.schedule(&empty);
        let created_at = found.created_at.whole_secs();
        let thumbprint = found.was_ours.then(|| Kid::parse(&public.thumbprint()).ok()).flatten();
        let aliases = [Some(Kid::original()), thumbprint].into_iter().flatten();
        let aliases = aliases.filter(|alias| *alias != kid).collect();
        let new = NewKey { kid: kid.clone(), public: public.to_spki_pem(), home: Some(home) };
        let key = KeyRecord {
            aliases,
            alg: public.algorithm().name().to_owned(),
            bits: public.bits(),
            ..first(new, &schedule, created_at)
        };
        // What the original served may still be kept, for as long as it said.
        let lead = schedule.lead() - schedule.jwks_max_age + ORIGINAL_MAX_AGE;
        RingRecord { revision: 1, lead, keys: vec![key], ..empty }
    }

    /// The ring of the folder, its private halves taken in here.
    async fn taken_over(&self, ring: RingRecord) -> Result<RingRecord, CustodyError> {
        if let Some(moved) = &ring.moved {
            let fault = format!("its keys have moved to KEY_CUSTODY={}, and there are none here", moved.to);
            return Err(CustodyError::Ring { place: self.custody().folder().place(), fault });
        }
        let folder = self.custody().folder();
        let home: Arc<dyn KeyHome> = Arc::new(folder.clone());
        let files = Custody::new(Directory::NAME, Arc::new(folder.clone()), vec![home], folder.clone());
        let ring = relocated(&ring, self.schedule(&ring).lead(), self.now().plus_secs(GRACE));
        self.taken_from(ring, &files).await
    }

    /// `ring` with the private halves that `from` holds taken in here, as far as they can leave it. A retired key can do
    /// without.
    pub(super) async fn taken_from(
        &self,
        mut ring: RingRecord,
        from: &Custody,
    ) -> Result<RingRecord, CustodyError> {
        for key in ring.keys.iter_mut().filter(|key| key.state != KeyState::Removed) {
            match from.open(key).await {
                Ok(Some(Private::Local(signing))) => key.home = Some(self.custody().keep(&signing).await?),
                Ok(Some(Private::Remote(_)))
                    if !key.home.as_ref().is_some_and(|home| self.custody().can_open(home)) =>
                {
                    let scheme = key.home.as_ref().map(Home::scheme).unwrap_or_default();
                    return Err(CustodyError::Homeless(format!(
                        "key {}, which never leaves {scheme}",
                        key.kid
                    )));
                }
                Ok(_) => {}
                Err(_) if key.state == KeyState::Retired => key.home = None,
                Err(error) => return Err(error),
            }
        }
        Ok(ring)
    }

    /// Notes in the folder that its ring lives here now, unless it still lives there: without a database, keys of every
    /// custody are written down in the folder.
    pub(super) async fn left_behind(&self) {
        let folder = self.custody().folder();
        if self.custody().ring().place() == folder.place() {
            return;
        }
        if let Ok(Some(old)) = folder.load().await {
            let until = self.now().plus_secs(GRACE);
            let moved = Some(Moved { to: self.custody().name().to_owned(), until });
            let marked = RingRecord { revision: old.revision + 1, moved, ..old.clone() };
            if let Err(error) = folder.replace_if(Some(old.revision), &marked).await {
                tracing::warn!(%error, "cannot note in KEYS_DIR that its keys are in the database now");
            }
        }
    }
}
