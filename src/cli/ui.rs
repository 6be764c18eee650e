//! What a command says: lines on standard output, notes on standard error, and how it ends.

use std::error::Error;
use std::fmt;
use std::io::{self, IsTerminal, Write};
use std::path::Path;
use std::process::ExitCode;

/// The exit code of a command that ended well, or why it did not.
pub type Outcome = Result<u8, Failure>;

/// Why a command did not do what it was asked.
#[derive(Debug)]
pub struct Failure {
    kind: Kind,
    message: String,
    hint: Option<String>,
}

/// What a failure means to a script.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// The request was understood and refused, or could not be carried out: exit code 1.
    Refused,
    /// The request made no sense: exit code 64, as in sysexits.h.
    Usage,
}

impl Failure {
    /// A refusal. The message has no full stop at its end.
    pub fn refused(message: impl Into<String>) -> Self {
        Self { kind: Kind::Refused, message: message.into(), hint: None }
    }

    /// Wrong usage.
    pub fn usage(message: impl Into<String>) -> Self {
        Self { kind: Kind::Usage, message: message.into(), hint: None }
    }

    /// A refusal out of an error, with the chain of its causes.
    pub fn from_error(error: &dyn Error) -> Self {
        let mut message = error.to_string();
        let mut cause = error.source();
        while let Some(error) = cause {
            message.push_str(": ");
            message.push_str(&error.to_string());
            cause = error.source();
        }
        Self::refused(message)
    }

    /// A refusal because of a file: `what` ("cannot read"), its path, and the cause.
    pub fn io(what: &str, path: &Path, cause: &io::Error) -> Self {
        Self::refused(format!("{what} `{}`: {cause}", path.display()))
    }

    /// What happened, without the word in front and without what comes next.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.message
    }

    /// Adds the command that comes next, or what to do.
    #[must_use]
    pub fn hint(mut self, text: impl Into<String>) -> Self {
        self.hint = Some(text.into());
        self
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "error: {}", self.message)?;
        match &self.hint {
            Some(hint) => write!(f, "\n  next: {hint}"),
            None => Ok(()),
        }
    }
}

impl<E: Error> From<E> for Failure {
    fn from(error: E) -> Self {
        Self::from_error(&error)
    }
}

/// Where a command prints.
pub struct Ui {
    out: Box<dyn Write>,
    err: Box<dyn Write>,
    colour: bool,
}

impl fmt::Debug for Ui {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Ui").field("colour", &self.colour).finish_non_exhaustive()
    }
}

impl Ui {
    /// Standard output and standard error, coloured when both the terminal and `NO_COLOR` allow it.
    #[must_use]
    pub fn standard() -> Self {
        let colour = io::stdout().is_terminal() && std::env::var_os("NO_COLOR").is_none();
        Self { out: Box::new(Heedless(io::stdout())), err: Box::new(io::stderr()), colour }
    }

    /// One that keeps what is printed, for tests.
    #[cfg(test)]
    pub(super) fn captured() -> (Self, Captured) {
        let (out, err) = (Kept::default(), Kept::default());
        let captured = Captured { out: out.clone(), err: err.clone() };
        (Self { out: Box::new(out), err: Box::new(err), colour: false }, captured)
    }

    /// Whether to colour what is printed.
    #[must_use]
    pub const fn colour(&self) -> bool {
        self.colour
    }

    /// Prints one line.
    ///
    /// # Errors
    /// When standard output is closed.
    pub fn line(&mut self, text: impl fmt::Display) -> Result<(), Failure> {
        Ok(writeln!(self.out, "{text}")?)
    }

    /// Prints bytes as they are.
    ///
    /// # Errors
    /// When standard output is closed.
    pub fn raw(&mut self, bytes: &[u8]) -> Outcome {
        self.out.write_all(bytes)?;
        self.out.flush()?;
        Ok(0)
    }

    /// Prints a note for people on standard error; a closed standard error is no failure.
    pub fn note(&mut self, text: impl fmt::Display) {
        drop(writeln!(self.err, "{text}"));
    }

