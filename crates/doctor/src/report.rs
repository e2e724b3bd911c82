//! The results, for people and for scripts.

use serde_json::{Value, json};

use crate::checks::{GROUPS, longest_id};
use crate::finding::{Finding, Findings, Status};
use crate::wrapping::wrapped;

/// The findings of one inspection.
#[derive(Debug)]
pub struct Report {
    pub(crate) address: String,
    pub(crate) findings: Findings,
    /// What is known of each key.
    pub(crate) keys: Value,
}

impl Report {
    /// How many checks ended with this status.
    pub fn count(&self, status: Status) -> usize {
        self.findings.count(status)
    }

    /// The report as JSON: `url`, `healthy`, `counts`, `keys` and `findings`.
    pub fn as_json(&self, healthy: bool) -> Value {
        let mut findings = Vec::new();
        for group in GROUPS {
            let of_group = group.checks.iter().filter_map(|check| self.findings.of(check));
            findings.extend(of_group.map(|finding| one_as_json(group.title, finding)));
        }
        let counts: serde_json::Map<_, _> = Status::ALL
            .map(|status| (status.name().to_owned(), self.count(status).into()))
            .into_iter()
            .collect();
        json!({
            "url": self.address,
            "healthy": healthy,
            "counts": counts,
            "keys": self.keys,
            "findings": findings,
        })
    }

    /// The report as text of 80 columns, with colours for a terminal or without.
    pub fn as_text(&self, colours: bool) -> String {
        let mut text = format!("{}, seen from outside\n", self.address);
        for group in GROUPS {
            let found: Vec<_> = group.checks.iter().filter_map(|check| self.findings.of(check)).collect();
            let title = bold(group.title, colours);
            match found.first() {
                // A group that was skipped for one reason is one line.
                Some(first) if found.iter().all(|one| is_skipped_like(one, first)) => {
                    text.push_str(&format!("\n{title}: skipped. {}\n", first.sentence));
                }
                _ => {
                    text.push_str(&format!("\n{title}\n"));
                    found.iter().for_each(|finding| text.push_str(&lines(finding, longest_id(), colours)));
                }
            }
        }
        let [ok, warn, fail, skip] = Status::ALL.map(|status| self.count(status));
        text.push_str(&format!("\n{ok} ok, {warn} warn, {fail} fail, {skip} skip\n"));
        text
    }
}

fn is_skipped_like(finding: &Finding, first: &Finding) -> bool {
    finding.status == Status::Skip && finding.sentence == first.sentence
}

fn one_as_json(group: &str, finding: &Finding) -> Value {
    let mut value = json!({
        "id": finding.check.id,
        "group": group,
        "status": finding.status.name(),
        "seen": finding.sentence,
    });
    if needs_remedy(finding) {
        value["remedy"] = finding.check.remedy.into();
    }
    value
}

fn needs_remedy(finding: &Finding) -> bool {
    matches!(finding.status, Status::Warn | Status::Fail)
}

fn lines(finding: &Finding, id_width: usize, colours: bool) -> String {
    let word = format!("{:4}", finding.status.name());
    let start = format!("  {word}  {:id_width$}  ", finding.check.id);
    let mut text = wrapped(&start, &finding.sentence);
    if colours {
        text = text.replacen(&word, &painted(&word, finding.status), 1);
    }
    if needs_remedy(finding) {
        text.push_str(&wrapped(&format!("        {:id_width$}  -> ", ""), finding.check.remedy));
    }
    text
}

fn painted(word: &str, status: Status) -> String {
    let code = match status {
        Status::Ok => "32",
        Status::Warn => "33",
        Status::Fail => "1;31",
        Status::Skip => "2",
    };
    format!("\x1b[{code}m{word}\x1b[0m")
}

fn bold(text: &str, colours: bool) -> String {
    if colours { format!("\x1b[1m{text}\x1b[0m") } else { text.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::finding::Check;

    const CHECK: &Check = &Check { id: "a-check", requirement: "It holds.", remedy: "Make it hold." };

    #[test]
    fn the_word_is_there_with_and_without_colour() {
        let plain = lines(&CHECK.fail("It fails."), 9, false);
        assert_eq!(plain, "  fail  a-check    It fails.\n                   -> Make it hold.\n");
        assert_eq!(
            lines(&CHECK.fail("It fails."), 9, true),
            plain.replacen("fail", "\x1b[1;31mfail\x1b[0m", 1)
        );
        assert_eq!(lines(&CHECK.ok("It holds."), 9, false), "  ok    a-check    It holds.\n");
    }
}
