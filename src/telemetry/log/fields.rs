//! The fields of a log line, as JSON or as text. A value can neither end its line nor steer a terminal: control characters and
//! characters that turn the direction of text are escaped.

use std::fmt::{self, Write};

use tracing::field::{Field, Visit};

/// Collects the fields of an event.
#[derive(Debug, Default)]
pub(super) struct Fields {
    /// The sentence.
    pub(super) message: String,
    /// Each field as ` name=value`, or as `,"name":value`.
    pub(super) others: String,
    /// Whether a field names the request.
    pub(super) names_request: bool,
    is_json: bool,
}

impl Fields {
    pub(super) fn json() -> Self {
        Self { is_json: true, ..Self::default() }
    }

    /// Adds a field whose value is a text.
    pub(super) fn text(&mut self, name: &str, value: &str) {
        if self.is_json {
            self.name(name);
            json_string(&mut self.others, value);
        } else {
            self.name(name);
            plain_value(&mut self.others, value);
        }
    }

    /// Adds a field whose value is a number or a switch.
    fn bare(&mut self, name: &str, value: impl fmt::Display) {
        self.name(name);
        // A string takes everything.
        let _ = write!(self.others, "{value}");
    }

    fn name(&mut self, name: &str) {
        self.names_request |= name == "request_id";
        if self.is_json {
            self.others.push(',');
            json_string(&mut self.others, name);
            self.others.push(':');
        } else {
            self.others.push(' ');
            self.others.push_str(name);
            self.others.push('=');
        }
    }
}

impl Visit for Fields {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.record_str(field, &format!("{value:?}"));
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        if field.name() == "message" {
            value.clone_into(&mut self.message);
        } else {
            self.text(field.name(), value);
        }
    }

    fn record_error(&mut self, field: &Field, value: &(dyn std::error::Error + 'static)) {
        self.text(field.name(), &value.to_string());
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.bare(field.name(), value);
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.bare(field.name(), value);
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.bare(field.name(), value);
    }

    fn record_f64(&mut self, field: &Field, value: f64) {
        // JSON has no word for what is no number.
        if value.is_finite() { self.bare(field.name(), value) } else { self.text(field.name(), "NaN") }
    }
}

/// Writes a text as JSON does.
pub(super) fn json_string(out: &mut String, text: &str) {
    out.push('"');
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            c => escaped(out, c),
        }
    }
    out.push('"');
}

/// Writes a text as it is if it is one plain word, else in quotes.
fn plain_value(out: &mut String, text: &str) {
    let plain = |c: char| c.is_alphanumeric() || "-_.:/+@%,;{}[]()".contains(c);
    if !text.is_empty() && text.chars().all(plain) { out.push_str(text) } else { json_string(out, text) }
}

/// Writes a sentence of ours; what came into it from elsewhere stays on the line.
pub(super) fn plain_text(out: &mut String, text: &str) {
    text.chars().for_each(|c| escaped(out, c));
}

fn escaped(out: &mut String, c: char) {
    // Marks and overrides of direction, and the separators that some viewers take for line ends.
    let turns =
        matches!(c, '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{61c}');
    if c.is_control() || turns {
        let _ = write!(out, "\\u{:04x}", u32::from(c));
    } else {
        out.push(c);
    }
}

#[cfg(test)]
mod tests {
    use super::{Fields, plain_text};

    #[test]
    fn a_value_stays_on_its_line_and_within_its_field() {
        let hostile = "a\"b\\c\n{\"level\":\"ERROR\"}\r\u{1b}[31m\u{202e}\u{2028}\u{9b}";
        let mut json = Fields::json();
        json.text("field", hostile);
        let parsed: serde_json::Value = serde_json::from_str(&format!("{{{}}}", &json.others[1..])).unwrap();
        assert_eq!(parsed["field"], hostile);
        let mut text = Fields::default();
        text.text("field", hostile);
        for line in [&json.others, &text.others] {
            assert!(
                !line.contains(|c: char| c.is_control() || c == '\u{202e}' || c == '\u{2028}'),
                "{line:?}"
            );
        }
        let mut sentence = String::new();
        plain_text(&mut sentence, "one\ntwo");
        assert_eq!(sentence, "one\\u000atwo");
    }

    #[test]
    fn a_text_in_a_line_for_people_has_quotes_if_it_is_no_plain_word() {
        let written = |value| {
            let mut fields = Fields::default();
            fields.text("f", value);
            fields.others
        };
        assert_eq!(written("GET"), " f=GET");
        assert_eq!(written("2001:db8::1"), " f=2001:db8::1");
        assert_eq!(written("two words"), " f=\"two words\"");
        assert_eq!(written("x=y"), " f=\"x=y\"");
        assert_eq!(written(""), " f=\"\"");
    }
}
