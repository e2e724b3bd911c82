//! The second listener (`ADMIN_ADDRESS`): metrics, health, and the filter of the log. It has no authentication, so it is meant
//! for the machine itself or for a network of the operator's. Nothing of it is on the public port but the probes.

mod answers;
mod guard;
mod listener;
mod log_filter;
mod log_filter_changes;
mod places;

pub use listener::AdminListener;
pub use log_filter_changes::{LogFilterChange, LogFilterChanges};

use std::sync::Arc;

use crate::health::InstanceHealth;
use crate::telemetry::LogFilter;
use crate::telemetry::metrics::MetricRegistry;

/// What the listener shows and changes.
pub struct Admin {
    metrics: MetricRegistry,
    health: Arc<InstanceHealth>,
    log: LogFilter,
    log_changes: LogFilterChanges,
}

impl Admin {
    /// The metrics and the health of an instance, and the filter of its log. Changes of the filter are noted in `log_changes`.
    pub fn new(
        metrics: MetricRegistry,
        health: Arc<InstanceHealth>,
        log: LogFilter,
        log_changes: LogFilterChanges,
    ) -> Self {
        Self { metrics, health, log, log_changes }
    }
}
