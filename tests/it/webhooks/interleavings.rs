//! What an operator does in the middle of an instance's work is not lost.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use futures_util::future::BoxFuture;
use jwt_generator::domain::{Event, EventKind, Webhook, WebhookId};
use jwt_generator::store::{StoreError, Webhooks};

use super::world::{BY, World, status};

/// Endpoints, and what happens after each of the next reads.
struct Interrupted {
    webhooks: Arc<dyn Webhooks>,
    after_reads: Mutex<VecDeque<Option<BoxFuture<'static, ()>>>>,
}

impl Interrupted {
    /// `what` happens after read number `read`, from 1.
    fn new(
        webhooks: &Arc<dyn Webhooks>,
        read: usize,
        what: impl Future<Output = ()> + Send + 'static,
    ) -> Self {
        let mut after_reads: VecDeque<Option<BoxFuture<'static, ()>>> = (1..read).map(|_| None).collect();
        after_reads.push_back(Some(Box::pin(what)));
        Self { webhooks: Arc::clone(webhooks), after_reads: Mutex::new(after_reads) }
    }

    async fn interrupt(&self) {
        let what = self.after_reads.lock().unwrap().pop_front().flatten();
        if let Some(what) = what {
            what.await;
        }
    }
}

#[async_trait]
impl Webhooks for Interrupted {
    async fn create_webhook(&self, webhook: &Webhook, event: &Event) -> Result<bool, StoreError> {
        self.webhooks.create_webhook(webhook, event).await
    }

    async fn find_webhook(&self, id: &WebhookId) -> Result<Option<Webhook>, StoreError> {
        let found = self.webhooks.find_webhook(id).await;
        self.interrupt().await;
        found
    }

    async fn list_webhooks(
        &self,
        after: Option<&WebhookId>,
        limit: usize,
    ) -> Result<Vec<Webhook>, StoreError> {
        let listed = self.webhooks.list_webhooks(after, limit).await;
        self.interrupt().await;
        listed
    }

    async fn replace_webhook_if(
        &self,
        seen: u64,
        webhook: &Webhook,
        event: &Event,
    ) -> Result<bool, StoreError> {
        self.webhooks.replace_webhook_if(seen, webhook, event).await
    }

    async fn delete_webhook(&self, id: &WebhookId, event: &Event) -> Result<bool, StoreError> {
        self.webhooks.delete_webhook(id, event).await
    }
}

/// Resumes the endpoint after read number `read` of the endpoints.
fn resume_after(world: &mut World, read: usize, webhook: &Webhook) {
    let (registry, id) = (world.registry.clone(), webhook.id.clone());
    let resume = async move { drop(registry.resume(&id, &BY).await.unwrap()) };
    world.stores.webhooks = Arc::new(Interrupted::new(&world.stores.webhooks, read, resume));
}

#[tokio::test]
async fn an_endpoint_that_is_resumed_while_an_instance_finds_it_paused_does_not_sleep() {
    let mut world = World::new();
    let endpoint = world.endpoint("a", &[EventKind::ClientChanged]).await;
    world.happens("app").await;
    world.instance().make_deliveries().await;
    world.registry.pause(&endpoint.id, &BY).await.unwrap();
    resume_after(&mut world, 1, &endpoint);
    world.instance().dispatcher.work().await.unwrap();
    assert_eq!(world.receivers.numbers(), [2]);
}

#[tokio::test]
async fn a_resumption_in_the_middle_of_the_work_is_not_overwritten_by_what_the_work_has_learned() {
    let mut world = World::new();
    let endpoint = world.endpoint("a", &[EventKind::ClientChanged]).await;
    world.happens("app").await;
    world.receivers.answer_with(|_| Some(status(500)));
    world.instance().make_deliveries().await;
    world.pass(1);
    resume_after(&mut world, 2, &endpoint);
    world.instance().dispatcher.work().await.unwrap();
    let queue = world.stores.deliveries.find_delivery_queue(&endpoint.id).await.unwrap().unwrap();
    assert_eq!((queue.lease, queue.failures), (0, 0), "as the resumption has written it");
    assert_eq!(world.receivers.take().len(), 2, "the resumption makes it due at once");
}

#[tokio::test]
async fn an_endpoint_that_is_added_while_deliveries_are_made_misses_no_event_that_comes_after_it() {
    let mut world = World::new();
    world.endpoint("a", &[EventKind::ClientChanged]).await;
    world.instance().turn().await;
    let other = World::on_the_stores_of(&world);
    let happens = async move {
        other.endpoint("b", &[EventKind::ClientChanged]).await;
        other.happens("app").await;
    };
    world.stores.webhooks = Arc::new(Interrupted::new(&world.stores.webhooks, 1, happens));
    world.instance().turn().await;
    let mut urls: Vec<_> = world.receivers.take().into_iter().map(|one| one.url).collect();
    urls.sort();
    assert_eq!(urls, ["https://a.example/", "https://b.example/"]);
}
