//! What every store promises of the OAuth clients (the prose of `store::Clients`).

use std::sync::Arc;

use jwt_generator::domain::{
    Client, ClientId, ClientMetadata, ClientOrigin, ClientSecretHash, Event, EventId, EventKind,
    EventSubject, GrantType, Initiator, RedirectUri, RegistrationId, Scopes, Timestamp,
};
use jwt_generator::store::{Clients, StoreError};

use super::contract::{Opened, contract};

const AT: Timestamp = Timestamp::from_secs(1_900_000_000);

fn id(name: &str) -> ClientId {
    ClientId::parse(name).unwrap()
}

/// A client with metadata that BSON and JSON write differently, in some revision.
pub fn client(name: &str, revision: u64) -> Client {
    let claims = r#"{"a.b": {"$set": 1}, "big": 18446744073709551615, "half": 0.5, "none": null}"#;
    let metadata = ClientMetadata {
        client_name: Some(format!("Größe {revision}")),
        redirect_uris: vec![RedirectUri::parse("https://app.example/cb").unwrap()],
        grant_types: vec![GrantType::AuthorizationCode, GrantType::ClientCredentials],
        scope: Scopes::parse("openid token:generate").unwrap(),
        claims: serde_json::from_str(claims).unwrap(),
        other: serde_json::from_str(r#"{"a_member_of_a_later_version": ["x"]}"#).unwrap(),
        ..ClientMetadata::default()
    };
    let secret =
        |digit: &str, expires_at| ClientSecretHash { sha256: digit.repeat(64), created_at: AT, expires_at };
    Client {
        id: id(name),
        revision,
        origin: ClientOrigin::CommandLine,
        metadata,
        secrets: vec![secret("a", None), secret("b", Some(AT.plus_secs(3600)))],
        created_at: AT,
        updated_at: AT.plus_secs(revision),
        registration: Some(RegistrationId::from_bytes([revision as u8; 16])),
    }
}

/// An event of this client. Two of the same kind and number have the same id.
pub fn event(kind: EventKind, name: &str, n: u8) -> Event {
    let mut random = [kind as u8; 10];
    random[9] = n;
    let subject = EventSubject::Client(id(name));
    Event::new(EventId::new(AT, random), AT, kind, Initiator::OPERATOR, subject)
}

fn created(name: &str) -> Event {
    event(EventKind::ClientCreated, name, 0)
}

async fn a_client_is_found_as_it_was_written_and_its_id_belongs_to_it_alone(clients: Arc<dyn Clients>) {
    assert_eq!(clients.find_client(&id("a")).await.unwrap(), None);
    assert!(clients.create_client(&client("a", 1), &created("a")).await.unwrap());
    assert!(!clients.create_client(&client("a", 2), &created("a")).await.unwrap(), "the id is taken");
    assert!(clients.create_client(&client("A", 1), &created("A")).await.unwrap(), "this is another id");
    assert_eq!(clients.find_client(&id("a")).await.unwrap(), Some(client("a", 1)));
    assert_eq!(clients.find_client(&id("b")).await.unwrap(), None);
}

async fn clients_are_listed_page_by_page_in_the_order_of_their_ids(clients: Arc<dyn Clients>) {
    let names = ["https://x.example/client", "b", "a-1", "a", "A", "~"];
    for name in names {
        assert!(clients.create_client(&client(name, 1), &created(name)).await.unwrap());
    }
    let mut listed = Vec::new();
    loop {
        let after = listed.last().map(|client: &Client| client.id.clone());
        let page = clients.list_clients(after.as_ref(), 4).await.unwrap();
        assert!(page.len() <= 4);
        if page.is_empty() {
            break;
        }
        listed.extend(page);
    }
    let expected = ["A", "a", "a-1", "b", "https://x.example/client", "~"];
    assert_eq!(listed, expected.map(|name| client(name, 1)));
}

async fn only_the_revision_that_was_seen_is_replaced(clients: Arc<dyn Clients>) {
    let replace = async |seen, revision| {
        let changed = event(EventKind::ClientChanged, "a", revision as u8);
        clients.replace_client_if(seen, &client("a", revision), &changed).await.unwrap()
    };
    assert!(!replace(1, 2).await, "there is no client");
    assert!(clients.create_client(&client("a", 1), &created("a")).await.unwrap());
    assert!(!replace(2, 3).await);
    assert!(replace(1, 2).await);
    assert!(!replace(1, 2).await);
    assert_eq!(clients.find_client(&id("a")).await.unwrap(), Some(client("a", 2)));
}

async fn of_many_changes_at_once_one_is_made(clients: Arc<dyn Clients>) {
    for seen in [None, Some(1)] {
        let racers: Vec<_> = (0..16)
            .map(|n| {
                let (clients, next) = (Arc::clone(&clients), client("a", seen.unwrap_or(0) + 1));
                tokio::spawn(async move {
                    match seen {
                        None => clients.create_client(&next, &event(EventKind::ClientCreated, "a", n)).await,
                        Some(seen) => {
                            let changed = event(EventKind::ClientChanged, "a", n);
                            clients.replace_client_if(seen, &next, &changed).await
                        }
                    }
                })
            })
            .collect();
        let mut made = 0;
        for racer in racers {
            made += usize::from(racer.await.unwrap().unwrap());
        }
        assert_eq!(made, 1, "from {seen:?}");
    }
}

async fn a_client_that_was_removed_is_gone_and_its_id_is_free(clients: Arc<dyn Clients>) {
    let deleted = event(EventKind::ClientDeleted, "a", 0);
    assert!(!clients.delete_client(&id("a"), &deleted).await.unwrap());
    assert!(clients.create_client(&client("a", 1), &created("a")).await.unwrap());
    assert!(clients.delete_client(&id("a"), &deleted).await.unwrap());
    assert!(!clients.delete_client(&id("a"), &deleted).await.unwrap());
    assert_eq!(clients.find_client(&id("a")).await.unwrap(), None);
    assert_eq!(clients.list_clients(None, 10).await.unwrap(), []);
    assert!(clients.create_client(&client("a", 7), &created("a")).await.unwrap());
    assert_eq!(clients.find_client(&id("a")).await.unwrap(), Some(client("a", 7)));
}

async fn each_change_hands_over_its_event(Opened { stores, events }: Opened) {
    let clients = stores.clients;
    assert!(clients.create_client(&client("a", 1), &created("a")).await.unwrap());
    assert_eq!(events.take_all().await, [created("a")]);
    let rotated = event(EventKind::ClientSecretRotated, "a", 0);
    assert!(clients.replace_client_if(1, &client("a", 2), &rotated).await.unwrap());
    assert_eq!(events.take_all().await, [rotated]);
    let deleted = event(EventKind::ClientDeleted, "a", 0);
    assert!(clients.delete_client(&id("a"), &deleted).await.unwrap());
    let again = event(EventKind::ClientDeleted, "a", 1);
    assert!(!clients.delete_client(&id("a"), &again).await.unwrap(), "what keeps the event is no client");
    assert!(clients.create_client(&client("a", 1), &created("a")).await.unwrap());
    assert_eq!(events.take_all().await, [deleted, created("a")]);
}

async fn what_is_refused_hands_over_no_event(Opened { stores, events }: Opened) {
    let clients = stores.clients;
    let changed = event(EventKind::ClientChanged, "a", 0);
    assert!(!clients.replace_client_if(1, &client("a", 2), &changed).await.unwrap());
    assert!(!clients.delete_client(&id("a"), &event(EventKind::ClientDeleted, "a", 0)).await.unwrap());
    assert!(clients.create_client(&client("a", 1), &created("a")).await.unwrap());
    events.take_all().await;
    assert!(!clients.create_client(&client("a", 2), &created("a")).await.unwrap());
    assert!(!clients.replace_client_if(7, &client("a", 8), &changed).await.unwrap());
    assert_eq!(events.take_all().await, []);
}

async fn a_refused_event_refuses_the_change(Opened { stores, events }: Opened) {
    let clients = stores.clients;
    assert!(clients.create_client(&client("a", 1), &created("a")).await.unwrap());
    events.take_all().await;
    events.recorded.refuse(true);
    for refused in [
        clients.create_client(&client("b", 1), &created("b")).await,
        clients.replace_client_if(1, &client("a", 2), &event(EventKind::ClientChanged, "a", 0)).await,
        clients.delete_client(&id("a"), &event(EventKind::ClientDeleted, "a", 0)).await,
    ] {
        assert!(matches!(refused, Err(StoreError::Unavailable(_))), "{refused:?}");
    }
    events.recorded.refuse(false);
    assert_eq!(clients.list_clients(None, 10).await.unwrap(), [client("a", 1)]);
}

mod of_clients {
    use super::contract;
    use super::{
        a_client_is_found_as_it_was_written_and_its_id_belongs_to_it_alone,
        a_client_that_was_removed_is_gone_and_its_id_is_free,
        clients_are_listed_page_by_page_in_the_order_of_their_ids, of_many_changes_at_once_one_is_made,
        only_the_revision_that_was_seen_is_replaced,
    };

    contract! {
        of clients:
        a_client_is_found_as_it_was_written_and_its_id_belongs_to_it_alone,
        clients_are_listed_page_by_page_in_the_order_of_their_ids,
        only_the_revision_that_was_seen_is_replaced,
        of_many_changes_at_once_one_is_made,
        a_client_that_was_removed_is_gone_and_its_id_is_free,
    }
}

mod of_events {
    use super::contract;
    use super::{
        a_refused_event_refuses_the_change, each_change_hands_over_its_event,
        what_is_refused_hands_over_no_event,
    };

    contract! {
        of all:
        each_change_hands_over_its_event,
        what_is_refused_hands_over_no_event,
        a_refused_event_refuses_the_change,
    }
}
