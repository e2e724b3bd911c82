//! Compares the documents with the program.

use std::collections::BTreeSet;
use std::path::Path;

use jwt_generator::config::SETTINGS;
use jwt_generator::domain::{EventId, EventKind};
use jwt_generator::event_record::EventRecord;
use jwt_generator::store::mongo::collections::{COLLECTIONS, IndexRule, IndexSpec, Owner};
use serde_json::Value;

use crate::support::{jwt_generator, read, repository, run};

/// The cells of a Markdown table's rows that begin with a name in backticks.
fn rows(text: &str) -> Vec<Vec<String>> {
    let rows = text.lines().filter(|line| line.starts_with("| `"));
    rows.map(|row| row.trim_matches('|').split('|').map(|cell| cell.trim().to_owned()).collect()).collect()
}

#[test]
fn docs_settings_is_the_table_in_the_code() {
    let expected: Vec<_> = SETTINGS
        .iter()
        .map(|setting| {
            let default =
                if setting.default.is_empty() { "–".to_owned() } else { format!("`{}`", setting.default) };
            vec![format!("`{}`", setting.name), default, setting.about.to_owned()]
        })
        .collect();
    assert_eq!(rows(&read("docs/settings.md")), expected);
}

#[test]
fn the_example_env_names_every_setting_and_no_other() {
    let text = read(".env.example");
    let named: BTreeSet<_> = text
        .lines()
        .map(|line| line.trim_start_matches(['#', ' ']))
        .filter_map(|line| line.split_once('=').map(|(name, _)| name))
        .filter(|name| !name.is_empty() && name.chars().all(|c| c.is_ascii_uppercase() || c == '_'))
        .collect();
    let expected: BTreeSet<_> = SETTINGS.iter().map(|setting| setting.name).collect();
    assert_eq!(named, expected);
}

#[test]
fn docs_events_lists_every_kind_with_its_class_and_its_personal_data() {
    let expected: Vec<_> = EventKind::ALL
        .iter()
        .map(|kind| {
            let personal = kind.personal_fields().iter().map(|field| format!("`{}`", field.name()));
            let personal = personal.collect::<Vec<_>>().join(", ");
            let personal = if personal.is_empty() { "–".to_owned() } else { personal };
            [format!("`{}`", kind.name()), kind.class().name().to_owned(), personal]
        })
        .collect();
    let listed: Vec<_> = rows(&read("docs/events.md"))
        .into_iter()
        .filter(|row| row.len() == 4)
        .map(|row| [row[0].clone(), row[1].clone(), row[2].clone()])
        .collect();
    assert_eq!(listed, expected);
}

#[test]
fn docs_events_has_an_example_of_every_kind_that_is_stored() {
    let text = read("docs/events.md");
    let (_, examples) = text.split_once("One example of each kind").unwrap();
    let examples = examples.split("```").nth(1).unwrap().lines().skip(1);
    let mut kinds = Vec::new();
    for line in examples {
        let record = EventRecord::parse(line).unwrap();
        assert_eq!(record.to_text().unwrap(), line, "its members and their order are those of a record");
        assert!(EventId::parse(&record.id).is_some(), "{line}");
        let kind = EventKind::from_name(&record.kind).unwrap();
        assert!(record.sealed.is_none() || !kind.personal_fields().is_empty(), "{line}");
        kinds.push(kind);
    }
    let stored: Vec<_> = EventKind::ALL.iter().copied().filter(|kind| !kind.is_only_counted()).collect();
    assert_eq!(kinds, stored);
}

#[test]
fn docs_api_lists_every_operation() {
    let expected: Vec<_> = jwt_generator::http::operations()
        .iter()
        .map(|one| [one.method.as_str(), one.path, one.id].map(|cell| format!("`{cell}`")))
        .collect();
    let listed: Vec<_> = rows(&read("docs/api.md")).into_iter().filter(|row| row.len() == 4).collect();
    let listed: Vec<_> =
        listed.into_iter().map(|row| [row[0].clone(), row[1].clone(), row[2].clone()]).collect();
    assert_eq!(listed, expected);
}

