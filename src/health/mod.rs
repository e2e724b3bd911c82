//! How this instance fares: what it can do now, and how its background tasks do. It reads memory only. Probes on both
//! listeners tell of it, and metrics count it.

mod capability;
mod instance;
mod report;
mod tasks;

pub use capability::{Capability, Finding, Status};
pub use instance::InstanceHealth;
pub use report::{Probe, Report, is_verbose};
pub use tasks::{TaskRecord, Tasks};
