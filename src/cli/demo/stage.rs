//! What the demo shows: headings, the commands as a user would type them, what they print, and the table at the end.

use crate::cli::counted::counted;
use crate::cli::{Failure, Ui};
use std::process::Output;

/// Where the demo is shown, and what it has shown so far.
#[derive(Debug)]
pub(super) struct Stage<'a> {
    ui: &'a mut Ui,
    rows: Vec<Row>,
}

/// A line of the table at the end.
#[derive(Debug)]
struct Row {
    what: &'static str,
    seen: String,
    good: bool,
}

/// What a command must have done for the demo to go on as told.
#[derive(Debug, Clone, Copy)]
pub(super) enum Expect<'a> {
    /// It succeeded and printed this.
    Success(&'a str),
    /// A run of the agent changed something, failed nowhere, and printed this.
    Changes(&'a str),
    /// It ended with this exit code and printed this.
    Refusal(i32, &'a str),
}

impl<'a> Stage<'a> {
    pub(super) const fn new(ui: &'a mut Ui) -> Self {
        Self { ui, rows: Vec::new() }
    }

    /// A heading.
    pub(super) fn act(&mut self, title: &str) -> Result<(), Failure> {
        let bold = if self.ui.colour() { ("\x1b[1m", "\x1b[0m") } else { ("", "") };
        self.ui.line(format_args!("\n{}== {title}{}", bold.0, bold.1))
    }

    /// A sentence to the audience.
    pub(super) fn say(&mut self, text: &str) -> Result<(), Failure> {
        self.ui.line(format_args!("   {text}"))
    }

    /// A command of which only the name matters.
    pub(super) fn command(&mut self, command: &str) -> Result<(), Failure> {
        self.ui.line(format_args!("   $ {command}"))
    }

    /// A command and what it printed.
    pub(super) fn show(&mut self, command: &str, output: &Output) -> Result<(), Failure> {
        self.show_end(command, output, usize::MAX)
    }

    /// A command and the last lines of what it printed.
    pub(super) fn show_end(&mut self, command: &str, output: &Output, most: usize) -> Result<(), Failure> {
        self.ui.line("")?;
        self.command(command)?;
        let said = said(output);
        let lines: Vec<&str> = said.lines().collect();
        if lines.len() > most {
            self.ui.line(format_args!("   | ({} before)", counted(lines.len() - most, "line")))?;
        }
        for line in &lines[lines.len().saturating_sub(most)..] {
            self.ui.line(format_args!("   | {}", line.trim_end()))?;
        }
        Ok(())
    }

    /// Judges a command that was shown, as a row of the table.
    pub(super) fn judge(&mut self, what: &'static str, output: &Output, expect: Expect<'_>) {
        let text = said(output);
        let (expected, code, needle) = match expect {
            Expect::Success(needle) => ("accepted", 0, needle),
            Expect::Changes(needle) => ("applied", 2, needle),
            Expect::Refusal(code, needle) => ("refused", code, needle),
        };
        let ended = output.status.code();
        let as_told = ended == Some(code) && text.contains(needle);
        let seen = match (as_told, ended) {
            (true, _) => expected.to_owned(),
            (false, Some(code)) => format!("exit code {code}, `{needle}` expected"),
            (false, None) => "ended by a signal".to_owned(),
        };
        self.rows.push(Row { what, seen, good: as_told });
    }

    /// Judges something that is no command, for example a file on a node.
    pub(super) fn judge_that(&mut self, what: &'static str, expected: &'static str, good: bool) {
        let seen = if good { expected.to_owned() } else { format!("not {expected}") };
        self.rows.push(Row { what, seen, good });
    }

    /// Prints the table; whether everything went as it must.
    pub(super) fn table(&mut self) -> Result<bool, Failure> {
        self.act("What happened")?;
        let width = self.rows.iter().map(|row| row.what.len()).max().unwrap_or(0);
        let rows: Vec<String> = self
            .rows
            .iter()
            .map(|row| {
                let mark = if row.good { "ok  " } else { "FAIL" };
                format!("   {mark} {:width$}  {}", row.what, row.seen)
            })
            .collect();
        for row in rows {
            self.ui.line(row)?;
        }
        Ok(self.rows.iter().all(|row| row.good))
    }
}

fn said(output: &Output) -> String {
    String::from_utf8_lossy(&[&output.stdout[..], &output.stderr[..]].concat()).into_owned()
}
