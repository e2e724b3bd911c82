//! A bar that shows how far a long command is.

use std::io::{self, IsTerminal, Write};

/// Columns of the bar.
const WIDTH: u64 = 30;

/// A bar on standard error, if that is a terminal. It is gone when the value is dropped.
pub(super) struct Progress {
    is_shown: bool,
    total: u64,
    done: u64,
    /// What is shown.
    percent: Option<u64>,
}

impl Progress {
    /// `total` is what there is to do, in any unit. Scripts need no bar.
    pub(super) fn new(total: u64, for_people: bool) -> Self {
        let is_shown = for_people && io::stderr().is_terminal();
        Self { is_shown, total: total.max(1), done: 0, percent: None }
    }

    /// So much more is done.
    pub(super) fn add(&mut self, more: u64) {
        self.done = self.done.saturating_add(more).min(self.total);
        let percent = self.done.saturating_mul(100) / self.total;
        if self.is_shown && self.percent != Some(percent) {
            self.percent = Some(percent);
            write(&bar(percent));
        }
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        if self.percent.is_some() {
            write("\r\u{1b}[K");
        }
    }
}

fn bar(percent: u64) -> String {
    let filled = percent * WIDTH / 100;
    let part = |text: &str, count: u64| text.repeat(count as usize);
    format!("\r[{}{}] {percent:>3} %", part("#", filled), part(" ", WIDTH.saturating_sub(filled)))
}

fn write(text: &str) {
    let mut stderr = io::stderr().lock();
    // There is no place to report that standard error fails.
    let _ = stderr.write_all(text.as_bytes()).and_then(|()| stderr.flush());
}

#[cfg(test)]
mod tests {
    use super::bar;

    #[test]
    fn a_bar_fills_from_the_left() {
        assert_eq!(bar(0), format!("\r[{}]   0 %", " ".repeat(30)));
        assert_eq!(bar(50), format!("\r[{}{}]  50 %", "#".repeat(15), " ".repeat(15)));
        assert_eq!(bar(100), format!("\r[{}] 100 %", "#".repeat(30)));
    }
}
