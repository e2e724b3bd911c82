//! Fills the columns of version 4 for the existing users, beginning with the oldest.

use rusqlite::{Connection, params};

use crate::domain::{Email, UserKeys, Username};

/// The most users in memory at once.
const USERS_PER_PAGE: usize = 500;

const FILL: &str = "UPDATE users SET
    username_key = ?2, email_key = ?3, skeleton = ?4, skeleton_lower = ?5,
    username_twin = iif(EXISTS (SELECT 1 FROM users WHERE username_key = ?2), id, ''),
    email_twin = iif(EXISTS (SELECT 1 FROM users WHERE email_key = ?3), id, '')
    WHERE id = ?1";

pub(super) fn fill_user_keys(connection: &Connection) -> rusqlite::Result<()> {
    let mut page =
        connection.prepare("SELECT id, username, email FROM users WHERE id > ?1 ORDER BY id LIMIT ?2")?;
    let mut fill = connection.prepare(FILL)?;
    let mut after = String::new();
    loop {
        let users = page
            .query_map(params![after, USERS_PER_PAGE as i64], |row| {
                Ok((row.get(0)?, row.get(1)?, row.get(2)?))
            })?
            .collect::<rusqlite::Result<Vec<(String, String, String)>>>()?;
        for (id, username, email) in &users {
            let keys =
                UserKeys::of(&Username::from_store(username.clone()), &Email::from_store(email.clone()));
            let [skeleton, skeleton_lower] = keys.skeletons;
            fill.execute(params![id, keys.username, keys.email, skeleton, skeleton_lower])?;
        }
        match users.into_iter().next_back() {
            Some((last, _, _)) => after = last,
            None => return Ok(()),
        }
    }
}
