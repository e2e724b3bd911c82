//! What traces and metrics have in common on their way to a collector: OTLP 1 over HTTP, in Protocol Buffers (ADR 0048).

mod collector;
mod protobuf;
mod resource;
mod settings;

pub use collector::{Collector, ExportFailure};
pub(super) use protobuf::Message;
pub use resource::Resource;
pub(super) use resource::text_attribute;
pub use settings::{OtlpSettings, parse_pairs};
