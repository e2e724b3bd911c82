//! Metrics as text, for scrapers: OpenMetrics 1.0, or the Prometheus text format 0.0.4 for those that do not ask for it.

use std::fmt::{self, Write};

use super::{Buckets, Descriptor, Family, Kind, Point, Snapshot, Value};

/// A format of text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TextFormat {
    /// OpenMetrics 1.0.
    OpenMetrics,
    /// The Prometheus text format, which every scraper reads.
    Prometheus,
}

impl TextFormat {
    /// The format for a scraper with this `Accept` (RFC 9110 §12.5.1). Prometheus lists OpenMetrics if it reads that; a client
    /// that takes anything gets the older format.
    pub fn of_accept(accept: &str) -> Self {
        let takes = |range: &str| {
            let mut parts = range.split(';').map(str::trim);
            let is_named =
                parts.next().is_some_and(|kind| kind.eq_ignore_ascii_case("application/openmetrics-text"));
            is_named && !parts.any(|part| matches!(part, "q=0" | "q=0.0" | "q=0.00" | "q=0.000"))
        };
        if accept.split(',').any(takes) { Self::OpenMetrics } else { Self::Prometheus }
    }

    /// The value of `Content-Type`.
    pub fn content_type(self) -> &'static str {
        match self {
            Self::OpenMetrics => "application/openmetrics-text; version=1.0.0; charset=utf-8",
            Self::Prometheus => "text/plain; version=0.0.4; charset=utf-8",
        }
    }

    /// The whole text.
    pub fn write(self, snapshot: &Snapshot) -> String {
        let mut text = String::with_capacity(32 * 1024);
        // A string takes everything.
        let _ = self.write_to(&mut text, snapshot);
        text
    }

    fn write_to(self, text: &mut String, snapshot: &Snapshot) -> fmt::Result {
        for Family { descriptor, points } in snapshot.families() {
            self.write_head(text, descriptor)?;
            let name = descriptor.sample_name();
            points.iter().try_for_each(|point| write_point(text, &name, descriptor.labels, point))?;
        }
        match self {
            Self::OpenMetrics => text.write_str("# EOF\n"),
            Self::Prometheus => Ok(()),
        }
    }

    fn write_head(self, text: &mut String, descriptor: &Descriptor) -> fmt::Result {
        let help = descriptor.help.replace('\\', "\\\\").replace('\n', "\\n");
        match self {
            Self::OpenMetrics => {
                let (name, kind) = (descriptor.name, descriptor.kind.name());
                writeln!(text, "# TYPE {name} {kind}")?;
                if let Some(unit) = descriptor.unit() {
                    writeln!(text, "# UNIT {name} {unit}")?;
                }
                writeln!(text, "# HELP {name} {}", help.replace('"', "\\\""))
            }
            Self::Prometheus => {
                let name = descriptor.sample_name();
                let kind = if descriptor.kind == Kind::Info { Kind::Gauge } else { descriptor.kind };
                writeln!(text, "# HELP {name} {help}\n# TYPE {name} {}", kind.name())
            }
        }
    }
}

fn write_point(text: &mut String, name: &str, labels: &[&str], point: &Point) -> fmt::Result {
    let labels = label_pairs(labels, &point.labels);
    match &point.value {
        Value::Count(count) => writeln!(text, "{name}{} {count}", braced(&labels)),
        Value::Level(level) => writeln!(text, "{name}{} {}", braced(&labels), number(*level)),
        Value::Buckets(buckets) => write_buckets(text, name, &labels, buckets),
    }
}

/// The counts of a histogram are written so that each range contains those below it.
fn write_buckets(text: &mut String, name: &str, labels: &str, buckets: &Buckets) -> fmt::Result {
    let separator = if labels.is_empty() { "" } else { "," };
    let bounds = buckets.upper.iter().copied().chain([f64::INFINITY]);
    let mut count = 0;
    for (upper, of_range) in bounds.zip(&buckets.counts) {
        count += of_range;
        writeln!(text, "{name}_bucket{{{labels}{separator}le=\"{}\"}} {count}", number(upper))?;
    }
    let labels = braced(labels);
    writeln!(text, "{name}_sum{labels} {}\n{name}_count{labels} {count}", number(buckets.sum))
}

fn label_pairs(names: &[&str], values: &[&str]) -> String {
    let pairs = names.iter().zip(values).map(|(name, value)| format!("{name}=\"{}\"", escaped(value)));
    pairs.collect::<Vec<_>>().join(",")
}

fn escaped(value: &str) -> String {
    value.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n")
}

