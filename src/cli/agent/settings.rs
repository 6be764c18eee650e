//! The agent's own settings: a small TOML file of the node, under what the command line says. The daemon reads it again on
//! SIGHUP. None of it can widen what a signed release says.

use super::{CourseArgs, DaemonArgs};
use crate::agent::apply::Wishes;
use crate::agent::brake::Brake;
use crate::agent::daemon::Life;
use crate::agent::queue::Mode;
use crate::agent::run::{Fallback, Order, Reach};
use crate::agent::schedule::Splay;
use crate::agent::summary::Outlets;
use crate::cli::{Failure, duration};
use serde::{Deserialize, Deserializer};
use std::path::{Path, PathBuf};
use std::time::Duration;

/// Where the settings are unless `--config` says otherwise; that they are not there is no error.
pub(super) const PATH: &str = "/etc/countersign/agent.toml";
/// Time between runs.
const INTERVAL: Duration = Duration::from_secs(30 * 60);
/// How long fetching may take.
const FETCH: Duration = Duration::from_secs(5 * 60);
/// How long a run may take.
const RUN: Duration = Duration::from_secs(3600);
/// How long the daemon waits for a run that somebody started by hand.
const PATIENCE: Duration = Duration::from_secs(3600);

/// What the file may say. Times are written as on the command line: `30m`.
#[derive(Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Settings {
    /// Time between runs of the daemon.
    #[serde(default, deserialize_with = "time")]
    interval: Option<Duration>,
    /// Whether nodes are spread over the interval.
    splay: Option<bool>,
    /// Whether the daemon only looks.
    noop: Option<bool>,
    /// Whether what the release manages is watched, and put back at once.
    watch: Option<bool>,
    /// How long fetching may take.
    #[serde(default, deserialize_with = "time")]
    fetch_timeout: Option<Duration>,
    /// How long a whole run may take; 0 is without end.
    #[serde(default, deserialize_with = "time")]
    run_timeout: Option<Duration>,
    /// Where else to write the summary of the last run.
    summary: Option<PathBuf>,
    /// Where to write metrics for a collector of text files.
    textfile: Option<PathBuf>,
    /// Whether to hand notices and worse to the system's log, too.
    #[serde(default)]
    pub(super) syslog: bool,
}

fn time<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Duration>, D::Error> {
    let text = String::deserialize(deserializer)?;
    duration::parse(&text).map(Some).map_err(serde::de::Error::custom)
}

impl Settings {
    /// Reads the settings that `--config` names, or those of the usual place.
    pub(super) fn load(course: &CourseArgs) -> Result<Self, Failure> {
        let path = course.config.as_deref().unwrap_or(Path::new(PATH));
        let text = match std::fs::read_to_string(path) {
            Ok(text) => text,
            Err(cause) if cause.kind() == std::io::ErrorKind::NotFound && course.config.is_none() => {
                return Ok(Self::default());
            }
            Err(cause) => return Err(Failure::io("cannot read", path, &cause)),
        };
        toml::from_str(&text).map_err(|error| {
            Failure::refused(format!("`{}`: {}", path.display(), error.to_string().trim_end()))
                .hint("countersign agent daemon --help")
        })
    }

    /// What every run is asked for.
    pub(super) fn order(&self, course: &CourseArgs, mode: Mode) -> Order {
        let time = course.run_timeout.or(self.run_timeout).unwrap_or(RUN);
        Order {
            mode,
            root: course.root.clone(),
            wishes: Wishes::default(),
            reach: Reach::Servers,
            because: Vec::new(),
            fallback: Fallback::Cached,
            trigger: None,
            patience: Duration::ZERO,
            budget: course.fetch_timeout.or(self.fetch_timeout).unwrap_or(FETCH),
            time: Some(time).filter(|time| !time.is_zero()),
            brake: Brake::default(),
            outlets: Outlets { summary: self.summary.clone(), textfile: self.textfile.clone() },
        }
    }

    /// How the daemon lives.
    pub(super) fn life(&self, args: &DaemonArgs) -> Life {
        let noop = args.noop || self.noop == Some(true);
        let splay = !args.no_splay && self.splay != Some(false);
        let mode = if noop { Mode::Noop } else { Mode::Converge };
        Life {
            interval: args.interval.or(self.interval).unwrap_or(INTERVAL),
            watch: args.watch || self.watch == Some(true),
            splay: if splay { Splay::PerNode } else { Splay::Off },
            order: Order { patience: PATIENCE, ..self.order(&args.course, mode) },
        }
    }
}

/// Who gives an order on this machine: whoever stands behind `sudo`, or the user.
pub(super) fn person() -> String {
    let behind = ["SUDO_USER", "USER", "LOGNAME"].iter().find_map(|name| std::env::var(name).ok());
    let named = behind.filter(|name| !name.is_empty() && name.len() <= 64);
    named.unwrap_or_else(|| format!("user {}", rustix::process::getuid().as_raw()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_are_strict_and_in_the_words_of_the_command_line() {
        let read = |text: &str| toml::from_str::<Settings>(text);
        let settings = read("interval = \"1h\"\nrun_timeout = \"0\"\nsplay = false\n").unwrap();
        assert_eq!(settings.interval, Some(Duration::from_secs(3600)));
        assert_eq!((settings.run_timeout, settings.splay), (Some(Duration::ZERO), Some(false)));
        assert_eq!(read("").unwrap(), Settings::default());
        assert!(read("intervall = \"1h\"").is_err());
        assert!(read("interval = \"1 fortnight\"").is_err());
    }
}
