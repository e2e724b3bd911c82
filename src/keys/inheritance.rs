//! Keys from earlier programs and custodies: the original's pair becomes the first key of a ring, and a ring
//! in files moves into another custody that is empty.

use std::sync::Arc;

use super::custody::{Custody, CustodyError, Directory, FileFault, Found, KeyBackend, RingFault, RingStore};
use super::key_event::Cause;
use super::relocation::{GRACE, relocated};
use super::schedule::first;
use super::{Private, RingService};
use crate::domain::{Home, KeyRecord, KeyState, Kid, Moved, NewKey, RingRecord, Timestamp};

/// How long caches may keep the original's key set, in seconds.
const ORIGINAL_MAX_AGE: u64 = 86_400;

impl RingService {
    /// A ring from the contents of `KEYS_DIR`, and why it begins here: a ring in files moves here if this
    /// custody is another one, or a pair begins a ring.
    pub(super) async fn inherited(&self) -> Result<Option<(RingRecord, Cause)>, CustodyError> {
        if !self.custody().ring_is_in_folder()
            && let Some(ring) = self.custody().folder().load().await?
        {
            return self.taken_over(ring).await.map(|ring| Some((ring, Cause::Moved)));
        }
        match self.found_pair().await? {
            Some(found) => self.adopted(found).await.map(|ring| Some((ring, Cause::Begun))),
            None => Ok(None),
        }
    }

    /// A ring with the pair in `KEYS_DIR`, as it would begin.
    pub(super) async fn found_pair_ring(&self) -> Result<Option<RingRecord>, CustodyError> {
        let found = self.found_pair().await?;
        Ok(found.map(|found| self.of_original(&found, Directory::pair_home())))
    }

    /// The pair in `KEYS_DIR`, as a key of the first algorithm of the settings that it fits. The RSA
    /// algorithms come first: if an RSA pair fits no other algorithm, it counts as RS256. The first key of a
    /// ring must be able to be the default one, so a post-quantum pair is refused.
    async fn found_pair(&self) -> Result<Option<Found>, CustodyError> {
        let kinds = &self.schedule().kinds;
        let (rsa, others): (Vec<_>, Vec<_>) = kinds
            .iter()
            .map(|kind| kind.algorithm)
            .filter(|algorithm| !algorithm.is_post_quantum())
            .partition(|algorithm| algorithm.is_rsa());
        let mut unfit = None;
        for algorithm in rsa.into_iter().chain(others) {
            match self.custody().folder().pair(algorithm).await {
                Err(fault) if fault.is_of_other_kind() => unfit = unfit.or(Some(fault)),
                other => return other,
            }
        }
        unfit.map_or(Ok(None), Err)
    }

    /// The original's key continues to sign under its own name and, if the operator chose another name, also
    /// under that.
    async fn adopted(&self, found: Found) -> Result<RingRecord, CustodyError> {
        let home = match self.custody().keep(&found.signing).await {
            Err(CustodyError::File(FileFault::Unwritable { .. }) | CustodyError::Homeless(_)) => {
                Directory::pair_home()
            }
            other => other?,
        };
        Ok(self.of_original(&found, home))
    }

    pub(super) fn of_original(&self, found: &Found, home: Home) -> RingRecord {
        let public = found.signing.verifying_key();
        let kid = self.settings().first_kid.clone().unwrap_or_else(Kid::original);
        let empty = RingRecord { adopted: true, ..RingRecord::empty() };
        let created_at = found.created_at.whole_secs();
        let thumbprint = found.was_ours.then(|| Kid::parse(&public.thumbprint()).ok()).flatten();
        let aliases = [Some(Kid::original()), thumbprint].into_iter().flatten();
        let aliases = aliases.filter(|alias| *alias != kid).collect();
        let new = NewKey {
            kid: kid.clone(),
            alg: public.algorithm().name().to_owned(),
            bits: public.bits(),
            public: public.to_spki_pem(),
            home: Some(home),
        };
        let schedule = self.schedule();
        let key = KeyRecord { aliases, ..first(new, schedule, created_at) };
        // Caches may still keep what the original served, for as long as it said.
        let lead = schedule.lead() - schedule.jwks_max_age + ORIGINAL_MAX_AGE;
        RingRecord { revision: 1, lead, keys: vec![key], ..empty }
    }

