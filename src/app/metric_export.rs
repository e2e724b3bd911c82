//! The task that sends the metrics to a collector, where nothing scrapes them.

use std::sync::Arc;

use async_trait::async_trait;
use tokio::task::spawn_blocking;

use super::task::{NextTurn, Task, TurnError};
use crate::clock::Clock;
use crate::domain::Timestamp;
use crate::telemetry::metrics::{MetricExportSettings, MetricRegistry, OtlpMetrics};
use crate::telemetry::otlp::{Collector, ExportFailure, Resource};

/// Sends them again and again.
pub(super) struct MetricExport {
    metrics: MetricRegistry,
    writer: OtlpMetrics,
    collector: Arc<Collector>,
    settings: MetricExportSettings,
    clock: Clock,
    /// Whether the latest export has failed.
    failing: bool,
}

impl MetricExport {
    /// Of a process that starts now; `instance` tells it apart from others.
    pub(super) fn new(
        metrics: MetricRegistry,
        settings: MetricExportSettings,
        instance: u32,
        clock: Clock,
    ) -> Self {
        let resource = Resource::of(&settings.otlp, instance);
        let writer = OtlpMetrics::new(resource, settings.temporality, clock.unix_nanos());
        let collector = Arc::new(Collector::new(settings.otlp.clone()));
        Self { metrics, writer, collector, settings, clock, failing: false }
    }

    /// Tells the log once that exports fail, not each time.
    fn note(&mut self, sent: Result<(), ExportFailure>) {
        let endpoint = self.collector.endpoint();
        match sent {
            Ok(()) if self.failing => tracing::info!(endpoint, "the collector takes metrics again"),
            Err(ExportFailure { text: error, .. }) if !self.failing => {
                tracing::warn!(
                    endpoint,
                    error,
                    "the collector does not take metrics; the next export comes in time"
                );
                self.failing = true;
                return;
            }
            Err(_) => return,
            Ok(()) => {}
        }
        self.failing = false;
    }
}

#[async_trait]
impl Task for MetricExport {
    fn name(&self) -> &'static str {
        "metrics"
    }

    async fn turn(&mut self, _now: Timestamp) -> Result<NextTurn, TurnError> {
        let body = self.writer.request(&self.metrics.snapshot(), self.clock.unix_nanos());
        let collector = Arc::clone(&self.collector);
        let sent = spawn_blocking(move || collector.post(&body)).await?;
        self.note(sent);
        Ok(NextTurn::After(self.settings.interval))
    }
}
