//! D1 to D6 and D10 to D12 on MongoDB: it is away, slow or silent, or has unexpected data.

use std::net::{SocketAddr, TcpListener};
use std::time::Duration;

use mongodb::bson::oid::ObjectId;
use mongodb::bson::{Bson, DateTime, Document, doc};
use serde_json::json;

use crate::support::client::registration;
use crate::support::mongod::{self, ReplicaSet, free_port, on_database};
use crate::support::{
    Answer, Client, Fault, Program, Proxy, eventually, folder_with_keys, jwt_generator, run,
};

const CHEAP: (&str, &str) = ("BCRYPT_ROUNDS", "4");

#[track_caller]
fn is_unavailable(answer: &Answer) {
    answer.is_refused(503, "database_unavailable", "The database is unavailable; try again shortly");
    assert_eq!(answer.header("retry-after"), Some("5"));
}

fn log_in(client: &Client, name: &str) -> Answer {
    client.post("/api/auth/login", &json!({ "username": name, "password": format!("secret-{name}") }))
}

fn tells(client: &Client, connected: bool) {
    eventually("health tells what the database does", || {
        (client.get("/health").ok()["database_connected"] == connected).then_some(())
    });
}

#[track_caller]
fn tokens_are_unmoved(client: &Client) {
    let token = client.demo_token(&json!({}));
    assert_eq!(client.post("/api/token/validate", &json!({ "token": token })).status, 200);
    assert_eq!(client.get("/api/jwks").status, 200);
}

fn straight_to(address: SocketAddr) -> String {
    format!("mongodb://{address}/app?directConnection=true")
}

#[test]
fn d1_d2_a_database_that_is_down_at_the_start_is_used_once_it_is_there() {
    // No server listens at the first address, and no answer comes from the second.
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    for address in [([127, 0, 0, 1], free_port()).into(), silent.local_addr().unwrap()] {
        let uri = straight_to(address);
        let folder = folder_with_keys();
        let program = Program::start(folder.path(), &[CHEAP, ("MONGODB_URI", &uri)]);
        let client = program.client();
        tokens_are_unmoved(&client);
        assert_eq!(client.get("/health").ok()["database_connected"], false);
        is_unavailable(&client.post("/api/auth/register", &registration("alice")));
        is_unavailable(&log_in(&client, "alice"));
    }
    let mut set = ReplicaSet::start(1);
    set.kill_member(0);
    let folder = folder_with_keys();
    let program = Program::start(folder.path(), &[CHEAP, ("MONGODB_URI", &set.uri("app"))]);
    let client = program.client();
    is_unavailable(&log_in(&client, "alice"));
    set.start_member(0);
    tells(&client, true);
    client.register("alice");
    assert_eq!(log_in(&client, "alice").status, 200);
}

#[test]
fn d1_a_name_that_cannot_be_looked_up_is_a_database_that_is_down() {
    let folder = folder_with_keys();
    let uri = "mongodb+srv://app:hidden-password@nowhere.invalid/app";
    let program = Program::start(folder.path(), &[CHEAP, ("MONGODB_URI", uri)]);
    tokens_are_unmoved(&program.client());
    is_unavailable(&log_in(&program.client(), "alice"));
    assert!(!program.log().contains("hidden-password"), "{}", program.log());
}

#[test]
fn d3_d4_a_database_that_goes_down_under_load_and_comes_back() {
    let mut set = ReplicaSet::start(1);
    let folder = folder_with_keys();
    let program = Program::start(folder.path(), &[CHEAP, ("MONGODB_URI", &set.uri("app"))]);
    let client = program.client();
    tells(&client, true);
    let user = client.register("alice");
    set.kill_member(0);
    let memory = program.memory_kib();
    std::thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| (0..4).for_each(|_| is_unavailable(&log_in(&client, "alice"))));
            scope.spawn(|| (0..50).for_each(|_| tokens_are_unmoved(&client)));
        }
    });
    let grown = program.memory_kib().saturating_sub(memory);
    assert!(grown < 50 * 1024, "requests pile up: {grown} KiB more");
    tells(&client, false);
    is_unavailable(&user.get("/api/auth/profile"));
    set.start_member(0);
    tells(&client, true);
    assert_eq!(log_in(&client, "alice").status, 200);
    assert_eq!(user.get("/api/auth/profile").status, 200);
    let (_, log) = program.stop();
    assert!(!log.contains("panicked"), "{log}");
}

