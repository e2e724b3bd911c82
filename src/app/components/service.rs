//! The service for all requests and the background tasks, made of the components.

use std::sync::Arc;
use std::time::Duration;

use super::Components;
use crate::accounts::Accounts;
use crate::app::checkpoints::CheckpointTask;
use crate::app::event_counts::EventCountTask;
use crate::app::event_sealer::EventSealer;
use crate::app::health_watch::HealthWatch;
use crate::app::key_events::KeyEvents;
use crate::app::purge::purges;
use crate::app::settings_event::SettingsEvent;
use crate::app::signer_probe::SignerProbe;
use crate::app::store_census::StoreCensus;
use crate::app::task::Supervised;
use crate::app::{instance_heartbeat, tokens};
use crate::audit::{CheckpointFile, CheckpointMetrics, Checkpointer};
use crate::clock::Clock;
use crate::config::Config;
use crate::entropy::Entropy;
use crate::http::{Api, HttpService, HttpSettings, Parts};
use crate::keys::{KeyMetrics, Keys, RingService};
use crate::oauth::{
    ClientAuthentication, Generation, Issuer, KeyFetcher, OAuth, OAuthSettings, StatusListPublisher,
};
use crate::store::{EventMetrics, Stores, TableMetrics};
use crate::telemetry::metrics::{MetricRegistry, Source};
use crate::token::Tokens;

impl Components {
    /// The service for all requests, and the tasks other than [`Self::database_probe`]. The start has just done the work of
    /// some of them; they begin with a pause.
    pub(in crate::app) fn into_service(
        self,
        config: &Config,
        port: u16,
        entropy: Entropy,
    ) -> (HttpService, Vec<Supervised>) {
        let tokens = tokens(config, port, Arc::clone(&self.keys), self.clock.clone(), entropy.clone());
        let tokens = tokens.sharing(self.denied.clone()).counting(self.event_counter.clone());
        let (oauth, generation) = self.oauth(config, port, tokens.clone(), entropy.clone());
        let publisher = self.status_list_publisher(&oauth, &tokens);
        let table_metrics = Arc::<TableMetrics>::default();
        self.metrics.add(tokens.metrics());
        self.metrics.add_all(of_keys(&self.keys, &self.ring_service, &self.clock));
        let Self { registry, guard, keys, clients, health, limits, clock, metrics, .. } = &self;
        let accounts = Accounts::new(
            registry.clone(),
            guard.clone(),
            tokens.clone(),
            clock.clone(),
            config.session_max_age,
        );
        metrics.add_all(accounts.metrics());
        let of_tasks = Arc::new(health.tasks().clone());
        metrics.add_all([Arc::clone(health) as Arc<dyn Source>, of_tasks, Arc::clone(&table_metrics) as _]);
        let api = Api::new(Parts {
            tokens,
            accounts,
            oauth,
            clients: clients.clone(),
            generation,
            keys: Arc::clone(keys),
            health: Arc::clone(health),
            limits: limits.clone(),
            clock: clock.clone(),
            settings: http_settings(config),
        });
        let http_service = HttpService::new(api, self.mark, self.tracer.clone());
        metrics.add(http_service.metrics());
        (http_service, self.into_tasks(config, table_metrics, publisher, entropy))
    }

    fn oauth(&self, config: &Config, port: u16, tokens: Tokens, entropy: Entropy) -> (OAuth, Generation) {
        let (clock, clients) = (self.clock.clone(), &self.clients);
        let issuer = config.oauth_issuer.on_port(port);
        let authentication = ClientAuthentication::new(
            clients.clone(),
            issuer.clone(),
            config.key_clock_skew,
            KeyFetcher::new(clock.clone()),
            clock.clone(),
        );
        let settings = OAuthSettings {
            issuer: issuer.map(|issuer| Issuer::new(issuer, config.internal_url.clone())),
            algorithms: config.algorithms.clone(),
            status_list_ttl: config.status_list_ttl,
            session_lifetimes: config.browser_session_lifetimes,
            grant_lifetimes: config.grant_lifetimes,
        };
        let secret = self.server_secret.current().clone();
        let (of_oauth, of_generation) = (tokens.clone(), authentication.clone());
        let oauth = OAuth::new(settings, &self.stores, of_oauth, authentication, secret, clock, entropy);
        let generation =
            Generation::new(tokens, clients.clone(), of_generation, oauth.status_places().clone());
        (oauth, generation)
    }

