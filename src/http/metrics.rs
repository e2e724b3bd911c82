//! What is counted of requests and connections. All places are made at the start: a request finds its own by numbers, and no
//! text of a request becomes a label.

use std::sync::Arc;

use http::StatusCode;

use super::answered::{Answered, MethodName};
use super::operations;
use super::refusal::CODES;
use crate::telemetry::metrics::{Bounds, Counter, Descriptor, Histogram, Kind, Snapshot, Source};

const DURATION: Descriptor = Descriptor {
    name: "http_server_request_duration_seconds",
    kind: Kind::Histogram,
    labels: &["operation", "method", "status_class"],
    help: "Requests by how long they took, from the end of the head until the answer was ready.",
};
const ACTIVE: Descriptor = Descriptor {
    name: "http_server_active_requests",
    kind: Kind::Gauge,
    labels: &[],
    help: "Requests in progress: the head has arrived, and the answer is not ready.",
};
const REFUSALS: Descriptor = Descriptor {
    name: "http_server_refusals",
    kind: Kind::Counter,
    labels: &["code"],
    help: "Refused requests by the code of the refusal.",
};
const OPEN_CONNECTIONS: Descriptor = Descriptor {
    name: "http_server_open_connections",
    kind: Kind::Gauge,
    labels: &[],
    help: "Connections that are open.",
};
const CONNECTIONS: Descriptor = Descriptor {
    name: "http_server_connections",
    kind: Kind::Counter,
    labels: &["outcome"],
    help: "Connections that were accepted, refused because all places were taken, or closed while idle to make a place.",
};

/// Classes of a status, from success to a fault of the server; informational ones are never sent.
const CLASSES: [&str; 4] = ["2xx", "3xx", "4xx", "5xx"];
/// An operation has its own method, and `HEAD` if that is `GET`.
const METHODS_OF_OPERATION: usize = 2;

/// The instruments.
#[derive(Debug)]
pub(super) struct HttpMetrics {
    /// Of each operation, method and class, in this order. Behind them those of requests without an operation, by method.
    durations: Box<[Histogram]>,
    /// In the order of [`CODES`].
    refusals: Box<[Counter]>,
    begun: Counter,
    ended: Counter,
    pub(super) connections: Arc<ConnectionMetrics>,
}

/// A request in progress, which may also end because its client is gone.
#[derive(Debug)]
pub(super) struct ActiveRequest<'m>(&'m Counter);

impl Drop for ActiveRequest<'_> {
    fn drop(&mut self) {
        self.0.increment();
    }
}

/// The instruments of connections.
#[derive(Debug, Default)]
pub(super) struct ConnectionMetrics {
    pub(super) accepted: Counter,
    pub(super) refused: Counter,
    /// Closed while idle, for a new one.
    pub(super) displaced: Counter,
    pub(super) closed: Counter,
}

impl HttpMetrics {
    pub(super) fn new() -> Self {
        let rows = operations().len() * METHODS_OF_OPERATION + MethodName::NAMES.len();
        Self {
            durations: (0..rows * CLASSES.len()).map(|_| Histogram::new(Bounds::DURATION)).collect(),
            refusals: CODES.iter().map(|_| Counter::default()).collect(),
            begun: Counter::default(),
            ended: Counter::default(),
            connections: Arc::default(),
        }
    }

