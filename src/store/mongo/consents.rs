//! The collection `consents`: one document for each user and client.

use async_trait::async_trait;
use futures_util::TryStreamExt;
use mongodb::bson::{Bson, Document, doc};

use super::collections::CONSENTS;
use super::connection::ReadFrom;
use super::document::timestamp;
use super::events::KeptEvent;
use super::removal::Remains;
use super::{Mongo, date, within_deadline};
use crate::domain::{ClientId, Consent, Event, RegistrationId, Scopes, UserId};
use crate::store::{Consents, StoreError};

const REMAINS: Remains = Remains { member: "withdrawn_at", value: "$$NOW" };

#[async_trait]
impl Consents for Mongo {
    async fn find_consent(&self, user: UserId, client: &ClientId) -> Result<Option<Consent>, StoreError> {
        let found = self.find_one(&CONSENTS, ReadFrom::Primary, of(user, client)).await?;
        found.as_ref().map(from_document).transpose()
    }

    async fn list_consents(&self, user: UserId, limit: usize) -> Result<Vec<Consent>, StoreError> {
        let mut filter = of_user(user);
        filter.insert("scopes", doc! { "$type": "string" });
        let found = within_deadline(async {
            let consents = self.collection(&CONSENTS).await?;
            let page = consents.find(filter).sort(doc! { "_id": 1 }).limit(limit as i64);
            page.await?.try_collect::<Vec<Document>>().await
        });
        found.await?.iter().map(from_document).collect()
    }

    async fn record_consent(&self, consent: &Consent, event: &Event) -> Result<(), StoreError> {
        let kept = self.kept(event).await?;
        let id = doc! { "_id": id(consent.user, &consent.client) };
        let registration = consent.registration.map_or(Bson::from("$$REMOVE"), |id| id.to_string().into());
        let set = doc! {
            "registration": registration,
            "scopes": { "$literal": consent.scopes.to_string() },
            "resources": { "$literal": consent.resources.clone() },
            "given_at": date(consent.given_at),
            "withdrawn_at": "$$REMOVE",
        };
        let stages: Vec<_> =
            std::iter::once(doc! { "$set": set }).chain(kept.as_ref().map(KeptEvent::of_one_write)).collect();
        within_deadline(async {
            self.collection(&CONSENTS).await?.update_one(id, stages).upsert(true).await.map(|_| ())
        })
        .await
    }

    async fn delete_consent(
        &self,
        user: UserId,
        client: &ClientId,
        event: &Event,
    ) -> Result<bool, StoreError> {
        let kept = self.kept(event).await?;
        self.remove_one(&CONSENTS, of(user, client), kept.as_ref(), REMAINS).await
    }
}

impl Mongo {
    /// Removes the consents of a user.
    pub(super) async fn delete_consents(&self, user: UserId) -> Result<(), StoreError> {
        self.remove_all(&CONSENTS, of_user(user), REMAINS).await
    }
}

/// The user first, so that the consents of a user are together in the index of the ids.
fn id(user: UserId, client: &ClientId) -> String {
    format!("{user} {client}")
}

/// A document that keeps only events has no scopes.
fn of(user: UserId, client: &ClientId) -> Document {
    doc! { "_id": id(user, client), "scopes": { "$type": "string" } }
}

/// `!` is the character after the space.
fn of_user(user: UserId) -> Document {
    doc! { "_id": { "$gte": format!("{user} "), "$lt": format!("{user}!") } }
}

fn from_document(document: &Document) -> Result<Consent, StoreError> {
    let corrupt = |what: &str| StoreError::Corrupt(format!("a consent's {what} cannot be read"));
    let (user, client) =
        document.get_str("_id").ok().and_then(|id| id.split_once(' ')).ok_or_else(|| corrupt("id"))?;
    // Older documents have neither a registration nor resources.
    let registration = match document.get_str("registration") {
        Ok(id) => Some(RegistrationId::parse(id).ok_or_else(|| corrupt("registration"))?),
        Err(_) => None,
    };
    let resources = match document.get_array("resources") {
        Ok(listed) => listed.iter().map(|one| one.as_str().map(str::to_owned)).collect(),
        Err(_) => Some(Vec::new()),
    };
    let scopes = document.get_str("scopes").ok().and_then(|text| Scopes::parse(text).ok());
    Ok(Consent {
        user: UserId::parse(user).ok_or_else(|| corrupt("user"))?,
        client: ClientId::parse(client).map_err(|_| corrupt("client"))?,
        registration,
        resources: resources.ok_or_else(|| corrupt("list of resources"))?,
        scopes: scopes.ok_or_else(|| corrupt("list of scopes"))?,
        given_at: timestamp(document, "given_at").ok_or_else(|| corrupt("instant"))?,
    })
}
