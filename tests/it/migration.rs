//! Compares docs/migration.md, "Where things are now", with the repository and the program.

use std::collections::BTreeSet;

use jwt_generator::config::SETTINGS;

use crate::support::{read, repository};

/// The rows of all tables of a text, without their headings.
fn rows(text: &str) -> impl Iterator<Item = Vec<&str>> {
    let rows = text.lines().filter(|line| line.starts_with("| ") || line.starts_with("|--"));
    let rows = rows.map(|row| row.trim_matches('|').split(" | ").map(str::trim).collect::<Vec<_>>());
    rows.filter(|row| !row[0].starts_with("--"))
}

/// The code spans of a text.
fn spans(text: &str) -> impl Iterator<Item = &str> {
    text.split('`').skip(1).step_by(2)
}

/// What the second columns may name besides paths of the repository.
struct Names {
    settings: BTreeSet<&'static str>,
    operations: BTreeSet<(&'static str, &'static str)>,
    commands: BTreeSet<String>,
    checks: BTreeSet<String>,
}

impl Names {
    fn new() -> Self {
        let (commands, checks) = (read("docs/cli.md"), read("docs/doctor.md"));
        let commands = commands.lines().filter_map(|line| line.strip_prefix("### `"));
        let checks = checks.lines().filter_map(|line| line.strip_prefix("| `"));
        Self {
            settings: SETTINGS.iter().map(|setting| setting.name).collect(),
            operations: jwt_generator::http::operations()
                .iter()
                .map(|one| (one.method.as_str(), one.path))
                .collect(),
            commands: commands.map(|line| line.trim_end_matches('`').to_owned()).collect(),
            checks: checks.filter_map(|line| line.split('`').next()).map(str::to_owned).collect(),
        }
    }

    /// Whether the code span names a thing that exists.
    fn have(&self, span: &str) -> bool {
        let words: Vec<_> = span.split(' ').collect();
        match words[..] {
            ["./test", ref filters @ ..] => filters.iter().all(|filter| is_filter_of_tests(filter)),
            ["jwt-generator", ..] => {
                let named = |count| self.commands.contains(&words[..words.len().min(count)].join(" "));
                words.len() == 1 || named(2) || named(3)
            }
            [method @ ("GET" | "POST"), path] => self.operations.contains(&(method, path)),
            ["cargo", command, ..] => ["run", "build", "check", "test"].contains(&command),
            ["systemctl" | "journalctl" | "pm2", ..] => words.iter().all(|word| {
                let unit = word.ends_with(".service") || word.ends_with(".socket");
                let path = if unit { format!("deploy/systemd/{word}") } else { (*word).to_owned() };
                (!unit && !word.contains('/')) || repository().join(path).exists()
            }),
            _ => {
                let name = words[0].split('=').next().unwrap().trim_end_matches("_FILE");
                let command = if words[0].contains('=') && words.len() > 1 { words[1] } else { words[0] };
                self.settings.contains(name) && words.len() == 1
                    || self.checks.contains(span)
                    || repository().join(command).exists()
            }
        }
    }
}

/// Whether the name of a module of the tests contains the filter, or the script itself has it.
fn is_filter_of_tests(filter: &str) -> bool {
    read("test").contains(&format!("\n    {filter})"))
        || read("tests/it/main.rs").contains(&format!("mod {filter};"))
}

#[test]
fn each_thing_that_the_tables_of_docs_migration_name_exists() {
    let text = read("docs/migration.md");
    let (_, section) = text.split_once("\n## Where things are now\n").unwrap();
    let names = Names::new();
    let mut found = 0;
    for row in rows(section) {
        assert!(row.len() == 2, "{row:?}");
        for span in spans(row[1]) {
            // The patterns of names, values of settings and parameters of the stack on AWS are no names of things here.
            let elsewhere = row[1].contains("deploy/aws")
                && read("deploy/aws/README.md").contains(&format!("| `{span}` |"));
            let excepted = [
                "x-amazon-apigateway-*",
                "development",
                "test",
                "kid",
                "tls=true",
                "baseUrl",
                "/.env",
                "/keys/",
                "/data/",
            ];
            assert!(excepted.contains(&span) || elsewhere || names.have(span), "{span} in {row:?}");
            found += 1;
        }
    }
    assert!(found > 100, "{found}");
}

#[test]
fn the_lines_that_replace_the_loop_of_the_original_are_in_the_unit() {
    let (text, unit) = (read("docs/migration.md"), read("deploy/systemd/jwt-generator.service"));
    let (_, block) = text.split_once("```ini\n").unwrap();
    let lines: Vec<_> = block.split("```").next().unwrap().lines().collect();
    assert_eq!(lines.len(), 2);
    for line in lines {
        assert!(unit.lines().any(|one| one == line), "{line}");
    }
}

/// Every item of the lists of the original's page has its row.
#[test]
fn the_checklists_have_a_proof_for_each_item() {
    let text = read("docs/migration.md");
    for (heading, items) in [("### Deployment checklist", 9), ("### Production and security checklists", 13)]
    {
        let (_, section) = text.split_once(heading).unwrap();
        let section = section.split("\n### ").next().unwrap();
        let listed: Vec<_> = rows(section).skip(1).collect();
        assert_eq!(listed.len(), items, "{heading}");
        assert!(listed.iter().all(|row| spans(row[1]).next().is_some()), "{heading}: {listed:?}");
    }
}
