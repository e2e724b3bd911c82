//! The collection `grants`: one document for each grant.

use async_trait::async_trait;
use futures_util::TryStreamExt;
use mongodb::bson::{Bson, Document, deserialize_from_document, doc, serialize_to_document};

use super::collections::GRANTS;
use super::connection::ReadFrom;
use super::document::{object_id, timestamp};
use super::events::KeptEvent;
use super::removal::Remains;
use super::{Mongo, date, within_deadline};
use crate::domain::{ClientId, Event, Grant, GrantId, SessionKey, Timestamp, User, UserId};
use crate::store::{GrantCreated, Grants, StoreError, Users};

/// Grants of a user that end at once.
const ENDED_AT_ONCE: i64 = 1000;
const REMAINS: Remains = Remains { member: "forget_at", value: "$forget_at" };

#[async_trait]
impl Grants for Mongo {
    /// The session is looked for when the grant is there: an end of the session that comes later finds the grant.
    async fn create_grant(
        &self,
        grant: &Grant,
        session: Option<SessionKey>,
    ) -> Result<GrantCreated, StoreError> {
        let (codes, lasting) = self.count_others(grant).await?;
        if codes >= Grant::MAX_CODES {
            return Ok(GrantCreated::TooManyCodes);
        }
        let document = doc! {
            "_id": grant.id.to_string(),
            "revision": grant.revision as i64,
            "client": grant.client.as_str(),
            "user": object_id(grant.user),
            "forget_at": date(grant.forget_at),
            "terms": written(&grant.terms)?,
            "stage": written(&grant.stage)?,
        };
        within_deadline(async { self.collection(&GRANTS).await?.insert_one(document).await.map(|_| ()) })
            .await?;
        if let Some(session) = session
            && self.stored_session(session).await?.is_none()
        {
            return Ok(GrantCreated::SessionEnded);
        }
        Ok(GrantCreated::Added { lasting })
    }

    async fn find_grant(&self, id: GrantId) -> Result<Option<Grant>, StoreError> {
        // A document that keeps only events has no revision.
        let filter = doc! { "_id": id.to_string(), "revision": { "$gte": 0_i64 } };
        let found = self.find_one(&GRANTS, ReadFrom::Primary, filter).await?;
        found.as_ref().map(from_document).transpose()
    }

    async fn find_grant_and_user(&self, id: GrantId) -> Result<Option<(Grant, Option<User>)>, StoreError> {
        let Some(grant) = self.find_grant(id).await? else { return Ok(None) };
        let user = self.find_user_by_id(grant.user).await?;
        Ok(Some((grant, user)))
    }

    async fn list_grants_of_user(
        &self,
        user: UserId,
        after: Option<GrantId>,
        limit: usize,
    ) -> Result<Vec<Grant>, StoreError> {
        let after = after.map(|id| id.to_string()).unwrap_or_default();
        let filter = doc! { "user": object_id(user), "_id": { "$gt": after } };
        let found = within_deadline(async {
            let grants = self.collection(&GRANTS).await?;
            let page = grants.find(filter).sort(doc! { "_id": 1 }).limit(limit as i64);
            page.await?.try_collect::<Vec<Document>>().await
        });
        found.await?.iter().map(from_document).collect()
    }

    async fn end_unused_grants(
        &self,
        (user, client): (UserId, &ClientId),
        until: Timestamp,
        keep: usize,
    ) -> Result<(), StoreError> {
        let found = self.aggregate(
            &GRANTS,
            ReadFrom::Primary,
            vec![
                doc! { "$match": remembered((user, client), until) },
                doc! { "$set": {
                    "has_ended": { "$eq": ["$stage.stage", "ended"] },
                    "last_use": { "$ifNull": ["$stage.used_at", "$terms.created_at"] },
                } },
                doc! { "$sort": { "has_ended": 1, "last_use": -1, "_id": 1 } },
                doc! { "$skip": keep as i64 },
                doc! { "$limit": ENDED_AT_ONCE },
                // A grant that is used meanwhile has another revision, and stays.
                doc! { "$project": { "revision": 1 } },
            ],
        );
        let unused = found.await?;
        if unused.is_empty() {
            return Ok(());
        }
        self.remove_all(&GRANTS, doc! { "$or": unused }, REMAINS).await
    }

