//! The event of a command that changes what no store keeps.

use crate::app::{IfMissing, StartError, missing_database, open_stores};
use crate::config::Config;
use crate::domain::Event;
use crate::entropy::Entropy;
use crate::store::StoreError;

/// Why an event could not be stored.
#[derive(Debug, thiserror::Error)]
pub enum EventError {
    /// The stores cannot be opened.
    #[error(transparent)]
    Open(#[from] StartError),
    /// The store refuses the event.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Stores an event. Without a database there are no events.
///
/// # Errors
/// [`EventError`].
pub async fn store_event(config: &Config, event: &Event) -> Result<(), EventError> {
    if missing_database(config).is_some() {
        return Ok(());
    }
    let stores = open_stores(config, IfMissing::Refuse, &Entropy::System)?;
    match stores.events.append_event(event).await {
        Ok(_) | Err(StoreError::Absent) => Ok(()),
        Err(error) => Err(error.into()),
    }
}
