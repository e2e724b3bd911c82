//! Keys for users that other programs wrote. While both programs run, the original continues to write users,
//! and it does not know these keys.

use std::time::Duration;

use mongodb::bson::oid::ObjectId;
use mongodb::bson::{Document, doc};
use tokio::time::Instant;

use super::collections::{USER_STATES, USERS};
use super::connection::ReadFrom;
use super::document::{from_document, object_id, state_of};
use super::errors::refused_at;
use super::states::join_state;
use super::user_keys::{fields, keys_of};
use super::{Mongo, within_deadline};
use crate::domain::{UserId, UserKeys};
use crate::store::StoreError;

/// Users in one read, and in one write.
const USERS_PER_PAGE: usize = 500;
/// If more than a page of users had no keys, a registration waits at most this long for the others.
const REGISTRATION_WAIT: Duration = Duration::from_secs(2);
/// Between two log lines that report the progress.
const LOG_INTERVAL: Duration = Duration::from_secs(5);
/// Ids begin with the second in which they were made, by the clock of another machine: this many seconds are
/// read again.
const OVERLAP_SECS: u32 = 60;
/// The same at the start of a process.
const OVERLAP_AT_START_SECS: u32 = 24 * 60 * 60;
/// After this many seconds of ids, this process records its progress in the database.
const NOTE_INTERVAL_SECS: u32 = 60 * 60;
/// The document in `user_states` that says up to which id users have keys; its `_id` is no user's.
const PROGRESS_ID: &str = "progress";

/// The id up to which this process has seen users with keys.
#[derive(Debug, Default)]
pub(super) struct ReadUsers {
    through: Option<ObjectId>,
    /// What the database has recorded about it.
    noted: Option<ObjectId>,
}

/// The work that one pass through the users has done so far.
struct Pass {
    began: Instant,
    told: Option<Instant>,
    given: usize,
}

impl Mongo {
    /// Gives keys to users that another program wrote or renamed.
    pub(super) async fn write_keys_of_foreign_users(&self) -> Result<(), StoreError> {
        let mut read = self.0.read.lock().await;
        let present = self.present().await?;
        if read.through.is_none() {
            read.noted = self.progress(present).await?;
        }
        let mut after = match (read.through, read.noted) {
            (Some(through), _) => earlier(through, OVERLAP_SECS),
            (None, Some(noted)) => earlier(noted, OVERLAP_AT_START_SECS),
            (None, None) => ObjectId::from_bytes([0; 12]),
        };
        let mut pass = Pass { began: Instant::now(), told: None, given: 0 };
        loop {
            let documents = self.users_after(after).await?;
            pass.given += self.write_keys_of_all(&documents).await?;
            let last = documents.last().and_then(|document| document.get_object_id("_id").ok());
            let Some(last) = last else { break };
            after = last;
            // An id from the future says nothing about the users who are written until then.
            let seen = last.min(present);
            read.through = read.through.max(Some(seen));
            if read.noted.is_none_or(|noted| seen > later(noted, NOTE_INTERVAL_SECS)) {
                self.note_progress(seen).await?;
                read.noted = Some(seen);
            }
            if documents.len() < USERS_PER_PAGE {
                break;
            }
            self.tell_how_far(&mut pass).await?;
        }
        if pass.told.is_some() {
            let seconds = pass.began.elapsed().as_secs();
            tracing::info!(users = pass.given, seconds, "all users have been given keys; registration is on");
        }
        Ok(())
    }

    /// Logs the progress of a long pass, and that registration is off meanwhile.
    async fn tell_how_far(&self, pass: &mut Pass) -> Result<(), StoreError> {
        if pass.given < USERS_PER_PAGE || pass.began.elapsed() < REGISTRATION_WAIT {
            return Ok(());
        }
        self.preparing_takes_long();
        if pass.told.is_some_and(|told| told.elapsed() < LOG_INTERVAL) {
            return Ok(());
        }
        pass.told = Some(Instant::now());
        let of = within_deadline(async { self.collection(&USERS).await?.estimated_document_count().await })
            .await?;
        tracing::info!(
            users = pass.given,
            of,
            "users of another program are being given keys; registration is off until all have them"
        );
        Ok(())
    }

    /// The names and addresses of the next users behind an id, with their states.
    async fn users_after(&self, after: ObjectId) -> Result<Vec<Document>, StoreError> {
        let page = vec![
            doc! { "$match": { "_id": { "$type": "objectId", "$gt": after } } },
            doc! { "$sort": { "_id": 1 } },
            doc! { "$limit": USERS_PER_PAGE as i64 },
            doc! { "$project": { "username": 1, "email": 1 } },
            join_state(),
        ];
        self.aggregate(&USERS, ReadFrom::Primary, page).await
    }

