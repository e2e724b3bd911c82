//! The commands of docs/audit.md, as a reader runs them.

use std::path::Path;
use std::process::Command;

use serde_json::Value;

use crate::oauth::recipes::shell;
use crate::readme::blocks_of;
use crate::support::{Program, eventually, folder_with_keys, jwt_generator, read, repository, run};

const SETTINGS: [(&str, &str); 2] = [("BCRYPT_ROUNDS", "4"), ("AUDIT_CHECKPOINT_FILE", "checkpoints.jws")];

fn events(folder: &Path) -> Program {
    let program = Program::start(folder, &SETTINGS);
    let ada = program.client().register("ada");
    drop(ada);
    program.client().register("eve");
    run(jwt_generator(folder).args(["users", "delete", "eve", "--yes"]));
    program
}

#[test]
fn the_commands_of_each_chapter_work_as_printed() {
    let folder = folder_with_keys();
    let program = events(folder.path());
    let document = read("docs/audit.md");
    let run = |chapter: &str| shell(&program, folder.path(), &blocks_of(&document, chapter).concat());
    let told = run("## Read the events");
    assert!(told.contains("user.registered") && told.contains("username=ada"), "{told}");
    let deleted = told.lines().last().unwrap();
    assert!(deleted.len() == 24 && deleted.bytes().all(|byte| byte.is_ascii_hexdigit()), "{told}");
    let blocks = blocks_of(&document, "## Check that nothing was changed");
    let [verify, checkpoint] = &blocks[..] else { panic!("two blocks") };
    assert!(shell(&program, folder.path(), checkpoint).contains("is signed for the events up to"));
    assert!(shell(&program, folder.path(), verify).contains("\nThe trail is complete and unchanged.\n"));
    let kept = folder.path().join("checkpoints.jws");
    let kept = eventually("the checkpoint is in the file", || std::fs::read_to_string(&kept).ok());
    let told = run("## Keep checkpoints elsewhere");
    assert!(told.contains("1 of the checkpoints that were kept elsewhere are the stored ones"), "{told}");
    let told = run("## Export");
    assert_eq!(told.matches("The trail is complete and unchanged.").count(), 2, "{told}");
    assert!(std::fs::read_to_string(folder.path().join("events.cef")).unwrap().starts_with("CEF:0|"));
    let verified = with_npm_jose(folder.path(), &document);
    let says = jose::decode_unverified(kept.trim()).unwrap().1;
    assert_eq!(
        serde_json::from_str::<Value>(&verified).unwrap(),
        serde_json::from_str::<Value>(&says).unwrap()
    );
}

/// The program of the page, with the key set that the chapter about exports has fetched.
fn with_npm_jose(folder: &Path, document: &str) -> String {
    let code = document.split("```js\n").nth(1).unwrap().split("```").next().unwrap();
    std::fs::write(folder.join("verify.mjs"), code).unwrap();
    let modules = repository().join("tests/foreign/node/node_modules");
    std::os::unix::fs::symlink(modules, folder.join("node_modules")).unwrap();
    run(Command::new("node").arg("verify.mjs").current_dir(folder))
}
