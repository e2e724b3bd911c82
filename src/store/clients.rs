//! The OAuth clients: the contract of every store.

use async_trait::async_trait;

use super::{Absent, StoreError};
use crate::domain::{Client, ClientId, Event};

/// The registered clients. What holds for the verbs of [`super::Users`] holds for these. Requests do not call them: they read
/// a copy in memory, which a task refreshes with [`Clients::list_clients`].
#[async_trait]
pub trait Clients: Send + Sync {
    /// Adds a client. False if there is one with this id.
    async fn create_client(&self, client: &Client, event: &Event) -> Result<bool, StoreError>;

    /// The client with this id.
    async fn find_client(&self, id: &ClientId) -> Result<Option<Client>, StoreError>;

    /// At most `limit` clients in the order of their ids, beginning behind `after`.
    async fn list_clients(&self, after: Option<&ClientId>, limit: usize) -> Result<Vec<Client>, StoreError>;

    /// Puts `client` in the place of its revision `seen`. False if the stored client is another one or does not exist: of
    /// many changes at once, one is made.
    async fn replace_client_if(&self, seen: u64, client: &Client, event: &Event) -> Result<bool, StoreError>;

    /// Removes a client. False if there was no such client. Its grants stay until they expire; nothing is issued for them.
    async fn delete_client(&self, id: &ClientId, event: &Event) -> Result<bool, StoreError>;
}

#[async_trait]
impl Clients for Absent {
    async fn create_client(&self, _: &Client, _: &Event) -> Result<bool, StoreError> {
        Err(StoreError::Absent)
    }

    async fn find_client(&self, _: &ClientId) -> Result<Option<Client>, StoreError> {
        Err(StoreError::Absent)
    }

    async fn list_clients(&self, _: Option<&ClientId>, _: usize) -> Result<Vec<Client>, StoreError> {
        Err(StoreError::Absent)
    }

    async fn replace_client_if(&self, _: u64, _: &Client, _: &Event) -> Result<bool, StoreError> {
        Err(StoreError::Absent)
    }

    async fn delete_client(&self, _: &ClientId, _: &Event) -> Result<bool, StoreError> {
        Err(StoreError::Absent)
    }
}
