//! What every store promises of the endpoints for webhooks (the prose of `store::Webhooks`).

use std::sync::Arc;

use futures_util::future::join_all;
use jwt_generator::domain::{
    Event, EventId, EventKind, EventSubject, Initiator, Timestamp, Webhook, WebhookId, WebhookOrigin,
    WebhookScheme, WebhookSecretRecord, WebhookState, WebhookUrl,
};
use jwt_generator::store::{StoreError, Webhooks};

use super::contract::{Opened, contract};

const AT: Timestamp = Timestamp::from_secs(1_900_000_000);

pub fn id(name: &str) -> WebhookId {
    WebhookId::parse(name).unwrap()
}

/// An endpoint in some revision, with text that BSON and JSON write differently.
pub fn webhook(name: &str, revision: u64) -> Webhook {
    let secret = |scheme, expires_at| WebhookSecretRecord {
        scheme,
        sealed: "$sealed".to_owned(),
        created_at: AT,
        expires_at,
    };
    Webhook {
        id: id(name),
        revision,
        origin: WebhookOrigin::CommandLine,
        url: WebhookUrl::parse("https://hook.example/a?b=$c").unwrap(),
        kinds: vec!["user.registered".to_owned(), "of.a_later_version".to_owned()],
        description: "Größe $1".to_owned(),
        state: WebhookState::Enabled,
        secrets: vec![secret(WebhookScheme::V1, None), secret(WebhookScheme::V1a, Some(AT.plus_secs(60)))],
        begins_after: 7,
        created_at: AT,
        updated_at: AT.plus_secs(revision),
    }
}

/// An event of this endpoint. Two of the same kind and number have the same id.
fn event(kind: EventKind, name: &str, n: u8) -> Event {
    let mut random = [kind as u8; 10];
    random[9] = n;
    Event::new(EventId::new(AT, random), AT, kind, Initiator::OPERATOR, EventSubject::Webhook(id(name)))
}

fn created(name: &str) -> Event {
    event(EventKind::WebhookCreated, name, 0)
}

async fn an_endpoint_is_found_as_it_was_written_and_its_id_belongs_to_it_alone(webhooks: Arc<dyn Webhooks>) {
    assert_eq!(webhooks.find_webhook(&id("a")).await.unwrap(), None);
    assert!(webhooks.create_webhook(&webhook("a", 1), &created("a")).await.unwrap());
    assert!(!webhooks.create_webhook(&webhook("a", 2), &created("a")).await.unwrap(), "the id is taken");
    assert!(webhooks.create_webhook(&webhook("A", 1), &created("A")).await.unwrap(), "this is another id");
    assert_eq!(webhooks.find_webhook(&id("a")).await.unwrap(), Some(webhook("a", 1)));
}

async fn endpoints_are_listed_page_by_page_in_the_order_of_their_ids(webhooks: Arc<dyn Webhooks>) {
    for name in ["b", "a-1", "a", "A", "_"] {
        assert!(webhooks.create_webhook(&webhook(name, 1), &created(name)).await.unwrap());
    }
    let mut listed: Vec<Webhook> = Vec::new();
    loop {
        let page = webhooks.list_webhooks(listed.last().map(|webhook| &webhook.id), 2).await.unwrap();
        if page.is_empty() {
            break;
        }
        listed.extend(page);
    }
    assert_eq!(listed, ["A", "_", "a", "a-1", "b"].map(|name| webhook(name, 1)));
}

async fn of_many_changes_at_once_one_is_made(webhooks: Arc<dyn Webhooks>) {
    let changed = |n| event(EventKind::WebhookChanged, "a", n);
    assert!(!webhooks.replace_webhook_if(1, &webhook("a", 2), &changed(0)).await.unwrap(), "there is none");
    assert!(webhooks.create_webhook(&webhook("a", 1), &created("a")).await.unwrap());
    assert!(!webhooks.replace_webhook_if(2, &webhook("a", 3), &changed(0)).await.unwrap());
    let replace = async |n| webhooks.replace_webhook_if(1, &webhook("a", 2), &changed(n)).await.unwrap();
    let made = join_all((0..16).map(replace)).await;
    assert_eq!(made.into_iter().filter(|made| *made).count(), 1);
    assert_eq!(webhooks.find_webhook(&id("a")).await.unwrap(), Some(webhook("a", 2)));
}

async fn an_endpoint_that_was_removed_is_gone_and_its_id_is_free(webhooks: Arc<dyn Webhooks>) {
    let deleted = event(EventKind::WebhookDeleted, "a", 0);
    assert!(!webhooks.delete_webhook(&id("a"), &deleted).await.unwrap());
    assert!(webhooks.create_webhook(&webhook("a", 1), &created("a")).await.unwrap());
    assert!(webhooks.delete_webhook(&id("a"), &deleted).await.unwrap());
    assert!(!webhooks.delete_webhook(&id("a"), &deleted).await.unwrap());
    assert_eq!(webhooks.find_webhook(&id("a")).await.unwrap(), None);
    assert_eq!(webhooks.list_webhooks(None, 10).await.unwrap(), []);
    assert!(webhooks.create_webhook(&webhook("a", 7), &created("a")).await.unwrap());
}

async fn each_change_hands_over_its_event_and_is_refused_with_it(Opened { stores, events }: Opened) {
    let webhooks = stores.webhooks;
    let (changed, deleted) =
        (event(EventKind::WebhookChanged, "a", 0), event(EventKind::WebhookDeleted, "a", 0));
    assert!(!webhooks.replace_webhook_if(1, &webhook("a", 2), &changed).await.unwrap());
    assert!(webhooks.create_webhook(&webhook("a", 1), &created("a")).await.unwrap());
    assert!(
        !webhooks.create_webhook(&webhook("a", 1), &event(EventKind::WebhookCreated, "a", 9)).await.unwrap()
    );
    assert_eq!(events.take_all().await, [created("a")]);
    events.recorded.refuse(true);
    for refused in [
        webhooks.create_webhook(&webhook("b", 1), &created("b")).await,
        webhooks.replace_webhook_if(1, &webhook("a", 2), &changed).await,
        webhooks.delete_webhook(&id("a"), &deleted).await,
    ] {
        assert!(matches!(refused, Err(StoreError::Unavailable(_))), "{refused:?}");
    }
    events.recorded.refuse(false);
    assert_eq!(webhooks.list_webhooks(None, 10).await.unwrap(), [webhook("a", 1)]);
    assert!(webhooks.replace_webhook_if(1, &webhook("a", 2), &changed).await.unwrap());
    assert!(webhooks.delete_webhook(&id("a"), &deleted).await.unwrap());
    assert_eq!(events.take_all().await, [changed, deleted]);
}

mod of_webhooks {
    use super::contract;
    use super::{
        an_endpoint_is_found_as_it_was_written_and_its_id_belongs_to_it_alone,
        an_endpoint_that_was_removed_is_gone_and_its_id_is_free,
        endpoints_are_listed_page_by_page_in_the_order_of_their_ids, of_many_changes_at_once_one_is_made,
    };

    contract! {
        of webhooks:
        an_endpoint_is_found_as_it_was_written_and_its_id_belongs_to_it_alone,
        endpoints_are_listed_page_by_page_in_the_order_of_their_ids,
        of_many_changes_at_once_one_is_made,
        an_endpoint_that_was_removed_is_gone_and_its_id_is_free,
    }
}

mod of_events {
    use super::contract;
    use super::each_change_hands_over_its_event_and_is_refused_with_it;

    contract! {
        of all:
        each_change_hands_over_its_event_and_is_refused_with_it,
    }
}
