//! The table of users.

use async_trait::async_trait;
use rusqlite::{Connection, OptionalExtension, Row, params, params_from_iter};

use super::Sqlite;
use super::changes::Change;
use crate::domain::{
    Email, Event, PasswordHash, Sessions, Taken, ThrottledAccount, Timestamp, User, UserClaims, UserId,
    UserKeys, Username,
};
use crate::store::{StoreError, Users};

const COLUMNS: &str =
    "SELECT id, username, email, password_hash, created_at, updated_at, sessions_valid_from FROM users";

#[async_trait]
impl Users for Sqlite {
    async fn create_user(&self, user: &User, event: &Event) -> Result<(), StoreError> {
        let user = user.clone();
        let create = move |connection: &Connection| {
            let keys = UserKeys::of(&user.username, &user.email);
            Ok(match taken(connection, &user, &keys)? {
                Some(taken) => Change::Refused(Err(StoreError::Conflict(taken))),
                None => Change::Made(Ok(insert(connection, &user, &keys)?)),
            })
        };
        self.change(event, create).await?
    }

    async fn find_user_by_id(&self, id: UserId) -> Result<Option<User>, StoreError> {
        self.upgrade().await?;
        let id = id.to_string();
        self.read(move |connection| user_with_id(connection, &id)).await?.transpose()
    }

    async fn find_user_by_username(&self, username: &Username) -> Result<Option<User>, StoreError> {
        let query =
            format!("{COLUMNS} WHERE username = ?1 OR username_key = ?2 ORDER BY username = ?1 DESC LIMIT 2");
        let found = self.find_users(query, vec![Some(username.to_string()), username.key()]).await?;
        Ok(exact_or_only(found, |user| user.username == *username))
    }

    async fn find_user_by_email(&self, email: &Email) -> Result<Option<User>, StoreError> {
        let query = format!("{COLUMNS} WHERE email = ?1 OR email_key = ?2 ORDER BY email = ?1 DESC LIMIT 2");
        let found = self.find_users(query, vec![Some(email.to_string()), Some(email.key())]).await?;
        Ok(exact_or_only(found, |user| user.email == *email))
    }

    async fn list_users(&self, after: Option<UserId>, limit: usize) -> Result<Vec<User>, StoreError> {
        self.upgrade().await?;
        let after = after.map(|id| id.to_string()).unwrap_or_default();
        let rows = self.read(move |connection| {
            connection
                .prepare_cached(&format!("{COLUMNS} WHERE id > ?1 ORDER BY id LIMIT ?2"))?
                .query_map(params![after, limit as i64], stored)?
                .collect::<rusqlite::Result<Vec<_>>>()
        });
        rows.await?.into_iter().collect()
    }

    async fn replace_hash_if(
        &self,
        id: UserId,
        old: &PasswordHash,
        new: &PasswordHash,
        event: &Event,
    ) -> Result<bool, StoreError> {
        let (old, new, now) = (old.clone(), new.clone(), event.at);
        let replace = move |connection: &Connection| {
            connection
                .prepare_cached(
                    "UPDATE users SET password_hash = ?1, updated_at = ?2 WHERE id = ?3 AND password_hash = ?4",
                )?
                .execute(params![new.expose(), now.as_millis() as i64, id.to_string(), old.expose()])
        };
        self.change_row(event, replace).await
    }

    async fn replace_password_if(
        &self,
        id: UserId,
        old: &PasswordHash,
        new: &PasswordHash,
        valid_from: Timestamp,
        event: &Event,
    ) -> Result<bool, StoreError> {
        let (old, new, now) = (old.clone(), new.clone(), event.at);
        let replace = move |connection: &Connection| {
            connection
                .prepare_cached(
                    "UPDATE users SET password_hash = ?1, updated_at = ?2,
                     sessions_valid_from = max(?3, sessions_valid_from + 1)
                     WHERE id = ?4 AND password_hash = ?5",
                )?
                .execute(params![
                    new.expose(),
                    now.as_millis() as i64,
                    valid_from.as_secs() as i64,
                    id.to_string(),
                    old.expose()
                ])
        };
        self.change_row(event, replace).await
    }

