//! A span: a named piece of work within a request. If the request is not recorded, a span is nothing.

use std::fmt;
use std::net::IpAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use pin_project_lite::pin_project;

use super::tracer::Recording;
use crate::domain::{SpanId, TraceContext, TraceId, UserId};
use crate::telemetry::scope::{current, replace_trace};

/// Which side of a call a span describes (OTLP `Span.SpanKind`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SpanKind {
    /// Work within the service.
    Internal = 1,
    /// A request that the service answers.
    Server = 2,
    /// A call to another service or to a database.
    Client = 3,
}

/// The value of an attribute. It is turned into text on the exporter's thread.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SpanValue {
    /// A text of the program.
    Text(&'static str),
    /// A text that several spans share.
    Shared(Arc<str>),
    /// A number.
    Number(i64),
    /// An address.
    Address(IpAddr),
    /// A user.
    User(UserId),
}

/// A span that has ended.
#[derive(Debug)]
pub struct SpanRecord {
    /// Its name, in one or two words.
    pub(super) name: [&'static str; 2],
    pub(super) kind: SpanKind,
    pub(super) trace_id: TraceId,
    pub(super) span_id: SpanId,
    pub(super) parent: Option<SpanId>,
    /// Whether the parent is a span of another service.
    pub(super) is_parent_remote: bool,
    pub(super) trace_state: Option<Arc<str>>,
    /// In nanoseconds since 1970.
    pub(super) started_at: u64,
    /// In nanoseconds since 1970.
    pub(super) ended_at: u64,
    pub(super) attributes: Vec<(&'static str, SpanValue)>,
    pub(super) failed: bool,
}

/// A span of a request that is recorded, or nothing.
#[derive(Debug)]
pub struct Span(Option<Box<Open>>);

#[derive(Debug)]
struct Open {
    recording: Recording,
    record: SpanRecord,
    context: TraceContext,
}

impl Span {
    /// A span within the one that is running.
    pub fn begin(name: &'static str, kind: SpanKind) -> Self {
        let within =
            current(|scope| Some((scope.recording.clone()?, scope.trace?, scope.trace_state.clone())));
        let opened = within.flatten().and_then(|(recording, parent, trace_state)| {
            let span_id = recording.new_span_id()?;
            let record = SpanRecord {
                name: [name, ""],
                kind,
                trace_id: parent.trace_id,
                span_id,
                parent: parent.span_id,
                is_parent_remote: false,
                trace_state,
                started_at: recording.now(),
                ended_at: 0,
                attributes: Vec::with_capacity(4),
                failed: false,
            };
            let context = TraceContext { span_id: Some(span_id), ..parent };
            Some(Box::new(Open { recording, record, context }))
        });
        Self(opened)
    }

    /// The span as it was begun by a recording, for a whole request.
    pub(super) fn of_record(recording: Recording, record: SpanRecord, context: TraceContext) -> Self {
        Self(Some(Box::new(Open { recording, record, context })))
    }

    /// Whether it is recorded.
    pub fn is_recorded(&self) -> bool {
        self.0.is_some()
    }

    /// Says what it is in another word, behind the first.
    pub fn name(&mut self, first: &'static str, second: &'static str) {
        if let Some(open) = &mut self.0 {
            open.record.name = [first, second];
        }
    }

    /// Adds an attribute, by its name in OpenTelemetry's semantic conventions if they have one.
    pub fn set(&mut self, name: &'static str, value: impl Into<SpanValue>) {
        if let Some(open) = &mut self.0 {
            open.record.attributes.push((name, value.into()));
        }
    }

    /// The same, as a word behind the one that begins it.
    #[must_use]
    pub fn with(mut self, name: &'static str, value: impl Into<SpanValue>) -> Self {
        self.set(name, value);
        self
    }

    /// Notes that it failed, with a word of few (`error.type`).
    pub fn fail(&mut self, error: &'static str) {
        self.set("error.type", error);
        self.mark_failed();
    }

    /// Notes that it failed.
    pub fn mark_failed(&mut self) {
        if let Some(open) = &mut self.0 {
            open.record.failed = true;
        }
    }

    /// Runs `work` within the span, which ends with it.
    pub fn run<F: Future>(self, work: F) -> InSpan<F, fn(&F::Output, &mut Self)> {
        self.watch(work, |_, _| {})
    }

    /// The same; `note` adds to the span what came of the work.
    pub fn watch<F: Future, N: FnOnce(&F::Output, &mut Self)>(self, work: F, note: N) -> InSpan<F, N> {
        InSpan { span: self, note: Some(note), work }
    }

    /// Runs `work`, which does not wait, within the span.
    pub fn run_now<T>(self, work: impl FnOnce() -> T) -> T {
        let _entered = self.enter();
        work()
    }

    fn enter(&self) -> Option<Entered> {
        self.0.as_ref().map(|open| Entered(replace_trace(Some(open.context))))
    }
}

/// The end of a span, also of one whose work was given up.
impl Drop for Span {
    fn drop(&mut self) {
        if let Some(open) = self.0.take() {
            let Open { recording, mut record, .. } = *open;
            record.ended_at = recording.now().max(record.started_at);
            recording.send(record);
        }
    }
}

/// A span is the running one until this is dropped.
struct Entered(Option<TraceContext>);

impl Drop for Entered {
    fn drop(&mut self) {
        replace_trace(self.0);
    }
}

pin_project! {
    /// Work within a span.
    #[derive(Debug)]
    pub struct InSpan<F, N> {
        span: Span,
        note: Option<N>,
        #[pin]
        work: F,
    }
}

impl<F: Future, N: FnOnce(&F::Output, &mut Span)> Future for InSpan<F, N> {
    type Output = F::Output;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<F::Output> {
        let this = self.project();
        let done = {
            let _entered = this.span.enter();
            ready!(this.work.poll(context))
        };
        if this.span.is_recorded()
            && let Some(note) = this.note.take()
        {
            note(&done, this.span);
        }
        drop(Span(this.span.0.take()));
        Poll::Ready(done)
    }
}

impl From<&'static str> for SpanValue {
    fn from(text: &'static str) -> Self {
        Self::Text(text)
    }
}

impl From<Arc<str>> for SpanValue {
    fn from(text: Arc<str>) -> Self {
        Self::Shared(text)
    }
}

impl From<u16> for SpanValue {
    fn from(number: u16) -> Self {
        Self::Number(number.into())
    }
}

impl From<usize> for SpanValue {
    fn from(number: usize) -> Self {
        Self::Number(i64::try_from(number).unwrap_or(i64::MAX))
    }
}

impl From<IpAddr> for SpanValue {
    fn from(address: IpAddr) -> Self {
        Self::Address(address)
    }
}

impl From<UserId> for SpanValue {
    fn from(user: UserId) -> Self {
        Self::User(user)
    }
}

impl fmt::Display for SpanValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Text(text) => f.write_str(text),
            Self::Shared(text) => f.write_str(text),
            Self::Number(number) => number.fmt(f),
            Self::Address(address) => address.fmt(f),
            Self::User(user) => user.fmt(f),
        }
    }
}
