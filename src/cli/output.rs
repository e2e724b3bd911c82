//! What commands print: lines for people, or JSON for scripts.

use std::cell::RefCell;
use std::io::{self, Write};

use serde_json::{Value, json};

use super::Failure;

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

    /// Prints `value` for scripts, or `text` for people.
    pub(super) fn print(&self, value: &Value, text: &str) {
        if self.json {
            self.line(&value.to_string());
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
        let _ = writeln!(io::stderr().lock(), "{text}");
    }
}
