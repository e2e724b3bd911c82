//! The claims of users in `user_states`: the text of their JSON, and the instant of the last change.

use mongodb::bson::{Document, doc};

use super::collections::{USER_STATES, USERS};
use super::connection::ReadFrom;
use super::document::{date, object_id, state_of, timestamp};
use super::events::KeptEvent;
use super::states::join_state;
use super::{Mongo, within_deadline};
use crate::domain::{Timestamp, UserClaims, UserId};
use crate::store::StoreError;

const CLAIMS: &str = "claims";
const UPDATED_AT: &str = "claims_updated_at";

impl Mongo {
    /// The claims of a user; `None` if there are none, or no such user.
    pub(super) async fn claims_of(&self, id: UserId) -> Result<Option<UserClaims>, StoreError> {
        let pipeline = vec![doc! { "$match": { "_id": object_id(id) } }, doc! { "$limit": 1 }, join_state()];
        let found = self.aggregate(&USERS, ReadFrom::Preferred, pipeline).await?;
        match found.first().and_then(state_of) {
            Some(state) if state.contains_key(CLAIMS) => read(state).map(Some),
            _ => Ok(None),
        }
    }

    /// Writes the claims of a user together with the event.
    pub(super) async fn write_claims(
        &self,
        id: UserId,
        claims: &UserClaims,
        event: Option<&KeptEvent>,
    ) -> Result<(), StoreError> {
        // The text is a literal: a claim could begin with `$`.
        let text = doc! { "$literal": claims.to_store() };
        let mut change = vec![doc! { "$set": { CLAIMS: text, UPDATED_AT: date(claims.updated_at) } }];
        change.extend(event.map(KeptEvent::of_one_write));
        let filter = doc! { "_id": object_id(id) };
        within_deadline(async {
            self.collection(&USER_STATES).await?.update_one(filter, change).upsert(true).await
        })
        .await
        .map(|_| ())
    }
}

fn read(state: &Document) -> Result<UserClaims, StoreError> {
    let updated_at = timestamp(state, UPDATED_AT).unwrap_or(Timestamp::from_secs(0));
    let claims = state.get_str(CLAIMS).ok().and_then(|text| UserClaims::from_store(text, updated_at));
    claims.ok_or_else(|| StoreError::Corrupt("a user's claims are not a JSON object".to_owned()))
}
