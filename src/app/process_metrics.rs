//! What is told of the process and of the build, under the names that Prometheus's own client libraries use. It is read from
//! the kernel when metrics are read.

use std::fs;

use rustix::process::{Resource, getrlimit};
use rustix::time::{ClockId, clock_gettime};

use crate::domain::Timestamp;
use crate::telemetry::metrics::{Descriptor, Kind, Snapshot, Source};

const CPU: Descriptor = Descriptor {
    name: "process_cpu_seconds",
    kind: Kind::Counter,
    labels: &[],
    help: "Time that the process has spent on processors, in user space and in the kernel.",
};
const RESIDENT: Descriptor = Descriptor {
    name: "process_resident_memory_bytes",
    kind: Kind::Gauge,
    labels: &[],
    help: "Memory of the process that is in RAM.",
};
const OPEN_FILES: Descriptor = Descriptor {
    name: "process_open_fds",
    kind: Kind::Gauge,
    labels: &[],
    help: "File descriptors that are open.",
};
const MAX_FILES: Descriptor = Descriptor {
    name: "process_max_fds",
    kind: Kind::Gauge,
    labels: &[],
    help: "How many file descriptors may be open; missing if there is no limit.",
};
const THREADS: Descriptor =
    Descriptor { name: "process_threads", kind: Kind::Gauge, labels: &[], help: "Threads of the process." };
const START_TIME: Descriptor = Descriptor {
    name: "process_start_time_seconds",
    kind: Kind::Gauge,
    labels: &[],
    help: "When the service was started, in seconds since 1970.",
};
const BUILD: Descriptor = Descriptor {
    name: "jwt_build",
    kind: Kind::Info,
    labels: &["version"],
    help: "The version of the program.",
};

/// Reads the kernel's counts.
pub(super) struct ProcessMetrics {
    started_at: Timestamp,
}

impl ProcessMetrics {
    pub(super) fn new(started_at: Timestamp) -> Self {
        Self { started_at }
    }
}

impl Source for ProcessMetrics {
    fn collect(&self, snapshot: &mut Snapshot) {
        let cpu = clock_gettime(ClockId::ProcessCPUTime);
        snapshot.family(&CPU).add(&[], cpu.tv_sec as f64 + cpu.tv_nsec as f64 / 1e9);
        let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
        for (descriptor, field, unit) in [(&RESIDENT, "VmRSS:", 1024), (&THREADS, "Threads:", 1)] {
            let family = snapshot.family(descriptor);
            if let Some(number) = number_of(&status, field) {
                family.add(&[], number * unit);
            }
        }
        let files = snapshot.family(&OPEN_FILES);
        if let Ok(open) = fs::read_dir("/proc/self/fd") {
            files.add(&[], open.count());
        }
        let max_files = snapshot.family(&MAX_FILES);
        if let Some(limit) = getrlimit(Resource::Nofile).current {
            max_files.add(&[], limit);
        }
        snapshot.family(&START_TIME).add(&[], self.started_at.as_millis() as f64 / 1e3);
        snapshot.family(&BUILD).add(&[env!("CARGO_PKG_VERSION")], 1_u64);
    }
}

/// The number of a line of `/proc/PID/status` (proc_pid_status(5)).
fn number_of(status: &str, field: &str) -> Option<u64> {
    let line = status.lines().find_map(|line| line.strip_prefix(field))?;
    line.split_whitespace().next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::number_of;

    #[test]
    fn a_field_of_the_kernels_status_is_a_number_with_or_without_a_unit() {
        let status = "Name:\tx\nVmRSS:\t   12345 kB\nThreads:\t7\n";
        assert_eq!((number_of(status, "VmRSS:"), number_of(status, "Threads:")), (Some(12345), Some(7)));
        assert_eq!((number_of(status, "VmSwap:"), number_of("", "VmRSS:")), (None, None));
    }
}