#[test]
fn d5_d6_a_database_that_is_slow_silent_or_cut_off_is_503_and_is_used_again_once_cured() {
    let set = ReplicaSet::start(1);
    let proxy = Proxy::before(set.address(0));
    let folder = folder_with_keys();
    let uri = straight_to(proxy.address());
    let program = Program::start(folder.path(), &[CHEAP, ("MONGODB_URI", &uri)]);
    let client = program.client();
    tells(&client, true);
    client.register("alice");
    for fault in [
        Fault::Delay(Duration::from_secs(2)),
        Fault::Delay(Duration::from_secs(30)),
        Fault::BlackHole,
        Fault::Cut,
    ] {
        proxy.set(fault);
        std::thread::scope(|scope| {
            for n in 0..4 {
                let client = &client;
                scope.spawn(move || {
                    is_unavailable(&log_in(client, "alice"));
                    is_unavailable(&client.post("/api/auth/register", &registration(&format!("late{n}"))));
                });
            }
            tokens_are_unmoved(&client);
        });
        proxy.set(Fault::None);
        eventually("the database is used again", || (log_in(&client, "alice").status == 200).then_some(()));
    }
}

#[test]
fn d10_of_many_who_register_the_same_name_on_two_instances_at_once_one_succeeds() {
    let uri = mongod::new_database();
    let folder = folder_with_keys();
    let programs = [(); 2].map(|()| Program::start(folder.path(), &[CHEAP, ("MONGODB_URI", &uri)]));
    let clients = [programs[0].client(), programs[1].client()];
    clients.iter().for_each(|client| tells(client, true));
    for round in 0..10 {
        let statuses: Vec<_> = std::thread::scope(|scope| {
            let racers: Vec<_> = (0..16)
                .map(|racer| {
                    let client = &clients[racer % 2];
                    let mut request = registration(&format!("racer{round}"));
                    if racer % 4 == 0 {
                        request["email"] = format!("other{round}x{racer}@example.com").into();
                    }
                    scope.spawn(move || client.post("/api/auth/register", &request).status)
                })
                .collect();
            racers.into_iter().map(|racer| racer.join().unwrap()).collect()
        });
        assert_eq!(statuses.iter().filter(|status| **status == 201).count(), 1, "{statuses:?}");
        assert_eq!(statuses.iter().filter(|status| **status == 409).count(), 15, "{statuses:?}");
    }
}

#[test]
fn d11_missing_indexes_are_made_at_the_start_under_the_originals_names() {
    let uri = mongod::new_database();
    let folder = folder_with_keys();
    let program = Program::start(folder.path(), &[CHEAP, ("MONGODB_URI", &uri)]);
    tells(&program.client(), true);
    let names = || {
        // Before the first index there is no collection.
        let listed = on_database(&uri, async |database| {
            database.collection::<Document>("users").list_index_names().await
        });
        listed.unwrap_or_default()
    };
    eventually("the indexes are made", || (names().len() == 3).then_some(()));
    assert_eq!(names(), ["_id_", "username_1", "email_1"]);
    drop(program);
    on_database(&uri, async |database| {
        database.collection::<Document>("users").drop_index("username_1").await
    })
    .unwrap();
    let program = Program::start(folder.path(), &[CHEAP, ("MONGODB_URI", &uri)]);
    program.client().register("alice");
    let again = program.client().post("/api/auth/register", &registration("alice"));
    again.is_refused(409, "user_exists", "User with this username or email already exists");
}

#[test]
fn d11_users_that_share_a_name_turn_registration_off_and_say_so() {
    let uri = mongod::new_database();
    let twin = |email: &str| doc! { "username": "twin", "email": email, "password": "x" };
    let twins = [twin("a@example.com"), twin("b@example.com")];
    on_database(&uri, async |database| database.collection("users").insert_many(twins).await).unwrap();
    let folder = folder_with_keys();
    let program = Program::start(folder.path(), &[CHEAP, ("MONGODB_URI", &uri)]);
    is_unavailable(&program.client().post("/api/auth/register", &registration("alice")));
    eventually("the log says what to do", || {
        program.log().contains("remove the duplicates from the collection 'users'").then_some(())
    });
}