    /// Counts a request as in progress for as long as the value lives.
    pub(super) fn begin(&self) -> ActiveRequest<'_> {
        self.begun.increment();
        ActiveRequest(&self.ended)
    }

    /// Counts a request that was answered.
    pub(super) fn count(&self, request: &Answered<'_>) {
        let row = match request.operation {
            Some(operation) => {
                operation.number * METHODS_OF_OPERATION + usize::from(request.method == MethodName::HEAD)
            }
            None => operations().len() * METHODS_OF_OPERATION + request.method.number(),
        };
        if let Some(histogram) = self.durations.get(row * CLASSES.len() + class(request.status)) {
            histogram.observe(request.duration);
        }
        if let Some(code) = request.refusal
            && let Some(counter) =
                CODES.iter().position(|known| *known == code).and_then(|at| self.refusals.get(at))
        {
            counter.increment();
        }
    }

    /// The values of one row of the table, those that are not empty.
    fn collect_row(
        &self,
        row: usize,
        operation: &'static str,
        method: &'static str,
        snapshot: &mut Snapshot,
    ) {
        for (at, class) in CLASSES.into_iter().enumerate() {
            let histogram = self.durations.get(row * CLASSES.len() + at);
            if let Some(histogram) = histogram.filter(|histogram| !histogram.is_empty()) {
                snapshot.family(&DURATION).add(&[operation, method, class], histogram);
            }
        }
    }
}

/// The number of a status's class.
fn class(status: StatusCode) -> usize {
    usize::from(status.as_u16() / 100).saturating_sub(2).min(CLASSES.len() - 1)
}

impl Source for HttpMetrics {
    fn collect(&self, snapshot: &mut Snapshot) {
        snapshot.family(&DURATION);
        for operation in operations() {
            let row = operation.number * METHODS_OF_OPERATION;
            self.collect_row(row, operation.id, MethodName::of(&operation.method).as_str(), snapshot);
            self.collect_row(row + 1, operation.id, MethodName::HEAD.as_str(), snapshot);
        }
        for (at, method) in MethodName::NAMES.into_iter().enumerate() {
            self.collect_row(operations().len() * METHODS_OF_OPERATION + at, "-", method, snapshot);
        }
        let ended = self.ended.get();
        snapshot.family(&ACTIVE).add(&[], self.begun.get().saturating_sub(ended));
        let refusals = snapshot.family(&REFUSALS);
        CODES.iter().zip(&self.refusals).for_each(|(code, counter)| refusals.add(&[*code], counter));
        self.connections.collect(snapshot);
    }
}

impl Source for ConnectionMetrics {
    fn collect(&self, snapshot: &mut Snapshot) {
        let closed = self.closed.get();
        snapshot.family(&OPEN_CONNECTIONS).add(&[], self.accepted.get().saturating_sub(closed));
        let connections = snapshot.family(&CONNECTIONS);
        for (outcome, counter) in
            [("accepted", &self.accepted), ("refused", &self.refused), ("displaced", &self.displaced)]
        {
            connections.add(&[outcome], counter);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::oauth::ErrorForClient;

    #[test]
    fn every_status_has_a_class() {
        let class = |status| CLASSES[super::class(StatusCode::from_u16(status).unwrap())];
        assert_eq!([200, 201, 304, 404, 503].map(class), ["2xx", "2xx", "3xx", "4xx", "5xx"]);
        assert_eq!([100, 999].map(class), ["2xx", "5xx"]);
    }

    #[test]
    fn every_code_in_the_table_of_refusals_and_every_error_for_a_client_is_counted() {
        let tables = [
            include_str!("refusal/face.rs"),
            include_str!("refusal/oauth_fault.rs"),
            include_str!("refusal/generate_fault.rs"),
        ];
        let rows = tables
            .map(|table| table.split("match self {").nth(1).unwrap().split("\n        }").next().unwrap());
        let of_rows = rows.iter().flat_map(|rows| rows.split('"').skip(1).step_by(2));
        let is_code = |text: &&str| text.contains('_') || ["busy", "internal"].contains(text);
        let is_code = |text: &&str| is_code(text) && text.chars().all(|c| c.is_ascii_lowercase() || c == '_');
        let mut of_table: Vec<_> = of_rows.filter(is_code).chain(ErrorForClient::CODES).collect();
        of_table.sort_unstable();
        of_table.dedup();
        let mut codes = CODES.to_vec();
        codes.sort_unstable();
        assert_eq!(of_table, codes);
    }
}
