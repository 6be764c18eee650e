//! `systemd_unit`: a unit of systemd, or settings added to one that a package brings.

use super::{Attr, Deed, Fault, Nature, Need, Presence, Shape};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// The attributes of `systemd_unit` in a module.
const ATTRS: &[Attr] = &[
    Attr::new("name", Shape::Text, "The unit with its ending: `backup.timer`; the title by default."),
    Presence::ATTR,
    Attr::new(
        "dropin",
        Shape::Text,
        "Write only these settings, into `<unit>.d/<dropin>.conf`. An empty first element of a list forgets what the unit has.",
    ),
    Attr::new("unit", Shape::Settings, "`[Unit]`: each a text, or a list for what is there several times."),
    Attr::new("service", Shape::Settings, "`[Service]`."),
    Attr::new("timer", Shape::Settings, "`[Timer]`."),
    Attr::new("socket", Shape::Settings, "`[Socket]`."),
    Attr::new("mount", Shape::Settings, "`[Mount]`."),
    Attr::new("path", Shape::Settings, "`[Path]`."),
    Attr::new("slice", Shape::Settings, "`[Slice]`."),
    Attr::new("install", Shape::Settings, "`[Install]`."),
];

/// The settings of a section.
type Section = BTreeMap<String, Vec<String>>;

/// The wanted state of a unit.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SystemdUnit {
    /// The unit with its ending.
    pub name: String,
    /// Whether the file must be there.
    #[serde(default, skip_serializing_if = "Presence::is_present")]
    pub ensure: Presence,
    /// The name of the file with only some settings; the whole unit when `None`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dropin: Option<String>,
    /// `[Unit]`.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub unit: Section,
    /// `[Service]`.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub service: Section,
    /// `[Timer]`.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub timer: Section,
    /// `[Socket]`.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub socket: Section,
    /// `[Mount]`.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub mount: Section,
    /// `[Path]`.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub path: Section,
    /// `[Slice]`.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub slice: Section,
    /// `[Install]`.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub install: Section,
}

impl SystemdUnit {
    /// The sections that have something in them, by their attribute and their name.
    fn sections(&self) -> impl Iterator<Item = (&'static str, &'static str, &Section)> {
        [
            ("unit", "Unit", &self.unit),
            ("service", "Service", &self.service),
            ("timer", "Timer", &self.timer),
            ("socket", "Socket", &self.socket),
            ("mount", "Mount", &self.mount),
            ("path", "Path", &self.path),
            ("slice", "Slice", &self.slice),
            ("install", "Install", &self.install),
        ]
        .into_iter()
        .filter(|(_, _, section)| !section.is_empty())
    }

    /// Where it is.
    #[must_use]
    pub fn file(&self) -> String {
        match &self.dropin {
            None => format!("/etc/systemd/system/{}", self.name),
            Some(dropin) => format!("/etc/systemd/system/{}.d/{dropin}.conf", self.name),
        }
    }

    /// What is in it.
    #[must_use]
    pub fn text(&self) -> String {
        let setting = |name: &str, values: &[String]| -> String {
            values.iter().map(|value| format!("{name}={value}\n")).collect()
        };
        let section = |(_, title, section): (&str, &str, &Section)| {
            let settings: String = section.iter().map(|(name, values)| setting(name, values)).collect();
            format!("[{title}]\n{settings}")
        };
        self.sections().map(section).collect::<Vec<_>>().join("\n")
    }
}

/// The endings of units (systemd.unit(5)) that a module may name.
pub const UNIT_ENDINGS: [&str; 8] =
    ["service", "timer", "socket", "mount", "path", "slice", "target", "automount"];

impl Nature for SystemdUnit {
    const NAME: &'static str = "systemd_unit";
    const DOC: &'static str = "a unit of systemd, or settings added to one";
    const ATTRS: &'static [Attr] = ATTRS;
    const TITLE: Option<&'static str> = Some("name");
    const EXAMPLE: (&'static str, &'static str) = (
        "backup.timer",
        "timer = { OnCalendar = 'daily', RandomizedDelaySec = '1h' }\ninstall = { WantedBy = 'timers.target' }\n",
    );

    fn thing(&self) -> Option<(&'static str, String)> {
        Some(("unit file", self.file()))
    }

    fn names(&self) -> Vec<String> {
        vec![self.name.clone(), self.file()]
    }

    fn paths(&self) -> Vec<String> {
        vec![self.file()]
    }

    fn needs(&self) -> Vec<Need<'_>> {
        vec![Need::Path("/etc/systemd/system")]
    }

    fn deeds(&self) -> Vec<Deed<'_>> {
        if !self.ensure.is_present() {
            return Vec::new();
        }
        // The section that makes it what it is.
        let attr = self.sections().find(|(attr, ..)| !matches!(*attr, "unit" | "install"));
        vec![Deed::hold(attr.map_or("name", |(attr, ..)| attr), self.file(), self.text())]
    }

    fn faults(&self) -> Vec<Fault> {
        let mut faults = Vec::new();
        let plain = |text: &str, more: &str| {
            text.starts_with(|c: char| c.is_ascii_alphanumeric())
                && text.chars().all(|c| c.is_ascii_alphanumeric() || "._-".contains(c) || more.contains(c))
        };
        let ending = self.name.rsplit_once('.').is_some_and(|(_, ending)| UNIT_ENDINGS.contains(&ending));
        if !ending || !plain(&self.name, "@:\\") {
            let message = format!("`{}` is no name of a unit", self.name.escape_default());
            faults.push(Fault::new("name", message, "for example `backup.service`"));
        }
        if self.dropin.as_deref().is_some_and(|dropin| !plain(dropin, "")) {
            faults.push(Fault::new(
                "dropin",
                "this is no name of a file",
                "for example `limits`, without an ending",
            ));
        }
        if self.ensure.is_present() && self.sections().next().is_none() {
            faults.push(Fault::new(
                "name",
                "a unit needs at least one section",
                "`unit`, `service`, `timer` …",
            ));
        }
        for (attr, _, section) in self.sections() {
            let texts = section.values().flatten();
            // The next line would belong to it.
            if let Some(text) = texts.into_iter().find(|text| text.ends_with('\\')) {
                faults.push(Fault::new(
                    attr,
                    format!("`{}` ends with a backslash", text.escape_default()),
                    "",
                ));
            }
        }
        faults
    }
}
