//! The `use` lines of the source against the table of modules: which module may use which.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use crate::support::{read, repository};

/// Each module and the modules that it may use. Every module may use itself and the crate `jose`.
const MAY_USE: &[(&str, &[&str])] = &[
    (
        "cli",
        &[
            "accounts",
            "app",
            "audit",
            "clock",
            "config",
            "domain",
            "entropy",
            "http",
            "keys",
            "lambda",
            "limits",
            "oauth",
            "server_secret",
            "telemetry",
            "token",
            "webhooks",
        ],
    ),
    (
        "app",
        &[
            "accounts",
            "admin",
            "audit",
            "clock",
            "config",
            "domain",
            "entropy",
            "event_counter",
            "event_record",
            "health",
            "http",
            "keys",
            "lambda",
            "limits",
            "oauth",
            "server_secret",
            "store",
            "telemetry",
            "token",
            "webhooks",
            "workers",
        ],
    ),
    ("audit", &["domain", "event_record", "keys", "store", "telemetry"]),
    ("lambda", &["domain"]),
    // Its own module, because `accounts` may not use `keys`, and `domain` has no cryptography.
    ("server_secret", &["domain"]),
    // Its own module, because stores and the audit trail need it, and `domain` has no cryptography.
    ("event_record", &["domain", "entropy"]),
    // Its own module, because use cases of several modules count.
    ("event_counter", &["domain"]),
    ("admin", &["domain", "health", "telemetry"]),
    ("http", &["accounts", "clock", "domain", "health", "keys", "limits", "oauth", "telemetry", "token"]),
    (
        "oauth",
        &["accounts", "clock", "domain", "entropy", "keys", "server_secret", "store", "telemetry", "token"],
    ),
    ("webhooks", &["clock", "domain", "entropy", "event_record", "server_secret", "store", "telemetry"]),
    ("limits", &["clock", "domain", "telemetry"]),
    ("health", &["clock", "domain", "keys", "store", "telemetry"]),
    (
        "accounts",
        &[
            "clock",
            "domain",
            "entropy",
            "event_counter",
            "server_secret",
            "store",
            "telemetry",
            "token",
            "workers",
        ],
    ),
    ("token", &["clock", "domain", "entropy", "event_counter", "keys", "telemetry"]),
    ("keys", &["clock", "domain", "entropy", "server_secret", "store", "telemetry", "workers"]),
    ("store", &["domain", "entropy", "event_record", "telemetry"]),
    ("config", &["domain", "keys", "limits", "server_secret", "telemetry", "webhooks"]),
    ("telemetry", &["clock", "domain", "entropy"]),
    ("clock", &["domain"]),
    ("entropy", &["domain"]),
    ("workers", &["telemetry"]),
    ("domain", &[]),
];

fn source_files(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    entries
        .flat_map(|path| if path.is_dir() { source_files(&path) } else { vec![path] })
        .filter(|path| path.extension().is_some_and(|extension| extension == "rs"))
        .collect()
}

/// The first part of the path below `src/`: the module that the file belongs to.
fn module_of(file: &Path) -> String {
    let below = file.strip_prefix(repository().join("src")).unwrap();
    below.iter().next().unwrap().to_str().unwrap().trim_end_matches(".rs").to_owned()
}

/// Every name that follows `prefix` in the code. Comments do not count.
fn named_behind<'a>(text: &'a str, prefix: &'a str) -> impl Iterator<Item = &'a str> {
    let code = text.lines().filter(|line| !line.trim_start().starts_with("//"));
    code.flat_map(move |line| line.split(prefix).skip(1)).map(|rest| {
        let end = rest.find(|c: char| !(c.is_alphanumeric() || c == '_')).unwrap_or(rest.len());
        &rest[..end]
    })
}

#[test]
fn every_module_uses_only_what_the_table_allows() {
    let mut modules = BTreeSet::new();
    for file in source_files(&repository().join("src")) {
        let module = module_of(&file);
        if module == "lib" || module == "main" {
            continue;
        }
        let (_, allowed) = MAY_USE
            .iter()
            .find(|(name, _)| *name == module)
            .unwrap_or_else(|| panic!("{} is in no module of the table", file.display()));
        let text = fs::read_to_string(&file).unwrap();
        for used in named_behind(&text, "crate::") {
            let known = used == module || allowed.contains(&used);
            assert!(known, "{} uses {used}, which {module} must not", file.display());
        }
        modules.insert(module);
    }
    let of_table: BTreeSet<_> = MAY_USE.iter().map(|(name, _)| (*name).to_owned()).collect();
    assert_eq!(modules, of_table, "the table lists the modules that there are");
}

