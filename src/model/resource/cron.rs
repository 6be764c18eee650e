//! `cron`: an entry of a user's crontab.

use super::{Attr, Deed, Nature, Need, Shape, is_false};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// The attributes of `cron` in a module.
const ATTRS: &[Attr] = &[
    Attr::new(
        "name",
        Shape::Text,
        "What the entry is called in the crontab's comment; the title by default.",
    ),
    Attr::new("ensure", Shape::OneOf(&["present", "absent"]), "Whether it must be there.")
        .default("\"present\""),
    Attr::new(
        "command",
        Shape::Text,
        "What cron hands to /bin/sh. `%` must be written `\\%`, as in any crontab.",
    ),
    Attr::new("user", Shape::Text, "Whose crontab.").default("\"root\""),
    Attr::new("minute", Shape::CronField, "0 to 59.").default("\"*\""),
    Attr::new("hour", Shape::CronField, "0 to 23.").default("\"*\""),
    Attr::new("monthday", Shape::CronField, "1 to 31.").default("\"*\""),
    Attr::new("month", Shape::CronField, "1 to 12 or a name.").default("\"*\""),
    Attr::new("weekday", Shape::CronField, "0 to 7 (0 and 7 are Sunday) or a name.").default("\"*\""),
    Attr::new(
        "special",
        Shape::OneOf(&["reboot", "yearly", "annually", "monthly", "weekly", "daily", "midnight", "hourly"]),
        "Instead of the five fields.",
    ),
    Attr::new("environment", Shape::Table, "Variables set before the entry."),
];

/// The wanted state of an entry of a crontab.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Cron {
    /// What the entry is called.
    pub name: String,
    /// Whether it must not exist.
    #[serde(default, skip_serializing_if = "is_false")]
    pub absent: bool,
    /// What cron hands to /bin/sh; empty only when `absent`.
    pub command: String,
    /// Whose crontab.
    pub user: String,
    /// The five time fields, minute first, or one `@word`.
    pub schedule: Vec<Field>,
    /// Variables set before the entry.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub environment: BTreeMap<String, String>,
}

impl Nature for Cron {
    const NAME: &'static str = "cron";
    const DOC: &'static str = "an entry of a user's crontab";
    const ATTRS: &'static [Attr] = ATTRS;
    const TITLE: Option<&'static str> = Some("name");
    const EXAMPLE: (&'static str, &'static str) =
        ("backup", "command = '/usr/local/bin/backup'\nhour = 3\nminute = 15\n");

    fn thing(&self) -> Option<(&'static str, String)> {
        Some(("crontab entry", format!("{}: {}", self.user, self.name)))
    }

    fn names(&self) -> Vec<String> {
        vec![self.name.clone(), self.user.clone(), self.command.clone()]
    }

    fn needs(&self) -> Vec<Need<'_>> {
        vec![Need::User(&self.user)]
    }

    fn deeds(&self) -> Vec<Deed<'_>> {
        if self.absent {
            return Vec::new();
        }
        vec![Deed::Cron { command: &self.command, environment: &self.environment }]
    }
}

/// A time field as it stands in the crontab, for example `*/5` or `1,15`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Field(pub String);