    async fn end_sessions(
        &self,
        id: UserId,
        valid_from: Timestamp,
        event: &Event,
    ) -> Result<bool, StoreError> {
        let end = move |connection: &Connection| {
            connection
                .prepare_cached(
                    "UPDATE users SET sessions_valid_from = max(?1, sessions_valid_from + 1) WHERE id = ?2",
                )?
                .execute(params![valid_from.as_secs() as i64, id.to_string()])
        };
        self.change_row(event, end).await
    }

    async fn find_user_claims(&self, id: UserId) -> Result<Option<UserClaims>, StoreError> {
        self.upgrade().await?;
        let row = self.read(move |connection| {
            connection
                .prepare_cached("SELECT claims, updated_at FROM user_claims WHERE user = ?1")?
                .query_row([id.to_string()], |row| Ok((row.get::<_, String>(0)?, row.get::<_, i64>(1)?)))
                .optional()
        });
        let Some((claims, updated_at)) = row.await? else { return Ok(None) };
        let claims = UserClaims::from_store(&claims, Timestamp::from_millis(updated_at.max(0) as u64));
        claims
            .map(Some)
            .ok_or_else(|| StoreError::Corrupt("a user's claims are not a JSON object".to_owned()))
    }

    async fn record_user_claims(
        &self,
        id: UserId,
        claims: &UserClaims,
        event: &Event,
    ) -> Result<bool, StoreError> {
        let (text, updated_at) = (claims.to_store(), claims.updated_at);
        let record = move |connection: &Connection| {
            connection
                .prepare_cached(
                    "INSERT INTO user_claims (user, claims, updated_at) SELECT id, ?2, ?3 FROM users WHERE id = ?1
                     ON CONFLICT (user) DO UPDATE SET claims = excluded.claims, updated_at = excluded.updated_at",
                )?
                .execute(params![id.to_string(), text, updated_at.as_millis() as i64])
        };
        self.change_row(event, record).await
    }

    async fn delete_user(&self, id: UserId, event: &Event) -> Result<bool, StoreError> {
        let erased = self.writer.erased();
        let delete = move |connection: &Connection| {
            erased.note();
            connection
                .prepare_cached("DELETE FROM login_throttles WHERE account = ?1")?
                .execute([ThrottledAccount::User(id).to_string()])?;
            for of_user in [
                "DELETE FROM grants WHERE user = ?1",
                "DELETE FROM browser_sessions WHERE user = ?1",
                "DELETE FROM consents WHERE user = ?1",
                "DELETE FROM user_claims WHERE user = ?1",
            ] {
                connection.prepare_cached(of_user)?.execute([id.to_string()])?;
            }
            connection.prepare_cached("DELETE FROM users WHERE id = ?1")?.execute([id.to_string()])
        };
        self.change_row(event, delete).await
    }
}

impl Sqlite {
    async fn find_users(&self, query: String, values: Vec<Option<String>>) -> Result<Vec<User>, StoreError> {
        self.upgrade().await?;
        let rows = self.read(move |connection| {
            connection
                .prepare_cached(&query)?
                .query_map(params_from_iter(values), stored)?
                .collect::<rusqlite::Result<Vec<_>>>()
        });
        rows.await?.into_iter().collect()
    }
}

/// The user with this id; the inner error is for a row that the service did not write.
pub(super) fn user_with_id(
    connection: &Connection,
    id: &str,
) -> rusqlite::Result<Option<Result<User, StoreError>>> {
    connection.prepare_cached(&format!("{COLUMNS} WHERE id = ?1"))?.query_row([id], stored).optional()
}

