//! What the doctor asks of a deployment, and what it finds.

use crate::domain::is_invisible;

/// How much of what a server says is passed on, in characters.
const WORDS: usize = 240;

/// One question that a deployment is held to. Its id is stable: checklists name it.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Check {
    /// Words in lower case with hyphens between.
    pub id: &'static str,
    /// What holds where all is well.
    pub about: &'static str,
    /// What to do where it does not hold.
    pub remedy: &'static str,
}

/// How it stands with a check; later is worse.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Status {
    /// Could not be looked at, or does not apply.
    Skip,
    /// Holds.
    Ok,
    /// Should hold.
    Warn,
    /// Must hold.
    Fail,
}

impl Status {
    /// From the best to the worst.
    pub(super) const ALL: [Self; 4] = [Self::Ok, Self::Warn, Self::Fail, Self::Skip];

    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Skip => "skip",
            Self::Ok => "ok",
            Self::Warn => "warn",
            Self::Fail => "fail",
        }
    }
}

/// A check, and how it stands with it here.
#[derive(Debug)]
pub(super) struct Finding {
    pub check: &'static Check,
    pub status: Status,
    /// What was seen, in one line.
    pub seen: String,
}

impl Check {
    pub(super) fn ok(&'static self, seen: impl AsRef<str>) -> Finding {
        self.found(Status::Ok, seen)
    }

    pub(super) fn warn(&'static self, seen: impl AsRef<str>) -> Finding {
        self.found(Status::Warn, seen)
    }

    pub(super) fn fail(&'static self, seen: impl AsRef<str>) -> Finding {
        self.found(Status::Fail, seen)
    }

    pub(super) fn skip(&'static self, seen: impl AsRef<str>) -> Finding {
        self.found(Status::Skip, seen)
    }

    /// A finding of this check. What a server says is cut short, and cannot move a terminal's cursor.
    pub(super) fn found(&'static self, status: Status, seen: impl AsRef<str>) -> Finding {
        let line = |c: char| if is_invisible(c) { ' ' } else { c };
        let seen = seen.as_ref();
        let mut text: String = seen.chars().take(WORDS).map(line).collect();
        if seen.chars().nth(WORDS).is_some() {
            text.push('…');
        }
        Finding { check: self, status, seen: text }
    }
}

/// All findings; one for each check.
#[derive(Debug, Default)]
pub(super) struct Findings(Vec<Finding>);

impl Findings {
    /// Adds findings. Of two for one check the worse stays, and of equals the first.
    pub(super) fn add(&mut self, findings: impl IntoIterator<Item = Finding>) {
        for finding in findings {
            match self.0.iter_mut().find(|known| known.check == finding.check) {
                Some(known) if known.status < finding.status => *known = finding,
                Some(_) => {}
                None => self.0.push(finding),
            }
        }
    }

    /// Skips those of `checks` that nothing has been said of.
    pub(super) fn skip(&mut self, checks: &'static [&'static Check], why: &str) {
        for check in checks {
            if self.of(check).is_none() {
                self.0.push(check.skip(why));
            }
        }
    }

    /// What was found of a check.
    pub(super) fn of(&self, check: &Check) -> Option<&Finding> {
        self.0.iter().find(|finding| finding.check == check)
    }

    /// How many have this status.
    pub(super) fn count(&self, status: Status) -> usize {
        self.0.iter().filter(|finding| finding.status == status).count()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const CHECK: &Check = &Check { id: "a-check", about: "it holds", remedy: "make it hold" };

    #[test]
    fn the_worst_finding_of_a_check_stays() {
        let mut findings = Findings::default();
        findings.add([CHECK.ok("1"), CHECK.fail("2"), CHECK.warn("3"), CHECK.fail("4")]);
        findings.skip(&[CHECK], "5");
        let found = findings.of(CHECK).unwrap();
        assert_eq!((found.status, found.seen.as_str()), (Status::Fail, "2"));
        assert_eq!(findings.count(Status::Fail), 1);
    }

    #[test]
    fn a_server_cannot_write_to_the_terminal() {
        assert_eq!(CHECK.warn("a\x1b[2Jb\r\n\u{9b}c").seen, "a [2Jb   c");
        assert_eq!(CHECK.warn("x".repeat(9_999)).seen.chars().count(), WORDS + 1);
    }
}
