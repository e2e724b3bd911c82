//! Reads `.env` as the original's `dotenv` package does, so that one file means the same to both programs:
//! `$` is not expanded, values with spaces need no quotes, `#` begins a comment, and quotes of three kinds
//! may span lines (docs/adr/0002).

use std::collections::BTreeMap;

use zeroize::Zeroizing;

use crate::domain::Secret;

/// Values by their names.
pub(super) type Values = BTreeMap<String, Secret<String>>;

/// Reads lines `NAME=value`. It ignores every other line; a later line replaces an earlier one.
pub(super) fn parse(text: &str) -> Values {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let text = Zeroizing::new(text.replace("\r\n", "\n"));
    let text = Zeroizing::new(text.replace('\r', "\n"));
    let mut values = Values::new();
    let mut rest = text.as_str();
    while !rest.is_empty() {
        rest = match assignment(rest) {
            Some((name, value, behind)) => {
                values.insert(name.to_owned(), Secret::new(value));
                next_line(behind)
            }
            None => next_line(rest),
        };
    }
    values
}

const QUOTES: &str = "'\"`";

fn without_outer_quotes(text: &str) -> &str {
    let quote = text.chars().next().filter(|c| QUOTES.contains(*c) && text.len() > 1);
    quote.and_then(|quote| text.strip_prefix(quote)?.strip_suffix(quote)).unwrap_or(text)
}

fn next_line(text: &str) -> &str {
    text.split_once('\n').map_or("", |(_, rest)| rest)
}

/// The name, the value and the text behind it.
fn assignment(text: &str) -> Option<(&str, String, &str)> {
    let line = text.trim_start_matches([' ', '\t']);
    let line = line.strip_prefix("export ").map_or(line, |rest| rest.trim_start_matches([' ', '\t']));
    let end = line.find(|c: char| !(c.is_ascii_alphanumeric() || "_.-".contains(c)))?;
    let (name, rest) = line.split_at(end);
    let rest = rest.trim_start_matches([' ', '\t']).strip_prefix('=').or_else(|| rest.strip_prefix(": "))?;
    let value = rest.trim_start_matches([' ', '\t']);
    if name.is_empty() {
        return None;
    }
    let quoted = value.chars().next().filter(|c| QUOTES.contains(*c)).and_then(|quote| unquote(value, quote));
    // If more than a comment follows it, a quote is a character like any other.
    let quoted = quoted.filter(|(_, behind)| {
        let rest = behind.split('\n').next().unwrap_or_default().trim_start();
        rest.is_empty() || rest.starts_with('#')
    });
    Some(quoted.map_or_else(
        || {
            let line = value.split('\n').next().unwrap_or_default();
            let plain = line.split('#').next().unwrap_or_default();
            (name, without_outer_quotes(plain.trim()).to_owned(), &value[line.len()..])
        },
        |(inner, behind)| (name, inner, behind),
    ))
}

/// The text between two quotes; in double quotes `\n` and `\r` are line ends. `None` if the second quote is
/// missing.
fn unquote(value: &str, quote: char) -> Option<(String, &str)> {
    let inner = &value[1..];
    let mut escaped = false;
    let end = inner.find(|c| {
        let closes = c == quote && !escaped;
        escaped = c == '\\' && !escaped;
        closes
    })?;
    let (inner, behind) = (&inner[..end], &inner[end + 1..]);
    let text = if quote == '"' { inner.replace("\\n", "\n").replace("\\r", "\r") } else { inner.to_owned() };
    Some((text, behind))
}

#[cfg(test)]
mod tests {
    use super::parse;

    fn value(text: &str) -> String {
        let value = parse(text).remove("A").unwrap_or_else(|| panic!("{text:?} sets nothing"));
        value.expose().clone()
    }

    #[test]
    fn means_what_the_original_takes_it_to_mean() {
        for (text, expected) in [
            ("A=b", "b"),
            ("A=", ""),
            ("A = b c ", "b c"),
            ("export A=b", "b"),
            ("A: b", "b"),
            ("A=3000                    # API server port", "3000"),
            ("A=mongodb://u:p$w$$x${y}@h/d?a=b", "mongodb://u:p$w$$x${y}@h/d?a=b"),
            ("A='single # not a comment'", "single # not a comment"),
            ("A=\"two\\nlines\" # comment", "two\nlines"),
            ("A='two\\nlines'", "two\\nlines"),
            ("A=`back \"tick\"`", "back \"tick\""),
            ("A=\"first\nsecond\"\nB=x", "first\nsecond"),
            ("A=\"unclosed", "\"unclosed"),
            ("A='it's mine'", "it's mine"),
            ("A=\"x\" y", "\"x\" y"),
            ("A='a'b' # comment", "a'b"),
            ("A=1\nA=2", "2"),
            ("\u{feff}A=b\r\n", "b"),
            ("# A=no\nA=yes", "yes"),
            ("nonsense\n=x\nA=b", "b"),
        ] {
            assert_eq!(value(text), expected, "{text:?}");
        }
    }

    #[test]
    fn a_comment_sets_nothing() {
        assert!(parse("# KEY_ID=custom-key-id\n\n  # x=y\n").is_empty());
    }
}
