//! The store of a server without a database (`SKIP_DATABASE=true`, the original's demo mode).

use async_trait::async_trait;

use super::{Rings, Store, StoreError, Users};
use crate::domain::{Email, Instance, PasswordHash, RingRecord, Timestamp, User, UserId, Username};

/// Answers every question with [`StoreError::Absent`].
#[derive(Clone, Copy, Debug)]
pub struct Absent;

#[async_trait]
impl Store for Absent {
    async fn ping(&self) -> Result<(), StoreError> {
        Err(StoreError::Absent)
    }

    async fn prepare(&self) -> Result<(), StoreError> {
        Err(StoreError::Absent)
    }
}

#[async_trait]
impl Users for Absent {
    async fn create_user(&self, _: &User) -> Result<(), StoreError> {
        Err(StoreError::Absent)
    }

    async fn find_user_by_id(&self, _: UserId) -> Result<Option<User>, StoreError> {
        Err(StoreError::Absent)
    }

    async fn find_user_by_username(&self, _: &Username) -> Result<Option<User>, StoreError> {
        Err(StoreError::Absent)
    }

    async fn find_user_by_email(&self, _: &Email) -> Result<Option<User>, StoreError> {
        Err(StoreError::Absent)
    }

    async fn list_users(&self, _: Option<UserId>, _: usize) -> Result<Vec<User>, StoreError> {
        Err(StoreError::Absent)
    }

    async fn replace_hash_if(
        &self,
        _: UserId,
        _: &PasswordHash,
        _: &PasswordHash,
        _: Timestamp,
    ) -> Result<bool, StoreError> {
        Err(StoreError::Absent)
    }

    async fn replace_password_if(
        &self,
        _: UserId,
        _: &PasswordHash,
        _: &PasswordHash,
        _: Timestamp,
        _: Timestamp,
    ) -> Result<bool, StoreError> {
        Err(StoreError::Absent)
    }

    async fn end_sessions(&self, _: UserId, _: Timestamp) -> Result<bool, StoreError> {
        Err(StoreError::Absent)
    }

    async fn delete_user(&self, _: UserId) -> Result<bool, StoreError> {
        Err(StoreError::Absent)
    }
}

#[async_trait]
impl Rings for Absent {
    async fn find_ring(&self) -> Result<Option<RingRecord>, StoreError> {
        Err(StoreError::Absent)
    }

    async fn replace_ring_if(&self, _: Option<u64>, _: &RingRecord) -> Result<bool, StoreError> {
        Err(StoreError::Absent)
    }

    async fn note_instance(&self, _: &Instance) -> Result<(), StoreError> {
        Err(StoreError::Absent)
    }

    async fn list_instances(&self) -> Result<Vec<Instance>, StoreError> {
        Err(StoreError::Absent)
    }

    async fn purge_instances(&self, _: Timestamp) -> Result<(), StoreError> {
        Err(StoreError::Absent)
    }
}
