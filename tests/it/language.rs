//! The words that the language rules of CONTRIBUTING.md ban: in comments, messages, names of tests, settings, scripts and
//! documentation.

use std::fs;
use std::path::Path;

use crate::support::repository;

/// These words are out of use, or they are metaphors for a module or an interface.
const BANNED: [&str; 12] = [
    "whoever",
    "whomever",
    "nobody",
    "somebody",
    "anybody",
    "everybody",
    "till",
    "whence",
    "thence",
    "rooms",
    "door",
    "doors",
];
/// After one of these words, "where" means "if".
const BEFORE_CONDITION: [&str; 8] = ["none", "nothing", "false", "true", "only", "also", "missing", "except"];
/// The folders and files with text of ours. Fixtures and the recorded contract are data.
const READ: [&str; 16] = [
    "ARCHITECTURE.md",
    "CHANGELOG.md",
    "CONTRIBUTING.md",
    "README.md",
    "SECURITY.md",
    "bench",
    "build.rs",
    "crates",
    "deploy",
    "docs",
    "openapi.yaml",
    "src",
    "tests/foreign",
    "tests/it",
    "tests/tools",
    "web",
];
/// Built files, foreign files and test vectors.
const SKIPPED: [&str; 4] = ["target", "node_modules", "swagger-ui", "vectors"];
const EXTENSIONS: [&str; 17] = [
    "conf", "css", "env", "example", "go", "html", "java", "js", "md", "mjs", "py", "rs", "service", "sh",
    "sql", "tf", "yaml",
];

struct Word<'t> {
    text: &'t str,
    /// The text behind the word.
    rest: &'t str,
    line: usize,
}

#[test]
fn text_for_people_has_no_banned_word() {
    let mut found = Vec::new();
    for path in READ {
        read_all(&repository().join(path), &mut |file, text| {
            let name = file.strip_prefix(repository()).unwrap().display();
            found.extend(faults(text).map(|(line, word)| format!("{name}:{line}: {word}")));
        });
    }
    assert!(found.is_empty(), "CONTRIBUTING.md, \"Language\", bans:\n{}", found.join("\n"));
}

#[test]
fn comments_and_messages_are_read_and_values_are_not() {
    let found = |code: &str| faults(&prose_of_rust(code)).map(|(_, word)| word).collect::<Vec<_>>();
    for (code, expected) in [
        ("let till = nobody();", &[][..]),
        ("log_in(\"nobody\")", &[]),
        ("let quote = '\"'; till(); let other = '\"';", &[]),
        ("/// It waits till then.\nfn wait() {}", &["till"]),
        ("/// The field `till` of the row.", &[]),
        ("fail(\"nobody is there\")", &["nobody"]),
        ("fail(r#\"a \" and nobody\"#)", &["nobody"]),
        ("fail(\"say \\\"till\\\" here\")", &["till"]),
        ("// Nobody's key", &["nobody"]),
        ("// None of them", &["None of"]),
        ("// Who asks.", &["Who"]),
        ("// Who asks? The gateway.", &[]),
        ("// An answer that is none.", &["is none"]),
        ("// If there is none, it stops.", &[]),
        ("// No one knows.", &["no one"]),
        ("/// # Errors\n/// Where the system is busy.", &["Where"]),
        ("// It stops. Where there is a key, it goes on.", &["Where"]),
        ("// Where is the key?", &[]),
        ("/// It is `None` where it is missing.", &["where"]),
        ("/// It fails with [`Fault::Late`] where it is late.", &["where"]),
        ("/// False where it is gone.", &["where"]),
        ("// The folder where it is.", &[]),
    ] {
        assert_eq!(found(code), expected, "{code}");
    }
    let name = names_of_functions("\n    async fn it_waits_till_then() {}");
    assert_eq!(faults(&name).collect::<Vec<_>>(), [(2, "till")]);
    assert_eq!(faults("One\n\ntill then").next(), Some((3, "till")));
}

/// Hands on every file below `path`, without the parts that are code.
fn read_all(path: &Path, take: &mut dyn FnMut(&Path, &str)) {
    let name = path.file_name().unwrap().to_str().unwrap();
    if path.is_dir() && !name.starts_with('.') && !SKIPPED.contains(&name) {
        for entry in fs::read_dir(path).unwrap() {
            read_all(&entry.unwrap().path(), take);
        }
    }
    // This file names the words.
    if !path.is_file() || path.ends_with("tests/it/language.rs") {
        return;
    }
    let extension = path.extension().and_then(|extension| extension.to_str());
    if extension.is_some_and(|extension| !EXTENSIONS.contains(&extension)) {
        return;
    }
    let Ok(text) = fs::read_to_string(path) else { return };
    match (name, extension) {
        ("CHANGELOG.md", _) => take(path, &without(unreleased(&text), '`')),
        ("CONTRIBUTING.md", _) => take(path, &without(&without(&text, '`'), '"')),
        (_, Some("md")) => take(path, &without(&text, '`')),
        (_, Some("rs")) => {
            take(path, &prose_of_rust(&text));
            take(path, &names_of_functions(&text));
        }
        (_, None) if !text.starts_with("#!") && name != "Dockerfile" => {}
        _ => take(path, &text),
    }
}

/// The changelog without the versions that are published: their text does not change.
fn unreleased(changelog: &str) -> &str {
    let end = changelog.match_indices("\n## [").nth(1).map_or(changelog.len(), |(end, _)| end);
    &changelog[..end]
}

