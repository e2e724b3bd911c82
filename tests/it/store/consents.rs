//! What every store promises of consents (the prose of `store::Consents`).

use std::sync::Arc;

use jwt_generator::domain::{ClientId, Consent, EventKind, RegistrationId, Scopes, Timestamp};
use jwt_generator::store::{Consents, StoreError};

use super::contract::{Opened, changed, contract, registered, user};

pub(super) fn consent(of_user: u8, client: &str, scopes: &str) -> Consent {
    Consent {
        user: user(of_user).id,
        client: client_id(client),
        registration: Some(RegistrationId::from_bytes([8; 16])),
        scopes: Scopes::parse(scopes).unwrap(),
        resources: vec!["https://api.example".to_owned(), "$https://b.example".to_owned()],
        given_at: Timestamp::from_millis(1_800_000_000_123),
    }
}

fn client_id(text: &str) -> ClientId {
    ClientId::parse(text).unwrap()
}

async fn record(consents: &Arc<dyn Consents>, consent: &Consent) {
    consents.record_consent(consent, &changed(EventKind::ConsentGiven, 1)).await.unwrap();
}

async fn each_user_and_client_has_one_consent_and_it_is_the_latest(consents: Arc<dyn Consents>) {
    let find = async |of_user: u8, client: &str| {
        consents.find_consent(user(of_user).id, &client_id(client)).await.unwrap()
    };
    assert_eq!(find(1, "app").await, None);
    let later = Consent { given_at: Timestamp::from_secs(1_900_000_000), ..consent(1, "app", "openid $b a") };
    let bare = Consent { registration: None, resources: vec![], ..consent(2, "app", "") };
    for consent in
        [&consent(1, "app", "openid"), &later, &consent(2, "app", ""), &bare, &consent(1, "b", "b")]
    {
        record(&consents, consent).await;
    }
    assert_eq!(find(1, "app").await, Some(later));
    assert_eq!(find(2, "app").await, Some(bare));
    assert_eq!(find(2, "b").await, None);
}

async fn the_consents_of_a_user_are_listed_by_client(consents: Arc<dyn Consents>) {
    for client in ["b", "https://client.example/", "B", "a"] {
        record(&consents, &consent(1, client, "openid")).await;
    }
    record(&consents, &consent(2, "c", "openid")).await;
    let list = async |limit| consents.list_consents(user(1).id, limit).await.unwrap();
    let clients = ["B", "a", "b", "https://client.example/"];
    assert_eq!(list(9).await, clients.map(|client| consent(1, client, "openid")));
    assert_eq!(list(1).await, [consent(1, "B", "openid")]);
    assert_eq!(consents.list_consents(user(3).id, 9).await.unwrap(), []);
}

async fn of_64_consents_at_once_one_is_left(consents: Arc<dyn Consents>) {
    let racers: Vec<_> = (0..64)
        .map(|n| {
            let (consents, consent) = (Arc::clone(&consents), consent(1, "app", &format!("scope-{n}")));
            tokio::spawn(async move { record(&consents, &consent).await })
        })
        .collect();
    for racer in racers {
        racer.await.unwrap();
    }
    assert_eq!(consents.list_consents(user(1).id, 99).await.unwrap().len(), 1);
}

async fn a_user_who_is_deleted_leaves_no_consents(Opened { stores, events: _ }: Opened) {
    let (users, consents) = (stores.users, stores.consents);
    users.create_user(&user(1), &registered(1)).await.unwrap();
    for consent in [&consent(1, "a", "openid"), &consent(1, "b", "openid"), &consent(2, "a", "openid")] {
        record(&consents, consent).await;
    }
    users.delete_user(user(1).id, &changed(EventKind::UserDeleted, 1)).await.unwrap();
    assert_eq!(consents.find_consent(user(1).id, &client_id("a")).await.unwrap(), None);
    assert_eq!(consents.list_consents(user(1).id, 9).await.unwrap(), []);
    assert_eq!(consents.list_consents(user(2).id, 9).await.unwrap(), [consent(2, "a", "openid")]);
}

async fn a_consent_is_withdrawn_and_given_again_each_time_with_an_event(Opened { stores, events }: Opened) {
    let consents = stores.consents;
    let (app, openid) = (client_id("app"), consent(1, "app", "openid"));
    let (given, withdrawn) = (changed(EventKind::ConsentGiven, 1), changed(EventKind::ConsentWithdrawn, 1));
    assert!(!consents.delete_consent(user(1).id, &app, &withdrawn).await.unwrap(), "there is no consent");
    assert_eq!(events.take_all().await, []);
    for _ in 0..2 {
        events.recorded.refuse(true);
        let refused = consents.record_consent(&openid, &given).await;
        assert!(matches!(refused, Err(StoreError::Unavailable(_))), "{refused:?}");
        assert_eq!(consents.find_consent(user(1).id, &app).await.unwrap(), None);
        events.recorded.refuse(false);
        consents.record_consent(&openid, &given).await.unwrap();
        assert_eq!(consents.find_consent(user(1).id, &app).await.unwrap().as_ref(), Some(&openid));
        events.recorded.refuse(true);
        let refused = consents.delete_consent(user(1).id, &app, &withdrawn).await;
        assert!(matches!(refused, Err(StoreError::Unavailable(_))), "{refused:?}");
        assert!(consents.find_consent(user(1).id, &app).await.unwrap().is_some());
        events.recorded.refuse(false);
        assert!(consents.delete_consent(user(1).id, &app, &withdrawn).await.unwrap());
        assert_eq!(events.take_all().await, [given.clone(), withdrawn.clone()]);
        assert!(!consents.delete_consent(user(1).id, &app, &withdrawn).await.unwrap());
        assert_eq!(consents.list_consents(user(1).id, 9).await.unwrap(), []);
        assert_eq!(events.take_all().await, []);
    }
}

mod of_consents {
    use super::contract;
    use super::{
        each_user_and_client_has_one_consent_and_it_is_the_latest, of_64_consents_at_once_one_is_left,
        the_consents_of_a_user_are_listed_by_client,
    };

    contract! {
        of consents:
        each_user_and_client_has_one_consent_and_it_is_the_latest,
        the_consents_of_a_user_are_listed_by_client,
        of_64_consents_at_once_one_is_left,
    }
}

mod of_events {
    use super::contract;
    use super::{
        a_consent_is_withdrawn_and_given_again_each_time_with_an_event,
        a_user_who_is_deleted_leaves_no_consents,
    };

    contract! {
        of all:
        a_user_who_is_deleted_leaves_no_consents,
        a_consent_is_withdrawn_and_given_again_each_time_with_an_event,
    }
}
