//! What commands print: lines for people, or JSON for scripts.

use std::borrow::Cow;
use std::cell::{Cell, RefCell};
use std::io::{self, Write};

use anstream::{AutoStream, ColorChoice};
use anstyle::{AnsiColor, Style};
use serde_json::{Value, json};

use super::Failure;
use crate::domain::is_invisible;

/// Standard output, in the form that was asked for.
#[derive(Debug)]
pub(super) struct Output {
    json: bool,
    /// Whether standard output is a terminal that shows colours. `NO_COLOR` declines them (no-color.org).
    colours: bool,
    /// Whether the reader of a pipe has closed it.
    closed: Cell<bool>,
    /// Why something could not be printed.
    failed: RefCell<Option<io::Error>>,
}

impl Output {
    pub(super) fn new(json: bool) -> Self {
        let colours = AutoStream::choice(&io::stdout()) != ColorChoice::Never;
        Self { json, colours, closed: Cell::default(), failed: RefCell::default() }
    }

    /// Prints `value` for scripts, or `text` for people; see [`visible`].
    pub(super) fn print(&self, value: &Value, text: &str) {
        self.print_painted(value, &visible_lines(text));
    }

    /// Whether to use colours on standard output.
    pub(super) fn has_colours(&self) -> bool {
        self.colours
    }

    /// `text` in a style, if standard output shows styles.
    pub(super) fn painted(&self, style: Style, text: &str) -> String {
        if self.colours { format!("{style}{text}{style:#}") } else { text.to_owned() }
    }

    /// The same for text that is visible already, and was then given colours.
    pub(super) fn print_painted(&self, value: &Value, text: &str) {
        if self.json {
            self.line(&visible(&value.to_string()));
        } else {
            self.line(text);
        }
    }

    /// Prints a line that scripts do not need.
    pub(super) fn print_for_people(&self, text: &str) {
        if !self.json {
            self.line(&visible(text));
        }
    }

    /// Whether people read the output, and not scripts.
    pub(super) fn is_for_people(&self) -> bool {
        !self.json
    }

    /// Whether nothing reads standard output any more.
    pub(super) fn is_closed(&self) -> bool {
        self.closed.get() || self.failed.borrow().is_some()
    }

    /// Prints `json` for scripts, or `text` for people, each as it is.
    pub(super) fn raw(&self, json: &str, text: &str) {
        self.line(if self.json { json } else { text });
    }

    /// Prints `text` as it is. A closed pipe is not an error: its reader wants no more.
    pub(super) fn line(&self, text: &str) {
        let mut stdout = io::stdout().lock();
        match writeln!(stdout, "{}", text.trim_end_matches('\n')).and_then(|()| stdout.flush()) {
            Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
                self.failed.borrow_mut().get_or_insert(error);
            }
            Err(_) => self.closed.set(true),
            Ok(()) => {}
        }
    }

    /// Prints the progress of a command to standard error, because its standard output is for something else. Scripts do not
    /// need it.
    pub(super) fn progress(&self, text: &str) {
        if !self.json {
            to_stderr(text);
        }
    }

    /// The same as [`Output::print`], to standard error.
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
        if self.json {
            return to_stderr(&json!({ "success": false, "error": message }).to_string());
        }
        let red = AnsiColor::Red.on_default().bold();
        let text = format!("{red}error:{red:#} {}\n", visible_lines(message));
        // There is no place to report that standard error fails. The stream drops the colours unless it is a terminal.
        let _ = anstream::stderr().lock().write_all(text.as_bytes());
    }
}

fn to_stderr(text: &str) {
    // There is no place to report that standard error fails.
    let _ = writeln!(io::stderr().lock(), "{}", visible_lines(text));
}

/// `text` on one line, with an escape sequence of JSON, such as `\u009b`, for each control character and each character that
/// is invisible or changes the direction of text. So a name or a claim cannot move the cursor of a terminal or look like
/// another one. The meaning of JSON stays the same.
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

/// The same for text with several lines.
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
