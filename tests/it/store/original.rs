//! The service beside the original on one MongoDB: users and indexes of the original, and its writes while both run.

use std::time::Duration;

use mongodb::bson::oid::ObjectId;
use mongodb::bson::{DateTime, Document, doc};
use serde_json::json;

use crate::support::client::registration;
use crate::support::mongod::{self, ReplicaSet, command, on_database};
use crate::support::{Fault, Program, Proxy, eventually, folder_with_keys};

const CHEAP: (&str, &str) = ("BCRYPT_ROUNDS", "4");

fn original(name: &str) -> Document {
    let now = DateTime::from_millis(1_795_476_255_975);
    doc! {
        "username": name, "email": format!("{name}@example.com"),
        "password": "$2a$04$abcdefghijklmnopqrstuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuu",
        "createdAt": now, "updatedAt": now, "__v": 0,
    }
}

fn insert(uri: &str, collection: &str, documents: Vec<Document>) {
    on_database(uri, async |database| database.collection(collection).insert_many(documents).await).unwrap();
}

fn count(uri: &str, collection: &str, filter: Document) -> u64 {
    on_database(uri, async |database| {
        database.collection::<Document>(collection).count_documents(filter).await
    })
    .unwrap()
}

fn says(program: &Program, what: &str) {
    eventually("the log says it", || program.log().contains(what).then_some(()));
}

/// Seen before: with 30,000 users of the original, registration was off for 77 seconds. The service wrote the keys of each
/// user one by one, and a registration waited ten seconds for that and was then refused.
#[test]
fn many_users_of_the_original_get_keys_together_and_registration_is_refused_at_once_until_then() {
    const USERS: u64 = 6_000;
    let set = ReplicaSet::start(1);
    let direct = format!("mongodb://{}/app?directConnection=true", set.address(0));
    insert(&direct, "users", (0..USERS).map(|n| original(&format!("orig{n:05}"))).collect());
    command(&direct, doc! { "create": "user_states" }).unwrap();
    command(&direct, doc! { "profile": 2 }).unwrap();
    let proxy = Proxy::before(set.address(0));
    proxy.set(Fault::Delay(Duration::from_millis(400)));
    let uri = format!("mongodb://{}/app?directConnection=true", proxy.address());
    let folder = folder_with_keys();
    let program = Program::start(folder.path(), &[CHEAP, ("MONGODB_URI", &uri)]);
    let client = program.client();
    says(&program, "users of another program are being given keys");
    let refused = client.post("/api/auth/register", &registration("alice"));
    refused.is_refused(503, "database_unavailable", "The database is unavailable; try again shortly");
    says(&program, "users are being given keys; the log says how far");
    proxy.set(Fault::None);
    eventually("every user has keys, and registration is on", || {
        (client.post("/api/auth/register", &registration("alice")).status == 201).then_some(())
    });
    says(&program, "all users have been given keys");
    assert_eq!(count(&direct, "user_states", doc! { "email_key": { "$exists": true } }), USERS + 1);
    let writes = doc! { "ns": "app.user_states", "op": { "$in": ["insert", "update"] } };
    let writes = count(&direct, "system.profile", writes);
    assert!(writes < USERS / 100, "{writes} writes");
    let again = client.post("/api/auth/register", &registration("ORIG00042"));
    again.is_refused(409, "user_exists", "User with this username or email already exists");
}

/// Seen before: the driver's error text contains the document that a validator refused, so the log contained the hash.
#[test]
fn what_a_validator_of_the_database_refuses_is_a_fault_and_no_hash_is_in_the_log() {
    let uri = mongod::new_database();
    insert(&uri, "users", vec![original("first")]);
    let of_the_original = doc! { "$jsonSchema": { "properties": {
        "password": { "bsonType": "string", "pattern": r"^\$2a\$" },
    } } };
    command(&uri, doc! { "collMod": "users", "validator": of_the_original }).unwrap();
    let folder = folder_with_keys();
    let program = Program::start(folder.path(), &[CHEAP, ("MONGODB_URI", &uri), ("LOG_LEVEL", "trace")]);
    let client = program.client();
    for _ in 0..2 {
        let refused = client.post("/api/auth/register", &registration("second"));
        refused.is_refused(500, "internal", "Internal server error");
    }
    says(&program, "MongoDB refused with code 121 (DocumentValidationFailure)");
    let log = program.log();
    for secret in ["$2b$", "second@example.com", "consideredValue"] {
        assert!(!log.contains(secret), "{secret} in {log}");
    }
    assert_eq!(count(&uri, "user_states", doc! { "username_key": "second" }), 0, "the name stays free");
    drop(program);
    // The same for a unique index that the service did not create.
    command(&uri, doc! { "collMod": "users", "validator": {} }).unwrap();
    let odd = doc! { "key": { "__v": 1, "password": 1 }, "name": "odd", "unique": true };
    let odder = doc! { "key": { "__v": 1 }, "name": "odder", "unique": true };
    command(&uri, doc! { "createIndexes": "users", "indexes": [odd, odder] }).unwrap();
    let program = Program::start(folder.path(), &[CHEAP, ("MONGODB_URI", &uri)]);
    let refused = program.client().post("/api/auth/register", &registration("second"));
    refused.is_refused(500, "internal", "Internal server error");
    says(&program, "MongoDB refused with code 11000 (DuplicateKey)");
    assert!(!program.log().contains("$2b$"), "{}", program.log());
}

/// A user with an id of the future was stored as the last user that has keys. So users that the original wrote later were
/// never compared with the others.
#[test]
fn an_id_of_the_future_does_not_keep_the_users_of_the_present_from_being_compared() {
    let future = ObjectId::from_bytes([0xff; 12]);
    for noted in [false, true] {
        let uri = mongod::new_database();
        let mut seed = original("seed");
        seed.insert("_id", future);
        insert(&uri, "users", vec![original("first"), seed]);
        if noted {
            insert(&uri, "user_states", vec![doc! { "_id": "progress", "through": future }]);
        }
        let folder = folder_with_keys();
        let program = Program::start(folder.path(), &[CHEAP, ("MONGODB_URI", &uri)]);
        program.client().register("warmup");
        drop(program);
        insert(&uri, "users", vec![original("boss")]);
        let program = Program::start(folder.path(), &[CHEAP, ("MONGODB_URI", &uri)]);
        for name in ["FIRST", "Boss"] {
            let evil = json!({ "username": name, "email": "evil@example.com", "password": "secret-pass" });
            let taken = program.client().post("/api/auth/register", &evil);
            taken.is_refused(409, "user_exists", "User with this username or email already exists");
        }
    }
}
