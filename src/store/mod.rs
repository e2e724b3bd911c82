//! What outlives the process: traits with their contract in prose. The implementations beneath do persistence and
//! nothing else; only `app` names them, and no rule of the service depends on which one runs.

mod absent;
mod health;
pub mod mongo;
pub mod sqlite;

use async_trait::async_trait;

pub use absent::Absent;
pub use health::Health;

use crate::domain::{Email, Instance, PasswordHash, RingRecord, Taken, Timestamp, User, UserId, Username};

/// Everything that the service keeps. Shared by all requests.
#[async_trait]
pub trait Store: Users + Rings + Send + Sync {
    /// Whether the database answers now. Ends within two seconds either way.
    async fn ping(&self) -> Result<(), StoreError>;

    /// Brings what is stored to the shape of this program's version; earlier versions may not read it afterwards. The
    /// verbs of [`Users`] do so by themselves where it was not done, those of [`Rings`] never: a start that cannot use
    /// its keys leaves the users as they are. Ends within two seconds; what takes longer goes on.
    ///
    /// # Errors
    /// [`StoreError::Newer`] where a later version has changed the shape already.
    async fn prepare(&self) -> Result<(), StoreError>;
}

/// The users. What a verb answered with `Ok` is on disk, or acknowledged by a majority, before it returns; a verb
/// that fails with [`StoreError::Unavailable`] may or may not have taken effect. What is found is there to stay in the
/// same way: a database that was cut off finds nobody whom no majority has. Each verb is atomic: others see all of it or nothing,
/// and what a crash leaves of it changes nothing for them. Each ends within two seconds; on MongoDB, adding, changing and
/// removing a user take several writes and end within five, and a new user may wait ten more for the indexes and for the
/// keys of users that another program wrote; where that takes long, the verb fails at once.
#[async_trait]
pub trait Users {
    /// Adds a user who clashes with no other (see [`crate::domain::UserKeys`]). Of several at once with the same id, name
    /// or address, one succeeds; of several whose names only look alike, at most one. On MongoDB both can be there where the
    /// server stops within one command for longer than a reservation counts (30 seconds; docs/adr/0023). Users whose names
    /// clashed before they were compared in this way stay.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] where something is taken; where several things are, one of them.
    async fn create_user(&self, user: &User) -> Result<(), StoreError>;

    /// The user of this id.
    async fn find_user_by_id(&self, id: UserId) -> Result<Option<User>, StoreError>;

    /// The user of this very name; without one, the user whose name differs from it only in the case of ASCII letters.
    /// Where several users differ only in that, only the very name finds one of them.
    async fn find_user_by_username(&self, username: &Username) -> Result<Option<User>, StoreError>;

    /// The user of this very address; without one, the user whose address has the same [`Email::key`], in the same way.
    async fn find_user_by_email(&self, email: &Email) -> Result<Option<User>, StoreError>;

    /// At most `limit` users in the order of their ids, those behind `after`.
    async fn list_users(&self, after: Option<UserId>, limit: usize) -> Result<Vec<User>, StoreError>;

    /// Puts `new`, another hash of the same password, in the place of `old` and sets `updated_at`, if the user still has
    /// `old`. False where not. Sessions go on.
    async fn replace_hash_if(
        &self,
        id: UserId,
        old: &PasswordHash,
        new: &PasswordHash,
        now: Timestamp,
    ) -> Result<bool, StoreError>;

    /// As [`Users::replace_hash_if`] for another password: it also ends the sessions, as [`Users::end_sessions`] does.
    /// After a crash in between, and where another change came first, the sessions may have ended though this password is
    /// not in place, never the reverse.
    async fn replace_password_if(
        &self,
        id: UserId,
        old: &PasswordHash,
        new: &PasswordHash,
        now: Timestamp,
        valid_from: Timestamp,
    ) -> Result<bool, StoreError>;

    /// Moves the user's `sessions.valid_from` to `valid_from` (whole seconds), or to the second after the stored one
    /// where that is later: each call ends all sessions that began before it. False where there is no such user.
    async fn end_sessions(&self, id: UserId, valid_from: Timestamp) -> Result<bool, StoreError>;

    /// Removes a user and all that is kept about them. False where there was none.
    async fn delete_user(&self, id: UserId) -> Result<bool, StoreError>;
}

/// The ring of keys, and who signs with which. What holds for the verbs of [`Users`] holds for these.
#[async_trait]
pub trait Rings {
    /// The ring's document as it is now: never one that has been replaced before the question was asked.
    ///
    /// # Errors
    /// [`StoreError::Corrupt`] also where the stored revision, with which a replacement is compared, is not the document's.
    async fn find_ring(&self) -> Result<Option<RingRecord>, StoreError>;

    /// Puts `ring` in the place of the document of revision `seen`, or of none. False where another is there. Members
    /// that this program does not know are kept.
    async fn replace_ring_if(&self, seen: Option<u64>, ring: &RingRecord) -> Result<bool, StoreError>;

    /// Notes that an instance serves, in the place of what was noted of it before.
    async fn note_instance(&self, instance: &Instance) -> Result<(), StoreError>;

    /// The instances that were noted, in the order of their ids. A record that cannot be read is left out: it must not
    /// keep the others from being seen.
    async fn list_instances(&self) -> Result<Vec<Instance>, StoreError>;

    /// Forgets each instance that was last noted earlier than `before`. Atomic for each of them: one that is noted again
    /// meanwhile stays.
    async fn purge_instances(&self, before: Timestamp) -> Result<(), StoreError>;
}

/// What the embedded store does where its folder holds no database.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum IfMissing {
    /// It makes one, at its first use.
    Create,
    /// It is unavailable.
    Refuse,
}

/// Why the store did not do what it was asked.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// Another user has this.
    #[error("the {0} is taken")]
    Conflict(Taken),
    /// The service runs without a database.
    #[error("this server runs without a database")]
    Absent,
    /// The database does not answer, or cannot write now.
    #[error("the database is unavailable")]
    Unavailable(#[source] Cause),
    /// A newer version of the program has changed the tables.
    #[error(
        "the tables of the database are of version {found}, newer than this program's {known}; start the newer program"
    )]
    Newer {
        /// The version of the tables.
        found: usize,
        /// The newest that this program knows.
        known: usize,
    },
    /// A record is not what the service wrote.
    #[error("a record in the database is damaged: {0}")]
    Corrupt(String),
    /// Anything else; a fault of ours.
    #[error("the database refused")]
    Backend(#[source] Cause),
}

/// What lies beneath a [`StoreError`]: for the log, never for the caller.
pub type Cause = Box<dyn std::error::Error + Send + Sync>;
