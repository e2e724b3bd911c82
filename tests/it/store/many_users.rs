//! D13 and D14: very many log-ins at once, and very many users.

use std::io::Read;
use std::net::TcpStream;

use mongodb::bson::{DateTime, Document, doc};
use rusqlite::{Connection, params};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use serde_json::json;

use super::sqlite::{database, log_in};
use crate::support::client::registration;
use crate::support::socket::{connect, send};
use crate::support::{Client, Program, eventually, folder_with_keys, mongod};

const QUIET: [(&str, &str); 2] = [("BCRYPT_ROUNDS", "4"), ("RATE_LIMITS", "off")];

/// The head of a log-in, and its body.
fn log_in_of(name: &str, password: &str) -> String {
    let body = json!({ "username": name, "password": password }).to_string();
    format!(
        "POST /api/auth/login HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    )
}

fn status(stream: &mut TcpStream) -> u16 {
    let mut line = [0; 13];
    stream.read_exact(&mut line).unwrap();
    std::str::from_utf8(&line[9..12]).unwrap().parse().unwrap()
}

/// A thousand log-ins of known and unknown users, of which no client waits for another one.
fn storm(program: &Program) {
    let mut streams: Vec<_> = (0..1000).map(|_| connect(program.address())).collect();
    for (n, stream) in streams.iter_mut().enumerate() {
        let name = format!("user{}", n % 40);
        send(stream, log_in_of(&name, &format!("secret-{name}")));
    }
    let statuses: Vec<_> = streams.iter_mut().map(status).collect();
    let of = |wanted: u16| statuses.iter().filter(|status| **status == wanted).count();
    assert_eq!(of(200) + of(401) + of(429) + of(503), 1000, "{statuses:?}");
    assert!(of(200) > 0, "{statuses:?}");
}

fn two_storms_leave_the_service_well(settings: &[(&str, &str)]) {
    let limit = getrlimit(Resource::Nofile);
    setrlimit(Resource::Nofile, Rlimit { current: limit.maximum, maximum: limit.maximum }).unwrap();
    let folder = folder_with_keys();
    let program = Program::start(folder.path(), &[&QUIET[..], settings].concat());
    let client = program.client();
    (0..10).for_each(|n| drop(client.register(&format!("user{n}"))));
    let files = program.open_files();
    for _ in 0..2 {
        storm(&program);
        assert_eq!(log_in(&client, "user1").status, 200, "it works at once");
        // The connections to the database stay open.
        eventually("the connections of clients are closed", || {
            (program.open_files() <= files + 100).then_some(())
        });
    }
    let (_, log) = program.stop();
    assert!(!log.contains("panicked"), "{log}");
}

#[test]
fn d13_a_thousand_log_ins_at_once_are_answered_or_told_to_come_back_on_sqlite() {
    two_storms_leave_the_service_well(&[]);
}

#[test]
fn d13_a_thousand_log_ins_at_once_are_answered_or_told_to_come_back_on_mongodb() {
    two_storms_leave_the_service_well(&[("MONGODB_URI", &mongod::new_database())]);
}

fn hash() -> String {
    bcrypt::hash_with_salt("secret-pass", 4, [7; 16]).unwrap().to_string()
}

fn add_users(database: &mut Connection, users: u32) {
    let hash = hash();
    let adding = database.transaction().unwrap();
    for n in 0..users {
        adding
            .prepare_cached(
                "INSERT INTO users (id, username, email, password_hash, created_at, updated_at, username_key,
                 email_key, skeleton, skeleton_lower) VALUES (?1, ?2, ?3, ?4, ?5, ?5, ?2, ?3, ?2, ?2)",
            )
            .unwrap()
            .execute(params![
                format!("{n:024x}"),
                format!("many{n:06}"),
                format!("many{n:06}@example.com"),
                hash,
                1_795_476_255_975_i64
            ])
            .unwrap();
    }
    adding.commit().unwrap();
}

