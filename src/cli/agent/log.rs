//! The lines of a run on a terminal or in a journal.

use crate::agent::syslog::severity;
use crate::cli::Ui;
use crate::model::report::LogLine;
use crate::model::resource::LogLevel;

/// Prints a line: warnings and worse on standard error. A closed terminal does not stop a run.
pub(super) fn print(ui: &mut Ui, line: &LogLine) {
    let text = text(line, ui.colour());
    if line.level >= LogLevel::Warning {
        ui.note(text);
    } else {
        drop(ui.line(text));
    }
}

/// As [`print()`]; for systemd's journal each line has its priority in front, and no word for it.
pub(super) fn print_as(ui: &mut Ui, line: &LogLine, journal: bool) {
    if !journal {
        return print(ui, line);
    }
    let source = if line.source.is_empty() { String::new() } else { format!("{}: ", line.source) };
    let priority = severity(line.level);
    for part in printable(&format!("{source}{}", line.message)).lines() {
        drop(ui.line(format!("<{priority}>{part}")));
    }
}

fn text(line: &LogLine, colour: bool) -> String {
    let source = if line.source.is_empty() { String::new() } else { format!("{}: ", line.source) };
    let text = printable(&format!("{}: {source}{}", word(line.level), line.message));
    match (colour, code(line.level)) {
        (true, Some(code)) => format!("\u{1b}[{code}m{text}\u{1b}[0m"),
        _ => text,
    }
}

/// Commands print what they like; none of it may steer a terminal.
fn printable(text: &str) -> String {
    let plain = |c: char| !c.is_control() || matches!(c, '\n' | '\t');
    text.chars().map(|c| if plain(c) { c.to_string() } else { c.escape_default().to_string() }).collect()
}

const fn word(level: LogLevel) -> &'static str {
    match level {
        LogLevel::Debug => "Debug",
        LogLevel::Info => "Info",
        LogLevel::Notice => "Notice",
        LogLevel::Warning => "Warning",
        LogLevel::Err => "Error",
        LogLevel::Crit => "Critical",
        LogLevel::Alert => "Alert",
        LogLevel::Emerg => "Emergency",
    }
}

const fn code(level: LogLevel) -> Option<&'static str> {
    match level {
        LogLevel::Debug | LogLevel::Notice => None,
        LogLevel::Info => Some("32"),
        LogLevel::Warning => Some("33"),
        LogLevel::Err | LogLevel::Crit | LogLevel::Alert | LogLevel::Emerg => Some("31"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_look_as_puppets_do_and_steer_no_terminal() {
        let line = |source: &str, message: &str| LogLine {
            level: LogLevel::Notice,
            source: source.into(),
            message: message.into(),
        };
        assert_eq!(
            text(&line("file[/etc/motd]/mode", "mode changed '0644' to '0600'"), true),
            "Notice: file[/etc/motd]/mode: mode changed '0644' to '0600'"
        );
        assert_eq!(text(&line("", "a\u{1b}[2Jb\nc"), false), "Notice: a\\u{1b}[2Jb\nc");
    }
}