    /// How findings and diffs are drawn here.
    #[must_use]
    pub const fn style(&self) -> crate::policy::report::Style {
        if self.colour { crate::policy::report::Style::Coloured } else { crate::policy::report::Style::Plain }
    }

    /// Sends what was printed so far on its way, before another program prints.
    ///
    /// # Errors
    /// When standard output is closed.
    pub fn flush(&mut self) -> Result<(), Failure> {
        Ok(self.out.flush()?)
    }

    /// Shows a long text: through a pager on a terminal, otherwise as it is. Whatever is hostile in it has
    /// been escaped before.
    ///
    /// # Errors
    /// When standard output is closed.
    pub fn page(&mut self, text: &str) -> Result<(), Failure> {
        self.flush()?;
        if io::stdout().is_terminal() && page_through(text).is_ok() {
            return Ok(());
        }
        self.out.write_all(text.as_bytes())?;
        self.flush()
    }

    /// Asks a question that only `y` or `yes` affirms. Where nobody can answer, the answer is no.
    ///
    /// # Errors
    /// When standard output is closed.
    pub fn confirm(&mut self, question: &str) -> Result<bool, Failure> {
        write!(self.out, "{question} [y/N] ")?;
        self.flush()?;
        let mut answer = String::new();
        drop(io::stdin().read_line(&mut answer));
        Ok(matches!(answer.trim(), "y" | "Y" | "yes"))
    }

    pub(super) fn usage(&mut self, error: &clap::Error) -> ExitCode {
        let wanted = !error.use_stderr();
        drop(error.print());
        if wanted { ExitCode::SUCCESS } else { ExitCode::from(64) }
    }

    pub(super) fn finish(&mut self, outcome: Outcome) -> ExitCode {
        drop(self.out.flush());
        match outcome {
            Ok(code) => ExitCode::from(code),
            Err(failure) => {
                self.note(&failure);
                ExitCode::from(match failure.kind {
                    Kind::Refused => 1,
                    Kind::Usage => 64,
                })
            }
        }
    }
}

/// Hands `text` to `$PAGER` or `less`. Colours pass, other control sequences do not.
fn page_through(text: &str) -> io::Result<()> {
    let pager = std::env::var("PAGER").ok().filter(|pager| !pager.trim().is_empty());
    let pager = pager.unwrap_or_else(|| "less".into());
    let mut words = pager.split_whitespace();
    let mut command = std::process::Command::new(words.next().unwrap_or("less"));
    command.args(words).env("LESS", "-FRX").stdin(std::process::Stdio::piped());
    let mut child = command.spawn()?;
    if let Some(mut pipe) = child.stdin.take() {
        // Whoever leaves the pager early has seen enough.
        drop(pipe.write_all(text.as_bytes()));
    }
    child.wait().map(drop)
}

/// A writer whose reader may leave early: `countersign compile | head` is no failure.
struct Heedless<W>(W);

impl<W: Write> Write for Heedless<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self.0.write(bytes) {
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(bytes.len()),
            other => other,
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match self.0.flush() {
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
            other => other,
        }
    }
}

/// What a command of a test has printed.
#[cfg(test)]
#[derive(Debug)]
pub(super) struct Captured {
    out: Kept,
    err: Kept,
}

#[cfg(test)]
impl Captured {
    /// On standard output.
    pub(super) fn out(&self) -> String {
        self.out.text()
    }

    /// On standard error.
    pub(super) fn err(&self) -> String {
        self.err.text()
    }
}

/// A writer whose bytes can be had while somebody else writes.
#[cfg(test)]
#[derive(Debug, Default, Clone)]
struct Kept(std::rc::Rc<std::cell::RefCell<Vec<u8>>>);

#[cfg(test)]
impl Kept {
    fn text(&self) -> String {
        String::from_utf8_lossy(&self.0.borrow()).into_owned()
    }
}

#[cfg(test)]
impl Write for Kept {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.borrow_mut().write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
