//! Many attempts at once, and many names.

use serde_json::json;

use super::{BEHIND_A_PROXY, ELSEWHERE, HOME, Patient, guess, is_wrong, must_wait, own_log_in, register};
use crate::support::{Answer, Service, folder_with_keys, jwt_generator, run};

/// So many answers at once.
fn at_once(times: usize, ask: impl Fn(usize) -> Answer + Sync) -> Vec<Answer> {
    std::thread::scope(|scope| {
        let ask = &ask;
        let askers: Vec<_> = (0..times).map(|n| scope.spawn(move || ask(n))).collect();
        askers.into_iter().map(|asker| asker.join().unwrap()).collect()
    })
}

fn count(answers: &[Answer], status: u16) -> usize {
    answers.iter().filter(|answer| answer.status == status).count()
}

/// The clock stands still, so that no wait ends in between.
#[test]
fn of_forty_guesses_at_once_five_have_a_verdict_and_afterwards_one_at_a_time() {
    let folder = tempfile::tempdir().unwrap();
    for data in [":memory:", folder.path().to_str().unwrap()] {
        let service = Service::with(&[&BEHIND_A_PROXY[..], &[("DATA_DIR", data)]].concat());
        let client = service.anonymous();
        register(&client, "alice");
        let mut patient = Patient::new(&service);
        for (verdicts, wait) in [(5, 1), (1, 2), (1, 4)] {
            let answers = at_once(40, |n| guess(&client, &format!("203.0.113.{n}"), "alice"));
            let mut with_verdict = count(&answers, 401);
            let refused = count(&answers, 429) + count(&answers, 503);
            assert_eq!(with_verdict + refused, 40, "{answers:?}");
            // If the hashing threads were too busy for some of them, the next ones get what is left.
            while guess(&client, ELSEWHERE, "alice").status == 401 {
                with_verdict += 1;
            }
            assert_eq!(with_verdict, verdicts, "{answers:?}");
            assert_eq!(must_wait(&own_log_in(&client, ELSEWHERE, "alice")), wait);
            patient.wait(wait);
        }
    }
}

#[test]
fn the_right_password_among_many_guesses_is_no_more_visible_than_the_others() {
    let service = Service::with(&BEHIND_A_PROXY);
    let client = service.anonymous();
    register(&client, "alice");
    let mut patient = Patient::new(&service);
    patient.guess(ELSEWHERE, "alice", 5);
    let answers = at_once(20, |n| match n {
        10 => own_log_in(&client, ELSEWHERE, "alice"),
        _ => guess(&client, ELSEWHERE, "alice"),
    });
    for answer in &answers {
        must_wait(answer);
        assert_eq!(answer.body, answers[0].body);
    }
}

#[test]
fn many_log_ins_with_the_right_password_at_once_never_make_one_another_wait() {
    let service = Service::with(&BEHIND_A_PROXY);
    let client = service.anonymous();
    register(&client, "alice");
    for address in [HOME, ELSEWHERE] {
        let answers = at_once(24, |_| own_log_in(&client, address, "alice"));
        assert!(count(&answers, 200) > 0, "{answers:?}");
        assert_eq!(
            count(&answers, 200) + count(&answers, 503),
            24,
            "a few may find a full queue: {answers:?}"
        );
    }
}

/// Forty attempts fill the queue of the hashing threads. An attempt that must wait is refused before it gets there.
#[test]
fn an_attempt_that_must_wait_costs_no_hash() {
    let service = Service::with(&[&BEHIND_A_PROXY[..], &[("BCRYPT_ROUNDS", "10")]].concat());
    let client = service.anonymous();
    register(&client, "alice");
    Patient::new(&service).guess(ELSEWHERE, "alice", 5);
    std::thread::scope(|scope| {
        let storm = scope.spawn(|| at_once(120, |n| guess(&client, ELSEWHERE, &format!("nobody{n}"))));
        while !storm.is_finished() {
            must_wait(&guess(&client, ELSEWHERE, "alice"));
        }
        assert!(count(&storm.join().unwrap(), 503) > 0, "the queue was full");
    });
}