/// The bytes that the program has read until now, from files and sockets.
fn bytes_read(program: &Program) -> u64 {
    let counters = format!("/proc/{}/io", program.pid().as_raw_nonzero());
    let text = std::fs::read_to_string(counters).unwrap();
    text.lines().find_map(|line| line.strip_prefix("rchar: ")).unwrap().parse().unwrap()
}

fn logs_in(client: &Client, name: &str) {
    let answer = client.post("/api/auth/login", &json!({ "username": name, "password": "secret-pass" }));
    assert_eq!(answer.status, 200, "{}", answer.text());
}

/// A scan of the table would read several times the size of the file.
#[test]
fn d14_among_fifty_thousand_users_in_sqlite_a_log_in_reads_a_few_pages_of_the_file() {
    const USERS: u32 = 50_000;
    let folder = folder_with_keys();
    Program::start(folder.path(), &QUIET).stop();
    let mut connection = Connection::open(database(folder.path())).unwrap();
    add_users(&mut connection, USERS);
    connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(())).unwrap();
    drop(connection);
    let size = std::fs::metadata(database(folder.path())).unwrap().len();
    let program = Program::start(folder.path(), &QUIET);
    let client = program.client();
    let started = bytes_read(&program);
    // The count of the rows for the metrics reads an index from time to time, so the least of three counts.
    let read = (0..3).map(|batch| {
        let before = bytes_read(&program);
        for n in 0..20 {
            let n = (batch * 20 + n) * 799 % USERS;
            logs_in(&client, &format!("many{n:06}"));
            logs_in(&client, &format!("many{n:06}@example.com"));
            client.register(&format!("added{batch}x{n}"));
        }
        bytes_read(&program) - before
    });
    let read = read.min().unwrap();
    println!("{size} bytes of file, {started} read at the start, {read} by 60 requests");
    assert!(started < size / 2, "the start reads {started} of {size} bytes");
    assert!(read < size / 3, "60 requests read {read} of {size} bytes");
}

#[test]
fn d14_among_twenty_thousand_users_in_mongodb_a_log_in_examines_a_few_documents() {
    let uri = mongod::new_database();
    let (hash, now) = (hash(), DateTime::from_millis(1_795_476_255_975));
    let user = |n: u32| {
        doc! {
            "username": format!("many{n:06}"), "email": format!("many{n:06}@example.com"), "password": &hash,
            "createdAt": now, "updatedAt": now, "__v": 0,
        }
    };
    let users: Vec<Document> = (0..20_000).map(user).collect();
    mongod::on_database(&uri, async |database| database.collection("users").insert_many(users).await)
        .unwrap();
    let folder = folder_with_keys();
    let program = Program::start(folder.path(), &[&QUIET[..], &[("MONGODB_URI", &uri)]].concat());
    let client = program.client();
    eventually("every user has keys", || {
        (client.post("/api/auth/register", &registration("first")).status == 201).then_some(())
    });
    mongod::command(&uri, doc! { "profile": 2 }).unwrap();
    logs_in(&client, "many012345");
    logs_in(&client, "many012346@example.com");
    client.register("added");
    mongod::command(&uri, doc! { "profile": 0 }).unwrap();
    let asked = doc! { "ns": { "$regex": r"\.(users|user_states|login_throttles)$" } };
    let asked: Vec<Document> = mongod::on_database(&uri, async |database| {
        let mut cursor = database.collection::<Document>("system.profile").find(asked).await?;
        let mut found = Vec::new();
        while cursor.advance().await? {
            found.push(cursor.deserialize_current()?);
        }
        Ok(found)
    })
    .unwrap();
    assert!(asked.len() > 5, "{asked:?}");
    for one in asked {
        // The count of the rows for the metrics may be among them.
        let counts = one.get_document("command").is_ok_and(|command| command.contains_key("count"));
        for member in ["docsExamined", "keysExamined"] {
            let examined = one.get_i32(member).map_or_else(|_| one.get_i64(member).unwrap_or(0), i64::from);
            assert!(counts || examined <= 20, "{member}: {one}");
        }
    }
}
