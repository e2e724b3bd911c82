//! A server without a database: each verb of each aggregate says so.

use jwt_generator::domain::{EventKind, ThrottledAccount, Timestamp};
use jwt_generator::store::{Absent, StoreError, Stores};

use super::contract::{changed, hash, registered, user};
use super::instances::instance;
use super::login_throttles::record;
use super::rings::ring;

#[track_caller]
fn all_absent(answers: &[Result<(), StoreError>]) {
    assert!(answers.iter().all(|answer| matches!(answer, Err(StoreError::Absent))), "{answers:?}");
}

#[tokio::test]
async fn without_a_database_each_verb_says_so() {
    let Stores { users, rings, instances, login_throttles, database } = Stores::of(Absent);
    let (user, now) = (user(1), Timestamp::from_secs(1));
    let event = changed(EventKind::PasswordChanged, 1);
    all_absent(&[
        users.create_user(&user, &registered(1)).await,
        users.find_user_by_id(user.id).await.map(drop),
        users.find_user_by_username(&user.username).await.map(drop),
        users.find_user_by_email(&user.email).await.map(drop),
        users.list_users(None, 1).await.map(drop),
        users.replace_hash_if(user.id, &hash(1), &hash(2), &event).await.map(drop),
        users.replace_password_if(user.id, &hash(1), &hash(2), now, &event).await.map(drop),
        users.end_sessions(user.id, now, &event).await.map(drop),
        users.delete_user(user.id, &event).await.map(drop),
    ]);
    all_absent(&[
        rings.find_ring().await.map(drop),
        rings.replace_ring_if(None, &ring(1, 1)).await.map(drop),
    ]);
    all_absent(&[
        instances.record_instance(&instance("a", 1)).await,
        instances.list_instances().await.map(drop),
        instances.purge_instances(now).await,
    ]);
    let account = ThrottledAccount::UnknownName(1);
    all_absent(&[
        login_throttles.find_login_throttle(account).await.map(drop),
        login_throttles.replace_login_throttle_if(None, &record(account, 1), None).await.map(drop),
        login_throttles.purge_login_throttles(now).await.map(drop),
    ]);
    all_absent(&[database.ping().await, database.prepare().await, database.list_tables().await.map(drop)]);
}
