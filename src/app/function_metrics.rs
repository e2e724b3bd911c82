//! The metrics of a function of AWS Lambda: lines on standard output, which CloudWatch reads. Nothing can scrape a function.

use std::io::{self, Write};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use crate::clock::Clock;
use crate::telemetry::metrics::{EmbeddedMetrics, MetricRegistry};

/// Between two reports: CloudWatch's own metrics are of a minute, too.
const EVERY: Duration = Duration::from_secs(60);

/// Writes reports.
pub(super) struct FunctionMetrics {
    metrics: MetricRegistry,
    clock: Clock,
    reports: Mutex<Reports>,
}

struct Reports {
    embedded: EmbeddedMetrics,
    /// The uptime at the latest report, or at the start.
    reported_at: Duration,
}

impl FunctionMetrics {
    /// For the function of this name.
    pub(super) fn new(function: &str, metrics: MetricRegistry, clock: Clock) -> Self {
        let reports = Reports { embedded: EmbeddedMetrics::new(function), reported_at: clock.uptime() };
        Self { metrics, clock, reports: Mutex::new(reports) }
    }

    /// Writes a report at the end of an invocation, if the latest one is a minute old. What happens between the last report and
    /// the end of the process is lost.
    pub(super) fn report(&self) {
        let lines = self.due_lines();
        if !lines.is_empty() {
            let mut text = lines.join("\n");
            text.push('\n');
            // A log that takes nothing must not fail the invocation.
            let _ = io::stdout().lock().write_all(text.as_bytes());
        }
    }

    fn due_lines(&self) -> Vec<String> {
        let up = self.clock.uptime();
        let mut reports = self.reports.lock().unwrap_or_else(PoisonError::into_inner);
        if up.saturating_sub(reports.reported_at) < EVERY {
            return Vec::new();
        }
        reports.reported_at = up;
        reports.embedded.lines(&self.metrics.snapshot(), self.clock.now().as_millis())
    }
}