    /// How many of these users had no keys, or outdated ones.
    async fn write_keys_of_all(&self, documents: &[Document]) -> Result<usize, StoreError> {
        let (mut without_state, mut others) = (Vec::new(), Vec::new());
        for document in documents {
            let Some(user) = from_document(document) else { continue };
            let keys = UserKeys::of(&user.username, &user.email);
            match state_of(document) {
                None => without_state.push((user.id, keys)),
                Some(state) if keys_of(state).as_ref() != Some(&keys) => others.push((user.id, keys)),
                Some(_) => {}
            }
        }
        let given = without_state.len() + others.len();
        others.extend(self.insert_states(without_state).await?);
        for (id, keys) in &others {
            self.write_keys(*id, keys).await?;
        }
        Ok(given)
    }

    /// Writes the first states of many users at once: a majority acknowledges all of them together. Returns
    /// those that the server refused, one by one, because another user has one of their keys.
    async fn insert_states(
        &self,
        users: Vec<(UserId, UserKeys)>,
    ) -> Result<Vec<(UserId, UserKeys)>, StoreError> {
        if users.is_empty() {
            return Ok(users);
        }
        let states = users.iter().map(|(id, keys)| {
            let mut state = doc! { "_id": object_id(*id) };
            state.extend(fields(keys));
            state
        });
        let states: Vec<_> = states.collect();
        let refused = within_deadline(async {
            match self.collection(&USER_STATES).await?.insert_many(states).ordered(false).await {
                Ok(_) => Ok(Vec::new()),
                Err(error) => refused_at(&error).ok_or(error),
            }
        });
        let refused = refused.await?;
        let numbered = users.into_iter().enumerate();
        Ok(numbered.filter(|(number, _)| refused.contains(number)).map(|(_, user)| user).collect())
    }

    /// The first id of the database's present second.
    async fn present(&self) -> Result<ObjectId, StoreError> {
        let hello = within_deadline(async {
            self.connection().await?.database.run_command(doc! { "hello": 1 }).await
        });
        let Ok(now) = hello.await?.get_datetime("localTime").copied() else {
            return Err(StoreError::Unavailable("the server does not tell its time".into()));
        };
        Ok(first_of(u32::try_from(now.timestamp_millis() / 1000).unwrap_or_default()))
    }

    /// The recorded id. A record from the future, which an earlier version wrote for an id from the future,
    /// is removed: then every user is read again.
    async fn progress(&self, present: ObjectId) -> Result<Option<ObjectId>, StoreError> {
        let filter = doc! { "_id": PROGRESS_ID };
        let found = self.find_one(&USER_STATES, ReadFrom::Primary, filter).await?;
        let noted = found.and_then(|progress| progress.get_object_id("through").ok());
        let Some(future) = noted.filter(|noted| *noted > later(present, OVERLAP_AT_START_SECS)) else {
            return Ok(noted);
        };
        let note = doc! { "_id": PROGRESS_ID, "through": future };
        within_deadline(async { self.collection(&USER_STATES).await?.delete_one(note).await })
            .await
            .map(|_| None)
    }

    async fn note_progress(&self, through: ObjectId) -> Result<(), StoreError> {
        let (filter, change) = (doc! { "_id": PROGRESS_ID }, doc! { "$max": { "through": through } });
        within_deadline(async {
            self.collection(&USER_STATES).await?.update_one(filter, change).upsert(true).await
        })
        .await
        .map(|_| ())
    }
}

/// The first id that is this many seconds earlier.
fn earlier(id: ObjectId, seconds: u32) -> ObjectId {
    first_of(made_at(id).saturating_sub(seconds))
}

/// The first id that is this many seconds later.
fn later(id: ObjectId, seconds: u32) -> ObjectId {
    first_of(made_at(id).saturating_add(seconds))
}

/// The second (since 1970) in which an id was made.
fn made_at(id: ObjectId) -> u32 {
    let [a, b, c, d, ..] = id.bytes();
    u32::from_be_bytes([a, b, c, d])
}

fn first_of(second: u32) -> ObjectId {
    let mut bytes = [0; 12];
    bytes[..4].copy_from_slice(&second.to_be_bytes());
    ObjectId::from_bytes(bytes)
}
