//! Traces: which requests are recorded, their spans, and the export to a collector (OTLP over HTTP, ADR 0048).

mod exporter;
mod otlp;
mod sampler;
mod settings;
mod span;
mod tracer;

pub use sampler::Sampler;
pub use settings::TraceSettings;
pub use span::{InSpan, Span, SpanKind, SpanRecord, SpanValue};
pub use tracer::{BegunTrace, Recording, Tracer};
