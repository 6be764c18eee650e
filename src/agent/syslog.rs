//! Lines of the agent for the system's log, in the form of RFC 3164 that every local syslog reads.

use crate::model::report::LogLine;
use crate::model::resource::LogLevel;
use std::os::unix::net::UnixDatagram;
use std::path::Path;

/// Where the system listens.
pub const SOCKET: &str = "/dev/log";
/// The facility of daemons.
const DAEMON: u8 = 3 << 3;
/// Bytes of a line, at most: what fits into a datagram everywhere.
const LONGEST: usize = 2000;

/// The priority of a level, as `syslog.h` counts it.
#[must_use]
pub const fn severity(level: LogLevel) -> u8 {
    match level {
        LogLevel::Emerg => 0,
        LogLevel::Alert => 1,
        LogLevel::Crit => 2,
        LogLevel::Err => 3,
        LogLevel::Warning => 4,
        LogLevel::Notice => 5,
        LogLevel::Info => 6,
        LogLevel::Debug => 7,
    }
}

/// Hands a line to the system's log. One that nobody takes is lost: a run does not wait for it.
pub fn send(socket: &Path, line: &LogLine) {
    let Ok(datagram) = UnixDatagram::unbound() else { return };
    if datagram.set_nonblocking(true).is_ok() {
        drop(datagram.send_to(text(line).as_bytes(), socket));
    }
}

fn text(line: &LogLine) -> String {
    let priority = DAEMON | severity(line.level);
    let source = if line.source.is_empty() { String::new() } else { format!("{}: ", line.source) };
    let message = format!("{source}{}", line.message);
    let plain: String = message
        .chars()
        .map(|c| if c.is_control() { c.escape_default().to_string() } else { c.to_string() })
        .collect();
    let end = (0..=LONGEST.min(plain.len())).rev().find(|at| plain.is_char_boundary(*at)).unwrap_or(0);
    format!("<{priority}>countersign-agent[{}]: {}", std::process::id(), &plain[..end])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_has_its_priority_and_cannot_forge_another_one() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("log");
        let listener = UnixDatagram::bind(&path).unwrap();
        let source = "file[/etc/motd]/content".to_owned();
        let message = "changed\n<0>kernel: panic".to_owned();
        send(&path, &LogLine { level: LogLevel::Err, source, message });
        let mut buffer = [0; 4096];
        let count = listener.recv(&mut buffer).unwrap();
        let pid = std::process::id();
        let expected =
            format!("<27>countersign-agent[{pid}]: file[/etc/motd]/content: changed\\n<0>kernel: panic");
        assert_eq!(String::from_utf8_lossy(&buffer[..count]), expected);
        drop(listener);
        let message = "nobody listens".to_owned();
        send(&path, &LogLine { level: LogLevel::Err, source: String::new(), message });
    }
}
