//! Runs the commands of the README exactly as it shows them.

use std::path::Path;
use std::process::Command;

use crate::support::{Program, jwt_generator, read, run, tool};

/// The shell code of one section of a document, all of its blocks.
fn shell_of(text: &str, heading: &str) -> String {
    blocks_of(text, &format!("## {heading}")).concat()
}

/// The blocks of shell code below a heading, until the next heading of the same level.
pub fn blocks_of(text: &str, heading: &str) -> Vec<String> {
    let beneath = text.split(&format!("\n{heading}\n")).nth(1).unwrap_or_else(|| panic!("no {heading}"));
    let marks = heading.split(' ').next().unwrap();
    let section = beneath.split(&format!("\n{marks} ")).next().unwrap();
    let blocks = section.split("```sh\n").skip(1).map(|rest| rest.split("```").next().unwrap().to_owned());
    blocks.collect()
}

#[test]
fn five_minutes_of_the_readme_work_as_printed() {
    let folder = tempfile::tempdir().unwrap();
    let program = Program::start(folder.path(), &[]);
    let commands = shell_of(&read("README.md"), "Five minutes with it");
    assert!(commands.matches("curl").count() >= 8, "{commands}");
    let commands = commands.replace("http://localhost:3000", program.client().base());
    let tools = tool("bin/jq").parent().unwrap().to_owned();
    let binary = Path::new(jwt_generator(folder.path()).get_program()).parent().unwrap().to_owned();
    let path = format!("{}:{}:{}", tools.display(), binary.display(), std::env::var("PATH").unwrap());
    let script = format!("set -euo pipefail\n{commands}");
    let told = run(Command::new("bash").args(["-xc", &script]).env("PATH", path).current_dir(folder.path()));
    assert!(!told.contains("\"success\":false") && !told.contains("\"success\": false"), "{told}");
    let first = told.split("\"access_token\": \"").nth(1).unwrap().split('"').next().unwrap();
    let (_, claims) = jose::decode_unverified(first).unwrap();
    let claims: serde_json::Value = serde_json::from_str(&claims).unwrap();
    assert_eq!((&claims["client_id"], claims.get("demo")), (&"mailer".into(), None), "{claims}");
}

#[test]
fn the_first_screen_says_what_it_is_and_how_to_run_and_test_it() {
    let text = read("README.md");
    let first_screen: String = text.lines().take(40).collect::<Vec<_>>().join("\n");
    for command in ["cargo run --release", "./test"] {
        assert!(first_screen.contains(command), "{command} is not on the first screen");
    }
}
