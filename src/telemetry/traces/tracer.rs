//! Begins the trace of a request, or goes on with that of its client, and takes the spans that have ended.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

use super::exporter::{Exporter, Queue};
use super::settings::TraceSettings;
use super::span::{Span, SpanKind, SpanRecord};
use crate::clock::Clock;
use crate::domain::{SpanId, TraceContext, TraceId};
use crate::entropy::Entropy;
use crate::telemetry::traces::Sampler;

/// Records requests, or nothing if no endpoint is set. Clones share it.
#[derive(Clone, Debug, Default)]
pub struct Tracer(Option<Arc<Active>>);

#[derive(Debug)]
struct Active {
    sampler: Sampler,
    queue: Queue,
    clock: Clock,
    entropy: Entropy,
}

/// What a request that is recorded needs for its spans. Clones share it.
#[derive(Clone, Debug)]
pub struct Recording {
    tracer: Arc<Active>,
    /// When the request began, for lengths of time: a clock that is set meanwhile changes no span.
    began: Instant,
    /// The same instant in nanoseconds since 1970.
    began_at: u64,
}

/// How a request begins.
#[derive(Debug)]
pub struct BegunTrace {
    /// The place of the request in its trace, if it has one.
    pub trace: Option<TraceContext>,
    /// What records its spans.
    pub recording: Option<Recording>,
    /// Its own span.
    pub span: Option<Span>,
}

impl Tracer {
    /// A tracer that exports in the background.
    ///
    /// # Errors
    /// If the system gives no thread.
    pub fn start(settings: TraceSettings, instance: u32, clock: Clock, entropy: Entropy) -> io::Result<Self> {
        let sampler = settings.sampler;
        let queue = Exporter::start(settings, instance)?;
        Ok(Self(Some(Arc::new(Active { sampler, queue, clock, entropy }))))
    }

    /// Whether anything is recorded.
    pub fn is_on(&self) -> bool {
        self.0.is_some()
    }

    /// Begins a request whose client says `parent`. Without an endpoint, what the client says is passed on unchanged.
    pub fn begin(&self, parent: Option<TraceContext>, state: Option<&Arc<str>>) -> BegunTrace {
        let Some(tracer) = &self.0 else { return BegunTrace { trace: parent, recording: None, span: None } };
        let Some((trace_id, span_id)) = tracer.new_ids(parent) else {
            return BegunTrace { trace: parent, recording: None, span: None };
        };
        let sampled = tracer.sampler.records(trace_id, parent);
        let trace = TraceContext { trace_id, span_id: Some(span_id), sampled: Some(sampled) };
        if !sampled {
            return BegunTrace { trace: Some(trace), recording: None, span: None };
        }
        let (began, began_at) = (Instant::now(), tracer.clock.unix_nanos());
        let recording = Recording { tracer: Arc::clone(tracer), began, began_at };
        let parent = parent.and_then(|parent| parent.span_id);
        let record = SpanRecord {
            name: ["", ""],
            kind: SpanKind::Server,
            trace_id,
            span_id,
            parent,
            is_parent_remote: parent.is_some(),
            trace_state: state.cloned(),
            started_at: recording.now(),
            ended_at: 0,
            attributes: Vec::with_capacity(10),
            failed: false,
        };
        let span = Span::of_record(recording.clone(), record, trace);
        BegunTrace { trace: Some(trace), recording: Some(recording), span: Some(span) }
    }

    /// Waits until the spans that have ended are exported, but no longer than `patience`.
    pub async fn flush(&self, patience: Duration) {
        if let Some(tracer) = &self.0 {
            tracer.queue.flush(patience).await;
        }
    }
}

impl Active {
    /// A span for a request, in the trace of its client or in a new one.
    fn new_ids(&self, parent: Option<TraceContext>) -> Option<(TraceId, SpanId)> {
        let trace_id = match parent {
            Some(parent) => parent.trace_id,
            None => TraceId::from_bytes(self.entropy.bytes().ok()?)?,
        };
        Some((trace_id, self.new_span_id()?))
    }

    fn new_span_id(&self) -> Option<SpanId> {
        SpanId::from_bytes(self.entropy.bytes().ok()?)
    }
}

impl Recording {
    pub(super) fn new_span_id(&self) -> Option<SpanId> {
        self.tracer.new_span_id()
    }

    /// In nanoseconds since 1970.
    pub(super) fn now(&self) -> u64 {
        let since = u64::try_from(self.began.elapsed().as_nanos()).unwrap_or(u64::MAX);
        self.began_at.saturating_add(since)
    }

    pub(super) fn send(&self, record: SpanRecord) {
        self.tracer.queue.send(record);
    }
}
