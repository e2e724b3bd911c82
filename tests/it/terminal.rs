//! The command line on a real terminal: questions, colours and the width of lines.

use std::path::Path;
use std::process::Command;

use serde_json::json;

use crate::support::{Program, Terminal, folder_with_keys, jwt_generator, refused, run};

const PASSWORD: &str = "Password: ";
const REPEAT: &str = "Repeat the password: ";

fn command(folder: &Path, arguments: &[&str]) -> Command {
    let mut command = jwt_generator(folder);
    command.args(arguments).env("BCRYPT_ROUNDS", "4").env("LOG_LEVEL", "warn");
    command
}

/// Runs a command that asks for a password, and types each answer. Returns the exit code and the screen.
fn with_passwords(folder: &Path, arguments: &[&str], answers: &[&str]) -> (Option<i32>, String) {
    let mut terminal = Terminal::start(&command(folder, arguments), 80);
    for (question, answer) in [PASSWORD, REPEAT].into_iter().zip(answers) {
        terminal.answer(question, answer);
    }
    let (status, screen) = terminal.end();
    (status.code(), screen)
}

#[test]
fn a_new_password_is_asked_for_twice_and_never_shown() {
    let folder = folder_with_keys();
    let program = Program::start(folder.path(), &[("BCRYPT_ROUNDS", "4")]);
    let log_in = |password: &str| {
        let login = json!({ "username": "ada", "password": password });
        program.client().post("/api/auth/login", &login).status
    };
    let create = ["users", "create", "ada", "ada@example.com"];
    let (code, screen) = with_passwords(folder.path(), &create, &["first-secret\n", "first-secret\n"]);
    assert_eq!(code, Some(0), "{screen}");
    assert!(screen.starts_with("Password: \nRepeat the password: \n") && screen.contains("ada"), "{screen}");
    assert!(!screen.contains("secret"), "{screen}");
    assert_eq!(log_in("first-secret"), 200);

    let change = ["users", "password", "ada"];
    // Backspace removes a character, as at any prompt.
    let (code, screen) = with_passwords(folder.path(), &change, &["other-secretx\u{7f}\n", "other-secret\n"]);
    assert_eq!(code, Some(0), "{screen}");
    assert!(!screen.contains("secret"), "{screen}");
    assert_eq!((log_in("first-secret"), log_in("other-secret")), (401, 200));
}

#[test]
fn a_password_that_is_typed_wrong_changes_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let create = ["users", "create", "ada", "ada@example.com"];
    let ends = |answers: &[&str], message: &str| {
        let (code, screen) = with_passwords(folder.path(), &create, answers);
        assert!(code != Some(0) && screen.contains(message) && !screen.contains("secret"), "{screen:?}");
        code
    };
    let different = ends(
        &["first-secret\n", "other-secret\n"],
        "error:\u{1b}[0m the two passwords are different; nothing was changed\n",
    );
    assert_eq!(different, Some(2));
    assert_eq!(ends(&["\n"], "the password is empty; nothing was changed\n"), Some(2));
    // Ctrl-C and Ctrl-D end the question, and the terminal shows again what is typed.
    assert_eq!(ends(&["first-secret\u{3}"], "the input was ended; nothing was changed\n"), Some(1));
    assert_eq!(ends(&["\u{4}"], "the input was ended; nothing was changed\n"), Some(1));
    let folder_in_use = folder.path().join("data");
    let users = command(folder.path(), &["users", "list"]).output().unwrap();
    assert!(users.stdout.is_empty(), "{users:?} {}", folder_in_use.display());
}

#[test]
fn a_user_is_deleted_only_after_a_yes() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("password"), "secret-ada").unwrap();
    let create = ["users", "create", "ada", "ada@example.com", "--password-file", "password"];
    run(&mut command(folder.path(), &create));
    let delete = ["users", "delete", "ada"];
    let question = "This deletes the user ada (ada@example.com).\r\nType yes to go on: ";
    let answered = |answer: &str| {
        let mut terminal = Terminal::start(&command(folder.path(), &delete), 80);
        terminal.answer(question, answer);
        let (status, screen) = terminal.end();
        (status.code(), screen)
    };
    for answer in ["no\n", "\n", "\u{4}"] {
        let (code, screen) = answered(answer);
        assert_eq!(code, Some(1), "{screen}");
        assert!(screen.ends_with("nothing was changed\n"), "{screen:?}");
    }
    let told = refused(&mut command(folder.path(), &delete), 2);
    assert_eq!(
        told,
        "error: This deletes the user ada (ada@example.com).\nNothing was changed: standard input is not a terminal, so \
         this command cannot ask. Repeat it with --yes to go on\n"
    );
    run(&mut command(folder.path(), &["users", "show", "ada"]));
    let (code, screen) = answered("yes\n");
    assert_eq!(code, Some(0), "{screen}");
    assert!(screen.ends_with("deleted ada\n"), "{screen:?}");
    refused(&mut command(folder.path(), &["users", "show", "ada"]), 1);
}