/// The user with exactly the name or address that the caller looks for, who comes first; or else the only
/// user that was found.
fn exact_or_only(found: Vec<User>, is_exact: impl Fn(&User) -> bool) -> Option<User> {
    let alone = found.len() == 1;
    found.into_iter().next().filter(|user| alone || is_exact(user))
}

/// The value of a new user that another user has. The writer's transaction holds the lock, so that this stays
/// true until its end. An ASCII name (one with a `username_key`) is compared by its looks only with names
/// that have no such key.
const TAKEN: &str = "SELECT
    EXISTS (SELECT 1 FROM users WHERE id = ?1) AS id,
    EXISTS (SELECT 1 FROM users WHERE username = ?2)
        OR EXISTS (SELECT 1 FROM users WHERE username_key = ?3)
        OR EXISTS (SELECT 1 FROM users WHERE skeleton IN (?4, ?5) AND username_key IS NULL)
        OR EXISTS (SELECT 1 FROM users WHERE skeleton_lower IN (?4, ?5) AND username_key IS NULL)
        OR (?3 IS NULL AND EXISTS (SELECT 1 FROM users WHERE skeleton IN (?4, ?5)))
        OR (?3 IS NULL AND EXISTS (SELECT 1 FROM users WHERE skeleton_lower IN (?4, ?5))) AS username,
    EXISTS (SELECT 1 FROM users WHERE email = ?6) OR EXISTS (SELECT 1 FROM users WHERE email_key = ?7)
        AS email";

fn taken(connection: &Connection, user: &User, keys: &UserKeys) -> rusqlite::Result<Option<Taken>> {
    let [skeleton, skeleton_lower] = &keys.skeletons;
    let (id, name, address) = (user.id.to_string(), user.username.as_str(), user.email.as_str());
    let values = params![id, name, keys.username, skeleton, skeleton_lower, address, keys.email];
    connection.prepare_cached(TAKEN)?.query_row(values, |row| {
        for (column, taken) in [("id", Taken::UserId), ("username", Taken::Username), ("email", Taken::Email)]
        {
            if row.get(column)? {
                return Ok(Some(taken));
            }
        }
        Ok(None)
    })
}

fn insert(connection: &Connection, user: &User, keys: &UserKeys) -> rusqlite::Result<()> {
    let [skeleton, skeleton_lower] = &keys.skeletons;
    connection
        .prepare_cached(
            "INSERT INTO users
             (id, username, email, password_hash, created_at, updated_at, sessions_valid_from,
              username_key, email_key, skeleton, skeleton_lower)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)",
        )?
        .execute(params![
            user.id.to_string(),
            user.username.as_str(),
            user.email.as_str(),
            user.password_hash.expose(),
            user.created_at.as_millis() as i64,
            user.updated_at.as_millis() as i64,
            user.sessions.valid_from.as_secs() as i64,
            keys.username,
            keys.email,
            skeleton,
            skeleton_lower,
        ])
        .map(|_| ())
}

/// A row as a user; the inner error is for a row that the service did not write.
fn stored(row: &Row<'_>) -> rusqlite::Result<Result<User, StoreError>> {
    let id: String = row.get("id")?;
    let user = |id| -> rusqlite::Result<User> {
        Ok(User {
            id,
            username: Username::from_store(row.get("username")?),
            email: Email::from_store(row.get("email")?),
            password_hash: PasswordHash::from_text(row.get("password_hash")?),
            created_at: Timestamp::from_millis(row.get::<_, i64>("created_at")?.max(0) as u64),
            updated_at: Timestamp::from_millis(row.get::<_, i64>("updated_at")?.max(0) as u64),
            sessions: Sessions {
                valid_from: Timestamp::from_secs(row.get::<_, i64>("sessions_valid_from")?.max(0) as u64),
                ..Sessions::ALL
            },
        })
    };
    match UserId::parse(&id) {
        Some(id) => user(id).map(Ok),
        None => Ok(Err(StoreError::Corrupt("a user's id is not 24 hex digits".to_owned()))),
    }
}
