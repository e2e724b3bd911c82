//! What a probe is told, the same on both listeners. It names nothing that a stranger should not know.

use std::collections::BTreeMap;

use serde::Serialize;

use super::{Capability, Finding, InstanceHealth, Status};
use crate::domain::Timestamp;
use crate::keys::NotReady;

/// What is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Probe {
    /// Whether the process answers at all. If it does not, restart it.
    Live,
    /// Whether its start has succeeded.
    Started,
    /// Whether it can verify tokens and publish the key set now.
    Ready,
}

/// The answer.
#[derive(Debug, Serialize)]
pub struct Report {
    #[serde(skip)]
    is_good: bool,
    status: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
    /// Background tasks whose latest turn failed. They are tried again, and what is known serves on.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    failing: Vec<&'static str>,
    #[serde(flatten)]
    details: Option<Details>,
}

/// What is told if it is asked for.
#[derive(Debug, Serialize)]
struct Details {
    capabilities: BTreeMap<&'static str, Detail>,
    late: Vec<&'static str>,
}

#[derive(Debug, Serialize)]
struct Detail {
    status: Status,
    since: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<&'static str>,
}

impl Report {
    /// What `health` answers. `verbose` adds each capability and the tasks that are late.
    pub fn of(health: &InstanceHealth, probe: Probe, verbose: bool) -> Self {
        let report = |good, bad, found: Result<(), NotReady>| Self {
            is_good: found.is_ok(),
            status: if found.is_ok() { good } else { bad },
            reason: found.err().map(|why| why.to_string()),
            failing: Vec::new(),
            details: None,
        };
        match probe {
            Probe::Live => report("alive", "", Ok(())),
            Probe::Started => report("started", "not started", health.has_started()),
            Probe::Ready => Self {
                failing: health.tasks().failing(),
                details: verbose.then(|| Details::of(health)),
                ..report("ready", "not ready", health.is_ready())
            },
        }
    }

    /// Whether the answer is yes.
    pub fn is_good(&self) -> bool {
        self.is_good
    }
}

/// Whether the query of a probe asks for the details.
pub fn is_verbose(query: Option<&str>) -> bool {
    let mut names =
        query.unwrap_or_default().split('&').map(|pair| pair.split('=').next().unwrap_or_default());
    names.any(|name| name == "verbose")
}

impl Details {
    fn of(health: &InstanceHealth) -> Self {
        let detail = |(capability, Finding { status, reason }, since): (Capability, Finding, Timestamp)| {
            (capability.name(), Detail { status, since: since.to_string(), reason })
        };
        Self {
            capabilities: health.capabilities().into_iter().map(detail).collect(),
            late: health.tasks().late(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::is_verbose;

    #[test]
    fn details_are_asked_for_by_name() {
        for query in ["verbose", "verbose=1", "x=1&verbose", "verbose="] {
            assert!(is_verbose(Some(query)), "{query}");
        }
        for query in [None, Some(""), Some("verbosely"), Some("x=verbose")] {
            assert!(!is_verbose(query), "{query:?}");
        }
    }
}
