//! The answers of endpoints that are kept. An endpoint may repeat what it got, so the answer to a message about a user is sealed
//! under the key of that user, as the personal details of the event are. When the user is deleted, the key is destroyed, and the
//! answer is gone.

use std::collections::{BTreeMap, BTreeSet};

use crate::domain::{Delivery, EventId, UserId};
use crate::entropy::Entropy;
use crate::event_record::{PersonKey, SealError};
use crate::store::{Events, StoreError};

/// Whom the message concerns to which an endpoint answers.
pub(super) enum Concerned {
    /// No user.
    NoUser,
    /// This user.
    User(UserId, PersonKey),
    /// A user who was deleted.
    DeletedUser,
}

impl Concerned {
    /// What is stored of an answer, and the id of the user under whose key it is sealed. Of an answer about a deleted user,
    /// nothing is stored.
    ///
    /// # Errors
    /// [`SealError::Failed`] and [`SealError::Entropy`].
    pub(super) fn stored(
        &self,
        event: EventId,
        answer: String,
        entropy: &Entropy,
    ) -> Result<(String, Option<String>), SealError> {
        match self {
            Self::User(user, key) if !answer.is_empty() => {
                Ok((key.seal(event, &answer, entropy)?, Some(user.to_string())))
            }
            Self::DeletedUser => Ok((String::new(), None)),
            Self::NoUser | Self::User(..) => Ok((answer, None)),
        }
    }
}

/// Opens the answers in these deliveries. An answer whose user was deleted becomes empty and keeps its person.
pub(super) async fn open_answers(events: &dyn Events, deliveries: &mut [Delivery]) -> Result<(), StoreError> {
    let attempts = deliveries.iter().flat_map(|delivery| &delivery.attempts);
    let persons: BTreeSet<_> =
        attempts.filter_map(|attempt| attempt.person.as_deref()).filter_map(UserId::parse).collect();
    if persons.is_empty() {
        return Ok(());
    }
    let keys = events.list_person_keys(&persons.into_iter().collect::<Vec<_>>()).await?;
    let keys: BTreeMap<_, _> = keys.into_iter().map(|(user, key)| (user.to_string(), key)).collect();
    for delivery in deliveries {
        for attempt in &mut delivery.attempts {
            let Some(person) = &attempt.person else { continue };
            let opened = keys.get(person).and_then(|key| key.open(delivery.event, &attempt.answer).ok());
            match opened {
                Some(answer) => (attempt.answer, attempt.person) = (answer.to_string(), None),
                None => attempt.answer.clear(),
            }
        }
    }
    Ok(())
}
