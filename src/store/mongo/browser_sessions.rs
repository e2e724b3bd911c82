//! The collection `browser_sessions`: one document for each browser in which a user has logged in.

use async_trait::async_trait;
use futures_util::TryStreamExt;
use mongodb::bson::spec::BinarySubtype;
use mongodb::bson::{Binary, Bson, Document, deserialize_from_document, doc, serialize_to_document};

use super::collections::BROWSER_SESSIONS;
use super::connection::ReadFrom;
use super::document::{object_id, timestamp};
use super::events::PENDING;
use super::removal::Remains;
use super::{Mongo, date, within_deadline};
use crate::domain::{BrowserSession, Event, SessionDetails, SessionKey, Timestamp, User, UserId};
use crate::store::{BrowserSessions, StoreError, Users};

const REMAINS: Remains = Remains { member: "expires_at", value: "$expires_at" };

#[async_trait]
impl BrowserSessions for Mongo {
    async fn create_browser_session(
        &self,
        session: &BrowserSession,
        event: &Event,
    ) -> Result<(), StoreError> {
        let mut document = doc! {
            "_id": binary(session.key),
            "revision": session.revision as i64,
            "user": object_id(session.user),
            "expires_at": date(session.expires_at),
            "details": written(&session.details)?,
        };
        if let Some(kept) = self.kept(event).await? {
            document.insert(PENDING, kept.alone());
        }
        within_deadline(async {
            self.collection(&BROWSER_SESSIONS).await?.insert_one(document).await.map(|_| ())
        })
        .await
    }

    async fn find_browser_session(
        &self,
        key: SessionKey,
    ) -> Result<Option<(BrowserSession, Option<User>)>, StoreError> {
        let Some(session) = self.stored_session(key).await? else { return Ok(None) };
        let user = self.find_user_by_id(session.user).await?;
        Ok(Some((session, user)))
    }

    async fn list_browser_sessions(
        &self,
        user: UserId,
        limit: usize,
    ) -> Result<Vec<BrowserSession>, StoreError> {
        let found = within_deadline(async {
            let sessions = self.collection(&BROWSER_SESSIONS).await?;
            let latest = sessions
                .find(doc! { "user": object_id(user) })
                .sort(doc! { "expires_at": -1, "_id": 1 })
                .limit(limit as i64);
            latest.await?.try_collect::<Vec<Document>>().await
        });
        found.await?.iter().map(from_document).collect()
    }

    async fn replace_browser_session_if(
        &self,
        seen: u64,
        session: &BrowserSession,
    ) -> Result<bool, StoreError> {
        let filter = doc! { "_id": binary(session.key), "revision": seen as i64 };
        let set = doc! {
            "revision": session.revision as i64,
            "expires_at": date(session.expires_at),
            "details": written(&session.details)?,
        };
        let changed = within_deadline(async {
            self.collection(&BROWSER_SESSIONS).await?.update_one(filter, doc! { "$set": set }).await
        });
        Ok(changed.await?.matched_count == 1)
    }

    /// The key is the id of the document, which cannot change. The new document comes first, so that no crash ends the session.
    async fn replace_browser_session_key_if(
        &self,
        seen: SessionKey,
        session: &BrowserSession,
        event: &Event,
    ) -> Result<bool, StoreError> {
        if self.stored_session(seen).await?.is_none() {
            return Ok(false);
        }
        self.create_browser_session(session, event).await?;
        let is_made = self.remove_one(&BROWSER_SESSIONS, of_key(seen), None, REMAINS).await?;
        if !is_made {
            self.remove_one(&BROWSER_SESSIONS, of_key(session.key), None, REMAINS).await?;
        }
        Ok(is_made)
    }

    async fn end_browser_session(&self, key: SessionKey, event: &Event) -> Result<bool, StoreError> {
        let kept = self.kept(event).await?;
        self.remove_one(&BROWSER_SESSIONS, of_key(key), kept.as_ref(), REMAINS).await
    }

    async fn purge_browser_sessions(&self, now: Timestamp) -> Result<bool, StoreError> {
        self.purge(&BROWSER_SESSIONS, doc! { "expires_at": { "$lt": date(now) } }).await
    }
}

impl Mongo {
    /// The session with this key, from the primary.
    pub(super) async fn stored_session(&self, key: SessionKey) -> Result<Option<BrowserSession>, StoreError> {
        let found = self.find_one(&BROWSER_SESSIONS, ReadFrom::Primary, of_key(key)).await?;
        found.as_ref().map(from_document).transpose()
    }

    /// Removes the sessions of a user.
    pub(super) async fn delete_browser_sessions(&self, user: UserId) -> Result<(), StoreError> {
        self.remove_all(&BROWSER_SESSIONS, doc! { "user": object_id(user) }, REMAINS).await
    }
}

/// A document that keeps only events has no revision.
fn of_key(key: SessionKey) -> Document {
    doc! { "_id": binary(key), "revision": { "$gte": 0_i64 } }
}

fn binary(key: SessionKey) -> Bson {
    Bson::Binary(Binary { subtype: BinarySubtype::Generic, bytes: key.0.to_vec() })
}

fn written(details: &SessionDetails) -> Result<Document, StoreError> {
    serialize_to_document(details).map_err(|error| StoreError::Backend(error.into()))
}

fn from_document(document: &Document) -> Result<BrowserSession, StoreError> {
    let corrupt = |what: &str| StoreError::Corrupt(format!("a session's {what} cannot be read"));
    let key = document.get_binary_generic("_id").ok().and_then(|bytes| bytes.as_slice().try_into().ok());
    let user = document.get_object_id("user").map_err(|_| corrupt("user"))?;
    let details = document.get_document("details").map_err(|_| corrupt("details"))?;
    Ok(BrowserSession {
        key: SessionKey(key.ok_or_else(|| corrupt("key"))?),
        revision: document.get_i64("revision").map_err(|_| corrupt("revision"))? as u64,
        user: UserId::from_bytes(user.bytes()),
        expires_at: timestamp(document, "expires_at").ok_or_else(|| corrupt("end"))?,
        details: deserialize_from_document(details.clone()).map_err(|_| corrupt("details"))?,
    })
}
