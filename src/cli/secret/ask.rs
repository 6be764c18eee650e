//! Reading the value of a secret: from standard input, or from a terminal that does not show it.

use crate::cli::Failure;
use crate::model::secret::MAX_SECRET;
use crate::model::{Secret, SecretName};
use rustix::termios::{LocalModes, OptionalActions, Termios, tcgetattr, tcsetattr};
use std::io::{self, IsTerminal as _, Read as _, Write as _};
use zeroize::Zeroizing;

/// Whether a person is asked.
pub(super) fn on_terminal() -> bool {
    io::stdin().is_terminal()
}

/// The value of a secret. A line break at its end is dropped unless it is to be `exact`.
pub(super) fn value(name: &SecretName, exact: bool) -> Result<Secret, Failure> {
    if !on_terminal() {
        return piped(exact);
    }
    let first = asked(&format!("value of {name}: "))?;
    // Nobody but a node can look at it again.
    let again = asked(&format!("value of {name}, again: "))?;
    if first.expose() == again.expose() {
        Ok(first)
    } else {
        Err(Failure::refused("these are two different values").hint("the same command again"))
    }
}

fn piped(exact: bool) -> Result<Secret, Failure> {
    // Room for everything from the beginning: growing would leave copies behind.
    let mut bytes = Zeroizing::new(Vec::with_capacity(MAX_SECRET + 64));
    io::stdin().lock().take(MAX_SECRET as u64 + 2).read_to_end(&mut bytes)?;
    if !exact && bytes.last() == Some(&b'\n') {
        bytes.pop();
    }
    Ok(Secret::new(bytes.to_vec()))
}

fn asked(question: &str) -> Result<Secret, Failure> {
    let quiet = Quiet::new()?;
    let mut terminal = io::stderr();
    terminal.write_all(question.as_bytes())?;
    terminal.flush()?;
    let line = line(&mut io::stdin().lock());
    drop(quiet);
    terminal.write_all(b"\n")?;
    line
}

/// A line of a terminal that hands over every key.
fn line(input: &mut impl io::Read) -> Result<Secret, Failure> {
    let mut line = Zeroizing::new(Vec::with_capacity(MAX_SECRET + 1));
    let mut key = Zeroizing::new([0]);
    while input.read(&mut *key)? == 1 && line.len() <= MAX_SECRET {
        match key[0] {
            b'\n' | b'\r' | 4 => break,
            3 => return Err(Failure::refused("interrupted")),
            8 | 127 => drop(line.pop()),
            byte => line.push(byte),
        }
    }
    Ok(Secret::new(line.to_vec()))
}

/// A terminal that shows nothing and hands over every key, until this is dropped.
struct Quiet(Termios);

impl Quiet {
    fn new() -> Result<Self, Failure> {
        let before = tcgetattr(io::stdin())?;
        let mut quiet = before.clone();
        // Without signals: an interrupt must not leave the terminal like this.
        quiet.local_modes.remove(LocalModes::ECHO | LocalModes::ICANON | LocalModes::ISIG);
        tcsetattr(io::stdin(), OptionalActions::Flush, &quiet)?;
        Ok(Self(before))
    }
}

impl Drop for Quiet {
    fn drop(&mut self) {
        // There is nobody to tell.
        let _shown = tcsetattr(io::stdin(), OptionalActions::Now, &self.0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(keys: &[u8], expected: Option<&[u8]>) {
        let line = line(&mut &*keys);
        assert_eq!(line.ok().as_ref().map(Secret::expose), expected, "{keys:?}");
    }

    #[test]
    fn keys_make_a_line() {
        check(b"hunter2\nrest", Some(b"hunter2"));
        check(b"hunterr\x7f2\r", Some(b"hunter2"));
        check(b"\x7fa\x04", Some(b"a"));
        check(b"a\x03b\n", None);
        check(b"", Some(b""));
    }
}
