//! Keys, users, passwords and tokens that the original wrote (`tests/data/adoption/`). All of them work, and the service
//! writes the same as the original.

use mongodb::bson::{Bson, DateTime, Document, doc};
use serde_json::{Value, json};

use crate::support::{Program, folder_with_keys, mongod, read};

fn known() -> Value {
    serde_json::from_str(&read("tests/data/adoption/known.json")).unwrap()
}

/// The program on a database that holds the original's users.
fn adopted() -> (tempfile::TempDir, String, Program) {
    let uri = mongod::new_database();
    let users: Vec<Bson> = serde_json::from_str(&read("tests/data/adoption/users.json")).unwrap();
    let users: Vec<Document> = users.into_iter().map(|user| user.as_document().unwrap().clone()).collect();
    assert!(users[0].get_object_id("_id").is_ok(), "extended JSON was read as such");
    mongod::on_database(&uri, async |database| database.collection("users").insert_many(users).await)
        .unwrap();
    let folder = folder_with_keys();
    let program = Program::start(folder.path(), &[("MONGODB_URI", &uri), ("BCRYPT_ROUNDS", "10")]);
    (folder, uri, program)
}

fn users_of(uri: &str) -> Vec<Document> {
    mongod::on_database(uri, async |database| {
        let mut cursor =
            database.collection::<Document>("users").find(doc! {}).sort(doc! { "_id": 1 }).await?;
        let mut users = Vec::new();
        while cursor.advance().await? {
            users.push(cursor.deserialize_current()?);
        }
        Ok(users)
    })
    .unwrap()
}

#[test]
fn every_user_of_the_original_logs_in_by_name_and_by_address() {
    let (_folder, uri, program) = adopted();
    let client = program.client();
    let before = users_of(&uri);
    let known = known();
    for user in &before {
        let name = user.get_str("username").unwrap();
        let email = user.get_str("email").unwrap();
        let password = known["passwords"][name].as_str().unwrap();
        for login in [name, email, &email.to_uppercase()] {
            let answer = client.post("/api/auth/login", &json!({ "username": login, "password": password }));
            let shown = &answer.ok()["data"]["user"];
            assert_eq!(shown["_id"].as_str().unwrap(), user.get_object_id("_id").unwrap().to_hex());
            assert_eq!((shown["username"].as_str(), shown["email"].as_str()), (Some(name), Some(email)));
            let created_at = DateTime::parse_rfc3339_str(shown["createdAt"].as_str().unwrap()).unwrap();
            assert_eq!(created_at, *user.get_datetime("createdAt").unwrap());
        }
        let wrong =
            client.post("/api/auth/login", &json!({ "username": name, "password": format!("x{password}") }));
        wrong.is_refused(401, "invalid_credentials", "Invalid credentials");
    }
    assert_eq!(users_of(&uri), before, "logging in at the same cost changes nothing");
}

#[test]
fn every_token_of_the_original_is_valid_and_opens_its_owners_account() {
    let (_folder, _uri, program) = adopted();
    let client = program.client();
    for (name, token) in known()["tokens"].as_object().unwrap() {
        let token = token.as_str().unwrap();
        let validated = client.post("/api/token/validate", &json!({ "token": token })).ok();
        assert_eq!(validated["data"]["valid"], true);
        let profile = client.bearing(token).get("/api/auth/profile");
        if name == "demo" {
            profile.is_refused(401, "user_not_found", "User not found");
        } else {
            assert_eq!(profile.ok()["data"]["username"], name.as_str());
            let refresh = client.bearing(token).send(http::Method::POST, "/api/auth/refresh", &[], "");
            assert_eq!(refresh.ok()["data"]["expires_in"], 3600);
        }
    }
}

#[test]
fn the_published_key_is_the_originals_under_the_originals_name() {
    let (_folder, _uri, program) = adopted();
    let client = program.client();
    assert_eq!(client.get("/api/public-key").text(), read("tests/data/adoption/keys/public-key.pem"));
    assert_eq!(client.get("/api/jwks").ok()["keys"][0]["kid"], "default-key-id");
}

#[test]
fn a_chosen_key_id_leaves_tokens_of_the_original_valid() {
    let folder = folder_with_keys();
    let program = Program::start(folder.path(), &[("KEY_ID", "prod-key-20260101")]);
    let client = program.client();
    let token = client.demo_token(&json!({}));
    let validated = client.post("/api/token/validate", &json!({ "token": token })).ok();
    assert_eq!(validated["data"]["decoded"]["header"]["kid"], "prod-key-20260101");
    let old = known()["tokens"]["alice"].clone();
    assert_eq!(client.post("/api/token/validate", &json!({ "token": old })).ok()["data"]["valid"], true);
    let keys = client.get("/api/jwks").ok()["keys"].clone();
    let kids: Vec<_> = keys.as_array().unwrap().iter().map(|key| key["kid"].as_str().unwrap()).collect();
    assert_eq!(kids, ["prod-key-20260101", "default-key-id"]);
}

#[test]
fn a_new_user_is_stored_as_the_original_stores_one() {
    let (_folder, uri, program) = adopted();
    program.client().register("dora");
    let users = users_of(&uri);
    let (of_original, ours) = (&users[0], users.last().unwrap());
    let shape = |user: &Document| -> Vec<_> {
        user.iter().map(|(name, value)| (name.clone(), value.element_type())).collect()
    };
    assert_eq!(shape(ours), shape(of_original));
    assert_eq!(ours.get_str("username").unwrap(), "dora");
}

#[test]
fn a_hash_of_lower_cost_is_raised_at_the_next_login_and_stays_readable_to_the_original() {
    let (folder, uri, program) = adopted();
    drop(program);
    let program = Program::start(folder.path(), &[("MONGODB_URI", &uri), ("BCRYPT_ROUNDS", "11")]);
    let password = known()["passwords"]["alice"].clone();
    for _ in 0..2 {
        program.client().post("/api/auth/login", &json!({ "username": "alice", "password": password })).ok();
        let hash = users_of(&uri)[0].get_str("password").unwrap().to_owned();
        assert!(hash.starts_with("$2a$11$"), "bcryptjs writes and reads this form");
    }
}