    /// The ring of the folder, with its private halves moved here.
    async fn taken_over(&self, ring: RingRecord) -> Result<RingRecord, CustodyError> {
        if let Some(moved) = &ring.moved {
            let fault = format!("its keys have moved to KEY_CUSTODY={}, and no keys are here", moved.to);
            return Err(RingFault::Immovable { place: self.custody().folder().place(), fault }.into());
        }
        let ring = relocated(&ring, self.schedule().lead(), self.now().plus_secs(GRACE));
        self.taken_from(ring, self.of_folder().custody()).await
    }

    /// The ring of the folder, under the same rules.
    fn of_folder(&self) -> Self {
        let folder = self.custody().folder();
        let home: Arc<dyn KeyBackend> = Arc::new(folder.clone());
        let files = Custody::new(Directory::NAME, Arc::new(folder.clone()), vec![home], folder.clone());
        self.of_custody(files)
    }

    /// `ring` with its private halves moved here from `from`, if they can leave it. A retired key can be used
    /// without one; the private half of a key that has left is not moved.
    pub(super) async fn taken_from(
        &self,
        mut ring: RingRecord,
        from: &Custody,
    ) -> Result<RingRecord, CustodyError> {
        for key in &mut ring.keys {
            key.home = match from.open(key).await {
                _ if key.state == KeyState::Removed => self.to_discard(key),
                Ok(Some(Private::Local(signing))) => Some(self.custody().keep(&signing).await?),
                Ok(Some(Private::Remote(_))) => self.kept_afar(key)?,
                Ok(None) => None,
                Err(_) if key.state == KeyState::Retired => None,
                Err(error) => return Err(error),
            };
        }
        Ok(ring)
    }

    /// What is still to be destroyed of a key that has left, if this custody can do it; the key itself is
    /// never moved.
    fn to_discard(&self, key: &KeyRecord) -> Option<Home> {
        key.home.clone().filter(|home| !self.custody().lies_in_ring(home) && self.custody().can_open(home))
    }

    /// The place of a key that cannot leave it: this custody must be able to use it, too.
    fn kept_afar(&self, key: &KeyRecord) -> Result<Option<Home>, CustodyError> {
        match &key.home {
            Some(home) if !self.custody().can_open(home) => {
                let what = format!("key {}, which never leaves {}", key.kid, home.scheme());
                Err(CustodyError::Homeless(what))
            }
            home => Ok(home.clone()),
        }
    }

    /// Records in the folder that its ring is here now, unless the ring is still there: without a database,
    /// the folder contains the ring for keys of every custody. A ring of other keys in the folder does not
    /// change.
    pub(super) async fn leave_folder(&self, ring: &RingRecord) -> Result<(), CustodyError> {
        if self.custody().ring_is_in_folder() {
            return Ok(());
        }
        let folder = self.of_folder();
        while let Some(old) = folder.load().await?.filter(|old| old.moved.is_none() && ring.has_key_of(old)) {
            folder
                .change(&old, Cause::Moved, |now| {
                    Ok::<_, CustodyError>(self.frozen(&old, now.plus_secs(GRACE)))
                })
                .await?
                .or_unwritable()?;
        }
        Ok(())
    }

    /// `ring` as it stays behind after it moves here; instances may use it until `until`.
    pub(super) fn frozen(&self, ring: &RingRecord, until: Timestamp) -> RingRecord {
        let moved = Some(Moved { to: self.custody().name().to_owned(), until });
        RingRecord { revision: ring.revision + 1, moved, ..ring.clone() }
    }
}
