//! What every store promises of the database as a whole (the prose of `store::Database`).

use std::sync::Arc;

use jwt_generator::store::Database;

use super::contract::contract;

async fn it_answers_when_it_is_asked(database: Arc<dyn Database>) {
    database.ping().await.unwrap();
}

async fn it_can_be_prepared_more_than_once(database: Arc<dyn Database>) {
    database.prepare().await.unwrap();
    database.prepare().await.unwrap();
}

async fn it_counts_its_rows(database: Arc<dyn Database>) {
    database.prepare().await.unwrap();
    let tables = database.list_tables().await.unwrap();
    let names: Vec<_> = tables.iter().map(|size| size.table).collect();
    for name in ["login_throttles", "grants", "browser_sessions", "consents"] {
        assert!(names.contains(&name), "{names:?}");
    }
    assert!(names.contains(&"users") && names.iter().any(|name| name.ends_with("instances")), "{names:?}");
    let of_users = tables.iter().find(|size| size.table == "users").unwrap();
    assert_eq!((of_users.rows, of_users.first_expires_at), (0, None));
}

contract! {
    of database:
    it_answers_when_it_is_asked,
    it_can_be_prepared_more_than_once,
    it_counts_its_rows,
}
