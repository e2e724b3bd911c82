//! How long calls took, by what was called and by how it ended.

use std::time::Duration;

use super::{Bounds, Family, Histogram};

/// A table of histograms. Its rows are verbs, its columns outcomes; both are found by their numbers.
#[derive(Debug)]
pub struct Durations {
    verbs: &'static [&'static str],
    outcomes: &'static [&'static str],
    cells: Box<[Histogram]>,
}

impl Durations {
    /// A table with these rows and columns.
    pub fn new(verbs: &'static [&'static str], outcomes: &'static [&'static str]) -> Self {
        let cells = (0..verbs.len() * outcomes.len()).map(|_| Histogram::new(Bounds::DURATION)).collect();
        Self { verbs, outcomes, cells }
    }

    /// Notes a call. Numbers that are not of the table change nothing.
    pub fn observe(&self, verb: usize, outcome: usize, duration: Duration) {
        let cell = self.cells.get(verb * self.outcomes.len() + outcome);
        if let Some(cell) = cell.filter(|_| outcome < self.outcomes.len()) {
            cell.observe(duration);
        }
    }

    /// Adds the cells that are not empty, with the labels verb and outcome.
    pub fn add_to(&self, family: &mut Family) {
        let names =
            self.verbs.iter().flat_map(|verb| self.outcomes.iter().map(move |outcome| [*verb, *outcome]));
        for (labels, cell) in names.zip(&self.cells).filter(|(_, cell)| !cell.is_empty()) {
            family.add(&labels, cell);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::telemetry::metrics::{Descriptor, Kind, Snapshot};

    #[test]
    fn a_call_is_counted_under_its_verb_and_outcome() {
        const CALLS: Descriptor =
            Descriptor { name: "calls", kind: Kind::Histogram, labels: &["verb", "outcome"], help: "" };
        let durations = Durations::new(&["load", "store"], &["ok", "failed", "late"]);
        durations.observe(1, 2, Duration::ZERO);
        durations.observe(0, 0, Duration::ZERO);
        durations.observe(0, 3, Duration::ZERO);
        durations.observe(2, 0, Duration::ZERO);
        let mut snapshot = Snapshot::default();
        durations.add_to(snapshot.family(&CALLS));
        let labels: Vec<_> = snapshot.families()[0].points.iter().map(|point| point.labels.clone()).collect();
        assert_eq!(labels, [["load", "ok"], ["store", "late"]]);
    }
}