#[test]
fn d12_documents_of_any_shape_are_a_login_or_a_refusal() {
    let uri = mongod::new_database();
    let hash = |version: &str, cost| {
        let text = bcrypt::hash_with_salt("secret-pass", cost, [7; 16]).unwrap().to_string();
        text.replacen("$2b$", version, 1)
    };
    let (two_a, two_b, two_y) = ("$2a$", "$2b$", "$2y$");
    let good: Vec<(&str, Bson)> = vec![
        ("plain2a", hash(two_a, 4).into()),
        ("plain2b", hash(two_b, 4).into()),
        ("plain2y", hash(two_y, 4).into()),
        ("costly", hash(two_b, 8).into()),
        ("with spaces", hash(two_a, 4).into()),
    ];
    let bad: Vec<(&str, Bson)> = vec![
        ("empty", "".into()),
        ("null", Bson::Null),
        ("number", 7.into()),
        ("array", Bson::Array(vec![hash(two_b, 4).into()])),
        ("garbage", "$2b$04$short".into()),
        ("argon", "$argon2id$v=19$m=19456,t=2,p=1$c2FsdA$aGFzaA".into()),
    ];
    let document = |name: &str, password: &Bson| {
        doc! { "username": name, "email": format!("{}@example.com", name.replace(' ', ".")), "password": password.clone(), "extra": { "a": 1 } }
    };
    let mut documents: Vec<_> =
        good.iter().chain(&bad).map(|(name, password)| document(name, password)).collect();
    documents.push(doc! { "_id": "a-string", "username": "stringid", "email": "stringid@example.com", "password": hash(two_b, 4) });
    documents.push(doc! { "username": "nopassword", "email": "nopassword@example.com" });
    on_database(&uri, async |database| database.collection("users").insert_many(documents).await).unwrap();
    let folder = folder_with_keys();
    let program = Program::start(folder.path(), &[CHEAP, ("MONGODB_URI", &uri)]);
    let client = program.client();
    let log_in =
        |name: &str| client.post("/api/auth/login", &json!({ "username": name, "password": "secret-pass" }));
    for (name, _) in &good {
        assert_eq!(log_in(name).ok()["data"]["user"]["username"], *name);
    }
    for name in bad.iter().map(|(name, _)| *name).chain(["stringid", "nopassword"]) {
        log_in(name).is_refused(401, "invalid_credentials", "Invalid credentials");
    }
    std::fs::write(folder.path().join("secret"), "secret-pass\n").unwrap();
    for name in bad.iter().map(|(name, _)| *name).chain(["nopassword"]) {
        let mut command = jwt_generator(folder.path());
        command.args(["users", "password", name, "--password-file", "secret"]);
        run(command.env(CHEAP.0, CHEAP.1).env("MONGODB_URI", &uri));
        assert_eq!(log_in(name).status, 200, "{name}");
    }
}

fn documents(uri: &str, collection: &str, filter: Document) -> Vec<Document> {
    on_database(uri, async |database| {
        let mut cursor = database.collection::<Document>(collection).find(filter).await?;
        let mut found = Vec::new();
        while cursor.advance().await? {
            found.push(cursor.deserialize_current()?);
        }
        Ok(found)
    })
    .unwrap()
}

fn insert(uri: &str, collection: &str, document: Document) {
    on_database(uri, async |database| database.collection(collection).insert_one(document).await).unwrap();
}

fn users(folder: &std::path::Path, uri: &str, arguments: &[&str]) {
    let mut command = jwt_generator(folder);
    run(command.arg("users").args(arguments).env(CHEAP.0, CHEAP.1).env("MONGODB_URI", uri));
}

fn same_name(name: &str, address: &str) -> serde_json::Value {
    json!({ "username": name, "email": address, "password": "secret-pass" })
}

#[test]
fn the_originals_documents_get_no_field_of_ours_and_a_user_takes_the_state_along() {
    let uri = mongod::new_database();
    let folder = folder_with_keys();
    let program = Program::start(folder.path(), &[CHEAP, ("MONGODB_URI", &uri)]);
    program.client().register("alice");
    std::fs::write(folder.path().join("secret"), "secret-alice\n").unwrap();
    users(folder.path(), &uri, &["password", "alice", "--password-file", "secret"]);
    users(folder.path(), &uri, &["log-out", "alice"]);
    assert_eq!(log_in(&program.client(), "alice").status, 200);
    let stored = documents(&uri, "users", doc! {});
    let fields: Vec<_> = stored.iter().flat_map(|document| document.keys().map(String::as_str)).collect();
    assert_eq!(fields, ["_id", "username", "email", "password", "createdAt", "updatedAt", "__v"]);
    let id = stored[0].get_object_id("_id").unwrap();
    assert_eq!(documents(&uri, "user_states", doc! { "_id": id }).len(), 1);
    users(folder.path(), &uri, &["delete", "alice", "--yes"]);
    eventually("the events are moved, and nothing else is left", || {
        documents(&uri, "user_states", doc! { "_id": id }).is_empty().then_some(())
    });
}

