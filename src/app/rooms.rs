//! The rooms of the house, opened in order: what a server and a function have in common.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;

use super::beat::{self, Beat};
use super::pulse::Pulse;
use super::signer_probe::SignerProbe;
use super::task::{NextTurn, Supervised, Task, TurnError};
use super::{StartError, open_keeper, open_registry, tokens};
use crate::accounts::{Accounts, Registry};
use crate::clock::Clock;
use crate::config::Config;
use crate::domain::Timestamp;
use crate::entropy::Entropy;
use crate::http::{Api, Door, FailingTasks, HttpSettings, Parts, router};
use crate::keys::{Keeper, Keys, Signer, Watch};
use crate::store::{Health, IfMissing, Store, StoreError};

pub(super) struct Rooms {
    registry: Registry,
    keys: Arc<Keys>,
    keeper: Keeper,
    watch: Watch,
    beat: Beat,
    database: Health,
    failing: FailingTasks,
    clock: Clock,
    mark: u32,
}

impl Rooms {
    /// Opens them; nobody is asked for anything yet.
    pub(super) fn open(config: &Config, clock: Clock, entropy: &Entropy) -> Result<Self, StartError> {
        let mark = u32::from_be_bytes(entropy.bytes()?);
        let registry = open_registry(config, IfMissing::Create, clock.clone(), entropy.clone())?;
        let keys = Arc::new(Keys::new(Signer::start()?, clock.clone()));
        let keeper = open_keeper(config, registry.store(), clock.clone())?;
        let watch = Watch::new(keeper.clone(), Arc::clone(&keys), clock.clone(), entropy.clone());
        let store = Arc::clone(registry.store());
        let beat = Beat::new(store, Arc::clone(&keys), &keeper, clock.clone(), entropy)?;
        Ok(Self {
            registry,
            keys,
            keeper,
            watch,
            beat,
            database: Health::default(),
            failing: FailingTasks::default(),
            clock,
            mark,
        })
    }

    /// Has the keys looked at for the first time.
    pub(super) async fn unlock(&mut self) -> Result<(), StartError> {
        self.watch.start().await?;
        if let Some(ring) = self.keys.ring().as_ref() {
            self.keeper.schedule(ring.record()).check()?;
        }
        Ok(())
    }

    /// Has the store take the shape of this version, which the version before may not read: only once nothing else can
    /// refuse the start. A database that does not answer now does so at its first use.
    pub(super) async fn prepare(&self) -> Result<(), StartError> {
        match self.store().prepare().await {
            Err(error @ StoreError::Newer { .. }) => Err(StartError::NewerDatabase(error)),
            // The task that asks the database tells of it.
            _ => Ok(()),
        }
    }

    pub(super) fn store(&self) -> &Arc<dyn Store> {
        self.registry.store()
    }

    pub(super) fn keys(&self) -> &Arc<Keys> {
        &self.keys
    }

    pub(super) fn keeper(&self) -> &Keeper {
        &self.keeper
    }

    pub(super) fn database(&self) -> &Health {
        &self.database
    }

    pub(super) fn beat(&self) -> &Beat {
        &self.beat
    }

    /// The task that asks the database, which is to begin before the keys are looked at.
    pub(super) fn pulse(&self) -> Supervised {
        Supervised::new(Pulse::new(Arc::clone(self.store()), self.database.clone()), &self.failing)
    }

    /// The door through which all requests come, and the tasks beside [`Self::pulse`]. What the start has done of their work
    /// a moment ago is due again after their pause.
    pub(super) fn furnish(self, config: &Config, entropy: Entropy) -> (Door, Vec<Supervised>) {
        let Self { registry, keys, keeper, watch, beat, database, failing, clock, mark } = self;
        let refresh = Duration::from_secs(keeper.settings().refresh);
        let pause = watch.pause();
        let tasks = vec![
            Supervised::new(watch, &failing).after(pause),
            Supervised::new(SignerProbe::new(Arc::clone(&keys), refresh), &failing),
            Supervised::new(beat, &failing).after(beat::EVERY),
        ];
        let tokens = tokens(config, Arc::clone(&keys), clock.clone(), entropy);
        let accounts = Accounts::new(registry, tokens.clone(), clock.clone(), config.session_max_age);
        let settings = HttpSettings {
            demo_tokens: config.demo_tokens,
            allowed_origins: config.allowed_origins.clone(),
            public_url: config.public_url.clone(),
            body_memory: config.max_body_memory,
        };
        let allowed = settings.allowed_origins.clone();
        let api = Api::new(Parts { tokens, accounts, keys, database, failing, clock, settings });
        (Door::new(router(api), allowed, mark), tasks)
    }
}

#[async_trait]
impl Task for Watch {
    fn name(&self) -> &'static str {
        Self::NAME
    }

    async fn turn(&mut self, _now: Timestamp) -> Result<NextTurn, TurnError> {
        self.look_again().await?;
        Ok(NextTurn::After(self.pause()))
    }
}
