//! Changes that a crash cut off between the writes of MongoDB: the relay looks at the user, and stores or removes the event.

use std::sync::Arc;

use jwt_generator::domain::{Event, EventKind, Timestamp};
use jwt_generator::store::mongo::EventDocuments;
use jwt_generator::store::{Events, Users};
use mongodb::bson::oid::ObjectId;
use mongodb::bson::{Document, doc};

use super::contract::{event, hash, registered, user};
use super::event_log::all;
use super::event_store::RecordedEvents;
use super::races::{Race, SLOW};
use crate::support::Fault;

async fn begin() -> Race {
    let events = Arc::<RecordedEvents>::default();
    events.store();
    Race::begin_with(events as Arc<dyn EventDocuments>).await
}

fn id(n: u8) -> ObjectId {
    ObjectId::from_bytes(*user(n).id.as_bytes())
}

/// Cuts a change off when its event is in the intents and the change is not made yet.
async fn cut_off(race: &Race, event: &Event, change: impl Future<Output = ()> + Send + 'static) {
    race.proxy.set(SLOW);
    let changing = tokio::spawn(change);
    race.until("user_states", doc! { "intents.kind": event.kind.name() }).await;
    changing.abort();
    assert!(changing.await.unwrap_err().is_cancelled());
    race.proxy.set(Fault::None);
    // The connection of the cut-off change is closed; another one is there before the line is slow again.
    race.far.find_user_by_id(user(1).id).await.unwrap();
}

/// Whether the event is in the chain, a minute after it happened; before that, it waits.
async fn is_stored(race: &Race, event: &Event) -> bool {
    let waits = doc! { "intents.kind": event.kind.name() };
    race.far.relay_events(event.at.plus_secs(59)).await.unwrap();
    assert!(race.states.find_one(waits.clone()).await.unwrap().is_some(), "the change may be under way");
    race.far.relay_events(event.at.plus_secs(60)).await.unwrap();
    assert_eq!(race.states.find_one(waits).await.unwrap(), None);
    all(race.far.as_ref()).await.iter().any(|stored| stored.id == event.id)
}

#[tokio::test]
async fn the_event_of_a_change_that_was_cut_off_is_stored_if_the_user_shows_the_change() {
    let race = begin().await;
    let (mut at, mut current) = (Timestamp::from_secs(1_900_000_000), 1);
    for kind in [EventKind::HashStrengthened, EventKind::PasswordChanged] {
        for is_made in [false, true] {
            at = at.plus_secs(1000);
            let (event, far, old) = (event(kind, 1, at), Arc::clone(&race.far), hash(current));
            let change = event.clone();
            cut_off(&race, &event, async move {
                let id = user(1).id;
                match change.kind {
                    EventKind::HashStrengthened => far.replace_hash_if(id, &old, &hash(9), &change).await,
                    _ => far.replace_password_if(id, &old, &hash(8), change.at, &change).await,
                }
                .unwrap();
            })
            .await;
            if is_made {
                current = if kind == EventKind::HashStrengthened { 9 } else { 8 };
                let made = doc! { "$set": { "password": hash(current).expose() } };
                race.users.update_one(doc! { "_id": id(1) }, made).await.unwrap();
            }
            assert_eq!(is_stored(&race, &event).await, is_made, "{kind:?}");
        }
    }
}

/// Another change of the hash comes before the relay: then the hash of the first one is no longer to be seen.
#[tokio::test]
async fn the_event_of_a_change_that_was_cut_off_is_stored_if_another_change_builds_on_it() {
    let race = begin().await;
    let at = |secs: u64| Timestamp::from_secs(1_900_000_000 + secs);
    let first = event(EventKind::HashStrengthened, 1, at(0));
    let (far, change) = (Arc::clone(&race.far), first.clone());
    cut_off(&race, &first, async move {
        far.replace_hash_if(user(1).id, &hash(1), &hash(2), &change).await.unwrap();
    })
    .await;
    let made = doc! { "$set": { "password": hash(2).expose() } };
    race.users.update_one(doc! { "_id": id(1) }, made).await.unwrap();
    let second = event(EventKind::PasswordChanged, 1, at(1));
    assert!(race.far.replace_password_if(user(1).id, &hash(2), &hash(3), at(1), &second).await.unwrap());
    let ids: Vec<_> = all(race.far.as_ref()).await.iter().map(|event| event.id).collect();
    assert_eq!(ids, [registered(1).id, first.id, second.id]);
}

#[tokio::test]
async fn a_deletion_that_was_cut_off_is_finished_or_forgotten() {
    let race = begin().await;
    for is_made in [false, true] {
        let deleted =
            event(EventKind::UserDeleted, 1, Timestamp::from_secs(1_900_000_000 + u64::from(is_made)));
        let (far, change) = (Arc::clone(&race.far), deleted.clone());
        cut_off(&race, &deleted, async move {
            far.delete_user(user(1).id, &change).await.unwrap();
        })
        .await;
        assert_eq!(race.far.list_person_keys(&[user(1).id]).await.unwrap().len(), 1);
        if is_made {
            race.users.delete_one(doc! { "_id": id(1) }).await.unwrap();
        }
        assert_eq!(is_stored(&race, &deleted).await, is_made);
    }
    assert_eq!(race.far.list_person_keys(&[user(1).id]).await.unwrap().len(), 0, "the key is gone");
    let state: Option<Document> = race.states.find_one(doc! { "_id": id(1) }).await.unwrap();
    assert_eq!(state, None, "nothing is left of the user");
}

#[tokio::test]
async fn a_registration_that_was_cut_off_is_a_user_with_an_event_or_nothing() {
    let race = begin().await;
    for (n, is_made) in [(3, false), (4, true)] {
        let registered = registered(n);
        let (far, change) = (Arc::clone(&race.far), registered.clone());
        cut_off(&race, &registered, async move {
            far.create_user(&user(n), &change).await.unwrap();
        })
        .await;
        if is_made {
            let (name, email) = (user(n).username, user(n).email);
            let made =
                doc! { "_id": id(n), "username": name.as_str(), "email": email.as_str(), "password": "x" };
            race.users.insert_one(made).await.unwrap();
        }
        assert_eq!(is_stored(&race, &registered).await, is_made);
        let state: Option<Document> = race.states.find_one(doc! { "_id": id(n) }).await.unwrap();
        assert_eq!(state.is_some(), is_made);
    }
}
