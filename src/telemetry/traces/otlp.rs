//! Spans as an `ExportTraceServiceRequest` of OTLP 1 in Protocol Buffers (opentelemetry-proto, `trace/v1/trace.proto`). The
//! numbers are those of the fields there.

use super::protobuf::Message;
use super::settings::TraceSettings;
use super::span::{SpanRecord, SpanValue};

/// `Span.flags`: the parent is known to be remote or local, and whether it is.
const HAS_IS_REMOTE: u32 = 0x100;
const IS_REMOTE: u32 = 0x200;
/// The flag of W3C: all spans that are exported are of traces that are recorded.
const SAMPLED: u32 = 1;
/// `Status.StatusCode`: the work failed.
const ERROR: i64 = 2;

/// What describes the service, the same in every export.
#[derive(Debug)]
pub(super) struct Resource(Vec<(String, String)>);

impl Resource {
    /// The service of these settings; `instance` tells its processes apart. What the operator says goes before what we say.
    pub(super) fn of(settings: &TraceSettings, instance: u32) -> Self {
        let version = env!("CARGO_PKG_VERSION");
        let usual = [
            ("service.name", settings.service_name.clone()),
            ("service.version", version.to_owned()),
            ("service.instance.id", format!("{instance:08x}")),
            ("telemetry.sdk.name", "jwt-generator".to_owned()),
            ("telemetry.sdk.language", "rust".to_owned()),
            ("telemetry.sdk.version", version.to_owned()),
        ];
        let mut attributes = settings.resource.clone();
        for (name, value) in usual {
            if !attributes.iter().any(|(set, _)| set == name) {
                attributes.push((name.to_owned(), value));
            }
        }
        Self(attributes)
    }
}

/// The body of an export.
pub(super) fn request(resource: &Resource, spans: &[Box<SpanRecord>]) -> Vec<u8> {
    let mut request = Message::default();
    request.message(1, |resource_spans| {
        resource_spans.message(1, |message| {
            for (name, value) in &resource.0 {
                text_attribute(message, 1, name, value);
            }
        });
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

/// A `KeyValue` whose value is a text, also an empty one.
fn text_attribute(message: &mut Message, field: u32, name: &str, value: &str) {
    message.message(field, |pair| {
        pair.bytes(1, name.as_bytes());
        pair.message(2, |any| any.present_bytes(1, value.as_bytes()));
    });
}
