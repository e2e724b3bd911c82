//! The questions of the doctor to a deployment, and the answers. Each finding is a sentence that can be
//! understood alone.

use std::fmt::Display;

/// The most characters of a sentence; a longer one is cut.
const SENTENCE_LIMIT: usize = 400;
/// The most characters of a text of the server; a longer one is cut.
const QUOTE_LIMIT: usize = 160;

/// One question to a deployment. Its id never changes, because checklists and scripts name it.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Check {
    /// Words in lower case with hyphens between.
    pub id: &'static str,
    /// What must be true, as a sentence.
    pub requirement: &'static str,
    /// What to do if it is not true.
    pub remedy: &'static str,
}

/// The result of a check; a later one is worse.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Status {
    /// The check was not possible, or does not apply.
    Skip,
    /// The requirement is met.
    Ok,
    /// The requirement should be met, and is not.
    Warn,
    /// The requirement must be met, and is not.
    Fail,
}

impl Status {
    /// From the best to the worst; skipped checks come last.
    pub(crate) const ALL: [Self; 4] = [Self::Ok, Self::Warn, Self::Fail, Self::Skip];

    /// The word for it in a report.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Skip => "skip",
            Self::Ok => "ok",
            Self::Warn => "warn",
            Self::Fail => "fail",
        }
    }
}

/// The result of a check of this deployment.
#[derive(Debug)]
pub(crate) struct Finding {
    pub check: &'static Check,
    pub status: Status,
    /// What the doctor saw, in one line.
    pub sentence: String,
}

impl Check {
    pub(crate) fn ok(&'static self, sentence: impl AsRef<str>) -> Finding {
        self.found(Status::Ok, sentence)
    }

    pub(crate) fn warn(&'static self, sentence: impl AsRef<str>) -> Finding {
        self.found(Status::Warn, sentence)
    }

    pub(crate) fn fail(&'static self, sentence: impl AsRef<str>) -> Finding {
        self.found(Status::Fail, sentence)
    }

    pub(crate) fn skip(&'static self, sentence: impl AsRef<str>) -> Finding {
        self.found(Status::Skip, sentence)
    }

    /// A finding of this check. Error texts may contain text of the server, so the sentence is cut and made printable.
    pub(crate) fn found(&'static self, status: Status, sentence: impl AsRef<str>) -> Finding {
        let printable = |c: char| if is_printable(c) { c } else { ' ' };
        let sentence = cut(sentence.as_ref(), SENTENCE_LIMIT).chars().map(printable).collect();
        Finding { check: self, status, sentence }
    }
}

/// A text of the server in quotation marks: cut, and with escapes for characters that move a cursor or hide.
pub(crate) fn quoted(text: &str) -> String {
    format!("{:?}", cut(text, QUOTE_LIMIT))
}

/// The sentence for a request that failed.
pub(crate) fn no_answer(what: &str, error: impl Display) -> String {
    format!("{what} got no answer: {error}.")
}

/// A number and its noun: `1 key`, `2 keys`.
pub(crate) fn counted(count: usize, noun: &str) -> String {
    format!("{count} {noun}{}", if count == 1 { "" } else { "s" })
}

fn cut(text: &str, limit: usize) -> String {
    let mut kept: String = text.chars().take(limit).collect();
    if text.chars().nth(limit).is_some() {
        kept.push('…');
    }
    kept
}

fn is_printable(c: char) -> bool {
    matches!(c, '"' | '\'' | '\\') || c.escape_debug().len() == 1
}

/// All findings; one for each check.
#[derive(Debug, Default)]
pub(crate) struct Findings(Vec<Finding>);

impl Findings {
    /// Adds findings. If two belong to one check, the worse stays; if they are equal, the first.
    pub(crate) fn add(&mut self, findings: impl IntoIterator<Item = Finding>) {
        for finding in findings {
            match self.0.iter_mut().find(|known| known.check == finding.check) {
                Some(known) if known.status < finding.status => *known = finding,
                Some(_) => {}
                None => self.0.push(finding),
            }
        }
    }

    /// Marks those of `checks` that have no finding as skipped, for this reason.
    pub(crate) fn skip(&mut self, checks: &'static [&'static Check], reason: &str) {
        for check in checks {
            if self.of(check).is_none() {
                self.0.push(check.skip(reason));
            }
        }
    }

    /// The finding of a check.
    pub(crate) fn of(&self, check: &Check) -> Option<&Finding> {
        self.0.iter().find(|finding| finding.check == check)
    }

    /// How many findings have this status.
    pub(crate) fn count(&self, status: Status) -> usize {
        self.0.iter().filter(|finding| finding.status == status).count()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const CHECK: &Check = &Check { id: "a-check", requirement: "It holds.", remedy: "Make it hold." };

    #[test]
    fn the_worst_finding_of_a_check_stays() {
        let mut findings = Findings::default();
        findings.add([CHECK.ok("1"), CHECK.fail("2"), CHECK.warn("3"), CHECK.fail("4")]);
        findings.skip(&[CHECK], "5");
        let found = findings.of(CHECK).unwrap();
        assert_eq!((found.status, found.sentence.as_str()), (Status::Fail, "2"));
        assert_eq!(findings.count(Status::Fail), 1);
    }

    #[test]
    fn a_server_cannot_write_to_the_terminal() {
        assert_eq!(CHECK.warn("a\x1b[2Jb\r\n\u{9b}c\u{202e}\u{200b}d").sentence, "a [2Jb   c  d");
        assert_eq!(CHECK.warn("\"ä\u{1f600}\" isn't C:\\").sentence, "\"ä\u{1f600}\" isn't C:\\");
        assert_eq!(CHECK.warn("x".repeat(9_999)).sentence.chars().count(), SENTENCE_LIMIT + 1);
        assert_eq!(quoted("a\x1b[2J\"\u{202e}"), r#""a\u{1b}[2J\"\u{202e}""#);
        assert_eq!(quoted(&"x".repeat(9_999)).chars().count(), QUOTE_LIMIT + 3);
    }
}
