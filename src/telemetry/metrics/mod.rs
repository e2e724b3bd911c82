//! Metrics: instruments that a request changes without a lock, and a registry that gives their values of one moment. A module
//! keeps its instruments in a struct of its own, which is a [`Source`]; `app` adds it to the [`MetricRegistry`] of the process.
//! There is nothing global: several services may run in one process. [`Snapshot`] is what every writer reads.

mod descriptor;
mod durations;
mod emf;
mod growth;
mod instruments;
mod otlp;
mod registry;
mod snapshot;
mod text;

pub use descriptor::{Descriptor, Kind};
pub use durations::Durations;
pub use emf::EmbeddedMetrics;
pub use growth::Growth;
pub use instruments::{Bounds, Counter, Histogram};
pub use otlp::{MetricExportSettings, OtlpMetrics, Temporality};
pub use registry::{MetricRegistry, Source};
pub use snapshot::{Buckets, Family, Point, Snapshot, Value};
pub use text::TextFormat;
