//! The original's user document, which this program reads leniently and writes exactly as mongoose does
//! (`__v`, camel case, BSON dates), and this program's own records as documents.

use mongodb::bson::oid::ObjectId;
use mongodb::bson::{DateTime, Document, deserialize_from_document, doc};
use serde::de::DeserializeOwned;

use crate::domain::{Email, PasswordHash, Sessions, Timestamp, User, UserId, Username};
use crate::store::StoreError;

/// The member in which a join puts the data that this program has about a user besides the document.
pub(super) const JOINED: &str = "user_state";

pub(super) fn object_id(id: UserId) -> ObjectId {
    ObjectId::from_bytes(*id.as_bytes())
}

pub(super) fn date(at: Timestamp) -> DateTime {
    DateTime::from_millis(at.as_millis() as i64)
}

pub(super) fn to_document(user: &User) -> Document {
    doc! {
        "_id": object_id(user.id),
        "username": user.username.as_str(),
        "email": user.email.as_str(),
        "password": user.password_hash.expose(),
        "createdAt": date(user.created_at),
        "updatedAt": date(user.updated_at),
        "__v": 0,
    }
}

/// A document with its joined state as a user; `None` if its id is not an ObjectId, because no token can name
/// it. A missing or strange password becomes one that nothing matches; missing dates are taken from the id.
pub(super) fn from_document(document: &Document) -> Option<User> {
    let id = document.get_object_id("_id").ok()?;
    let text = |field: &str| document.get_str(field).unwrap_or_default().to_owned();
    let instant = |field: &str| {
        let made = || Timestamp::from_millis(id.timestamp().timestamp_millis().max(0) as u64);
        timestamp(document, field).unwrap_or_else(made)
    };
    Some(User {
        id: UserId::from_bytes(id.bytes()),
        username: Username::from_store(text("username")),
        email: Email::from_store(text("email")),
        password_hash: PasswordHash::from_text(text("password")),
        created_at: instant("createdAt"),
        updated_at: instant("updatedAt"),
        sessions: state_of(document).map_or(Sessions::ALL, sessions),
    })
}

/// The state that a join put beside a user's document.
pub(super) fn state_of(document: &Document) -> Option<&Document> {
    document.get_array(JOINED).ok()?.first()?.as_document()
}

fn sessions(state: &Document) -> Sessions {
    let instant = |field: &str| timestamp(state, field).unwrap_or(Timestamp::from_secs(0));
    Sessions { valid_from: instant("sessions_valid_from"), ending: instant("sessions_ending") }
}

pub(super) fn timestamp(document: &Document, field: &str) -> Option<Timestamp> {
    let date = document.get_datetime(field).ok()?;
    Some(Timestamp::from_millis(date.timestamp_millis().max(0) as u64))
}

/// A record of this program, which was written with its own members and an `_id`.
pub(super) fn from_record<T: DeserializeOwned>(mut document: Document) -> Result<T, StoreError> {
    document.remove("_id");
    deserialize_from_document(document).map_err(|error| StoreError::Corrupt(error.to_string()))
}

#[cfg(test)]
mod tests {
    use mongodb::bson::{Bson, doc};

    use super::{from_document, to_document};
    use crate::domain::UserId;

    #[test]
    fn a_document_comes_back_as_it_was_written() {
        let id = UserId::parse("6b04cb1f00400f2ea8d6fe53").unwrap();
        let written = doc! { "_id": super::object_id(id), "username": "alice", "email": "a@b.c", "password": "$2a$10$x",
        "createdAt": mongodb::bson::DateTime::from_millis(1_795_476_255_975),
        "updatedAt": mongodb::bson::DateTime::from_millis(1_795_476_255_976), "__v": 0 };
        assert_eq!(to_document(&from_document(&written).unwrap()), written);
    }

    #[test]
    fn a_damaged_document_is_a_user_with_whom_no_log_in_succeeds() {
        let id = super::object_id(UserId::parse("6b04cb1f00400f2ea8d6fe53").unwrap());
        for password in [Bson::Null, Bson::Int32(7), Bson::Array(vec![])] {
            let user = from_document(&doc! { "_id": id, "username": "x", "password": password }).unwrap();
            assert_eq!(user.password_hash.expose(), "");
            assert_eq!(user.created_at.as_secs(), 0x6b04_cb1f);
        }
        assert_eq!(from_document(&doc! { "_id": "6b04cb1f00400f2ea8d6fe53" }), None);
    }
}
