//! Spans as an `ExportTraceServiceRequest` of OTLP 1 in Protocol Buffers (opentelemetry-proto, `trace/v1/trace.proto`). The
//! numbers are those of the fields there.

use super::span::{SpanRecord, SpanValue};
use crate::telemetry::otlp::{Message, Resource, text_attribute};

/// `Span.flags`: the parent is known to be remote or local, and whether it is.
const HAS_IS_REMOTE: u32 = 0x100;
const IS_REMOTE: u32 = 0x200;
/// The flag of W3C: all spans that are exported are of traces that are recorded.
const SAMPLED: u32 = 1;
/// `Status.StatusCode`: the work failed.
const ERROR: i64 = 2;

/// The body of an export.
pub(super) fn request(resource: &Resource, spans: &[Box<SpanRecord>]) -> Vec<u8> {
    let mut request = Message::default();
    request.message(1, |resource_spans| {
        resource_spans.message(1, |message| resource.write(message));
        resource_spans.message(2, |scope_spans| {
            scope_spans.message(1, |scope| {
                scope.bytes(1, b"jwt-generator");
                scope.bytes(2, env!("CARGO_PKG_VERSION").as_bytes());
            });
            for span in spans {
                scope_spans.message(2, |message| write_span(message, span));
            }
        });
    });
    request.into_bytes()
}

fn write_span(message: &mut Message, span: &SpanRecord) {
    message.bytes(1, &span.trace_id.to_bytes());
    message.bytes(2, &span.span_id.to_bytes());
    if let Some(state) = &span.trace_state {
        message.bytes(3, state.as_bytes());
    }
    if let Some(parent) = span.parent {
        message.bytes(4, &parent.to_bytes());
    }
    let [first, second] = span.name;
    let name = if second.is_empty() { first.to_owned() } else { format!("{first} {second}") };
    message.bytes(5, name.as_bytes());
    message.number(6, span.kind as i64);
    message.fixed64(7, span.started_at);
    message.fixed64(8, span.ended_at);
    for (name, value) in &span.attributes {
        match value {
            SpanValue::Number(number) => message.message(9, |pair| {
                pair.bytes(1, name.as_bytes());
                pair.message(2, |any| any.number(3, *number));
            }),
            text => text_attribute(message, 9, name, &text.to_string()),
        }
    }
    if span.failed {
        message.message(15, |status| status.number(3, ERROR));
    }
    message.fixed32(16, SAMPLED | HAS_IS_REMOTE | if span.is_parent_remote { IS_REMOTE } else { 0 });
}
