//! What an operator decides about traces. The names are those of OpenTelemetry's specification.

use super::Sampler;
use crate::telemetry::otlp::OtlpSettings;

/// The destination of spans, and which requests are recorded.
#[derive(Clone, Debug)]
pub struct TraceSettings {
    /// The collector.
    pub otlp: OtlpSettings,
    /// Which requests are recorded.
    pub sampler: Sampler,
}
