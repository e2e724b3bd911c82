//! The lists as this instance publishes them: prepared in memory, as the key set is.

use std::collections::BTreeMap;
use std::sync::Arc;

use arc_swap::ArcSwapOption;
use tokio::sync::Mutex;

use super::bits::StatusBits;
use super::publisher::StatusListSettings;
use super::{aggregation_uri, list_uri};
use crate::domain::{Kid, Timestamp};
use crate::keys::Published;
use crate::oauth::{OAuth, TokenError};
use crate::token::Tokens;

/// The prepared lists. Clones share them. Requests for lists with tokens read them without a lock.
#[derive(Clone, Default)]
pub struct PublishedStatusLists(Arc<Inner>);

#[derive(Default)]
struct Inner {
    lists: ArcSwapOption<Lists>,
    /// The list that is begun next, once a verifier has asked for it. Requests for it wait for each other.
    next: Mutex<Option<(u64, PublishedStatusList)>>,
}

/// All lists at one moment.
pub(super) struct Lists {
    pub(super) lists: BTreeMap<u64, PublishedStatusList>,
    /// The number of the list that is begun next; `None` if no list can be begun.
    pub(super) next: Option<u64>,
    pub(super) aggregation: Published,
}

/// A prepared list.
#[derive(Clone)]
pub struct PublishedStatusList {
    /// The signed list.
    pub document: Published,
    /// The key that signed it.
    pub kid: Kid,
    /// When it was signed.
    pub(super) issued_at: Timestamp,
}

impl PublishedStatusList {
    /// Signs a list.
    ///
    /// # Errors
    /// [`TokenError`] if no key may sign now.
    pub(super) async fn sign(
        bits: StatusBits,
        number: u64,
        settings: &StatusListSettings,
        tokens: &Tokens,
    ) -> Result<Self, TokenError> {
        let compressed = tokio::task::spawn_blocking(move || bits.to_lst()).await;
        let lst = compressed
            .ok()
            .and_then(Result::ok)
            .ok_or(TokenError::Failed("the list could not be compressed".into()))?;
        let (uri, all) = (list_uri(&settings.issuer, number), aggregation_uri(&settings.issuer));
        let signed = tokens.sign_status_list(&uri, &all, &lst, settings.kept()).await?;
        let document = Published::new(signed.token.expose().clone());
        Ok(Self { document, kid: signed.kid, issued_at: signed.issued_at })
    }

    /// Whether it should be signed again: half of its life is over, or another key signs now.
    pub(super) fn is_due(&self, tokens: &Tokens, now: Timestamp) -> bool {
        let half = tokens.status_list_life().as_secs() / 2;
        let ring = tokens.keys().ring();
        let is_active = ring.as_ref().and_then(|ring| ring.active().map(|key| *key.kid() == self.kid));
        self.issued_at.plus_secs(half) <= now || is_active == Some(false)
    }
}

impl PublishedStatusLists {
    pub(super) fn replace(&self, lists: Lists) {
        self.0.lists.store(Some(Arc::new(lists)));
    }

    /// Whether the lists are known. Before the store was read once, they are not.
    pub fn is_loaded(&self) -> bool {
        self.0.lists.load().is_some()
    }

    fn find(&self, number: u64) -> Option<PublishedStatusList> {
        self.0.lists.load().as_ref().and_then(|lists| lists.lists.get(&number).cloned())
    }

    fn is_next(&self, number: u64) -> bool {
        self.0.lists.load().as_ref().is_some_and(|lists| lists.next == Some(number))
    }

    /// The addresses of all lists and of the one that is begun next (§9.3 of the draft); `None` if they are not known.
    pub fn aggregation(&self) -> Option<Published> {
        self.0.lists.load().as_ref().map(|lists| lists.aggregation.clone())
    }
}

impl OAuth {
    /// The list with this number. The list that is begun next counts, too: another instance may have begun it just now, and a
    /// verifier may ask this one.
    ///
    /// # Errors
    /// [`TokenError`] if the next list cannot be signed.
    pub async fn status_list(&self, number: u64) -> Result<Option<PublishedStatusList>, TokenError> {
        let lists = &self.status_lists;
        if let Some(list) = lists.find(number) {
            return Ok(Some(list));
        }
        let Some(settings) = self.status_list_settings.as_ref().filter(|_| lists.is_next(number)) else {
            return Ok(None);
        };
        let mut next = lists.0.next.lock().await;
        let now = self.clock.now();
        match next.as_ref() {
            Some((known, list)) if *known == number && !list.is_due(&self.tokens, now) => {
                Ok(Some(list.clone()))
            }
            _ => {
                let bits = StatusBits::all_valid();
                let list = PublishedStatusList::sign(bits, number, settings, &self.tokens).await?;
                *next = Some((number, list.clone()));
                Ok(Some(list))
            }
        }
    }
}
