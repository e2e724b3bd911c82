//! What registration relies on: the indexes, and the keys of users that other programs wrote. The original goes on
//! writing users while both run, and knows nothing of keys.

use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use mongodb::bson::oid::ObjectId;
use mongodb::bson::{Document, doc};
use mongodb::error::{Error, ErrorKind};
use mongodb::options::IndexOptions;
use mongodb::{Collection, IndexModel};

use super::document::{from_document, state_of};
use super::states::join_state;
use super::user_keys::keys_of;
use super::{Connection, Mongo, duplicate, within_deadline};
use crate::domain::UserKeys;
use crate::store::StoreError;

/// Making indexes and keys may take so long before a registration that waits for them is refused; the work goes on.
const PREPARING: Duration = Duration::from_secs(10);
/// Between two tries to prepare.
const PAUSE: Duration = Duration::from_secs(30);
/// Users that another program wrote are looked for this often at the most.
const BETWEEN_LOOKS: Duration = Duration::from_secs(5);
/// Users in one reading.
const PAGE: usize = 500;
/// Ids begin with the second in which they were made, on another machine's clock: so many seconds are looked at again.
const OVERLAP: u32 = 60;
/// The same at the start of a process.
const OVERLAP_AT_START: u32 = 24 * 60 * 60;
/// Seconds of ids after which the database is told again.
const BETWEEN_NOTES: u32 = 60 * 60;
/// The document in `user_states` that says up to which id users have keys; its `_id` is no user's.
const PROGRESS: &str = "progress";

/// Up to where this process has seen users with keys, and when it last looked.
#[derive(Debug, Default)]
pub(super) struct Looked {
    through: Option<ObjectId>,
    at: Option<Instant>,
    /// What the database says of it.
    noted: Option<ObjectId>,
}

impl Mongo {
    /// Makes the indexes, once per process, and gives keys to users without keys, as often as that can matter.
    pub(super) async fn prepare(&self) -> Result<(), StoreError> {
        let make = || async { make_indexes(self.connection().await?).await };
        let prepare = async {
            let made = self.0.indexed.get_or_try_init(make).await;
            made.map_err(|error| StoreError::Unavailable(error.into()))?;
            self.give_keys_to_newcomers().await
        };
        match tokio::time::timeout(PREPARING, prepare).await {
            Ok(prepared) => prepared?,
            Err(elapsed) => return Err(StoreError::Unavailable(elapsed.into())),
        }
        self.0.prepared.store(true, Ordering::Release);
        Ok(())
    }

    /// Begins to prepare, unless that is done or under way: a large collection takes its time.
    pub(super) fn begin_to_prepare(&self) {
        let prepared = || self.0.prepared.load(Ordering::Acquire);
        if prepared() || self.0.preparing.swap(true, Ordering::AcqRel) {
            return;
        }
        let store = self.clone();
        tokio::spawn(async move {
            if store.prepare().await.is_err() {
                tokio::time::sleep(PAUSE).await;
            }
            store.0.preparing.store(false, Ordering::Release);
        });
    }

    /// Gives keys to users that another program wrote or renamed. What was done is kept when this is cut short.
    async fn give_keys_to_newcomers(&self) -> Result<(), StoreError> {
        let mut looked = self.0.looked.lock().await;
        if looked.at.is_some_and(|at| at.elapsed() < BETWEEN_LOOKS) {
            return Ok(());
        }
        let nowhere = ObjectId::from_bytes([0; 12]);
        if looked.through.is_none() {
            looked.noted = self.progress().await?;
        }
        let mut after = match (looked.through, looked.noted) {
            (Some(through), _) => earlier(through, OVERLAP),
            (None, Some(noted)) => earlier(noted, OVERLAP_AT_START),
            (None, None) => nowhere,
        };
        loop {
            let documents = self.users_after(after).await?;
            self.give_keys_to(&documents).await?;
            let last = documents.last().and_then(|document| document.get_object_id("_id").ok());
            let Some(last) = last else { break };
            after = last;
            looked.through = looked.through.max(Some(last));
            if looked.noted.is_none_or(|noted| last > later(noted, BETWEEN_NOTES)) {
                self.note_progress(last).await?;
                looked.noted = Some(last);
            }
            if documents.len() < PAGE {
                break;
            }
        }
        looked.at = Some(Instant::now());
        Ok(())
    }

