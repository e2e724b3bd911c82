//! The table of MongoDB's collections against a database that was used.

use std::collections::BTreeSet;
use std::sync::Arc;

use jwt_generator::domain::{Denial, Denied, EventId, EventKind, ThrottledAccount, Timestamp};
use jwt_generator::entropy::Entropy;
use jwt_generator::store::mongo::Mongo;
use jwt_generator::store::mongo::collections::{COLLECTIONS, IndexRule};
use jwt_generator::store::{
    Assertions, BrowserSessions, Checkpoints, Clients, Consents, Deliveries, Denials, EventCount,
    EventRecorder, Events, Grants, Instances, LoginThrottles, Rings, StatusLists, Users, Webhooks,
};
use mongodb::bson::{Document, doc};

use super::assertions::assertion;
use super::browser_sessions::session;
use super::checkpoints::{checkpoint, key};
use super::clients::{client, event as client_event};
use super::consents::consent;
use super::contract::{registered, user};
use super::deliveries::delivery;
use super::grants::grant;
use super::instances::instance;
use super::login_throttles::record;
use super::rings::ring;
use super::webhooks::webhook;
use crate::support::mongod::{self, on_database};

#[test]
fn the_database_has_the_collections_and_the_indexes_of_the_table_and_no_others() {
    let uri = mongod::new_database();
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(async {
        let events = Arc::new(EventRecorder::new(Entropy::seeded(1)));
        let store = Mongo::with_events(&uri, events).unwrap();
        store.create_user(&user(1), &registered(1)).await.unwrap();
        assert!(store.replace_ring_if(None, &ring(1, 0)).await.unwrap());
        store.record_instance(&instance("a", 1)).await.unwrap();
        let record = record(ThrottledAccount::UnknownName(1), 1);
        assert!(store.replace_login_throttle_if(None, &record, None).await.unwrap());
        let created = client_event(EventKind::ClientCreated, "a", 1);
        assert!(store.create_client(&client("a", 1), &created).await.unwrap());
        let denied = Denied::Token("jti".to_owned());
        let denial =
            Denial { denied, at: Timestamp::from_secs(1), expires_at: Timestamp::from_secs(4_000_000_000) };
        store.record_denial(&denial, Some(&registered(1))).await.unwrap();
        assert!(store.create_assertion(&assertion(1, Timestamp::from_secs(4_000_000_000))).await.unwrap());
        store.lease_status_positions("a", Timestamp::from_secs(4_000_000_000)).await.unwrap();
        store.create_grant(&grant(1, 1), None).await.unwrap();
        store.create_browser_session(&session(1, 1), &registered(1)).await.unwrap();
        store.record_consent(&consent(1, "app", "openid"), &registered(1)).await.unwrap();
        assert!(store.create_webhook(&webhook("a", 1), &registered(2)).await.unwrap());
        assert!(store.create_deliveries_if(None, 1, &[delivery("a", 1, "user:1")]).await.unwrap());
        store.relay_events(Timestamp::from_secs(1)).await.unwrap();
        store.seal_events().await.unwrap();
        assert!(store.create_checkpoint(&checkpoint(1, 1), &key("a")).await.unwrap());
        a_batch_of_counts_counts_once(&store).await;
    });
    let names = on_database(&uri, async |database| database.list_collection_names().await).unwrap();
    let listed: BTreeSet<_> = COLLECTIONS.iter().map(|collection| collection.name.to_owned()).collect();
    assert_eq!(names.into_iter().collect::<BTreeSet<_>>(), listed);
    for collection in COLLECTIONS {
        let made = on_database(&uri, async |database| {
            let mut cursor = database.collection::<Document>(collection.name).list_indexes().await?;
            let mut made = Vec::new();
            while cursor.advance().await? {
                made.push(cursor.deserialize_current()?);
            }
            Ok(made)
        });
        let made: Vec<_> = made
            .unwrap()
            .into_iter()
            .map(|index| {
                let options = index.options.unwrap();
                let partial = options.partial_filter_expression.is_some();
                let members: Vec<_> = index.keys.keys().cloned().collect();
                (members, options.unique == Some(true), partial, options.expire_after)
            })
            .filter(|(members, ..)| *members != ["_id"])
            .collect();
        let wanted: Vec<_> = collection
            .indexes
            .iter()
            .map(|index| {
                let members: Vec<_> = index.members.iter().map(|member| (*member).to_owned()).collect();
                let (unique, partial, expires) = match index.rule {
                    IndexRule::Plain => (false, false, None),
                    IndexRule::Unique => (true, false, None),
                    IndexRule::UniqueWherePresent => (true, true, None),
                    IndexRule::WherePresent(_) | IndexRule::WhereMissing(_) => (false, true, None),
                    IndexRule::Expires { after, unless_present } => {
                        (false, unless_present.is_some(), Some(after))
                    }
                };
                (members, unique, partial, expires)
            })
            .collect();
        assert_eq!(made, wanted, "{}", collection.name);
    }
    a_look_up_for_a_rare_kind_reads_only_its_events(&uri);
}

/// The answer to the first call may be lost.
async fn a_batch_of_counts_counts_once(store: &Mongo) {
    let (minute, batch) = (Timestamp::from_secs(60), EventId::from_bytes([1; 16]));
    let count = EventCount { minute, kind: EventKind::DemoTokensMade, client: None, count: 3 };
    for _ in 0..2 {
        store.add_event_counts(batch, std::slice::from_ref(&count)).await.unwrap();
    }
    assert_eq!(store.list_event_counts(minute, minute.plus_secs(60)).await.unwrap(), [count]);
}

fn a_look_up_for_a_rare_kind_reads_only_its_events(uri: &str) {
    let stored = |seq: i64, kind: &str| doc! { "seq": seq, "kind": kind, "record": "{}" };
    let frequent = (1_000..1_500).map(|seq| stored(seq, "login.succeeded"));
    let events: Vec<_> = frequent.chain([stored(1_500, "settings.changed")]).collect();
    // The query of `list_latest_events`.
    let find = doc! {
        "find": "events",
        "filter": {
            "seq": { "$gt": 0_i64, "$lte": 2_000_i64 },
            "record": { "$exists": true },
            "kind": { "$in": ["settings.changed"] },
        },
        "sort": { "seq": -1 },
        "limit": 10,
    };
    let explained = on_database(uri, async |database| {
        database.collection("events").insert_many(events).await?;
        database.run_command(doc! { "explain": find, "verbosity": "executionStats" }).await
    });
    let explained = explained.unwrap();
    let read = explained.get_document("executionStats").unwrap().get_i32("totalDocsExamined").unwrap();
    assert_eq!(read, 1, "{explained}");
}
