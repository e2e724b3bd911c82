//! Completion in real shells: the line after the tabulator key.

use std::path::Path;
use std::process::Command;

use crate::support::{jwt_generator, repository, run, tool};

/// Each line that is typed, and the word that the tabulator key puts in the place of its last word.
const LINES: [(&str, &str); 5] = [
    ("jwt-generator ke", "keys"),
    ("jwt-generator keys ro", "rotate"),
    ("jwt-generator keys rotate --ye", "--yes"),
    ("jwt-generator config sh", "show"),
    ("jwt-generator --json users cre", "create"),
];

/// Calls `complete` with the path of the script for `shell` and each line, in a folder with files that fit the lines, too.
fn each_line_is_completed(
    shell: &str,
    complete: impl Fn(&Path, &str) -> Command,
    expected: fn(&str, &str) -> String,
) {
    let folder = tempfile::tempdir().unwrap();
    for file in ["rough", "shapes", "kernel", "crew"] {
        std::fs::write(folder.path().join(file), "").unwrap();
    }
    let script = folder.path().join("script");
    std::fs::write(&script, run(jwt_generator(folder.path()).args(["completions", shell]))).unwrap();
    for (line, word) in LINES {
        let completed = run(complete(&script, line).current_dir(&folder).env("HOME", folder.path()));
        assert_eq!(completed, expected(line, word), "{shell}: {line}");
    }
}

/// The line with its last word completed, as bash and zsh show it.
fn with_last_word(line: &str, word: &str) -> String {
    let (start, _) = line.rsplit_once(' ').unwrap();
    format!("{start} {word} \n")
}

fn typed_into(shell: &'static str) -> impl Fn(&Path, &str) -> Command {
    move |script, line| {
        let mut command = Command::new(tool("bin/zsh"));
        command.arg("-f").arg(repository().join("tests/tools/complete.zsh")).arg(shell).arg(script).arg(line);
        command
    }
}

#[test]
fn bash_completes_subcommands_and_options() {
    each_line_is_completed("bash", typed_into("bash"), with_last_word);
}

#[test]
fn zsh_completes_subcommands_and_options() {
    each_line_is_completed("zsh", typed_into("zsh"), with_last_word);
}

#[test]
fn fish_completes_subcommands_and_options() {
    let complete = |script: &Path, line: &str| {
        let list = "source $argv[1]; complete -C $argv[2] | string split --fields 1 \\t";
        let mut command = Command::new(tool("bin/fish"));
        command.args(["--no-config", "-c", list]).arg(script).arg(line);
        command
    };
    each_line_is_completed("fish", complete, |_, word| format!("{word}\n"));
}