    /// The names and addresses of the next users behind an id, with their states.
    async fn users_after(&self, after: ObjectId) -> Result<Vec<Document>, StoreError> {
        let page = vec![
            doc! { "$match": { "_id": { "$type": "objectId", "$gt": after } } },
            doc! { "$sort": { "_id": 1 } },
            doc! { "$limit": PAGE as i64 },
            doc! { "$project": { "username": 1, "email": 1 } },
            join_state(),
        ];
        self.aggregate(|connection| &connection.users_at_primary, page).await
    }

    async fn give_keys_to(&self, documents: &[Document]) -> Result<(), StoreError> {
        for document in documents {
            let Some(user) = from_document(document) else { continue };
            let keys = UserKeys::of(&user.username, &user.email);
            if state_of(document).and_then(keys_of).as_ref() != Some(&keys) {
                self.give_keys(user.id, &keys).await?;
            }
        }
        Ok(())
    }

    async fn progress(&self) -> Result<Option<ObjectId>, StoreError> {
        let filter = doc! { "_id": PROGRESS };
        let found = self.find_one(|connection| &connection.states_at_primary, filter).await?;
        Ok(found.and_then(|progress| progress.get_object_id("through").ok()))
    }

    async fn note_progress(&self, through: ObjectId) -> Result<(), StoreError> {
        let (filter, change) = (doc! { "_id": PROGRESS }, doc! { "$max": { "through": through } });
        within_deadline(async { self.states().await?.update_one(filter, change).upsert(true).await })
            .await
            .map(|_| ())
    }
}

/// The first id of so many seconds earlier.
fn earlier(id: ObjectId, seconds: u32) -> ObjectId {
    first_of(made_at(id).saturating_sub(seconds))
}

/// The first id of so many seconds later.
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

/// The original's indexes have the same names and the same keys.
async fn make_indexes(connection: &Connection) -> Result<(), Error> {
    let unique = |keys: Document, of: Option<&str>| {
        let partial = of.map(|field| doc! { field: { "$exists": true } });
        let options = IndexOptions::builder().unique(true).partial_filter_expression(partial).build();
        IndexModel::builder().keys(keys).options(options).build()
    };
    let of_users = [unique(doc! { "username": 1 }, None), unique(doc! { "email": 1 }, None)];
    let of_states = [
        unique(doc! { "username_key": 1, "username_twin": 1 }, Some("username_key")),
        unique(doc! { "email_key": 1, "email_twin": 1 }, Some("email_key")),
        IndexModel::builder().keys(doc! { "skeletons": 1, "username_key": 1 }).build(),
    ];
    make(&connection.users, of_users.to_vec()).await?;
    make(&connection.states, of_states.to_vec()).await
}

async fn make(collection: &Collection<Document>, indexes: Vec<IndexModel>) -> Result<(), Error> {
    let made = collection.create_indexes(indexes).await;
    made.map(|_| ()).inspect_err(|error| tell_indexes(collection.name(), error))
}

/// Says why registration is off, where it is not for want of a server.
fn tell_indexes(collection: &str, error: &Error) {
    if duplicate(error).is_some() {
        tracing::error!(
            "users share a username or an e-mail, so registration is off: \
             remove the duplicates from the collection '{collection}'"
        );
    } else if let ErrorKind::Command(ref refused) = *error.kind {
        tracing::error!(
            code = refused.code,
            reason = refused.code_name,
            "the indexes of the collection '{collection}' cannot be made, so registration is off: \
             make them by hand, or let this database user create indexes"
        );
    }
}