#[test]
fn only_app_knows_which_store_there_is() {
    for file in source_files(&repository().join("src")) {
        let text = fs::read_to_string(&file).unwrap();
        let names_one = named_behind(&text, "store::").any(|used| used == "sqlite" || used == "mongo");
        assert!(!names_one || module_of(&file) == "app", "{} names a store", file.display());
    }
}

#[test]
fn outside_crates_stay_in_the_modules_that_are_meant_for_them() {
    for (name, modules) in [
        ("rusqlite", &["store"][..]),
        ("mongodb", &["store"]),
        ("hyper", &["admin", "http"]),
        ("askama", &["http"]),
        ("bcrypt", &["accounts"]),
        ("rsa_batch", &["keys"]),
        ("clap", &["cli"]),
        ("doctor", &["cli"]),
        ("listenfd", &["app"]),
        ("ureq", &[]),
        ("outbound", &["cli", "keys", "oauth", "telemetry", "webhooks"]),
        ("tracing_subscriber", &["telemetry"]),
        ("aws_lc_rs", &["keys", "entropy", "event_record", "oauth", "server_secret", "token", "webhooks"]),
        ("aws_config", &["keys"]),
        ("aws_sdk_kms", &["keys"]),
        ("aws_sdk_secretsmanager", &["keys"]),
        ("lambda_runtime", &["cli"]),
        ("ipnet", &["audit", "domain"]),
    ] {
        for file in source_files(&repository().join("src")) {
            let text = fs::read_to_string(&file).unwrap();
            let uses = named_behind(&text, "use ").any(|used| used == name);
            assert!(!uses || modules.contains(&module_of(&file).as_str()), "{} uses {name}", file.display());
        }
    }
}

/// What lies between two instants is measured by tokio's timer, which tests stop and move.
#[test]
fn only_the_clock_reads_the_systems_time() {
    for file in source_files(&repository().join("src")).iter().filter(|file| module_of(file) != "clock") {
        let text = fs::read_to_string(file).unwrap();
        let of_the_system = text.lines().any(|line| line.contains("std::time") && line.contains("Instant"));
        let reads = of_the_system || text.contains("SystemTime::now");
        assert!(!reads, "{} reads the system's time", file.display());
    }
}

#[test]
fn architecture_md_has_the_same_table() {
    let map = read("ARCHITECTURE.md");
    let section =
        map.split("\n## Which module may use which\n").nth(1).unwrap().split("\n## ").next().unwrap();
    let names = |cell: &str| cell.split('`').skip(1).step_by(2).map(str::to_owned).collect::<BTreeSet<_>>();
    let mut of_map = BTreeSet::new();
    for row in section.lines().filter(|line| line.starts_with("| `")) {
        let cells: Vec<_> = row.split('|').collect();
        of_map.extend(names(cells[1]).into_iter().map(|module| (module, names(cells[2]))));
    }
    let owned = |used: &[&str]| used.iter().map(|module| (*module).to_owned()).collect::<BTreeSet<_>>();
    let expected: BTreeSet<_> =
        MAY_USE.iter().map(|(module, used)| ((*module).to_owned(), owned(used))).collect();
    assert_eq!(of_map, expected);
    let library = read("src/lib.rs");
    for (module, _) in MAY_USE {
        assert!(library.contains(&format!("pub mod {module};")), "{module} is missing in src/lib.rs");
    }
}

/// The doctor sees a deployment as a stranger does, so it can share only what every verifier may use.
#[test]
fn the_doctor_uses_nothing_of_the_service() {
    let manifest = read("crates/doctor/Cargo.toml");
    let own: Vec<_> = named_behind(&manifest, "path = \"../").collect();
    assert_eq!(own, ["jose", "outbound"]);
    let command = read("src/cli/doctor.rs");
    for library in ["outbound", "rustls", "jose"] {
        assert!(!command.contains(&format!("{library}::")), "src/cli/doctor.rs uses {library}");
    }
    for file in source_files(&repository().join("crates/doctor/src")) {
        let text = fs::read_to_string(&file).unwrap();
        for ambient in ["SystemTime", "time::Instant", "now_utc", "aws_lc_rs::rand"] {
            assert!(!text.contains(ambient), "{} uses {ambient}", file.display());
        }
    }
}

#[test]
fn files_stay_small() {
    let doctor = repository().join("crates/doctor/src");
    for file in source_files(&repository().join("src")).into_iter().chain(source_files(&doctor)) {
        let lines = fs::read_to_string(&file).unwrap().lines().count();
        assert!(lines <= 450, "{} has {lines} lines: does it hold one idea?", file.display());
    }
    assert!(read("src/main.rs").lines().count() <= 30);
}
