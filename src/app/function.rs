//! The service as a function of AWS Lambda. Between two invocations the process is frozen, so what a server does in the
//! background is done on the way: a look at the ring, a step of the rotation, a question to the database.

use std::sync::Arc;
use std::time::Duration;

use futures_util::future::join_all;
use tokio::sync::Mutex;
use tokio::task::JoinHandle;
use tokio::time::timeout;

use super::components::Components;
use super::task::{NextTurn, Supervised};
use super::{StartError, tell_adopted};
use crate::clock::Clock;
use crate::config::Config;
use crate::entropy::Entropy;
use crate::http::HttpService;
use crate::keys::{Keys, RingService};
use crate::lambda::{Event, EventError, Invocation, Reply};

/// How long a request waits for what is due; what takes longer goes on with the next ones.
const ON_THE_WAY: Duration = Duration::from_secs(1);
/// How long an invocation that is for nothing else waits for it.
const ON_PURPOSE: Duration = Duration::from_secs(10);

/// The service, ready to be invoked.
pub struct Function {
    http_service: HttpService,
    keys: Arc<Keys>,
    ring_service: RingService,
    base: String,
    clock: Clock,
    refresh: Duration,
    upkeep: Mutex<Upkeep>,
    background: Arc<Mutex<Background>>,
}

/// When what is due was last seen to, and what of it is still under way.
struct Upkeep {
    at: Duration,
    under_way: Option<JoinHandle<()>>,
}

/// The tasks of a server, which have their turns here when a request or a schedule's event comes.
struct Background {
    clock: Clock,
    tasks: Vec<Supervised>,
}

impl Function {
    /// Opens everything. The clock is to count on while the process is frozen: [`Clock::freeze_aware`].
    ///
    /// # Errors
    /// [`StartError`]. An unreachable database is not an error here.
    pub async fn build(config: &Config, clock: Clock, entropy: Entropy) -> Result<Self, StartError> {
        let mut components = Components::open(config, clock.clone(), &entropy)?;
        let at = clock.uptime();
        let mut database_probe = components.database_probe();
        let first_turn = timeout(ON_THE_WAY, database_probe.turn(clock.now()));
        let (_, unlocked) = tokio::join!(first_turn, components.load_keys());
        unlocked?;
        components.prepare().await?;
        components.keep_server_secret().await;
        tell_adopted(config, components.keys());
        let (keys, ring_service) = (Arc::clone(components.keys()), components.ring_service().clone());
        let (http_service, mut tasks) = components.into_service(config, entropy);
        tasks.push(database_probe);
        let background = Background { clock: clock.clone(), tasks };
        Ok(Self {
            http_service,
            keys,
            ring_service,
            base: path_of(config.public_url.as_deref()).to_owned(),
            clock,
            refresh: Duration::from_secs(config.key_refresh),
            upkeep: Mutex::new(Upkeep { at, under_way: None }),
            background: Arc::new(Mutex::new(background)),
        })
    }

    /// Answers an event; nothing where it asks for no answer.
    ///
    /// # Errors
    /// [`EventError`]
    pub async fn invoke(&self, event: Event) -> Result<Option<Reply>, EventError> {
        match Invocation::of(event, &self.base)? {
            Invocation::Upkeep => {
                self.keep_up(Duration::ZERO, ON_PURPOSE).await;
                Ok(None)
            }
            Invocation::Request { request, source, form } => {
                self.keep_up(self.refresh, ON_THE_WAY).await;
                Ok(Some(Reply::of(self.http_service.answer_whole(*request, source).await, form)))
            }
        }
    }

    /// Does the work that is due, if it was last done `every` ago or more, or if no key can sign. It waits for `patience`,
    /// but for a step that is being written it waits until the end: Lambda may freeze the process after the answer, and a
    /// frozen process would write the step later than the step says.
    async fn keep_up(&self, every: Duration, patience: Duration) {
        let mut upkeep = self.upkeep.lock().await;
        // Late or not, the next request goes on from there.
        let _ = timeout(patience, self.catch_up(&mut upkeep, every)).await;
        self.ring_service.written().await;
    }

    /// Waits for what is under way, and begins once more where that was begun too long ago.
    async fn catch_up(&self, upkeep: &mut Upkeep, every: Duration) {
        let mut begun = false;
        loop {
            if let Some(task) = &mut upkeep.under_way {
                if let Err(error) = task.await {
                    tracing::error!(%error, "what is due was not done");
                }
                upkeep.under_way = None;
            }
            let fresh = self.clock.uptime().saturating_sub(upkeep.at) < every;
            if begun || (fresh && self.keys.may_sign()) {
                return;
            }
            begun = true;
            upkeep.at = self.clock.uptime();
            let background = Arc::clone(&self.background);
            upkeep.under_way = Some(tokio::spawn(async move { background.lock().await.turn().await }));
        }
    }
}

impl Background {
    async fn turn(&mut self) {
        let now = self.clock.now();
        let turns = self.tasks.iter_mut().map(|task| task.turn(now));
        let mut next = join_all(turns).await.into_iter();
        self.tasks.retain(|_| next.next() != Some(NextTurn::Never));
    }
}

/// The path of an address, such as `/auth`.
fn path_of(url: Option<&str>) -> &str {
    let rest = url.and_then(|url| url.split_once("://")).map_or("", |(_, rest)| rest);
    rest.find('/').map_or("", |at| &rest[at..])
}
