//! The Markdown table: which rows there are, what each is compared with, and what ours is to reach.

use std::fs;
use std::path::PathBuf;

use anyhow::Result;
use clap::Args;

use crate::spread::Spread;
use crate::summary::{Rounds, Summary};

/// What to print.
#[derive(Args)]
pub struct Options {
    /// A file with all figures, a line each
    results: PathBuf,
    /// A file to write the summary to, as JSON
    #[arg(long)]
    json: Option<PathBuf>,
}

/// One kind of measurement, for every stack that takes part in it.
struct Row {
    name: &'static str,
    title: &'static str,
    reference: Option<Reference>,
    target: Option<Target>,
}

/// What a rate is a part of.
#[derive(Clone, Copy)]
struct Reference {
    row: &'static str,
    stack: &'static str,
}

/// What ours is to reach, in the median.
enum Target {
    RatioAtLeast(f64),
    P50AtMost(f64),
    P99AtMost(f64),
    MemoryAtMost(f64),
}

/// In the order of the table.
const STACKS: [&str; 6] = ["aws-lc-rs", "bare", "ours", "ours-32-keys", "express", "oidc-provider"];

const fn of(row: &'static str, stack: &'static str) -> Option<Reference> {
    Some(Reference { row, stack })
}

const ROWS: [Row; 16] = [
    Row { name: "raw", title: "RSA-2048 signatures, all cores", reference: None, target: None },
    Row {
        name: "generate",
        title: "`POST /api/token/generate`",
        reference: of("raw", "aws-lc-rs"),
        target: Some(Target::RatioAtLeast(0.75)),
    },
    Row {
        name: "generate-32",
        title: "… with 32 keys in the ring",
        reference: of("generate", "ours"),
        target: Some(Target::RatioAtLeast(0.9)),
    },
    Row {
        name: "storm:/api/jwks",
        title: "… `GET /api/jwks` meanwhile",
        reference: None,
        target: Some(Target::P99AtMost(2.0)),
    },
    Row {
        name: "storm:/health",
        title: "… `GET /health` meanwhile",
        reference: None,
        target: Some(Target::P99AtMost(2.0)),
    },
    Row {
        name: "jwks",
        title: "`GET /api/jwks`",
        reference: of("jwks", "bare"),
        target: Some(Target::RatioAtLeast(0.85)),
    },
    Row {
        name: "validate",
        title: "`POST /api/token/validate`",
        reference: of("validate", "bare"),
        target: Some(Target::RatioAtLeast(0.35)),
    },
    Row {
        name: "validate-32",
        title: "… with 32 keys in the ring",
        reference: of("validate", "ours"),
        target: Some(Target::RatioAtLeast(0.9)),
    },
    Row {
        name: "client-credentials",
        title: "`POST /oauth/token`, `client_credentials`",
        reference: of("generate", "ours"),
        target: Some(Target::RatioAtLeast(0.9)),
    },
    Row {
        name: "introspect",
        title: "`POST /oauth/introspect`",
        reference: of("validate", "ours"),
        target: Some(Target::RatioAtLeast(0.8)),
    },
    Row {
        name: "refresh",
        title: "`POST /oauth/token`, `refresh_token` without an id token",
        reference: of("generate", "ours"),
        target: Some(Target::RatioAtLeast(0.8)),
    },
    Row {
        name: "refresh-openid",
        title: "… with an id token",
        reference: of("generate", "ours"),
        target: Some(Target::RatioAtLeast(0.4)),
    },
    Row {
        name: "code",
        title: "`GET /oauth/authorize` with a session, `POST /oauth/token` with the code",
        reference: of("code", "oidc-provider"),
        target: Some(Target::RatioAtLeast(3.0)),
    },
    Row { name: "health", title: "`GET /health`", reference: of("health", "bare"), target: None },
    Row {
        name: "idle",
        title: "idle, after the start",
        reference: None,
        target: Some(Target::MemoryAtMost(20.0)),
    },
    Row {
        name: "start",
        title: "start to first answer",
        reference: None,
        target: Some(Target::P50AtMost(50.0)),
    },
];

