//! The table of consents.

use async_trait::async_trait;
use rusqlite::{Connection, OptionalExtension, Row, params};

use super::Sqlite;
use super::changes::Change;
use super::json::{from_json, to_json};
use crate::domain::{ClientId, Consent, Event, RegistrationId, Scopes, Timestamp, UserId};
use crate::store::{Consents, StoreError};

const COLUMNS: &str = "SELECT user, client, registration, scopes, resources, given_at FROM consents";

#[async_trait]
impl Consents for Sqlite {
    async fn find_consent(&self, user: UserId, client: &ClientId) -> Result<Option<Consent>, StoreError> {
        self.upgrade().await?;
        let client = client.as_str().to_owned();
        let query = move |connection: &Connection| {
            connection
                .prepare_cached(&format!("{COLUMNS} WHERE user = ?1 AND client = ?2"))?
                .query_row([user.to_string(), client], Stored::read)
                .optional()
        };
        self.read(query).await?.map(Stored::consent).transpose()
    }

    async fn list_consents(&self, user: UserId, limit: usize) -> Result<Vec<Consent>, StoreError> {
        self.upgrade().await?;
        let query = move |connection: &Connection| {
            connection
                .prepare_cached(&format!("{COLUMNS} WHERE user = ?1 ORDER BY client LIMIT ?2"))?
                .query_map(params![user.to_string(), limit as i64], Stored::read)?
                .collect::<rusqlite::Result<Vec<_>>>()
        };
        self.read(query).await?.into_iter().map(Stored::consent).collect()
    }

    async fn record_consent(&self, consent: &Consent, event: &Event) -> Result<(), StoreError> {
        let (user, client) = (consent.user.to_string(), consent.client.as_str().to_owned());
        let registration = consent.registration.map(|id| id.to_string());
        let resources = to_json(&consent.resources)?;
        let (scopes, given_at) = (consent.scopes.to_string(), consent.given_at.as_millis() as i64);
        let replace = move |connection: &Connection| {
            connection
                .prepare_cached(
                    "REPLACE INTO consents (user, client, registration, scopes, resources, given_at)
                     VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
                )?
                .execute(params![user, client, registration, scopes, resources, given_at])
                .map(|_| Change::Made(()))
        };
        self.change(event, replace).await
    }

    async fn delete_consent(
        &self,
        user: UserId,
        client: &ClientId,
        event: &Event,
    ) -> Result<bool, StoreError> {
        let client = client.as_str().to_owned();
        let delete = move |connection: &Connection| {
            connection
                .prepare_cached("DELETE FROM consents WHERE user = ?1 AND client = ?2")?
                .execute([user.to_string(), client])
        };
        self.change_row(event, delete).await
    }
}

/// A row as SQLite has it.
struct Stored {
    user: String,
    client: String,
    registration: Option<String>,
    scopes: String,
    resources: String,
    given_at: i64,
}

impl Stored {
    fn read(row: &Row<'_>) -> rusqlite::Result<Self> {
        Ok(Self {
            user: row.get("user")?,
            client: row.get("client")?,
            registration: row.get("registration")?,
            scopes: row.get("scopes")?,
            resources: row.get("resources")?,
            given_at: row.get("given_at")?,
        })
    }

    fn consent(self) -> Result<Consent, StoreError> {
        let corrupt = |what: &str| StoreError::Corrupt(format!("a consent's {what} cannot be read"));
        Ok(Consent {
            user: UserId::parse(&self.user).ok_or_else(|| corrupt("user"))?,
            client: ClientId::parse(&self.client).map_err(|_| corrupt("client"))?,
            registration: match self.registration {
                Some(id) => Some(RegistrationId::parse(&id).ok_or_else(|| corrupt("registration"))?),
                None => None,
            },
            scopes: Scopes::parse(&self.scopes).map_err(|_| corrupt("list of scopes"))?,
            resources: from_json(&self.resources)?,
            given_at: Timestamp::from_millis(self.given_at.max(0) as u64),
        })
    }
}
