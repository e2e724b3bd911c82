//! The program on a terminal, as a person uses it.

use std::io::{ErrorKind, Read, Write};
use std::process::{Child, Command, ExitStatus};

use pty_process::Size;
use pty_process::blocking::{Pty, open};

/// A running command whose input, output and errors are a pseudo-terminal.
pub struct Terminal {
    pty: Pty,
    child: Child,
    seen: String,
}

impl Terminal {
    /// Starts `command` on a terminal with this many columns.
    pub fn start(command: &Command, columns: u16) -> Self {
        let (pty, inside) = open().unwrap();
        pty.resize(Size::new(24, columns)).unwrap();
        let mut on_terminal = pty_process::blocking::Command::new(command.get_program())
            .args(command.get_args())
            .env_clear()
            .env("TERM", "xterm-256color");
        for (name, value) in command.get_envs() {
            on_terminal = on_terminal.env(name, value.unwrap_or_default());
        }
        if let Some(folder) = command.get_current_dir() {
            on_terminal = on_terminal.current_dir(folder);
        }
        let child = on_terminal.spawn(inside).unwrap();
        Self { pty, child, seen: String::new() }
    }

    /// Waits until the screen ends with `question`, and types `answer`.
    #[track_caller]
    pub fn answer(&mut self, question: &str, answer: &str) {
        while !self.seen.ends_with(question) {
            assert!(self.read(), "the command ended before it asked {question:?}: {:?}", self.seen);
        }
        self.pty.write_all(answer.as_bytes()).unwrap();
    }

    /// Waits for the end of the command: its exit status, and everything that the terminal showed.
    pub fn end(mut self) -> (ExitStatus, String) {
        while self.read() {}
        (self.child.wait().unwrap(), self.seen.replace("\r\n", "\n"))
    }

    /// Reads what the terminal shows next; false at the end.
    fn read(&mut self) -> bool {
        let mut bytes = [0; 4096];
        match self.pty.read(&mut bytes) {
            Ok(0) => false,
            Ok(length) => {
                self.seen.push_str(std::str::from_utf8(&bytes[..length]).unwrap());
                true
            }
            // Linux reports the end of a terminal as an error of input and output (EIO).
            Err(error) if error.raw_os_error() == Some(5) => false,
            Err(error) if error.kind() == ErrorKind::Interrupted => true,
            Err(error) => panic!("cannot read the terminal: {error}"),
        }
    }
}
