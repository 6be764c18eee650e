//! `sysctl`: a setting of the running kernel, and of the next one.

use super::{Attr, Deed, Fault, Nature, Need, Presence, Shape, is_true, yes};
use serde::{Deserialize, Serialize};

const TARGET: &str = "/etc/sysctl.d/99-countersign.conf";

/// The attributes of `sysctl` in a module.
const ATTRS: &[Attr] = &[
    Attr::new("name", Shape::Text, "The name with dots; the title by default."),
    Presence::ATTR,
    Attr::new("value", Shape::Text, "Its value. Needed unless it must be absent."),
    Attr::new("target", Shape::Path, "The file that is read at boot.")
        .default("\"/etc/sysctl.d/99-countersign.conf\""),
    Attr::new("apply", Shape::Bool, "Set it in the running kernel.").default("true"),
    Attr::new("persist", Shape::Bool, "Write it into the file.").default("true"),
];

/// The wanted state of a setting of the kernel.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Sysctl {
    /// The name with dots, or with slashes where a part has a dot itself.
    pub name: String,
    /// Whether it must be there; an absent one leaves the running kernel alone.
    #[serde(default, skip_serializing_if = "Presence::is_present")]
    pub ensure: Presence,
    /// Its value.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub value: String,
    /// The file that is read at boot.
    #[serde(default = "target", skip_serializing_if = "is_target")]
    pub target: String,
    /// Set it in the running kernel.
    #[serde(default = "yes", skip_serializing_if = "is_true")]
    pub apply: bool,
    /// Write it into the file.
    #[serde(default = "yes", skip_serializing_if = "is_true")]
    pub persist: bool,
}

impl Sysctl {
    /// The path of a setting below `/proc/sys`. Dots part names, unless a slash comes first (sysctl.d(5)).
    #[must_use]
    pub fn relative_path(name: &str) -> String {
        match name.find(['.', '/']) {
            Some(at) if name[at..].starts_with('.') => name
                .chars()
                .map(|c| {
                    if c == '.' {
                        '/'
                    } else if c == '/' {
                        '.'
                    } else {
                        c
                    }
                })
                .collect(),
            _ => name.to_owned(),
        }
    }
}

impl Nature for Sysctl {
    const NAME: &'static str = "sysctl";
    const DOC: &'static str = "a setting of the kernel, now and at the next boot";
    const ATTRS: &'static [Attr] = ATTRS;
    const TITLE: Option<&'static str> = Some("name");
    const TOLD: &'static [&'static str] = &["value"];
    const EXAMPLE: (&'static str, &'static str) = ("net.core.somaxconn", "value = '4096'\n");

    fn thing(&self) -> Option<(&'static str, String)> {
        Some(("kernel setting", Self::relative_path(&self.name)))
    }

    fn names(&self) -> Vec<String> {
        vec![self.name.clone()]
    }

    fn paths(&self) -> Vec<String> {
        if self.persist { vec![self.target.clone()] } else { Vec::new() }
    }

    fn needs(&self) -> Vec<Need<'_>> {
        vec![Need::Path(&self.target), Need::Within(&self.target)]
    }

    fn deeds(&self) -> Vec<Deed<'_>> {
        if !self.ensure.is_present() {
            return Vec::new();
        }
        // One spelling of the name, so that every rule knows it.
        let name = Self::relative_path(&self.name).replace('/', ".");
        let setting = format!("{name}={}", self.value);
        let line = format!("{name} = {}\n", self.value);
        let hold = self.persist.then(|| Deed::hold("value", &self.target, line));
        let set = self.apply.then(|| Deed::like("value", &["sysctl", "-w", &setting]));
        set.or(hold).into_iter().collect()
    }

    fn faults(&self) -> Vec<Fault> {
        let mut faults = Vec::new();
        let path = Self::relative_path(&self.name);
        let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_' | '/' | ':' | '@');
        let parts = path.split('/').all(|part| !matches!(part, "" | "." | ".."));
        if !parts || !path.contains('/') || !path.chars().all(plain) {
            let message = format!("`{}` is no setting of the kernel", self.name.escape_default());
            faults.push(Fault::new("name", message, "for example `net.ipv4.ip_forward`"));
        }
        if self.ensure.is_present() && self.value.trim().is_empty() {
            faults.push(Fault::new("value", "a setting of the kernel needs a `value`", ""));
        }
        if !self.apply && !self.persist {
            faults.push(Fault::new("apply", "with neither `apply` nor `persist` there is nothing to do", ""));
        }
        faults
    }
}

fn target() -> String {
    TARGET.into()
}

fn is_target(path: &str) -> bool {
    path == TARGET
}