fn braced(labels: &str) -> String {
    if labels.is_empty() { String::new() } else { format!("{{{labels}}}") }
}

/// A number as both formats write it, with a point in it.
fn number(number: f64) -> String {
    if number == f64::INFINITY {
        "+Inf".to_owned()
    } else if number == f64::NEG_INFINITY {
        "-Inf".to_owned()
    } else {
        format!("{number:?}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const REQUESTS: Descriptor =
        Descriptor { name: "requests", kind: Kind::Counter, labels: &["code"], help: "A \"help\" \\ text." };
    const WAIT: Descriptor =
        Descriptor { name: "wait_seconds", kind: Kind::Histogram, labels: &["queue"], help: "The wait." };
    const BUILD: Descriptor =
        Descriptor { name: "build", kind: Kind::Info, labels: &["version"], help: "The build." };
    const OPEN: Descriptor = Descriptor { name: "open", kind: Kind::Gauge, labels: &[], help: "Open ones." };

    fn snapshot() -> Snapshot {
        let mut snapshot = Snapshot::default();
        snapshot.family(&REQUESTS).add(&["a\"b\\c\nd"], 3_u64);
        let buckets = Buckets { upper: vec![0.001, 10.0], counts: vec![1, 0, 2], sum: 20.5 };
        snapshot.family(&WAIT).add(&["sign"], Value::Buckets(buckets));
        snapshot.family(&BUILD).add(&["1.2.3"], 1_u64);
        snapshot.family(&OPEN).add(&[], 0.5);
        snapshot
    }

    #[test]
    fn openmetrics_has_units_and_an_end() {
        let expected = r#"# TYPE requests counter
# HELP requests A \"help\" \\ text.
requests_total{code="a\"b\\c\nd"} 3
# TYPE wait_seconds histogram
# UNIT wait_seconds seconds
# HELP wait_seconds The wait.
wait_seconds_bucket{queue="sign",le="0.001"} 1
wait_seconds_bucket{queue="sign",le="10.0"} 1
wait_seconds_bucket{queue="sign",le="+Inf"} 3
wait_seconds_sum{queue="sign"} 20.5
wait_seconds_count{queue="sign"} 3
# TYPE build info
# HELP build The build.
build_info{version="1.2.3"} 1
# TYPE open gauge
# HELP open Open ones.
open 0.5
# EOF
"#;
        assert_eq!(TextFormat::OpenMetrics.write(&snapshot()), expected);
    }

    #[test]
    fn the_prometheus_text_names_counters_in_full_and_has_no_end() {
        let text = TextFormat::Prometheus.write(&snapshot());
        for line in [
            "# HELP requests_total A \"help\" \\\\ text.",
            "# TYPE requests_total counter",
            "# TYPE build_info gauge",
        ] {
            assert!(text.lines().any(|other| other == line), "{line}\n{text}");
        }
        assert!(!text.contains("# EOF") && !text.contains("# UNIT"));
    }

    #[test]
    fn a_metric_without_values_is_told_all_the_same_and_once() {
        let mut snapshot = Snapshot::default();
        snapshot.family(&OPEN);
        snapshot.family(&OPEN).add(&[], 1.0);
        assert_eq!(snapshot.families().len(), 1);
        let mut snapshot = Snapshot::default();
        snapshot.family(&OPEN);
        let text = TextFormat::OpenMetrics.write(&snapshot);
        assert_eq!(text, "# TYPE open gauge\n# HELP open Open ones.\n# EOF\n");
    }

    #[test]
    fn a_scraper_gets_openmetrics_only_if_it_asks_for_it() {
        let prometheus = "application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.6,text/plain;version=0.0.4;q=0.5,*/*;q=0.1";
        for accept in [
            prometheus,
            "APPLICATION/OpenMetrics-Text",
            "text/plain, application/openmetrics-text; version=0.0.1",
        ] {
            assert_eq!(TextFormat::of_accept(accept), TextFormat::OpenMetrics, "{accept}");
        }
        for accept in
            ["", "*/*", "text/plain", "application/openmetrics-text;q=0", "application/openmetrics-textual"]
        {
            assert_eq!(TextFormat::of_accept(accept), TextFormat::Prometheus, "{accept}");
        }
    }

    #[test]
    fn numbers_that_json_does_not_know_have_their_own_names() {
        let told = [f64::INFINITY, f64::NEG_INFINITY, f64::NAN, 0.0, 1e21].map(number);
        assert_eq!(told, ["+Inf", "-Inf", "NaN", "0.0", "1e21"]);
    }
}
