//! How a log line looks. A line that is written within a request names the request and its trace, in the words of
//! OpenTelemetry's log data model.

use std::fmt;
use std::io::{self, IsTerminal};

use anstyle::{AnsiColor, Style};
use tracing::{Event, Level, Subscriber};
use tracing_subscriber::fmt::format::Writer;
use tracing_subscriber::fmt::time::{FormatTime, SystemTime};
use tracing_subscriber::fmt::{FmtContext, FormatEvent, FormatFields};
use tracing_subscriber::registry::LookupSpan;

use super::fields::{Fields, json_string, plain_text};
use crate::telemetry::scope;

/// How log lines look.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// For people.
    Text,
    /// One JSON object a line.
    Json,
}

impl Format {
    /// Text on a terminal, JSON elsewhere.
    pub fn for_standard_error() -> Self {
        if io::stderr().is_terminal() { Self::Text } else { Self::Json }
    }
}

/// Writes an event as a line.
pub(super) struct Line(pub(super) Format);

impl<S, N> FormatEvent<S, N> for Line
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    N: for<'a> FormatFields<'a> + 'static,
{
    fn format_event(
        &self,
        _: &FmtContext<'_, S, N>,
        mut writer: Writer<'_>,
        event: &Event<'_>,
    ) -> fmt::Result {
        let mut fields = if self.0 == Format::Json { Fields::json() } else { Fields::default() };
        event.record(&mut fields);
        add_request(&mut fields);
        let (level, target) = (event.metadata().level(), event.metadata().target());
        match self.0 {
            Format::Json => json(&mut writer, *level, target, &fields),
            Format::Text => text(&mut writer, *level, &fields),
        }
    }
}

/// Adds which request and which trace the line belongs to.
fn add_request(fields: &mut Fields) {
    scope::current(|scope| {
        if !fields.names_request {
            fields.text("request_id", &scope.request_id.to_string());
        }
        if let Some(trace) = scope.trace {
            fields.text("trace_id", &trace.trace_id.to_string());
            if let Some(span_id) = trace.span_id {
                fields.text("span_id", &span_id.to_string());
            }
        }
    });
}

fn json(writer: &mut Writer<'_>, level: Level, target: &str, fields: &Fields) -> fmt::Result {
    let mut message = String::new();
    json_string(&mut message, &fields.message);
    writer.write_str("{\"timestamp\":\"")?;
    SystemTime.format_time(writer)?;
    let others = &fields.others;
    writeln!(writer, "\",\"level\":\"{level}\",\"message\":{message}{others},\"target\":\"{target}\"}}")
}

fn text(writer: &mut Writer<'_>, level: Level, fields: &Fields) -> fmt::Result {
    SystemTime.format_time(writer)?;
    let mut message = String::new();
    plain_text(&mut message, &fields.message);
    let style = if writer.has_ansi_escapes() { style_of(level) } else { Style::new() };
    writeln!(writer, " {style}{level:>5}{style:#} {message}{}", fields.others)
}

fn style_of(level: Level) -> Style {
    let color = match level {
        Level::ERROR => AnsiColor::Red,
        Level::WARN => AnsiColor::Yellow,
        Level::INFO => AnsiColor::Green,
        Level::DEBUG => AnsiColor::Blue,
        Level::TRACE => AnsiColor::Magenta,
    };
    color.on_default()
}
