//! The task that sends the metrics to a collector, where nothing scrapes them.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use tokio::sync::Mutex;
use tokio::task::spawn_blocking;
use tokio::time::timeout;

use super::task::{NextTurn, Task, TurnError};
use crate::clock::Clock;
use crate::domain::Timestamp;
use crate::telemetry::metrics::{MetricExportSettings, MetricRegistry, OtlpMetrics};
use crate::telemetry::otlp::{Collector, ExportFailure, Resource};

/// Sends them again and again. Clones are one exporter.
#[derive(Clone)]
pub(super) struct MetricExport {
    exporter: Arc<Mutex<Exporter>>,
    interval: Duration,
}

struct Exporter {
    metrics: MetricRegistry,
    writer: OtlpMetrics,
    collector: Arc<Collector>,
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
        let (collector, interval) = (Arc::new(Collector::new(settings.otlp)), settings.interval);
        let exporter = Exporter { metrics, writer, collector, clock, failing: false };
        Self { exporter: Arc::new(Mutex::new(exporter)), interval }
    }

    /// The time from one export to the next.
    pub(super) fn interval(&self) -> Duration {
        self.interval
    }

    /// Sends them once more, at the end of the process, but waits no longer than `patience`.
    pub(super) async fn flush(&self, patience: Duration) {
        let last = async { self.exporter.lock().await.export().await };
        // A collector that does not answer in time gets nothing more.
        let _ = timeout(patience, last).await;
    }
}

impl Exporter {
    async fn export(&mut self) -> Result<(), TurnError> {
        let body = self.writer.request(&self.metrics.snapshot(), self.clock.unix_nanos());
        let collector = Arc::clone(&self.collector);
        let sent = spawn_blocking(move || collector.post(&body)).await?;
        self.note(sent);
        Ok(())
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

    fn may_be_cut_off(&self) -> bool {
        true
    }

    async fn turn(&mut self, _now: Timestamp) -> Result<NextTurn, TurnError> {
        self.exporter.lock().await.export().await?;
        Ok(NextTurn::After(self.interval))
    }
}