#[test]
fn docs_api_lists_every_code_of_a_refusal() {
    let text = read("docs/api.md");
    let source = read("src/http/refusal/face.rs");
    let quoted = source.split('"').skip(1).step_by(2);
    let codes =
        quoted.filter(|word| word.contains('_') && word.bytes().all(|b| b.is_ascii_lowercase() || b == b'_'));
    for code in codes.chain(["busy", "internal", "malformed", "expired"]) {
        assert!(text.contains(&format!("`{code}`")), "{code} is missing in docs/api.md");
    }
}

/// Every command with its help, from the program itself.
fn commands(arguments: &[String]) -> Vec<(Vec<String>, String)> {
    let help = run(jwt_generator(Path::new("/")).args(arguments).arg("--help"));
    let listed = help.split("\nCommands:\n").nth(1).unwrap_or_default();
    let names = listed
        .lines()
        .take_while(|line| line.starts_with("  "))
        // Deeper lines continue a description.
        .filter(|line| !line.starts_with("   "))
        .filter_map(|line| line.split_whitespace().next());
    let mut all: Vec<_> = names
        .filter(|name| *name != "help")
        .flat_map(|name| commands(&[arguments, &[name.to_owned()]].concat()))
        .collect();
    if all.is_empty() {
        all.push((arguments.to_vec(), help));
    }
    all
}

#[test]
fn docs_cli_describes_every_command_and_every_option() {
    let text = read("docs/cli.md");
    let mut found = 0;
    for (name, help) in commands(&[]) {
        let heading = format!("### `jwt-generator {}`", name.join(" "));
        let section = text.split(&heading).nth(1).unwrap_or_else(|| panic!("docs/cli.md lacks {heading}"));
        let section = section.split("\n### ").next().unwrap();
        for option in help.split_whitespace().filter(|word| word.starts_with("--") && word.len() > 2) {
            let option = option.trim_end_matches([',', '.', ']']);
            let common = ["--json", "--help", "--version"].contains(&option);
            assert!(common || section.contains(option), "{heading} lacks {option}");
        }
        found += 1;
    }
    assert!(found >= 15, "{found} commands");
}

#[test]
fn every_link_between_the_documents_leads_somewhere() {
    let mut pages = vec!["README.md", "ARCHITECTURE.md", "CONTRIBUTING.md", "SECURITY.md", "CHANGELOG.md"]
        .into_iter()
        .map(|name| repository().join(name))
        .collect::<Vec<_>>();
    for folder in ["docs", "docs/adr", "bench"] {
        let entries =
            std::fs::read_dir(repository().join(folder)).unwrap().map(|entry| entry.unwrap().path());
        pages.extend(entries.filter(|path| path.extension().is_some_and(|extension| extension == "md")));
    }
    for page in pages {
        let text = std::fs::read_to_string(&page).unwrap();
        for link in text.split("](").skip(1).filter_map(|rest| rest.split(')').next()) {
            let target = link.split('#').next().unwrap();
            if target.is_empty() || target.contains("://") || target.starts_with("mailto:") {
                continue;
            }
            assert!(page.parent().unwrap().join(target).exists(), "{}: {link}", page.display());
        }
    }
}

#[test]
fn the_decisions_are_numbered_and_listed() {
    let index = read("docs/adr/README.md");
    let entries = std::fs::read_dir(repository().join("docs/adr")).unwrap();
    let mut names: Vec<_> = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.retain(|name| name != "README.md");
    names.sort();
    for (number, name) in (1..).zip(&names) {
        assert!(name.starts_with(&format!("{number:04}-")), "{name}");
        assert!(index.contains(name), "{name} is not listed");
    }
}

