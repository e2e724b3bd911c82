//! Metrics for CloudWatch, as lines of its embedded metric format: CloudWatch makes metrics of lines that a function writes to
//! its log (docs.aws.amazon.com, "Specification: Embedded metric format").

use serde_json::{Map, Value as Json, json};

use super::{Descriptor, Family, Growth, Kind, Point, Snapshot, Value};

/// The namespace of the metrics.
const NAMESPACE: &str = "JwtGenerator";
/// The label with the name of the function, as AWS spells it for its own metrics. Without it, the metrics of two functions in one
/// account would be one.
const FUNCTION_NAME: &str = "FunctionName";
/// The metrics that are written. AWS charges for each metric with each choice of its labels.
const WRITTEN: [&str; 9] = [
    "http_server_request_duration_seconds",
    "http_server_refusals",
    "jwt_tokens_issued",
    "jwt_tokens_refused",
    "jwt_account_attempts",
    "jwt_capability",
    "jwt_key_next_step_seconds",
    "jwt_key_ring_age_seconds",
    "jwt_task_failures",
];

/// Writes what has happened since it last wrote.
#[derive(Debug)]
pub struct EmbeddedMetrics {
    function: String,
    growth: Growth,
}

impl EmbeddedMetrics {
    /// For the function of this name.
    pub fn new(function: &str) -> Self {
        Self { function: function.to_owned(), growth: Growth::default() }
    }

    /// The lines for `snapshot`, taken at `at`, in milliseconds since 1970: one for each choice of labels that has something to
    /// tell.
    pub fn lines(&mut self, snapshot: &Snapshot, at: u64) -> Vec<String> {
        let is_written = |family: &&Family| WRITTEN.contains(&family.descriptor.name);
        let mut lines = Vec::new();
        for family in snapshot.families().iter().filter(is_written) {
            for point in &family.points {
                lines.extend(self.line(family, point, at));
            }
        }
        lines
    }

    fn line(&mut self, family: &Family, point: &Point, at: u64) -> Option<String> {
        let descriptor = family.descriptor;
        let metrics = match (descriptor.kind, &point.value) {
            (Kind::Gauge, value) => vec![(descriptor.name.to_owned(), unit(descriptor), number(value))],
            _ => self.grown(family, point)?,
        };
        let mut line = Map::new();
        line.insert("_aws".to_owned(), directive(descriptor, &metrics, at));
        line.insert(FUNCTION_NAME.to_owned(), json!(self.function));
        for (name, value) in descriptor.labels.iter().zip(&point.labels) {
            line.insert((*name).to_owned(), json!(value));
        }
        for (name, _, value) in metrics {
            line.insert(name, json!(value));
        }
        Some(Json::Object(line).to_string())
    }

    /// What has grown since the last line, if it has: CloudWatch adds up what it gets.
    fn grown(&mut self, family: &Family, point: &Point) -> Option<Vec<(String, &'static str, f64)>> {
        let name = family.descriptor.name;
        match self.growth.since_last(family, point) {
            Value::Buckets(buckets) if buckets.count() > 0 => Some(vec![
                (format!("{name}_count"), "Count", buckets.count() as f64),
                (format!("{name}_sum"), unit(family.descriptor), buckets.sum),
            ]),
            Value::Count(count) if count > 0 => {
                Some(vec![(family.descriptor.sample_name(), "Count", count as f64)])
            }
            _ => None,
        }
    }
}

fn directive(descriptor: &Descriptor, metrics: &[(String, &'static str, f64)], at: u64) -> Json {
    let metrics: Vec<_> =
        metrics.iter().map(|(name, unit, _)| json!({ "Name": name, "Unit": unit })).collect();
    let dimensions = [&[FUNCTION_NAME], descriptor.labels].concat();
    json!({
        "Timestamp": at,
        "CloudWatchMetrics": [{ "Namespace": NAMESPACE, "Dimensions": [dimensions], "Metrics": metrics }],
    })
}

fn unit(descriptor: &Descriptor) -> &'static str {
    match descriptor.unit() {
        Some("seconds") => "Seconds",
        Some("bytes") => "Bytes",
        _ => "None",
    }
}

fn number(value: &Value) -> f64 {
    match value {
        Value::Count(count) => *count as f64,
        Value::Level(level) => *level,
        Value::Buckets(buckets) => buckets.sum,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::telemetry::metrics::Buckets;

    const ISSUED: Descriptor =
        Descriptor { name: "jwt_tokens_issued", kind: Kind::Counter, labels: &["kind"], help: "Tokens." };
    const DURATION: Descriptor = Descriptor {
        name: "http_server_request_duration_seconds",
        kind: Kind::Histogram,
        labels: &["operation"],
        help: "Requests.",
    };
    const AGE: Descriptor =
        Descriptor { name: "jwt_key_ring_age_seconds", kind: Kind::Gauge, labels: &[], help: "The age." };
    const OTHER: Descriptor = Descriptor { name: "other", kind: Kind::Gauge, labels: &[], help: "Another." };

    fn snapshot(issued: u64) -> Snapshot {
        let mut snapshot = Snapshot::default();
        snapshot.family(&ISSUED).add(&["demo"], issued);
        let buckets = Buckets { upper: vec![1.0], counts: vec![issued, 0], sum: 0.5 };
        snapshot.family(&DURATION).add(&["generate_token"], Value::Buckets(buckets));
        snapshot.family(&AGE).add(&[], 2.5);
        snapshot.family(&OTHER).add(&[], 1.0);
        snapshot
    }

    fn read(lines: &[String]) -> Vec<Json> {
        lines.iter().map(|line| serde_json::from_str(line).unwrap()).collect()
    }

    #[test]
    fn a_line_has_the_form_that_cloudwatch_reads() {
        let mut metrics = EmbeddedMetrics::new("tokens");
        let lines = read(&metrics.lines(&snapshot(3), 1_700_000_000_000));
        assert_eq!(
            lines[0],
            json!({
                "_aws": {
                    "Timestamp": 1_700_000_000_000_u64,
                    "CloudWatchMetrics": [{
                        "Namespace": "JwtGenerator",
                        "Dimensions": [["FunctionName", "kind"]],
                        "Metrics": [{ "Name": "jwt_tokens_issued_total", "Unit": "Count" }],
                    }],
                },
                "FunctionName": "tokens",
                "kind": "demo",
                "jwt_tokens_issued_total": 3.0,
            })
        );
        assert_eq!(lines[1]["http_server_request_duration_seconds_count"], 3.0);
        assert_eq!(lines[1]["http_server_request_duration_seconds_sum"], 0.5);
        assert_eq!(lines[2]["jwt_key_ring_age_seconds"], 2.5);
        let of_age = &lines[2]["_aws"]["CloudWatchMetrics"][0]["Dimensions"];
        assert_eq!(*of_age, json!([["FunctionName"]]), "a metric without labels has the function's name");
        assert_eq!(lines.len(), 3, "what is not of the list is not written");
    }

    #[test]
    fn what_has_not_grown_is_not_written_again() {
        let mut metrics = EmbeddedMetrics::new("tokens");
        metrics.lines(&snapshot(3), 1);
        let lines = read(&metrics.lines(&snapshot(3), 2));
        assert_eq!(lines.len(), 1, "a gauge is written each time");
        let lines = read(&metrics.lines(&snapshot(5), 3));
        assert_eq!(lines[0]["jwt_tokens_issued_total"], 2.0);
    }
}