    /// What prepares the status lists; `None` if OAuth is off.
    fn status_list_publisher(&self, oauth: &OAuth, tokens: &Tokens) -> Option<StatusListPublisher> {
        Some(StatusListPublisher::new(
            oauth.status_list_settings().cloned()?,
            Arc::clone(&self.stores.status_lists),
            Arc::clone(&self.stores.denials),
            tokens.clone(),
            oauth.status_lists().clone(),
        ))
    }

    fn into_tasks(
        self,
        config: &Config,
        table_metrics: Arc<TableMetrics>,
        publisher: Option<StatusListPublisher>,
        entropy: Entropy,
    ) -> Vec<Supervised> {
        let Self { stores, keys, ring_service, ring_refresher, heartbeat, server_secret, health, .. } = self;
        let Self { client_refresh, denial_task, webhook_task, metric_export, event_counter, .. } = self;
        let refresh = Duration::from_secs(ring_service.settings().refresh);
        let pause = ring_refresher.pause();
        let (clients_pause, denials_pause) = (client_refresh.pause(), denial_task.pause());
        let (known, event_metrics) = (health.tasks(), Arc::<EventMetrics>::default());
        self.metrics.add(Arc::clone(&event_metrics) as Arc<dyn Source>);
        let sealer = EventSealer::new(Arc::clone(&stores.events), event_metrics);
        let checkpoints = checkpoint_task(config, &stores, &keys, &self.metrics);
        let events = &stores.events;
        let key_events = KeyEvents::new(Arc::clone(&keys), Arc::clone(events), config.event_retention);
        let settings_event = SettingsEvent::new(
            config.given.clone(),
            server_secret.current().clone(),
            Arc::clone(events),
            entropy.clone(),
        );
        let event_counts = EventCountTask::new(event_counter, Arc::clone(events), entropy);
        let mut tasks = vec![
            Supervised::new(key_events, known),
            Supervised::new(settings_event, known),
            Supervised::new(event_counts, known),
            Supervised::new(ring_refresher, known).after(pause),
            Supervised::new(SignerProbe::new(keys, refresh), known),
            Supervised::new(heartbeat, known).after(instance_heartbeat::EVERY),
            Supervised::new(server_secret, known).after(refresh),
            Supervised::new(client_refresh, known).after(clients_pause),
            Supervised::new(denial_task, known).after(denials_pause),
            Supervised::new(HealthWatch::new(Arc::clone(&health)), known),
            Supervised::new(sealer, known),
            Supervised::new(checkpoints, known),
            Supervised::new(webhook_task, known),
        ];
        tasks.extend(publisher.map(|publisher| Supervised::new(publisher, known)));
        tasks.extend(purges(&stores, config.event_retention, known));
        tasks.push(Supervised::new(StoreCensus::new(stores.database, table_metrics), known));
        if let Some(export) = metric_export {
            let interval = export.interval();
            tasks.push(Supervised::new(export, known).after(interval));
        }
        tasks
    }
}

/// What signs the chain of events.
fn checkpoint_task(
    config: &Config,
    stores: &Stores,
    keys: &Arc<Keys>,
    metrics: &MetricRegistry,
) -> CheckpointTask {
    let of_task = Arc::<CheckpointMetrics>::default();
    metrics.add(Arc::clone(&of_task) as Arc<dyn Source>);
    let (events, checkpoints) = (Arc::clone(&stores.events), Arc::clone(&stores.checkpoints));
    let checkpointer = Checkpointer::new(events, Arc::clone(&checkpoints), Arc::clone(keys), of_task);
    let file = config.audit_checkpoint_file.clone().map(CheckpointFile::new);
    CheckpointTask::new(checkpointer, checkpoints, file)
}

fn http_settings(config: &Config) -> HttpSettings {
    HttpSettings {
        demo_tokens: config.demo_tokens,
        password_policy: config.password_policy,
        allowed_origins: config.allowed_origins.clone(),
        public_url: config.public_url.clone(),
        trusted_proxies: config.trusted_proxies.clone(),
        trusted_proxy_header: config.trusted_proxy_header,
        body_memory: config.max_body_memory,
        access_log: config.access_log,
        brand: config.brand.clone(),
    }
}

/// What is counted of the ring, of its custody and of the signatures.
fn of_keys(keys: &Arc<Keys>, ring_service: &RingService, clock: &Clock) -> Vec<Arc<dyn Source>> {
    let ring = KeyMetrics::new(Arc::clone(keys), Arc::clone(ring_service.schedule()), clock.clone());
    let mut sources = keys.signer().metrics().to_vec();
    sources.extend([Arc::new(ring) as Arc<dyn Source>, ring_service.custody().metrics()]);
    sources
}
