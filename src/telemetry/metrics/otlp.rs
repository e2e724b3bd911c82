//! Metrics as an `ExportMetricsServiceRequest` of OTLP 1 in Protocol Buffers (opentelemetry-proto, `metrics/v1/metrics.proto`).
//! The numbers are those of the fields there.

use std::time::Duration;

use super::{Buckets, Descriptor, Family, Growth, Kind, Point, Snapshot, Value};
use crate::telemetry::otlp::{Message, OtlpSettings, Resource, text_attribute};

/// What the values of counters and histograms count from (`AggregationTemporality`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Temporality {
    /// From the export before.
    Delta,
    /// From the start of the process.
    Cumulative,
}

/// The destination of metrics, and their form.
#[derive(Clone, Debug)]
pub struct MetricExportSettings {
    /// The collector.
    pub otlp: OtlpSettings,
    /// How long it is from one export to the next (`OTEL_METRIC_EXPORT_INTERVAL`).
    pub interval: Duration,
    /// What values count from (`OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE`).
    pub temporality: Temporality,
}

/// Writes exports, one after the other.
#[derive(Debug)]
pub struct OtlpMetrics {
    resource: Resource,
    temporality: Temporality,
    growth: Growth,
    /// What the values of the next export count from, in nanoseconds since 1970.
    since: u64,
}

impl OtlpMetrics {
    /// Exports of a process that was started at `started_at`, in nanoseconds since 1970.
    pub fn new(resource: Resource, temporality: Temporality, started_at: u64) -> Self {
        Self { resource, temporality, growth: Growth::default(), since: started_at }
    }

    /// The body of an export of `snapshot`, which was taken at `now`, in nanoseconds since 1970.
    pub fn request(&mut self, snapshot: &Snapshot, now: u64) -> Vec<u8> {
        let mut scope_metrics = Message::default();
        scope_metrics.message(1, |scope| {
            scope.bytes(1, b"jwt-generator");
            scope.bytes(2, env!("CARGO_PKG_VERSION").as_bytes());
        });
        for family in snapshot.families().iter().filter(|family| !family.points.is_empty()) {
            let metric = self.metric(family, now);
            scope_metrics.present_bytes(2, &metric);
        }
        let mut request = Message::default();
        request.message(1, |resource_metrics| {
            resource_metrics.message(1, |message| self.resource.write(message));
            resource_metrics.present_bytes(2, &scope_metrics.into_bytes());
        });
        if self.temporality == Temporality::Delta {
            self.since = now;
        }
        request.into_bytes()
    }

    fn metric(&mut self, family: &Family, now: u64) -> Vec<u8> {
        let descriptor = family.descriptor;
        let mut data = Message::default();
        for point in &family.points {
            let value = self.value(family, point);
            data.message(1, |message| self.write_point(message, descriptor, point, &value, now));
        }
        let field = match descriptor.kind {
            Kind::Gauge | Kind::Info => 5,
            Kind::Counter => 7,
            Kind::Histogram => 9,
        };
        if field != 5 {
            data.number(2, if self.temporality == Temporality::Delta { 1 } else { 2 });
        }
        if field == 7 {
            data.number(3, 1);
        }
        let mut metric = Message::default();
        metric.bytes(1, descriptor.sample_name().as_bytes());
        metric.bytes(2, descriptor.help.as_bytes());
        metric.bytes(3, unit(descriptor).as_bytes());
        metric.present_bytes(field, &data.into_bytes());
        metric.into_bytes()
    }

    fn value(&mut self, family: &Family, point: &Point) -> Value {
        let grows = matches!(family.descriptor.kind, Kind::Counter | Kind::Histogram);
        if grows && self.temporality == Temporality::Delta {
            self.growth.since_last(family, point)
        } else {
            point.value.clone()
        }
    }

    fn write_point(
        &self,
        message: &mut Message,
        descriptor: &Descriptor,
        point: &Point,
        value: &Value,
        now: u64,
    ) {
        message.fixed64(2, self.since);
        message.fixed64(3, now);
        match value {
            Value::Count(count) => message.fixed64(6, *count),
            Value::Level(level) => message.fixed64(4, level.to_bits()),
            Value::Buckets(buckets) => write_buckets(message, buckets),
        }
        let field = if matches!(value, Value::Buckets(_)) { 9 } else { 7 };
        for (name, value) in descriptor.labels.iter().zip(&point.labels) {
            text_attribute(message, field, name, value);
        }
    }
}

fn write_buckets(message: &mut Message, buckets: &Buckets) {
    message.fixed64(4, buckets.count());
    message.fixed64(5, buckets.sum.to_bits());
    let counts = buckets.counts.iter().flat_map(|count| count.to_le_bytes());
    message.bytes(6, &counts.collect::<Vec<_>>());
    let bounds = buckets.upper.iter().flat_map(|bound| bound.to_le_bytes());
    message.bytes(7, &bounds.collect::<Vec<_>>());
}

/// The unit in UCUM, as OTLP wants it.
fn unit(descriptor: &Descriptor) -> &'static str {
    match descriptor.unit() {
        Some("seconds") => "s",
        Some("bytes") => "By",
        _ => "1",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    const ISSUED: Descriptor =
        Descriptor { name: "issued", kind: Kind::Counter, labels: &["kind"], help: "Tokens." };

    fn metrics(temporality: Temporality) -> OtlpMetrics {
        let settings = OtlpSettings {
            endpoint: String::new(),
            headers: Vec::new(),
            timeout: Duration::ZERO,
            service_name: "auth".to_owned(),
            resource: Vec::new(),
        };
        OtlpMetrics::new(Resource::of(&settings, 7), temporality, 5)
    }

    fn snapshot(issued: u64) -> Snapshot {
        let mut snapshot = Snapshot::default();
        snapshot.family(&ISSUED).add(&["demo"], issued);
        snapshot
    }

    /// The bytes of a data point: the start, the end, and the number.
    fn point(since: u64, now: u64, number: u64) -> Vec<u8> {
        let mut message = Message::default();
        message.fixed64(2, since);
        message.fixed64(3, now);
        message.fixed64(6, number);
        message.into_bytes()
    }

    fn contains(body: &[u8], part: &[u8]) -> bool {
        body.windows(part.len()).any(|window| window == part)
    }

    #[test]
    fn a_cumulative_counter_counts_from_the_start_and_a_delta_from_the_export_before() {
        let mut cumulative = metrics(Temporality::Cumulative);
        assert!(contains(&cumulative.request(&snapshot(3), 10), &point(5, 10, 3)));
        assert!(contains(&cumulative.request(&snapshot(4), 20), &point(5, 20, 4)));
        let mut delta = metrics(Temporality::Delta);
        assert!(contains(&delta.request(&snapshot(3), 10), &point(5, 10, 3)));
        assert!(contains(&delta.request(&snapshot(4), 20), &point(10, 20, 1)));
    }

    #[test]
    fn metrics_have_their_whole_name_and_the_service_its_own() {
        let body = metrics(Temporality::Cumulative).request(&snapshot(1), 10);
        for text in ["issued_total", "Tokens.", "service.name", "auth", "kind", "demo"] {
            assert!(contains(&body, text.as_bytes()), "{text}");
        }
    }
}
