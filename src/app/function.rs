//! The service as a function of AWS Lambda. AWS freezes the process between two invocations. So the function does the
//! background work of a server while it handles an invocation: it reads the key ring, takes the steps of the rotation that are
//! due, and asks the database.

use std::sync::Arc;
use std::time::Duration;

use http::header::{HeaderName, HeaderValue};
use tokio::sync::Mutex;
use tokio::task::JoinHandle;
use tokio::time::timeout;

use super::StartError;
use super::components::Components;
use super::function_metrics::FunctionMetrics;
use super::function_tasks::{FunctionTasks, Round};
use crate::clock::Clock;
use crate::config::Config;
use crate::entropy::Entropy;
use crate::http::HttpService;
use crate::keys::{Keys, RingService};
use crate::lambda::{Event, EventError, Invocation, Reply};
use crate::server_secret::CurrentServerSecret;
use crate::telemetry::flush_log;
use crate::telemetry::traces::Tracer;

/// How long a request waits for the background work. Longer work continues during the next requests.
const REQUEST_PATIENCE: Duration = Duration::from_secs(1);
/// How long the event of a schedule waits for it.
const SCHEDULE_PATIENCE: Duration = Duration::from_secs(10);

/// How long an invocation waits for the collector of traces, and for the reader of the log: while the process is frozen,
/// neither gets anything.
const TELEMETRY_PATIENCE: Duration = Duration::from_secs(1);
/// The header in which AWS X-Ray names a trace.
const XRAY_HEADER: HeaderName = HeaderName::from_static("x-amzn-trace-id");

/// The service, ready to be invoked.
pub struct Function {
    http_service: HttpService,
    keys: Arc<Keys>,
    ring_service: RingService,
    server_secret: CurrentServerSecret,
    base: String,
    clock: Clock,
    refresh: Duration,
    upkeep: Mutex<Upkeep>,
    metrics: FunctionMetrics,
    tasks: Arc<Mutex<FunctionTasks>>,
    tracer: Tracer,
}

/// The latest round of background work.
struct Upkeep {
    /// The uptime at which it began.
    began_at: Duration,
    /// The round, unless it was seen to end.
    under_way: Option<JoinHandle<()>>,
}

impl Function {
    /// Opens everything. `name` is the function's name in AWS, which its metrics bear. The clock must continue to count while
    /// the process is frozen: [`Clock::freeze_aware`].
    ///
    /// # Errors
    /// [`StartError`]. An unreachable database is not an error here.
    pub async fn build(
        config: &Config,
        name: &str,
        clock: Clock,
        entropy: Entropy,
    ) -> Result<Self, StartError> {
        let mut components = Components::open(config, clock.clone(), &entropy)?;
        let began_at = clock.uptime();
        let mut database_probe = components.database_probe();
        let first_turn = timeout(REQUEST_PATIENCE, database_probe.turn(clock.now()));
        let (_, loaded) = tokio::join!(first_turn, components.load_keys());
        loaded?;
        components.finish_start(config).await?;
        let (keys, ring_service) = (Arc::clone(components.keys()), components.ring_service().clone());
        let server_secret = components.server_secret().clone();
        let metrics = FunctionMetrics::new(name, components.metrics().clone(), clock.clone());
        let tracer = components.tracer().clone();
        let (http_service, mut tasks) = components.into_service(config, config.port, entropy);
        tasks.push(database_probe);
        let refresh = Duration::from_secs(config.key_refresh);
        Ok(Self {
            http_service,
            keys,
            ring_service,
            server_secret,
            base: path_of(config.public_url.as_deref()).to_owned(),
            clock,
            refresh,
            metrics,
            upkeep: Mutex::new(Upkeep { began_at, under_way: None }),
            tasks: Arc::new(Mutex::new(FunctionTasks::new(tasks, began_at, refresh))),
            tracer,
        })
    }

    /// The server secret, for modules that derive keys from it. There may be no secret yet.
    pub fn server_secret(&self) -> &CurrentServerSecret {
        &self.server_secret
    }

    /// Answers an event; `None` if it asks for no answer. `xray` is the trace of the invocation, as AWS names it.
    ///
    /// # Errors
    /// [`EventError`]
    pub async fn invoke(&self, event: Event, xray: Option<&str>) -> Result<Option<Reply>, EventError> {
        let answer = self.answer(event, xray).await;
        self.metrics.report();
        self.tracer.flush(TELEMETRY_PATIENCE).await;
        flush_log(TELEMETRY_PATIENCE);
        answer
    }

    async fn answer(&self, event: Event, xray: Option<&str>) -> Result<Option<Reply>, EventError> {
        match Invocation::of(event, &self.base)? {
            Invocation::Upkeep => {
                self.keep_up(|_| Some(Round::All), SCHEDULE_PATIENCE).await;
                Ok(None)
            }
            Invocation::Request { mut request, source, form } => {
                // AWS's own name of the trace is nearer than the one that came in with the request.
                if let (Ok(request), Some(Ok(xray))) = (&mut *request, xray.map(HeaderValue::from_str)) {
                    request.headers_mut().insert(XRAY_HEADER, xray);
                }
                self.keep_up(|began_at| self.round_of_request(began_at), REQUEST_PATIENCE).await;
                Ok(Some(Reply::of(self.http_service.answer_whole(*request, source).await, form)))
            }
        }
    }

    /// The round that a request begins if the latest one began at `began_at`. While no key may sign, each request has all
    /// tasks look again.
    fn round_of_request(&self, began_at: Duration) -> Option<Round> {
        if !self.keys.may_sign() {
            return Some(Round::All);
        }
        let is_old = self.clock.uptime().saturating_sub(began_at) >= self.refresh;
        is_old.then_some(Round::Due)
    }

    /// Does the background work, and waits for it as long as `patience` says. But if the function is writing a step of the
    /// rotation, this waits until the step is written: AWS could freeze the process in the middle, and the step would be
    /// written later than it says.
    async fn keep_up(&self, round: impl Fn(Duration) -> Option<Round>, patience: Duration) {
        let mut upkeep = self.upkeep.lock().await;
        // If the time is over, the next invocation continues to wait.
        let _ = timeout(patience, self.catch_up(&mut upkeep, round)).await;
        self.ring_service.written().await;
    }

    /// Waits for the round that is under way. Then begins another one and waits for it, if `round` asks for one.
    async fn catch_up(&self, upkeep: &mut Upkeep, round: impl Fn(Duration) -> Option<Round>) {
        self.wait_for_round(upkeep).await;
        let Some(round) = round(upkeep.began_at) else { return };
        upkeep.began_at = self.clock.uptime();
        let (tasks, now, uptime) = (Arc::clone(&self.tasks), self.clock.now(), upkeep.began_at);
        upkeep.under_way =
            Some(tokio::spawn(async move { tasks.lock().await.turn(round, now, uptime).await }));
        self.wait_for_round(upkeep).await;
    }

    async fn wait_for_round(&self, upkeep: &mut Upkeep) {
        let Some(task) = &mut upkeep.under_way else { return };
        if let Err(error) = task.await {
            tracing::error!(%error, "the background work of the function failed");
        }
        upkeep.under_way = None;
    }
}

/// The path of an address, such as `/auth`.
fn path_of(url: Option<&str>) -> &str {
    let rest = url.and_then(|url| url.split_once("://")).map_or("", |(_, rest)| rest);
    rest.find('/').map_or("", |at| &rest[at..])
}