#[test]
fn names_that_no_user_has_are_stored_as_keyed_hashes_in_at_most_a_hundred_thousand_records() {
    let folder = folder_with_keys();
    let data = folder.path().join("data");
    let service = Service::with(&[&BEHIND_A_PROXY[..], &[("DATA_DIR", data.to_str().unwrap())]].concat());
    let client = service.anonymous();
    register(&client, "alice");
    for n in 0..200 {
        guess(&client, ELSEWHERE, &format!("secretive{n}@example.com"));
    }
    guess(&client, ELSEWHERE, "alice");
    drop(service);
    let file = rusqlite::Connection::open(data.join("jwt-generator.db")).unwrap();
    let mut rows = file.prepare("SELECT account, record FROM login_throttles").unwrap();
    let rows = rows.query_map([], |row| Ok((row.get::<_, String>(0)?, row.get::<_, String>(1)?))).unwrap();
    let rows: Vec<(String, String)> = rows.map(Result::unwrap).collect();
    let places = rows.iter().filter_map(|(account, _)| account.strip_prefix("unknown-"));
    assert!(places.clone().all(|place| place.parse::<u32>().unwrap() < 100_000));
    assert!((190..=200).contains(&places.count()), "few names share a place");
    assert_eq!(rows.iter().filter(|(account, _)| !account.starts_with("unknown-")).count(), 1, "alice's");
    for (account, record) in &rows {
        for clear in ["secretive", HOME, ELSEWHERE] {
            assert!(!account.contains(clear) && !record.contains(clear), "{account} {record}");
        }
    }
    let mut command = jwt_generator(folder.path());
    let listed = run(command.env("DATA_DIR", &data).args(["users", "list"]));
    assert_eq!(listed.lines().count(), 1);
}

/// Writes this record for all names that no user has.
fn fill(data: &std::path::Path, record: &serde_json::Value) {
    let mut file = rusqlite::Connection::open(data.join("jwt-generator.db")).unwrap();
    let filling = file.transaction().unwrap();
    let write = "INSERT INTO login_throttles (account, revision, record) VALUES (?1, 1, ?2)
                 ON CONFLICT DO UPDATE SET record = ?2";
    for place in 0..100_000 {
        let row = (format!("unknown-{place}"), record.to_string());
        filling.prepare_cached(write).unwrap().execute(row).unwrap();
    }
    filling.commit().unwrap();
}

/// An attacker can fill the records of names that no user has. Then another such name must not wait at once: a user's would not.
#[test]
fn a_name_that_no_user_has_behaves_like_a_users_although_its_record_is_full_of_other_names() {
    let folder = tempfile::tempdir().unwrap();
    let data = ("DATA_DIR", folder.path().to_str().unwrap());
    let service = Service::with(&[&BEHIND_A_PROXY[..], &[data]].concat());
    let client = service.anonymous();
    register(&client, "alice");
    let failures = json!({ "count": 20, "last_at": Service::START * 1000 });
    let others = [1, 2, 3, 4].map(|n| json!({ "name": format!("{n:032x}"), "failures": failures }));
    let of_an_earlier_version = json!({ "elsewhere": failures, "known": [] });
    let full = json!({ "elsewhere": { "count": 0, "last_at": 0 }, "known": [], "names": others });
    for (record, unknown) in [(of_an_earlier_version, "bob"), (full, "carol")] {
        fill(folder.path(), &record);
        (0..5).for_each(|_| is_wrong(&guess(&client, ELSEWHERE, unknown)));
        assert_eq!(must_wait(&guess(&client, ELSEWHERE, unknown)), 1);
    }
    (0..5).for_each(|_| is_wrong(&guess(&client, ELSEWHERE, "alice")));
    assert_eq!(must_wait(&guess(&client, ELSEWHERE, "alice")), 1);
}
