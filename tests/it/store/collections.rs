//! The table of MongoDB's collections against a database that was used.

use std::collections::BTreeSet;

use jwt_generator::domain::ThrottledAccount;
use jwt_generator::store::mongo::Mongo;
use jwt_generator::store::mongo::collections::{COLLECTIONS, IndexRule};
use jwt_generator::store::{Instances, LoginThrottles, Rings, Users};
use mongodb::bson::Document;

use super::contract::{registered, user};
use super::instances::instance;
use super::login_throttles::record;
use super::rings::ring;
use crate::support::mongod::{self, on_database};

#[test]
fn the_database_has_the_collections_and_the_indexes_of_the_table_and_no_others() {
    let uri = mongod::new_database();
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(async {
        let store = Mongo::new(&uri).unwrap();
        store.create_user(&user(1), &registered(1)).await.unwrap();
        assert!(store.replace_ring_if(None, &ring(1, 0)).await.unwrap());
        store.record_instance(&instance("a", 1)).await.unwrap();
        let record = record(ThrottledAccount::UnknownName(1), 1);
        assert!(store.replace_login_throttle_if(None, &record, None).await.unwrap());
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
                    IndexRule::Expires { after, unless_present } => {
                        (false, unless_present.is_some(), Some(after))
                    }
                };
                (members, unique, partial, expires)
            })
            .collect();
        assert_eq!(made, wanted, "{}", collection.name);
    }
}
