//! The lists as this instance publishes them: prepared in memory, as the key set is.

use std::collections::BTreeMap;
use std::sync::Arc;

use arc_swap::ArcSwapOption;

use crate::domain::Kid;
use crate::keys::Published;

/// The prepared lists. Clones share them. Requests read them without a lock.
#[derive(Clone, Default)]
pub struct PublishedStatusLists(Arc<ArcSwapOption<Lists>>);

/// All lists at one moment.
pub(super) struct Lists {
    pub(super) lists: BTreeMap<u64, PublishedStatusList>,
    pub(super) aggregation: Published,
}

/// A prepared list.
#[derive(Clone)]
pub struct PublishedStatusList {
    /// The signed list.
    pub document: Published,
    /// The key that signed it.
    pub kid: Kid,
}

impl PublishedStatusLists {
    pub(super) fn replace(&self, lists: Lists) {
        self.0.store(Some(Arc::new(lists)));
    }

    /// Whether the lists are known. Before the store was read once, they are not.
    pub fn is_loaded(&self) -> bool {
        self.0.load().is_some()
    }

    /// The list with this number.
    pub fn find(&self, number: u64) -> Option<PublishedStatusList> {
        self.0.load().as_ref().and_then(|lists| lists.lists.get(&number).cloned())
    }

    /// The addresses of all lists (§9.3 of the draft); `None` if they are not known.
    pub fn aggregation(&self) -> Option<Published> {
        self.0.load().as_ref().map(|lists| lists.aggregation.clone())
    }
}
