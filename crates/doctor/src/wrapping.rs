//! Text in lines that fit a terminal.

/// Lines for people end here, in characters.
const LINE_WIDTH: usize = 80;

/// `text` behind `start`, in lines of [`LINE_WIDTH`]; later lines begin below the text's first word. A longer word stays whole.
pub(crate) fn wrapped(start: &str, text: &str) -> String {
    let indent = start.chars().count();
    let (mut lines, mut column) = (start.to_owned(), indent);
    for word in text.split(' ') {
        let width = word.chars().count();
        if column > indent && column + 1 + width > LINE_WIDTH {
            lines.push_str(&format!("\n{:indent$}", ""));
            column = indent;
        } else if column > indent {
            lines.push(' ');
            column += 1;
        }
        lines.push_str(word);
        column += width;
    }
    lines.push('\n');
    lines
}

#[cfg(test)]
mod tests {
    use super::wrapped;

    #[test]
    fn long_sentences_are_wrapped_at_80_columns_and_long_words_stay_whole() {
        let text = wrapped("  start  ", &format!("{} {} end", "word ".repeat(20).trim(), "x".repeat(90)));
        let lengths: Vec<_> = text.lines().map(str::len).collect();
        assert_eq!(lengths, [78, 38, 99, 12]);
        assert!(text.lines().skip(1).all(|line| line.starts_with("         ")), "{text}");
    }
}
