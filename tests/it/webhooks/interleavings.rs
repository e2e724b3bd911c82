//! What an operator does in the middle of an instance's work is not lost.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use futures_util::future::BoxFuture;
use jwt_generator::domain::{Event, EventKind, Webhook, WebhookId};
use jwt_generator::store::{StoreError, Webhooks};

use super::world::World;

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