#[test]
fn a_terminal_refuses_the_option_that_would_show_the_password() {
    let folder = tempfile::tempdir().unwrap();
    let create = ["users", "create", "ada", "ada@example.com", "--password-stdin"];
    let (code, screen) = with_passwords(folder.path(), &create, &[]);
    assert_eq!(code, Some(2));
    assert!(screen.contains("leave --password-stdin out, and the command asks for the password"), "{screen}");
}

#[test]
fn a_terminal_has_colours_unless_no_color_is_set() {
    let folder = tempfile::tempdir().unwrap();
    let screen = |arguments: &[&str], no_color: bool| {
        let mut command = command(folder.path(), arguments);
        // The log warns of the second one.
        command.env("PORT", "4000").env("JWT_ISUER", "x").env("LOG_LEVEL", "warn");
        if no_color {
            command.env("NO_COLOR", "1");
        }
        Terminal::start(&command, 80).end().1
    };
    for arguments in [&["config", "show"][..], &["keys", "show"], &["--help"]] {
        assert!(screen(arguments, false).contains("\u{1b}["), "{arguments:?}");
        assert!(!screen(arguments, true).contains('\u{1b}'), "{arguments:?}");
    }
    assert!(
        screen(&["keys", "show"], true).contains("did you mean JWT_ISSUER?"),
        "the log is on the screen, too"
    );
    assert!(!run(&mut command(folder.path(), &["config", "show"])).contains('\u{1b}'));
}

/// The columns of the widest line, without the codes for colours.
fn widest(text: &str) -> usize {
    let plain = text.split('\u{1b}').enumerate().map(|(index, part)| match part.split_once('m') {
        Some((_, shown)) if index > 0 => shown,
        _ => part,
    });
    plain.collect::<String>().lines().map(|line| line.chars().count()).max().unwrap_or(0)
}

#[test]
fn a_long_value_is_shortened_to_the_width_of_the_terminal() {
    let folder = tempfile::tempdir().unwrap();
    let origins = (0..20).map(|n| format!("https://app{n}.example.com")).collect::<Vec<_>>().join(",");
    let mut show = command(folder.path(), &["config", "show"]);
    show.env("ALLOWED_ORIGINS", &origins);
    for (columns, fits) in [(80, 80), (120, 120), (20, 80)] {
        let (status, screen) = Terminal::start(&show, columns).end();
        assert!(status.success() && screen.contains('…'), "{screen}");
        assert_eq!(widest(&screen), fits, "{screen}");
    }
    let piped = run(&mut show);
    assert_eq!(widest(&piped), 80, "{piped}");
    assert!(
        piped.starts_with("SETTING ") && piped.contains(" VALUE ") && piped.contains(" SOURCE\n"),
        "{piped}"
    );
    assert!(run(show.arg("--json")).contains(&origins), "JSON has whole values");
}

/// The names of all commands and of those beneath them, from the program's own help.
fn help_of(folder: &Path, name: &[String]) -> Vec<(Vec<String>, String)> {
    let help = run(jwt_generator(folder).args(name).arg("--help"));
    let listed = help.split("\nCommands:\n").nth(1).unwrap_or_default();
    let named = listed.lines().filter_map(|line| line.strip_prefix("  "));
    let names = named.filter(|line| !line.starts_with(' ')).filter_map(|line| line.split(' ').next());
    let commands = names.take_while(|name| *name != "help").map(str::to_owned).collect::<Vec<_>>();
    let below = commands.into_iter().flat_map(|command| help_of(folder, &[name, &[command]].concat()));
    below.chain([(name.to_vec(), help.clone())]).collect()
}

#[test]
fn no_line_of_help_is_wider_than_80_columns() {
    let folder = tempfile::tempdir().unwrap();
    let all = help_of(folder.path(), &[]);
    assert!(all.len() > 25, "{} helps", all.len());
    for (name, help) in all {
        assert!(widest(&help) <= 80, "{name:?}: {help}");
    }
}

#[test]
fn every_command_has_a_manual_page() {
    let folder = tempfile::tempdir().unwrap();
    let said = run(command(folder.path(), &["man", "share/man1", "--json"]).env("NO_COLOR", "1"));
    let said: serde_json::Value = serde_json::from_str(&said).unwrap();
    for (name, help) in help_of(folder.path(), &[]) {
        let file = [&["jwt-generator".to_owned()], &name[..]].concat().join("-") + ".1";
        assert!(said["pages"].as_array().unwrap().contains(&json!(file)), "{said}");
        let page = std::fs::read_to_string(folder.path().join("share/man1").join(&file)).unwrap();
        for option in help.split_whitespace().filter(|word| word.starts_with("--") && word.len() > 2) {
            let option = option.trim_end_matches([',', '.', ']', ';']).replace('-', "\\-");
            assert!(page.contains(&option), "{file} lacks {option}");
        }
    }
    std::fs::write(folder.path().join("file"), "").unwrap();
    let told = refused(&mut command(folder.path(), &["man", "file"]), 1);
    assert!(told.starts_with("error: cannot write manual pages to file: "), "{told}");
}
