//! The stored users: adding, finding, changing. No tokens here, so that the command line needs no keys.

use std::sync::Arc;

use futures_util::future::{try_join, try_join_all};

use super::{AccountError, Hasher, Registration};
use crate::clock::Clock;
use crate::domain::{LoginName, Password, Sessions, Timestamp, User, UserId};
use crate::entropy::Entropy;
use crate::store::Store;

/// How often a change is made anew on top of another that came first.
const TRIES: usize = 8;

/// Users in a store, and what makes their password hashes.
#[derive(Clone)]
pub struct Registry {
    store: Arc<dyn Store>,
    pub(super) hasher: Hasher,
    clock: Clock,
    entropy: Entropy,
}

impl Registry {
    /// The users of `store`.
    pub fn new(store: Arc<dyn Store>, hasher: Hasher, clock: Clock, entropy: Entropy) -> Self {
        Self { store, hasher, clock, entropy }
    }

    /// Where they are kept.
    pub fn store(&self) -> &Arc<dyn Store> {
        &self.store
    }

    /// Adds a user.
    ///
    /// # Errors
    /// [`AccountError::Exists`] where the name or the address is taken; it takes as long as success.
    pub async fn create_user(&self, registration: Registration) -> Result<User, AccountError> {
        let user = self.new_user(registration).await?;
        self.store.create_user(&user).await?;
        Ok(user)
    }

    /// A user of this registration, who is not stored yet.
    pub(super) async fn new_user(&self, registration: Registration) -> Result<User, AccountError> {
        let Registration { username, email, password } = registration;
        // No hash is made for a database that is not there.
        self.store.ping().await?;
        let password_hash = self.hasher.hash(password).await?;
        let now = self.clock.now();
        let id = self.entropy.user_id(now).map_err(|error| AccountError::Internal(error.into()))?;
        let sessions = Sessions::ALL;
        Ok(User { id, username, email, password_hash, created_at: now, updated_at: now, sessions })
    }

    /// The user that somebody means by a name or an address. What is asked of the store, and when, depends on the text
    /// alone and not on what is found, so that the time does not tell which addresses are stored.
    ///
    /// # Errors
    /// Those of the store.
    pub async fn find_user(&self, name: &LoginName) -> Result<Option<User>, AccountError> {
        let by_email = async {
            match &name.email {
                Some(email) => self.store.find_user_by_email(email).await,
                None => Ok(None),
            }
        };
        let by_name = name.usernames.iter().map(|username| self.store.find_user_by_username(username));
        let (by_email, by_name) = try_join(by_email, try_join_all(by_name)).await?;
        Ok(by_email.or_else(|| by_name.into_iter().flatten().next()))
    }

    /// Gives a user another password, whatever the old one was, and ends the user's sessions.
    ///
    /// # Errors
    /// [`AccountError::NoUser`], and those of the store and the hash.
    pub async fn set_password(&self, name: &LoginName, password: Password) -> Result<User, AccountError> {
        let hash = self.hasher.hash(password).await?;
        for _ in 0..TRIES {
            let user = self.find_user(name).await?.ok_or(AccountError::NoUser)?;
            let now = self.clock.now();
            let valid_from = Sessions::after(now);
            // False where another change came first: then this one is made on top of it.
            let replaced =
                self.store.replace_password_if(user.id, &user.password_hash, &hash, now, valid_from).await?;
            if replaced {
                self.end_sessions_of_meanwhile(user.id, now).await?;
                return Ok(User { password_hash: hash, updated_at: now, ..user });
            }
        }
        Err(AccountError::Busy)
    }

    /// Ends a user's sessions: the tokens of earlier log-ins open nothing here from now on.
    ///
    /// # Errors
    /// [`AccountError::NoUser`], and those of the store.
    pub async fn log_out(&self, name: &LoginName) -> Result<User, AccountError> {
        let user = self.find_user(name).await?.ok_or(AccountError::NoUser)?;
        let now = self.clock.now();
        if !self.store.end_sessions(user.id, Sessions::after(now)).await? {
            return Err(AccountError::NoUser);
        }
        self.end_sessions_of_meanwhile(user.id, now).await?;
        Ok(user)
    }

    /// While a change that began at `began` was being written, a log-in may have read what was there before it, in a later
    /// second than the change ends.
    async fn end_sessions_of_meanwhile(&self, id: UserId, began: Timestamp) -> Result<(), AccountError> {
        let (first, last) = (Sessions::after(began), Sessions::after(self.clock.now()));
        if last > first {
            self.store.end_sessions(id, last).await?;
        }
        Ok(())
    }
}