#[test]
fn docs_deploy_leads_to_every_folder_of_deploy() {
    let text = read("docs/deploy.md");
    for entry in std::fs::read_dir(repository().join("deploy")).unwrap() {
        let folder = entry.unwrap().path();
        if folder.join("check").exists() {
            let name = folder.file_name().unwrap().to_str().unwrap();
            let link = if name == "lambda" {
                "(lambda.md)".to_owned()
            } else {
                format!("(../deploy/{name}/README.md)")
            };
            assert!(text.contains(&link), "{name}");
        }
    }
}

fn index_in_words(index: &IndexSpec) -> String {
    let members: Vec<_> = index.members.iter().map(|member| format!("`{member}`")).collect();
    let rule = match index.rule {
        IndexRule::Plain => String::new(),
        IndexRule::Unique => " (unique)".to_owned(),
        IndexRule::UniqueWherePresent => " (unique where present)".to_owned(),
        IndexRule::WherePresent(member) => format!(" (if `{member}` is present)"),
        IndexRule::WhereMissing(member) => format!(" (if `{member}` is missing)"),
        IndexRule::Expires { after, unless_present } => {
            let spared = unless_present.map(|member| format!(", unless `{member}` is present"));
            format!(" (expires after {} s{})", after.as_secs(), spared.unwrap_or_default())
        }
    };
    members.join(", ") + &rule
}

#[test]
fn docs_deploy_lists_the_collections_as_the_table_in_the_code_does() {
    let text = read("docs/deploy.md");
    let section = text.split("\n### MongoDB\n").nth(1).unwrap().split("\n### ").next().unwrap();
    let expected: Vec<_> = COLLECTIONS
        .iter()
        .map(|collection| {
            let owner = match collection.owner {
                Owner::Original => "simple-jwt-generator",
                Owner::Ours => "JWT Generator",
            };
            let indexes: Vec<_> = collection.indexes.iter().map(index_in_words).collect();
            let indexes = if indexes.is_empty() { "–".to_owned() } else { indexes.join("; ") };
            let cells = [owner, collection.holds, &indexes, collection.bound].map(str::to_owned);
            [vec![format!("`{}`", collection.name)], cells.to_vec()].concat()
        })
        .collect();
    assert_eq!(rows(section), expected);
}

/// The checklist names only ids of checks that the doctor has.
#[test]
fn docs_deploy_names_checks_that_the_doctor_makes() {
    let mut list = jwt_generator(repository());
    let listed: Vec<Value> = serde_json::from_str(&run(list.args(["doctor", "--list", "--json"]))).unwrap();
    let ids: Vec<_> = listed.iter().map(|check| check["id"].as_str().unwrap()).collect();
    let text = read("docs/deploy.md");
    let section = text.split("\n## Before others depend on it\n").nth(1).unwrap();
    let section = section.split("\n## ").next().unwrap();
    let last_cells =
        section.lines().filter(|line| line.starts_with("| ")).filter_map(|line| line.split('|').nth(3));
    let named = last_cells.flat_map(|cell| cell.split('`').skip(1).step_by(2));
    let named: Vec<_> = named.filter(|name| !name.starts_with("--")).collect();
    assert!(named.len() > 20, "{named:?}");
    for name in named {
        assert!(ids.contains(&name), "{name} is no check");
    }
}

#[test]
fn security_md_names_the_failure_tests_that_there_are() {
    let text = read("SECURITY.md");
    let rows = text.lines().filter(|line| line.starts_with("| ") && line.contains("`tests/it/"));
    for row in rows.filter(|row| !row.contains("::")) {
        let paths: Vec<_> = row.split('`').skip(1).step_by(2).collect();
        let sources: String = paths.iter().map(|path| read(path)).collect();
        let ids = row.split('|').nth(1).unwrap();
        for id in ids.split([' ', ',']).filter(|word| word.starts_with(|c: char| c.is_ascii_uppercase())) {
            let (first, later) = (format!("fn {}_", id.to_lowercase()), format!("_{}_", id.to_lowercase()));
            assert!(sources.contains(&first) || sources.contains(&later), "{paths:?} have no test {id}");
        }
    }
}

