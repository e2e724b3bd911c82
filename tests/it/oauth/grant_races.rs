//! Codes and refresh tokens on several instances, and across crashes.

use std::collections::HashSet;
use std::path::Path;

use jwt_generator::domain::GrantStage;
use serde_json::json;

use super::granter::{CALLBACK, Granter, SERVER_SECRET, Tokens, VERIFIER, clients};
use super::{ISSUER, ask, machine};
use crate::support::{Answer, Client, Program, eventually, mongod};

const OFFLINE: &str = "openid offline_access orders.read";

pub(super) fn settings<'a>(file: &'a str, store: (&'a str, &'a str)) -> Vec<(&'a str, &'a str)> {
    vec![
        ("CLIENTS_FILE", file),
        ("ISSUER_URL", ISSUER),
        ("SERVER_SECRET", SERVER_SECRET),
        ("BCRYPT_ROUNDS", "4"),
        store,
    ]
}

fn clients_file(folder: &Path) -> String {
    let file = folder.join("clients.json");
    let clients = [vec![machine("orders", &json!({}))], clients()].concat();
    std::fs::write(&file, json!(clients).to_string()).unwrap();
    file.to_str().unwrap().to_owned()
}

#[track_caller]
pub(super) fn registered(client: &Client) -> String {
    let profile = client.register("alice").get("/api/auth/profile").ok();
    profile["data"]["_id"].as_str().or(profile["data"]["id"].as_str()).unwrap().to_owned()
}

pub(super) fn now() -> u64 {
    std::time::SystemTime::UNIX_EPOCH.elapsed().unwrap().as_secs()
}

fn redeem(client: &Client, code: &str) -> Answer {
    let params = [
        ("grant_type", "authorization_code"),
        ("client_id", "app"),
        ("code", code),
        ("redirect_uri", CALLBACK),
        ("code_verifier", VERIFIER),
    ];
    ask(client, "/oauth/token", &params)
}

fn refresh(client: &Client, token: &str) -> Answer {
    ask(
        client,
        "/oauth/token",
        &[("grant_type", "refresh_token"), ("client_id", "app"), ("refresh_token", token)],
    )
}

/// The answers to 32 requests to each of both clients at once.
fn at_once(clients: &[Client; 2], request: impl Fn(&Client) -> Answer + Sync) -> Vec<Answer> {
    std::thread::scope(|scope| {
        let request = &request;
        let racers: Vec<_> = (0..64).map(|n| scope.spawn(move || request(&clients[n % 2]))).collect();
        racers.into_iter().map(|racer| racer.join().unwrap()).collect()
    })
}

#[test]
fn two_instances_use_a_code_once_and_agree_on_the_next_refresh_token() {
    let folder = tempfile::tempdir().unwrap();
    let (file, uri) = (clients_file(folder.path()), mongod::new_database());
    let programs = [0, 1].map(|_| Program::start(folder.path(), &settings(&file, ("MONGODB_URI", &uri))));
    let clients = programs.each_ref().map(Program::client);
    let (alice, granter) = (registered(&clients[0]), Granter::on_mongodb(&uri));
    for _ in 0..3 {
        let code = granter.code("app", &alice, OFFLINE, now());
        let answers = at_once(&clients, |client| redeem(client, &code));
        let used: Vec<_> = answers.iter().filter(|answer| answer.status == 200).collect();
        assert_eq!(used.len(), 1);
        let refused = answers.iter().filter(|answer| answer.status != 200);
        refused.for_each(|answer| assert_eq!(answer.json()["error"], "invalid_grant"));
        let ended = refresh(&clients[1], &Tokens::of(used[0]).refresh);
        ended.is_oauth_error(400, "invalid_grant", "the grant has ended");
    }
    let mut token = Tokens::of(&redeem(&clients[0], &granter.code("app", &alice, OFFLINE, now()))).refresh;
    for _ in 0..3 {
        let answers = at_once(&clients, |client| refresh(client, &token));
        let next: HashSet<_> = answers.iter().map(|answer| Tokens::of(answer).refresh).collect();
        assert_eq!(next.len(), 1);
        token = next.into_iter().next().unwrap();
    }
}

#[test]
fn a_refresh_whose_answer_is_lost_in_a_crash_succeeds_at_the_next_try() {
    let folder = tempfile::tempdir().unwrap();
    let file = clients_file(folder.path());
    let data = folder.path().join("data");
    let settings = settings(&file, ("DATA_DIR", data.to_str().unwrap()));
    let mut program = Program::start(folder.path(), &settings);
    let (alice, granter) = (registered(&program.client()), Granter::in_folder(&data));
    let mut token =
        Tokens::of(&redeem(&program.client(), &granter.code("app", &alice, OFFLINE, now()))).refresh;
    for number in 2..6 {
        let (client, lost) = (program.client(), token.clone());
        let request = std::thread::spawn(move || {
            let params = [("grant_type", "refresh_token"), ("client_id", "app"), ("refresh_token", &*lost)];
            client.try_send(http::Method::POST, "/oauth/token", &[super::FORM], super::form(&params))
        });
        eventually("the use is written", || {
            let stage = granter.grants_of(&alice).pop().unwrap().stage;
            matches!(stage, GrantStage::Active { counter, .. } if counter == number).then_some(())
        });
        program.kill();
        let _ = request.join().unwrap();
        program = Program::start(folder.path(), &settings);
        let (again, once_more) = (refresh(&program.client(), &token), refresh(&program.client(), &token));
        assert_eq!(Tokens::of(&again).refresh, Tokens::of(&once_more).refresh);
        token = Tokens::of(&again).refresh;
    }
}

#[test]
fn a_code_that_was_used_before_a_crash_is_not_used_again() {
    let folder = tempfile::tempdir().unwrap();
    let file = clients_file(folder.path());
    let data = folder.path().join("data");
    let settings = settings(&file, ("DATA_DIR", data.to_str().unwrap()));
    let program = Program::start(folder.path(), &settings);
    let (alice, granter) = (registered(&program.client()), Granter::in_folder(&data));
    let (used, kept) =
        (granter.code("app", &alice, OFFLINE, now()), granter.code("app", &alice, OFFLINE, now()));
    let first = Tokens::of(&redeem(&program.client(), &used));
    program.kill();
    let program = Program::start(folder.path(), &settings);
    let again = redeem(&program.client(), &used);
    again.is_oauth_error(400, "invalid_grant", "the code was used before");
    let ended = refresh(&program.client(), &first.refresh);
    ended.is_oauth_error(400, "invalid_grant", "the grant has ended");
    assert_eq!(redeem(&program.client(), &kept).status, 200, "a code that was not used is still good");
}
