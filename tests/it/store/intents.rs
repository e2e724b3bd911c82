//! The data that MongoDB has about events in `user_states`: before the change, and after a crash.

use std::sync::Arc;

use jwt_generator::domain::{EventKind, User};
use jwt_generator::store::Users;
use jwt_generator::store::mongo::{EventDocuments, Mongo};
use mongodb::Client;
use mongodb::bson::oid::ObjectId;
use mongodb::bson::spec::BinarySubtype;
use mongodb::bson::{Binary, Bson, Document, doc};

use super::contract::{changed, event, hash, registered, user};
use super::event_store::RecordedEvents;
use super::races::{Race, SLOW};
use crate::support::{Fault, mongod};

fn keeping() -> Arc<RecordedEvents> {
    let events = Arc::<RecordedEvents>::default();
    events.keep();
    events
}

/// An instance that ends between the two writes leaves the event beside a change that it may or may not have made.
#[tokio::test]
async fn an_event_lasts_before_its_change_is_made() {
    let race = Race::begin_with(keeping() as Arc<dyn EventDocuments>).await;
    for kind in [EventKind::HashStrengthened, EventKind::PasswordChanged, EventKind::UserDeleted] {
        race.proxy.set(SLOW);
        let (far, change) = (Arc::clone(&race.far), changed(kind, 1));
        let changing = tokio::spawn(async move {
            let id = user(1).id;
            match kind {
                EventKind::HashStrengthened => far.replace_hash_if(id, &hash(1), &hash(2), &change).await,
                EventKind::PasswordChanged => {
                    far.replace_password_if(id, &hash(1), &hash(2), change.at, &change).await
                }
                _ => far.delete_user(id, &change).await,
            }
        });
        race.until("user_states", doc! { "intents.kind": format!("{kind:?}") }).await;
        // It does not know yet that the event is written, and ends here.
        changing.abort();
        assert!(changing.await.unwrap_err().is_cancelled());
        let found = race.near.find_user_by_id(user(1).id).await.unwrap().unwrap();
        assert_eq!(found.password_hash, hash(1), "the change is not made before its event is there");
        race.proxy.set(Fault::None);
        // The connection of the cut-off change is closed; another one is there before the line is slow again.
        race.far.find_user_by_id(user(1).id).await.unwrap();
    }
}

#[tokio::test]
async fn a_removed_user_leaves_events_and_nothing_else() {
    let uri = tokio::task::spawn_blocking(mongod::new_database).await.unwrap();
    let store = Mongo::with_events(&uri, keeping() as Arc<dyn EventDocuments>).unwrap();
    store.create_user(&user(1), &registered(1)).await.unwrap();
    let deleted = event(EventKind::UserDeleted, 1, user(1).updated_at);
    assert!(store.delete_user(user(1).id, &deleted).await.unwrap());
    let states = Client::with_uri_str(&uri).await.unwrap().default_database().unwrap();
    let states = states.collection::<Document>("user_states");
    let kept = [registered(1), deleted].map(|event| {
        let (subtype, bytes) = (BinarySubtype::Uuid, event.id.as_bytes().to_vec());
        doc! { "kind": format!("{:?}", event.kind), "_id": Binary { subtype, bytes } }
    });
    let id = ObjectId::from_bytes(*user(1).id.as_bytes());
    let state = states.find_one(doc! { "_id": id }).await.unwrap().unwrap();
    assert_eq!(state, doc! { "_id": id, "pending": kept.to_vec() });
    // The name and the address are free.
    store.create_user(&User { id: user(2).id, ..user(1) }, &registered(2)).await.unwrap();
}

#[tokio::test]
async fn where_events_are_not_kept_a_state_has_no_member_for_them() {
    let uri = tokio::task::spawn_blocking(mongod::new_database).await.unwrap();
    let store = Mongo::new(&uri).unwrap();
    for n in [1, 2] {
        store.create_user(&user(n), &registered(n)).await.unwrap();
    }
    let (id, change) = (user(1).id, changed(EventKind::PasswordChanged, 1));
    assert!(store.replace_hash_if(id, &hash(1), &hash(2), &change).await.unwrap());
    assert!(store.replace_password_if(id, &hash(2), &hash(3), change.at, &change).await.unwrap());
    assert!(store.end_sessions(id, change.at, &change).await.unwrap());
    assert!(store.delete_user(user(2).id, &changed(EventKind::UserDeleted, 2)).await.unwrap());
    let states = Client::with_uri_str(&uri).await.unwrap().default_database().unwrap();
    let states = states.collection::<Document>("user_states");
    let any = ["intents", "pending"].map(|array| doc! { array: { "$exists": true } });
    assert_eq!(states.find_one(doc! { "$or": any.to_vec() }).await.unwrap(), None);
    let left = doc! { "email_key": { "$ne": Bson::Null } };
    assert_eq!(states.count_documents(left).await.unwrap(), 1, "the user who is there");
}