#[test]
fn docs_security_tests_names_tests_that_there_are_for_every_id() {
    let text = read("docs/security-tests.md");
    let rows: Vec<_> = text.lines().filter(|line| line.starts_with("| ") && line.contains("::")).collect();
    let ids: Vec<_> = rows.iter().map(|row| row.split('|').nth(1).unwrap().trim().to_owned()).collect();
    let range =
        |letter: &'static str, first, last| (first..=last).map(move |number| format!("{letter}{number}"));
    let expected = range("D", 1, 14).chain(range("C", 1, 5)).chain(range("H", 1, 11)).chain(range("P", 7, 9));
    assert_eq!(ids, expected.collect::<Vec<_>>());
    for row in rows {
        tests_of(row.split('|').nth(3).unwrap());
    }
}

/// How many tests a cell names. Each of them exists.
#[track_caller]
fn tests_of(cell: &str) -> usize {
    let named = cell.split('`').skip(1).step_by(2);
    let is_there = |test: &str| {
        let (file, function) = test.split_once("::").unwrap_or_else(|| panic!("{test}"));
        let source = read(file);
        let (attributes, _) =
            source.split_once(&format!("fn {function}(")).unwrap_or_else(|| panic!("no {test}"));
        let attribute = attributes.rfind("#[").map(|begin| &attributes[begin..]).unwrap();
        assert!(attribute.starts_with("#[test]") || attribute.starts_with("#[tokio::test"), "{test}");
    };
    named.inspect(|test| is_there(test)).count()
}

/// The sections of a chapter of ASVS 5.0.0, each with its number of requirements.
const ASVS: [(u32, &[u32]); 3] = [(7, &[3, 4, 2, 5, 3, 2]), (9, &[3, 4]), (10, &[2, 3, 5, 16, 5, 2, 3])];

#[test]
fn security_md_has_each_requirement_of_asvs_with_its_tests_or_the_reason() {
    let text = read("SECURITY.md");
    let (_, table) = text.split_once("\n## Requirements of ASVS 5.0").unwrap();
    let rows: Vec<Vec<_>> = table
        .lines()
        .filter(|line| line.starts_with("| ") && !line.starts_with("| id "))
        .map(|row| row.trim_matches('|').split(" | ").map(str::trim).collect())
        .collect();
    let of_chapter = |(chapter, sections): (u32, &'static [u32])| {
        let sections = (1..).zip(sections);
        sections.flat_map(move |(section, &count)| {
            (1..=count).map(move |number| format!("{chapter}.{section}.{number}"))
        })
    };
    let ids: Vec<_> = ASVS.into_iter().flat_map(of_chapter).collect();
    assert_eq!(rows.iter().map(|row| row[0]).collect::<Vec<_>>(), ids);
    for row in rows {
        let [id, _, met, tests] = row[..] else { panic!("{row:?}") };
        let has_reason = ["Not met:", "Not applicable:", "[docs/"].iter().any(|begin| met.starts_with(begin));
        assert!(tests_of(tests) > 0 || has_reason, "{id} has neither a test nor a reason");
    }
}

#[test]
fn docs_operations_says_what_to_do_for_each_reason_of_a_probe() {
    let text = read("docs/operations.md");
    let source = read("src/health/instance.rs");
    let findings = ["Finding::down(\"", "Finding::degraded(\""];
    let reasons = findings.iter().flat_map(|begin| source.split(begin).skip(1));
    let not_ready = read("src/keys/readiness.rs");
    let reasons = reasons.chain(not_ready.split("#[error(\"").skip(1));
    let reasons: BTreeSet<_> = reasons.map(|rest| rest.split('"').next().unwrap()).collect();
    assert!(reasons.len() >= 7, "{reasons:?}");
    for reason in reasons {
        assert!(text.contains(&format!("| `{reason}`")), "{reason} is missing in docs/operations.md");
    }
}
