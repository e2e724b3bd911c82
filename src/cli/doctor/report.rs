//! What was found, for people and for scripts.

use std::io::IsTerminal;

use serde_json::{Value, json};

use super::catalogue::{self, GROUPS};
use super::examination::Examined;
use super::finding::{Finding, Status};

/// Whether colours are wanted where this goes: on a terminal, and not where `NO_COLOR` is set (no-color.org).
pub(super) fn colours() -> bool {
    let declined = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
    std::io::stdout().is_terminal() && !declined
}

/// The findings as JSON.
pub(super) fn as_json(address: &str, examined: &Examined, healthy: bool) -> Value {
    let mut findings = Vec::new();
    for group in GROUPS {
        let of_group = group.checks.iter().filter_map(|check| examined.findings.of(check));
        findings.extend(of_group.map(|finding| one(group.title, finding)));
    }
    let counts: serde_json::Map<_, _> = Status::ALL
        .map(|status| (status.name().to_owned(), examined.findings.count(status).into()))
        .into_iter()
        .collect();
    json!({ "url": address, "healthy": healthy, "counts": counts, "keys": examined.keys, "findings": findings })
}

fn one(group: &str, finding: &Finding) -> Value {
    let mut value = json!({
        "id": finding.check.id,
        "group": group,
        "status": finding.status.name(),
        "seen": finding.seen,
    });
    if matters(finding) {
        value["remedy"] = finding.check.remedy.into();
    }
    value
}

fn matters(finding: &Finding) -> bool {
    matches!(finding.status, Status::Warn | Status::Fail)
}

/// The findings as text.
pub(super) fn as_text(address: &str, examined: &Examined, colours: bool) -> String {
    let widest = widest();
    let mut text = format!("{address}, from outside\n");
    for group in GROUPS {
        let found: Vec<_> = group.checks.iter().filter_map(|check| examined.findings.of(check)).collect();
        // A group that was skipped for one reason is one line.
        match found.first() {
            Some(first) if found.iter().all(|one| one.status == Status::Skip && one.seen == first.seen) => {
                text.push_str(&format!("\n{}: skipped, {}\n", bold(group.title, colours), first.seen));
            }
            _ => {
                text.push_str(&format!("\n{}\n", bold(group.title, colours)));
                found.iter().for_each(|finding| text.push_str(&line(finding, widest, colours)));
            }
        }
    }
    let counts = Status::ALL.map(|status| format!("{} {}", examined.findings.count(status), status.name()));
    text.push_str(&format!("\n{}\n", counts.join(", ")));
    text
}

fn widest() -> usize {
    catalogue::all().map(|check| check.id.len()).max().unwrap_or(0)
}

fn line(finding: &Finding, widest: usize, colours: bool) -> String {
    let word = painted(finding.status, colours);
    let mut text = format!("  {word}  {:widest$}  {}\n", finding.check.id, finding.seen);
    if matters(finding) {
        text.push_str(&format!("        {:widest$}  -> {}\n", "", finding.check.remedy));
    }
    text
}

fn painted(status: Status, colours: bool) -> String {
    let word = format!("{:4}", status.name());
    let code = match status {
        Status::Ok => "32",
        Status::Warn => "33",
        Status::Fail => "1;31",
        Status::Skip => "2",
    };
    if colours { format!("\x1b[{code}m{word}\x1b[0m") } else { word }
}

fn bold(text: &str, colours: bool) -> String {
    if colours { format!("\x1b[1m{text}\x1b[0m") } else { text.to_owned() }
}

/// Every check, as JSON.
pub(super) fn catalogue_json() -> Value {
    let of_group = |group: &catalogue::Group| -> Vec<Value> {
        let one = |check: &&super::finding::Check| json!({ "id": check.id, "group": group.title, "about": check.about, "remedy": check.remedy });
        group.checks.iter().map(one).collect()
    };
    GROUPS.iter().flat_map(of_group).collect()
}

/// Every check, as text.
pub(super) fn catalogue_text() -> String {
    let widest = widest();
    let mut text = String::new();
    for group in GROUPS {
        text.push_str(&format!("{}\n", group.title));
        for check in group.checks {
            text.push_str(&format!("  {:widest$}  {}\n", check.id, check.about));
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::super::finding::Check;
    use super::*;

    #[test]
    fn the_word_is_there_with_and_without_colour() {
        const CHECK: &Check = &Check { id: "a-check", about: "it holds", remedy: "make it hold" };
        let plain = line(&CHECK.fail("seen"), 9, false);
        assert_eq!(plain, "  fail  a-check    seen\n                   -> make it hold\n");
        assert_eq!(line(&CHECK.fail("seen"), 9, true), plain.replace("fail", "\x1b[1;31mfail\x1b[0m"));
        assert_eq!(line(&CHECK.ok("seen"), 9, false), "  ok    a-check    seen\n");
    }
}