#[test]
fn a_reservation_that_a_crash_left_gives_way_and_a_fresh_one_does_not() {
    let uri = mongod::new_database();
    let folder = folder_with_keys();
    let program = Program::start(folder.path(), &[CHEAP, ("MONGODB_URI", &uri)]);
    let client = program.client();
    client.register("first");
    let now = documents(&uri, "users", doc! {})[0].get_datetime("createdAt").unwrap().timestamp_millis();
    // The last is a second try of a registration that was answered with 503 and `Retry-After: 5`.
    for (n, name, address, seconds_ago, status) in [
        (1, "alice", "other@example.com", 60, 201),
        (2, "bobby", "another@example.com", -60, 409),
        (3, "carol", "carol@example.com", 10, 201),
    ] {
        let state = doc! {
            "_id": ObjectId::from_bytes([n; 12]),
            "reserved_at": DateTime::from_millis(now - seconds_ago * 1000),
            "username_key": name, "email_key": address, "skeletons": [name, name],
        };
        insert(&uri, "user_states", state);
        let answer = client.post("/api/auth/register", &registration(name));
        assert_eq!(answer.status, status, "{name}: {}", answer.text());
    }
    assert_eq!(log_in(&client, "alice").status, 200);
}

#[test]
fn a_change_of_password_that_a_crash_cut_short_locks_no_user_out() {
    let uri = mongod::new_database();
    let folder = folder_with_keys();
    let program = Program::start(folder.path(), &[CHEAP, ("MONGODB_URI", &uri)]);
    let old = program.client().register("alice");
    // The change was begun one second after the registration, and nothing came after.
    let created = documents(&uri, "users", doc! {})[0].get_datetime("createdAt").unwrap().timestamp_millis();
    let ending = doc! { "$set": { "sessions_ending": DateTime::from_millis((created / 1000 + 1) * 1000) } };
    on_database(&uri, async |database| {
        database
            .collection::<Document>("user_states")
            .update_one(doc! { "username_key": "alice" }, ending)
            .await
    })
    .unwrap();
    old.get("/api/auth/profile").is_refused(401, "invalid_token", "Token verification failed");
    eventually("the second of the change is over", || {
        let body = log_in(&program.client(), "alice").ok();
        let token = body["data"]["token"]["access_token"].as_str().unwrap().to_owned();
        (program.client().bearing(&token).get("/api/auth/profile").status == 200).then_some(())
    });
}

#[test]
fn users_whom_the_original_writes_are_compared_too_and_those_who_clash_stay() {
    let uri = mongod::new_database();
    let hash = bcrypt::hash_with_salt("secret-pass", 4, [7; 16]).unwrap().to_string();
    let user = |name: &str| {
        doc! { "username": name, "email": format!("{}@example.com", name.replace('A', "a.")), "password": &hash }
    };
    for name in ["admin", "Admin"] {
        insert(&uri, "users", user(name));
    }
    let folder = folder_with_keys();
    let program = Program::start(folder.path(), &[CHEAP, ("MONGODB_URI", &uri)]);
    let client = program.client();
    let log_in =
        |name: &str| client.post("/api/auth/login", &json!({ "username": name, "password": "secret-pass" }));
    let register = |name: &str, address: &str| client.post("/api/auth/register", &same_name(name, address));
    let taken = |answer: Answer| {
        answer.is_refused(409, "user_exists", "User with this username or email already exists");
    };
    taken(register("ADMIN", "third@example.com"));
    for name in ["admin", "Admin"] {
        assert_eq!(log_in(name).ok()["data"]["user"]["username"], name);
    }
    log_in("ADMIN").is_refused(401, "invalid_credentials", "Invalid credentials");
    // The original continues to run beside this program. A user that it writes is compared when first seen.
    insert(&uri, "users", user("Grace"));
    assert_eq!(log_in("Grace").status, 200);
    eventually("Grace has keys", || {
        (documents(&uri, "user_states", doc! { "username_key": "grace" }).len() == 1).then_some(())
    });
    assert_eq!(log_in("grace").ok()["data"]["user"]["username"], "Grace");
    taken(register("grace", "other@example.com"));
    // A user that it renames is compared by the new name, and the old name is free.
    let change = doc! { "$set": { "username": "Hopper" } };
    on_database(&uri, async |database| {
        database.collection::<Document>("users").update_one(doc! { "username": "Grace" }, change).await
    })
    .unwrap();
    log_in("grace").is_refused(401, "invalid_credentials", "Invalid credentials");
    assert_eq!(register("grace", "other@example.com").status, 201);
    taken(register("HOPPER", "another@example.com"));
}
