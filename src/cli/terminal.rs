//! Questions at a terminal.

use std::io::{self, BufRead, IsTerminal, Write};
use std::os::fd::AsFd;

use rustix::termios::{LocalModes, OptionalActions, SpecialCodeIndex, Termios, tcgetattr, tcsetattr};
use zeroize::Zeroizing;

use super::Failure;
use crate::domain::Secret;

/// A terminal passes on at most this many bytes of a line (`N_TTY_BUF_SIZE` of Linux).
const LINE_LIMIT: usize = 4096;
/// What Ctrl-C sends.
const INTERRUPT: u8 = 3;

/// Asks a question and reads the line that is typed.
pub(super) fn ask(question: &str) -> Result<String, Failure> {
    prompt(question)?;
    let mut answer = String::new();
    io::stdin().lock().read_line(&mut answer).map_err(Failure::refused)?;
    Ok(answer)
}

/// Asks a question and reads the line that is typed, which the terminal does not show.
///
/// # Errors
/// A failure if the terminal cannot hide the line, or if Ctrl-C or Ctrl-D ends it.
pub(super) fn ask_hidden(question: &str) -> Result<Secret<String>, Failure> {
    // The terminal hides before it asks, so that not even the first character shows.
    let hidden = HiddenInput::begin().map_err(Failure::refused)?;
    prompt(question)?;
    let line = read_line();
    drop(hidden);
    // The end of the line was hidden, too.
    prompt("\n")?;
    line
}

/// Whether a person can answer a question.
pub(super) fn is_there() -> bool {
    io::stdin().is_terminal()
}

fn prompt(text: &str) -> Result<(), Failure> {
    let mut stderr = io::stderr().lock();
    write!(stderr, "{text}").and_then(|()| stderr.flush()).map_err(Failure::refused)
}

/// One line. The buffer of `io::stdin` would keep a copy that is not wiped.
fn read_line() -> Result<Secret<String>, Failure> {
    let mut bytes = Zeroizing::new([0; LINE_LIMIT]);
    let length = rustix::io::retry_on_intr(|| rustix::io::read(io::stdin().as_fd(), bytes.as_mut_slice()))
        .map_err(Failure::refused)?;
    let Some((b'\n', line)) = bytes[..length].split_last() else {
        return Err(Failure::refused("the input was ended; nothing was changed"));
    };
    let text = std::str::from_utf8(line).map_err(|_| Failure::usage("the password is not UTF-8"))?;
    Ok(Secret::new(text.to_owned()))
}

/// A terminal that does not show what is typed, until the value is dropped. Ctrl-C ends the line and not the process, because
/// a process that ended here would leave the terminal like this.
struct HiddenInput {
    before: Termios,
}

impl HiddenInput {
    fn begin() -> io::Result<Self> {
        let before = tcgetattr(io::stdin())?;
        let mut hidden = before.clone();
        hidden.local_modes.remove(LocalModes::ECHO | LocalModes::ECHONL | LocalModes::ISIG);
        hidden.local_modes.insert(LocalModes::ICANON);
        hidden.special_codes[SpecialCodeIndex::VEOL] = INTERRUPT;
        tcsetattr(io::stdin(), OptionalActions::Flush, &hidden)?;
        Ok(Self { before })
    }
}

impl Drop for HiddenInput {
    fn drop(&mut self) {
        if let Err(error) = tcsetattr(io::stdin(), OptionalActions::Now, &self.before) {
            tracing::warn!(%error, "cannot reset the terminal; the command `reset` does");
        }
    }
}
