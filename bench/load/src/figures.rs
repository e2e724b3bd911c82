//! What one measurement of one round found, as the line of JSON that it is kept as.

use std::time::Duration;

use anyhow::Result;
use clap::Args;
use serde::{Deserialize, Serialize};

/// Which row of the table a measurement belongs to.
#[derive(Args, Clone, Debug, Serialize, Deserialize)]
pub struct Label {
    /// What is measured, such as `jwks`
    #[arg(long)]
    pub row: String,
    /// The server that was measured, such as `ours`, `bare` or `express`.
    #[arg(long)]
    pub stack: String,
}

/// The figures of one measurement; each kind of measurement fills in its own.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Figures {
    /// Signatures, or answers, a second.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub per_second: Option<f64>,
    /// Half of the answers took at most so long.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub p50_ms: Option<f64>,
    /// Of a hundred answers 99 took at most so long.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub p99_ms: Option<f64>,
    /// The slowest answer.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_ms: Option<f64>,
    /// Processor time of the server, an answer.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cpu_us: Option<f64>,
    /// Resident memory of the server and its children.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub memory_mib: Option<f64>,
    /// Requests without a proper answer.
    #[serde(default)]
    pub errors: u64,
}

/// A line of the results.
#[derive(Debug, Serialize, Deserialize)]
pub struct Measurement {
    /// Its place in the table.
    #[serde(flatten)]
    pub label: Label,
    /// What was found.
    #[serde(flatten)]
    pub figures: Figures,
}

impl Label {
    /// Prints the figures under this label.
    pub fn print(self, figures: Figures) -> Result<()> {
        println!("{}", serde_json::to_string(&Measurement { label: self, figures })?);
        Ok(())
    }
}

impl Figures {
    /// With the percentiles of `latencies`.
    pub fn with_latencies(mut self, mut latencies: Vec<Duration>) -> Self {
        latencies.sort_unstable();
        let at = |part: f64| {
            let last = latencies.len().checked_sub(1)?;
            Some(latencies[(last as f64 * part).round() as usize].as_secs_f64() * 1e3)
        };
        (self.p50_ms, self.p99_ms, self.max_ms) = (at(0.5), at(0.99), at(1.0));
        self
    }
}
