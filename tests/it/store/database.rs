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

contract! {
    of database:
    it_answers_when_it_is_asked,
    it_can_be_prepared_more_than_once,
}