/// The text without what a pair of `mark` encloses on one line: code, or an example.
fn without(text: &str, mark: char) -> String {
    let mut inside = false;
    let keep = |c: char| {
        inside = c != '\n' && (inside != (c == mark));
        if inside { ' ' } else { c }
    };
    text.chars().map(keep).collect()
}

/// The comments of Rust code and its string literals of more than one word, each on its line.
fn prose_of_rust(code: &str) -> String {
    let (mut prose, mut rest, mut in_name) = (String::new(), code, false);
    while let Some(first) = rest.chars().next() {
        let (length, is_text) = piece(rest, in_name).unwrap_or((first.len_utf8(), false));
        let (piece, after) = rest.split_at(length.min(rest.len()));
        if is_text && piece.trim_matches('"').trim().contains(char::is_whitespace) {
            prose.push_str(piece);
        } else {
            prose.extend(piece.chars().map(|c| if c == '\n' { c } else { ' ' }));
        }
        in_name = first.is_alphanumeric() || first == '_';
        rest = after;
    }
    without(&prose, '`')
}

/// The names of functions as words, each on its line: the name of a test is a sentence.
fn names_of_functions(code: &str) -> String {
    let name = |line: &str| {
        let name =
            line.trim_start().trim_start_matches("pub ").trim_start_matches("async ").strip_prefix("fn ");
        name.and_then(|name| name.split(['(', '<']).next()).unwrap_or_default().replace('_', " ") + "\n"
    };
    code.lines().map(name).collect()
}

/// The length of the comment or the literal at the start of `code`, and whether it is text.
fn piece(code: &str, in_name: bool) -> Option<(usize, bool)> {
    if code.starts_with("//") {
        return Some((code.find('\n').unwrap_or(code.len()), true));
    }
    if code.starts_with('"') {
        return Some((escaped_end(code, '"'), true));
    }
    if let Some(quoted) = code.strip_prefix('\'') {
        let is_char = quoted.starts_with('\\') || quoted.chars().nth(1) == Some('\'');
        return is_char.then(|| (escaped_end(code, '\''), false));
    }
    let raw = code.strip_prefix("br").or_else(|| code.strip_prefix('r')).filter(|_| !in_name)?;
    let hashes = raw.len() - raw.trim_start_matches('#').len();
    let text = raw[hashes..].strip_prefix('"')?;
    let end = format!("\"{}", "#".repeat(hashes));
    Some((code.len() - text.len() + text.find(&end)? + end.len(), true))
}

/// The length of a literal that begins and ends with `quote`.
fn escaped_end(code: &str, quote: char) -> usize {
    let mut escaped = false;
    let end = code.char_indices().skip(1).find(|(_, c)| {
        let ends = *c == quote && !escaped;
        escaped = *c == '\\' && !escaped;
        ends
    });
    end.map_or(code.len(), |(end, _)| end + 1)
}

/// Each banned word with its line.
fn faults(text: &str) -> impl Iterator<Item = (usize, &'static str)> {
    let words = words(text);
    let found: Vec<_> =
        (0..words.len()).filter_map(|at| Some((words[at].line, banned(&words, at)?))).collect();
    found.into_iter()
}

fn words(text: &str) -> Vec<Word<'_>> {
    let (mut words, mut rest, mut line) = (Vec::new(), text, 1);
    let is_part = |c: char| c.is_alphanumeric() || c == '_';
    while let Some(start) = rest.find(is_part) {
        line += rest[..start].matches('\n').count();
        let word = &rest[start..];
        let (text, after) = word.split_at(word.find(|c| !is_part(c)).unwrap_or(word.len()));
        words.push(Word { text, rest: after, line });
        rest = after;
    }
    words
}

/// The banned word or phrase that ends or begins at this word.
fn banned(words: &[Word<'_>], at: usize) -> Option<&'static str> {
    let lower =
        |back: usize| at.checked_sub(back).map(|at| words[at].text.to_lowercase()).unwrap_or_default();
    let asks = |rest: &str| {
        rest.split_inclusive(['.', '!', '?']).next().is_some_and(|sentence| sentence.ends_with('?'))
    };
    match (lower(1).as_str(), words[at].text) {
        ("no", "one") => Some("no one"),
        ("is" | "are" | "was" | "were", "none") if lower(2) != "there" => Some("is none"),
        (_, "None") if words.get(at + 1).is_some_and(|next| next.text == "of") => Some("None of"),
        (_, "Who") if !asks(words[at].rest) => Some("Who"),
        (before, "where") if is_condition(words, at, before) => Some("where"),
        (_, "Where") if !asks(words[at].rest) && !is_title(words, at) => Some("Where"),
        _ => BANNED.into_iter().find(|banned| *banned == lower(0)),
    }
}

/// Whether the "where" at this place means "if": it follows code or one of some words.
fn is_condition(words: &[Word<'_>], at: usize, before: &str) -> bool {
    let gap = gap_before(words, at);
    gap.ends_with("] ") || gap.ends_with("` ") || BEFORE_CONDITION.contains(&before)
}

/// Whether this word begins a heading, a link, or a cell of a table.
fn is_title(words: &[Word<'_>], at: usize) -> bool {
    ["# ", "[", "| ", "\""].iter().any(|mark| gap_before(words, at).ends_with(mark))
}

/// The text between the word before this one and this one.
fn gap_before<'t>(words: &[Word<'t>], at: usize) -> &'t str {
    let Some(before) = at.checked_sub(1).map(|before| words[before].rest) else { return "" };
    &before[..before.len() - words[at].text.len() - words[at].rest.len()]
}