    async fn replace_grant_if(
        &self,
        seen: u64,
        grant: &Grant,
        event: Option<&Event>,
    ) -> Result<bool, StoreError> {
        let kept = self.kept_if_any(event).await?;
        let filter = doc! { "_id": grant.id.to_string(), "revision": seen as i64 };
        let set = doc! {
            "revision": grant.revision as i64,
            "forget_at": date(grant.forget_at),
            "stage": { "$literal": written(&grant.stage)? },
        };
        let stages: Vec<_> =
            std::iter::once(doc! { "$set": set }).chain(kept.as_ref().map(KeptEvent::of_one_write)).collect();
        let changed =
            within_deadline(async { self.collection(&GRANTS).await?.update_one(filter, stages).await });
        Ok(changed.await?.matched_count == 1)
    }

    async fn purge_grants(&self, now: Timestamp) -> Result<bool, StoreError> {
        self.purge(&GRANTS, doc! { "forget_at": { "$lt": date(now) } }).await
    }
}

impl Mongo {
    /// The other grants of the user to the client when this one is given: those that are forgotten until it is, and those that
    /// are remembered for longer. The index alone answers this.
    async fn count_others(&self, grant: &Grant) -> Result<(usize, usize), StoreError> {
        let owner = (grant.user, &grant.client);
        let is_forgotten = doc! { "$lte": ["$forget_at", date(grant.forget_at)] };
        let counted = self.aggregate(
            &GRANTS,
            ReadFrom::Primary,
            vec![
                doc! { "$match": remembered(owner, grant.terms.created_at) },
                doc! { "$group": { "_id": is_forgotten, "grants": { "$sum": 1_i64 } } },
            ],
        );
        let counted = counted.await?;
        let count = |is_forgotten: bool| {
            let group = counted.iter().find(|group| group.get("_id") == Some(&Bson::Boolean(is_forgotten)));
            group.and_then(|group| group.get_i64("grants").ok()).unwrap_or_default() as usize
        };
        Ok((count(true), count(false)))
    }

    /// Removes the grants of a user.
    pub(super) async fn delete_grants(&self, user: UserId) -> Result<(), StoreError> {
        self.remove_all(&GRANTS, doc! { "user": object_id(user) }, REMAINS).await
    }
}

/// Those grants of a user to a client that are to be remembered after `until`.
fn remembered((user, client): (UserId, &ClientId), until: Timestamp) -> Document {
    doc! { "user": object_id(user), "client": client.as_str(), "forget_at": { "$gt": date(until) } }
}

fn written(part: &impl serde::Serialize) -> Result<Document, StoreError> {
    serialize_to_document(part).map_err(|error| StoreError::Backend(error.into()))
}

fn from_document(document: &Document) -> Result<Grant, StoreError> {
    let corrupt = |what: &str| StoreError::Corrupt(format!("a grant's {what} cannot be read"));
    let part = |name: &str| document.get_document(name).cloned().map_err(|_| corrupt(name));
    let id = document.get_str("_id").ok().and_then(GrantId::parse);
    let client = document.get_str("client").ok().and_then(|text| ClientId::parse(text).ok());
    let user = document.get_object_id("user").map_err(|_| corrupt("user"))?;
    Ok(Grant {
        id: id.ok_or_else(|| corrupt("id"))?,
        revision: document.get_i64("revision").map_err(|_| corrupt("revision"))? as u64,
        client: client.ok_or_else(|| corrupt("client"))?,
        user: UserId::from_bytes(user.bytes()),
        forget_at: timestamp(document, "forget_at").ok_or_else(|| corrupt("end"))?,
        terms: deserialize_from_document(part("terms")?).map_err(|_| corrupt("terms"))?,
        stage: deserialize_from_document(part("stage")?).map_err(|_| corrupt("stage"))?,
    })
}
