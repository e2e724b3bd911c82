//! How an event looks in a table.

use std::io::{self, IsTerminal};

use serde_json::Value;

use super::super::output::visible;
use super::super::table;
use super::Output;
use crate::audit::{Entry, OpenRecord, Personal, value_text};

/// Columns of the kind.
const KIND_WIDTH: usize = 23;

/// Prints events as rows of a table, which fit a terminal. Elsewhere they are whole.
pub(super) struct EntryTable<'o> {
    output: &'o Output,
    width: usize,
}

impl<'o> EntryTable<'o> {
    pub(super) fn new(output: &'o Output) -> Self {
        let width = if io::stdout().is_terminal() { table::width() } else { usize::MAX };
        Self { output, width }
    }

    /// The heading, which scripts do not get.
    pub(super) fn print_heading(&self) {
        let heading = row("NO", "TIME", "KIND", "SUBJECT, ACTOR, ADDRESS AND DETAILS");
        self.output.print_for_people(&table::shorten(&heading, self.width));
    }

    pub(super) fn print(&self, entry: &Entry) {
        let value = serde_json::to_value(entry).unwrap_or(Value::Null);
        self.output.print_painted(&value, &table::shorten(&text(entry), self.width));
    }
}

fn text(entry: &Entry) -> String {
    // The milliseconds do not fit.
    let at = entry.at.get(..19).unwrap_or(&entry.at).replace('T', " ");
    let details = entry.record.as_ref().map_or_else(|| "(the record has expired)".to_owned(), details);
    row(&entry.seq.to_string(), &at, &visible(&entry.kind), &visible(&details))
}

fn row(number: &str, at: &str, kind: &str, details: &str) -> String {
    format!("{number:>5}  {at:19}  {kind:KIND_WIDTH$}  {details}")
}

fn details(record: &OpenRecord) -> String {
    let mut parts = vec![record.subject.clone()];
    if record.actor != record.subject {
        parts.push(format!("by {}", record.actor));
    }
    if let Some(client) = record.client.as_ref().filter(|client| record.subject != format!("client:{client}"))
    {
        parts.push(format!("client={client}"));
    }
    for (name, value) in &record.data {
        let text = value_text(value);
        parts.push(if name == "address" { format!("from {text}") } else { format!("{name}={text}") });
    }
    match record.personal {
        Personal::None | Personal::Open => {}
        Personal::Erased => parts.push("(personal data erased)".to_owned()),
        Personal::Unreadable => parts.push("(personal data unreadable)".to_owned()),
    }
    parts.join(" ")
}

#[cfg(test)]
mod tests {
    use super::text;
    use crate::audit::{Entry, OpenRecord, Personal};

    #[test]
    fn a_row_shows_everything_on_one_line_and_nothing_that_steers_a_terminal() {
        let record = OpenRecord {
            actor: "operator".to_owned(),
            subject: "client:app".to_owned(),
            client: Some("app".to_owned()),
            request_id: None,
            person: None,
            data: [("address", "192.0.2.1"), ("reason", "x\n\u{1b}[2J\u{202e}")]
                .map(|(name, value)| (name.to_owned(), value.into()))
                .into(),
            personal: Personal::Erased,
            sealed: std::collections::BTreeSet::new(),
        };
        let entry = Entry {
            seq: 12,
            id: "i".to_owned(),
            at: "2027-01-15T08:00:00.123Z".to_owned(),
            kind: "client.changed".to_owned(),
            record: Some(record),
        };
        assert_eq!(
            text(&entry),
            "   12  2027-01-15 08:00:00  client.changed           client:app by operator from 192.0.2.1 \
             reason=x\\u000a\\u001b[2J\\u202e (personal data erased)"
        );
        let expired = Entry { record: None, ..entry };
        assert!(text(&expired).ends_with("client.changed           (the record has expired)"));
    }
}
