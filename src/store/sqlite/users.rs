//! The users' table.

use async_trait::async_trait;
use rusqlite::{OptionalExtension, Row, params};

use super::Sqlite;
use crate::domain::{Email, PasswordHash, Timestamp, User, UserId, Username};
use crate::store::{StoreError, Users};

const COLUMNS: &str = "SELECT id, username, email, password_hash, created_at, updated_at FROM users";

#[async_trait]
impl Users for Sqlite {
    async fn create_user(&self, user: &User) -> Result<(), StoreError> {
        let user = user.clone();
        self.writer
            .run(move |connection| {
                connection
                    .prepare_cached("INSERT INTO users VALUES (?1, ?2, ?3, ?4, ?5, ?6)")?
                    .execute(params![
                        user.id.to_string(),
                        user.username.as_str(),
                        user.email.as_str(),
                        user.password_hash.expose(),
                        user.created_at.as_millis() as i64,
                        user.updated_at.as_millis() as i64,
                    ])
                    .map(|_| ())
            })
            .await
    }

    async fn find_user_by_id(&self, id: UserId) -> Result<Option<User>, StoreError> {
        self.find_user("id", id.to_string()).await
    }

    async fn find_user_by_username(&self, username: &Username) -> Result<Option<User>, StoreError> {
        self.find_user("username", username.to_string()).await
    }

    async fn find_user_by_email(&self, email: &Email) -> Result<Option<User>, StoreError> {
        self.find_user("email", email.to_string()).await
    }

    async fn list_users(&self, after: Option<UserId>, limit: usize) -> Result<Vec<User>, StoreError> {
        let after = after.map(|id| id.to_string()).unwrap_or_default();
        let rows = self.readers.run(&self.writer, move |connection| {
            connection
                .prepare_cached(&format!("{COLUMNS} WHERE id > ?1 ORDER BY id LIMIT ?2"))?
                .query_map(params![after, limit as i64], stored)?
                .collect::<rusqlite::Result<Vec<_>>>()
        });
        rows.await?.into_iter().collect()
    }

    async fn replace_password_if(
        &self,
        id: UserId,
        old: &PasswordHash,
        new: &PasswordHash,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        let (old, new) = (old.clone(), new.clone());
        self.writer
            .run(move |connection| {
                connection
                    .prepare_cached(
                        "UPDATE users SET password_hash = ?1, updated_at = ?2 WHERE id = ?3 AND password_hash = ?4",
                    )?
                    .execute(params![new.expose(), now.as_millis() as i64, id.to_string(), old.expose()])
            })
            .await
            .map(|rows| rows == 1)
    }

    async fn delete_user(&self, id: UserId) -> Result<bool, StoreError> {
        self.writer
            .run(move |connection| {
                connection.prepare_cached("DELETE FROM users WHERE id = ?1")?.execute([id.to_string()])
            })
            .await
            .map(|rows| rows == 1)
    }
}

impl Sqlite {
    /// `column` is one of ours, never a caller's.
    async fn find_user(&self, column: &'static str, value: String) -> Result<Option<User>, StoreError> {
        let row = self.readers.run(&self.writer, move |connection| {
            connection
                .prepare_cached(&format!("{COLUMNS} WHERE {column} = ?1"))?
                .query_row([value], stored)
                .optional()
        });
        row.await?.transpose()
    }
}

/// A row as a user; the inner error is for a row that the service did not write.
fn stored(row: &Row<'_>) -> rusqlite::Result<Result<User, StoreError>> {
    let id: String = row.get(0)?;
    let user = |id| -> rusqlite::Result<User> {
        Ok(User {
            id,
            username: Username::from_store(row.get(1)?),
            email: Email::from_store(row.get(2)?),
            password_hash: PasswordHash::from_text(row.get(3)?),
            created_at: Timestamp::from_millis(row.get::<_, i64>(4)?.max(0) as u64),
            updated_at: Timestamp::from_millis(row.get::<_, i64>(5)?.max(0) as u64),
        })
    };
    match UserId::parse(&id) {
        Some(id) => user(id).map(Ok),
        None => Ok(Err(StoreError::Corrupt("a user's id is not 24 hex digits".to_owned()))),
    }
}
