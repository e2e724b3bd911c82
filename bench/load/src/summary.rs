//! All rounds of all measurements, and what became of each.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result};
use serde::Serialize;

use crate::figures::{Figures, Measurement};
use crate::spread::Spread;

/// Every line of the results, in the order of the rounds.
pub struct Rounds(Vec<Measurement>);

/// One row of the table.
#[derive(Debug, Serialize)]
pub struct Summary {
    /// What was measured.
    pub row: &'static str,
    /// The server that was measured.
    pub stack: &'static str,
    /// In how many rounds.
    pub rounds: usize,
    /// Answers a second as a part of the reference's in the same round.
    pub ratio: Option<Spread>,
    /// Answers a second.
    pub per_second: Option<Spread>,
    /// Half of the answers took at most so long.
    pub p50_ms: Option<Spread>,
    /// Of a hundred answers 99 took at most so long.
    pub p99_ms: Option<Spread>,
    /// The slowest answer.
    pub max_ms: Option<Spread>,
    /// Processor time of the server, an answer.
    pub cpu_us: Option<Spread>,
    /// Resident memory of the server and its children.
    pub memory_mib: Option<Spread>,
    /// Requests without a proper answer, in all rounds.
    pub errors: u64,
}

impl Rounds {
    /// Reads a file with a line for each measurement.
    pub fn read(file: &Path) -> Result<Self> {
        let lines = fs::read_to_string(file).with_context(|| format!("cannot read {}", file.display()))?;
        Ok(Self(lines.lines().map(serde_json::from_str).collect::<Result<_, _>>()?))
    }

    /// The result of a row. It is `None` if the row was not measured.
    pub fn summary(
        &self,
        row: &'static str,
        stack: &'static str,
        reference: Option<(&str, &str)>,
    ) -> Option<Summary> {
        let rounds: Vec<&Figures> = self.of(row, stack).collect();
        let all = |figure: fn(&Figures) -> Option<f64>| Spread::of(rounds.iter().copied().filter_map(figure));
        let ratios = reference.into_iter().flat_map(|(row, stack)| self.of(row, stack)).zip(&rounds);
        let ratios = ratios.filter_map(|(reference, ours)| Some(ours.per_second? / reference.per_second?));
        (!rounds.is_empty()).then(|| Summary {
            row,
            stack,
            rounds: rounds.len(),
            ratio: Spread::of(ratios),
            per_second: all(|figures| figures.per_second),
            p50_ms: all(|figures| figures.p50_ms),
            p99_ms: all(|figures| figures.p99_ms),
            max_ms: all(|figures| figures.max_ms),
            cpu_us: all(|figures| figures.cpu_us),
            memory_mib: all(|figures| figures.memory_mib),
            errors: rounds.iter().map(|figures| figures.errors).sum(),
        })
    }

    fn of(&self, row: &str, stack: &str) -> impl Iterator<Item = &Figures> {
        let asked = move |of: &&Measurement| of.label.row == row && of.label.stack == stack;
        self.0.iter().filter(asked).map(|measurement| &measurement.figures)
    }
}
