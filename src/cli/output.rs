//! What commands print: lines for people, or JSON for scripts.

use std::borrow::Cow;
use std::cell::RefCell;
use std::io::{self, Write};

use serde_json::{Value, json};

use super::Failure;
use crate::domain::is_invisible;

/// Standard output, in the form that was asked for.
#[derive(Debug)]
pub(super) struct Output {
    json: bool,
    /// Why something could not be printed.
    failed: RefCell<Option<io::Error>>,
}

impl Output {
    pub(super) fn new(json: bool) -> Self {
        Self { json, failed: RefCell::default() }
    }

    /// Prints `value` for scripts, or `text` for people; see [`visible`].
    pub(super) fn print(&self, value: &Value, text: &str) {
        self.print_painted(value, &visible_lines(text));
    }

    /// The same for text that has been made visible already, and was then given colours.
    pub(super) fn print_painted(&self, value: &Value, text: &str) {
        if self.json {
            self.line(&visible(&value.to_string()));
        } else {
            self.line(text);
        }
    }

    /// Prints `json` for scripts, or `text` for people, each as it is.
    pub(super) fn raw(&self, json: &str, text: &str) {
        self.line(if self.json { json } else { text });
    }

    /// Prints `text` as it is. A reader who has left wants no more.
    pub(super) fn line(&self, text: &str) {
        let mut stdout = io::stdout().lock();
        match writeln!(stdout, "{}", text.trim_end_matches('\n')).and_then(|()| stdout.flush()) {
            Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
                self.failed.borrow_mut().get_or_insert(error);
            }
            _ => {}
        }
    }

    /// Tells standard error how far a command is whose standard output is for something else; not for scripts.
    pub(super) fn progress(&self, text: &str) {
        if !self.json {
            to_stderr(text);
        }
    }

    /// As [`Output::print`], to standard error.
    pub(super) fn report(&self, value: &Value, text: &str) {
        if self.json { to_stderr(&value.to_string()) } else { to_stderr(text) }
    }

    /// Whether all could be printed.
    ///
    /// # Errors
    /// A failure that says why not.
    pub(super) fn finish(&self) -> Result<(), Failure> {
        self.failed
            .take()
            .map_or(Ok(()), |error| Err(Failure::refused(format!("cannot write the answer: {error}"))))
    }

    /// Prints why the command failed, to standard error.
    pub(super) fn failure(&self, failure: &Failure) {
        let message = failure.message();
        let text = if self.json {
            json!({ "success": false, "error": message }).to_string()
        } else {
            format!("error: {message}")
        };
        to_stderr(&text);
    }
}

fn to_stderr(text: &str) {
    // There is nowhere to tell that standard error takes nothing.
    let _ = writeln!(io::stderr().lock(), "{}", visible_lines(text));
}

/// `text` on one line, in which each control character and each that hides or turns the text around it is written as JSON
/// writes it, such as `\u009b`. A name or a claim cannot move a terminal's cursor then, nor look like another one; JSON
/// means what it meant.
pub(in crate::cli) fn visible(text: &str) -> Cow<'_, str> {
    if !text.contains(is_invisible) {
        return Cow::Borrowed(text);
    }
    let mut shown = String::with_capacity(text.len() + 16);
    for c in text.chars() {
        if is_invisible(c) {
            let units =
                c.encode_utf16(&mut [0; 2]).iter().map(|unit| format!("\\u{unit:04x}")).collect::<String>();
            shown.push_str(&units);
        } else {
            shown.push(c);
        }
    }
    Cow::Owned(shown)
}

/// The same for text of several lines.
fn visible_lines(text: &str) -> String {
    text.split('\n').map(visible).collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests {
    use super::{visible, visible_lines};

    #[test]
    fn what_steers_a_terminal_is_written_out_and_json_keeps_its_meaning() {
        let text = "a\u{9b}2J\u{9d}b\u{1b}[m\u{202e}c\u{2066}\u{e0041}\tä\u{1f600}";
        let shown = "a\\u009b2J\\u009db\\u001b[m\\u202ec\\u2066\\udb40\\udc41\\u0009ä\u{1f600}";
        assert_eq!(visible(text), shown);
        let read: String = serde_json::from_str(&format!("\"{shown}\"")).unwrap();
        assert_eq!(read, text);
        assert_eq!(visible("one\ntwo"), "one\\u000atwo");
        assert_eq!(visible_lines("one\ntwo\r\n"), "one\ntwo\\u000d\n");
    }
}
