//! The sources from which a command gets a password: the terminal, standard input or a file. A password is
//! never an argument, because the list of processes shows arguments.

use std::fs;
use std::io::{self, IsTerminal, Read};
use std::path::PathBuf;

use clap::Args;
use zeroize::Zeroizing;

use super::{Failure, terminal};
use crate::domain::Secret;

/// The longest input that is read, in bytes.
const INPUT_LIMIT: usize = 64 * 1024;

#[derive(Debug, Args)]
pub(super) struct PasswordSource {
    /// Read the password from the first line of standard input
    #[arg(long, conflicts_with = "password_file")]
    password_stdin: bool,
    /// Read the password from the first line of this file
    #[arg(long, value_name = "FILE")]
    password_file: Option<PathBuf>,
}

impl PasswordSource {
    /// The password, without the end of its line.
    ///
    /// # Errors
    /// A failure that says what to do, if there is no password or the two that were typed differ.
    pub(super) fn read(&self) -> Result<Secret<String>, Failure> {
        match &self.password_file {
            Some(path) => {
                let unreadable = |error| Failure::usage(format!("cannot read {}: {error}", path.display()));
                let text = Zeroizing::new(fs::read_to_string(path).map_err(unreadable)?);
                first_line(&text, &format!("the file {}", path.display()))
            }
            None if self.password_stdin => from_standard_input(),
            None if io::stdin().is_terminal() => from_terminal(),
            None => Err(Failure::usage(
                "there is no password: standard input is not a terminal, so this command cannot ask for it. \
                 Use --password-stdin or --password-file FILE",
            )),
        }
    }
}

fn from_standard_input() -> Result<Secret<String>, Failure> {
    if io::stdin().is_terminal() {
        return Err(Failure::usage(
            "standard input is a terminal, which would show the password: leave --password-stdin out, and the command \
             asks for the password",
        ));
    }
    // A string that grows would leave copies behind that are not wiped.
    let mut text = Zeroizing::new(String::with_capacity(INPUT_LIMIT));
    io::stdin().take(INPUT_LIMIT as u64).read_to_string(&mut text).map_err(Failure::refused)?;
    first_line(&text, "standard input")
}

fn from_terminal() -> Result<Secret<String>, Failure> {
    let password = terminal::ask_hidden("Password: ")?;
    if password.expose().is_empty() {
        return Err(Failure::usage("the password is empty; nothing was changed"));
    }
    if terminal::ask_hidden("Repeat the password: ")?.expose() != password.expose() {
        return Err(Failure::usage("the two passwords are different; nothing was changed"));
    }
    Ok(password)
}

/// The first line of `text`, without its end and without a byte order mark.
fn first_line(text: &str, source: &str) -> Result<Secret<String>, Failure> {
    let text = text.trim_start_matches('\u{feff}');
    if text.is_empty() {
        return Err(Failure::usage(format!("{source} is empty; its first line must be the password")));
    }
    match text.lines().next() {
        Some(line) if !line.is_empty() => Ok(Secret::new(line.to_owned())),
        _ => Err(Failure::usage(format!("the first line of {source} is empty; it must be the password"))),
    }
}

#[cfg(test)]
mod tests {
    use super::first_line;

    #[test]
    fn a_password_is_the_first_line_without_its_end() {
        for text in ["secret", "secret\n", "secret\r\nmore\n", "\u{feff}secret\n"] {
            let password = first_line(text, "standard input").ok().unwrap();
            assert_eq!(password.expose(), "secret", "{text:?}");
        }
        let password = first_line(" two words \n", "standard input").ok().unwrap();
        assert_eq!(password.expose(), " two words ");
    }

    #[test]
    fn an_input_without_a_password_says_what_is_missing() {
        let message = |text| first_line(text, "standard input").err().unwrap().message().to_owned();
        assert_eq!(message(""), "standard input is empty; its first line must be the password");
        assert_eq!(message("\nsecret"), "the first line of standard input is empty; it must be the password");
    }
}