const HEAD: &str = "\
| what | whose | per second | of the reference | p50 ms | p99 ms | server CPU µs | MiB | target |
|---|---|---|---|---|---|---|---|---|";

/// Prints the table, and a line for each row with errors.
pub fn run(options: &Options) -> Result<()> {
    let rounds = Rounds::read(&options.results)?;
    let (mut summaries, mut faulty) = (Vec::new(), Vec::new());
    println!("{HEAD}");
    for row in &ROWS {
        let reference = row.reference.map(|reference| (reference.row, reference.stack));
        for summary in STACKS.iter().filter_map(|stack| rounds.summary(row.name, stack, reference)) {
            println!("{}", row.line(&summary));
            if summary.errors > 0 {
                faulty.push(format!("{} errors: {} of {}", summary.errors, summary.row, summary.stack));
            }
            summaries.push(summary);
        }
    }
    faulty.iter().for_each(|line| println!("\n{line}"));
    if let Some(file) = &options.json {
        fs::write(file, serde_json::to_string_pretty(&summaries)? + "\n")?;
    }
    Ok(())
}

impl Row {
    fn line(&self, summary: &Summary) -> String {
        let cell = |spread: Option<Spread>, write| spread.map_or(String::new(), |spread| spread.text(write));
        let is_reference = self.reference.is_some_and(|it| (it.row, it.stack) == (self.name, summary.stack));
        let ratio = summary.ratio.filter(|_| !is_reference).zip(self.reference);
        let cells = [
            self.title.to_owned(),
            summary.stack.to_owned(),
            cell(summary.per_second, with_thousands),
            ratio
                .map_or(String::new(), |(ratio, of)| format!("{} of {}", ratio.text(hundredths), of.label())),
            cell(summary.p50_ms, hundredths),
            cell(summary.p99_ms, hundredths),
            cell(summary.cpu_us, tenths),
            cell(summary.memory_mib, tenths),
            self.target
                .as_ref()
                .filter(|_| summary.stack.starts_with("ours"))
                .map_or(String::new(), |it| it.verdict(summary)),
        ];
        format!("| {} |", cells.join(" | "))
    }
}

impl Reference {
    fn label(self) -> &'static str {
        if self.row == "raw" { "raw" } else { self.stack }
    }
}

impl Target {
    fn verdict(&self, summary: &Summary) -> String {
        let (wanted, reached) = match *self {
            Self::RatioAtLeast(least) => (format!("≥ {least}"), summary.ratio.map(|it| it.median >= least)),
            Self::P50AtMost(most) => (format!("≤ {most} ms"), summary.p50_ms.map(|it| it.median <= most)),
            Self::P99AtMost(most) => (format!("p99 ≤ {most} ms"), summary.p99_ms.map(|it| it.median <= most)),
            Self::MemoryAtMost(most) => {
                (format!("≤ {most} MiB"), summary.memory_mib.map(|it| it.median <= most))
            }
        };
        let verdict = if reached == Some(true) { "reached" } else { "**missed**" };
        format!("{wanted}: {verdict}")
    }
}

fn tenths(value: f64) -> String {
    format!("{value:.1}")
}

fn hundredths(value: f64) -> String {
    format!("{value:.2}")
}

fn with_thousands(value: f64) -> String {
    let digits = format!("{value:.0}");
    let parts: Vec<&str> =
        digits.as_bytes().rchunks(3).rev().filter_map(|part| std::str::from_utf8(part).ok()).collect();
    parts.join(",")
}

#[cfg(test)]
mod tests {
    use super::with_thousands;

    #[test]
    fn thousands_are_set_apart() {
        assert_eq!(with_thousands(7.4), "7");
        assert_eq!(with_thousands(123_456.0), "123,456");
        assert_eq!(with_thousands(1_000.0), "1,000");
    }
}
