//! `mount`: a file system in its place, now and at boot.

use super::{Attr, Deed, Fault, Nature, Need, Shape, is_true, yes};
use serde::{Deserialize, Serialize};

const FSTAB: &str = "/etc/fstab";

/// The attributes of `mount` in a module.
const ATTRS: &[Attr] = &[
    Attr::new("name", Shape::Path, "Where it is mounted; the title by default."),
    Attr::new(
        "ensure",
        Shape::OneOf(&["mounted", "present", "unmounted", "absent"]),
        "`mounted`: now and in the file; `present`: in the file; `unmounted`: in the file and not mounted; `absent`: neither.",
    )
    .default("\"mounted\""),
    Attr::new("device", Shape::Text, "What is mounted: a path, `UUID=…`, `host:/export`. Needed unless it must be absent."),
    Attr::new("fstype", Shape::Text, "The type of the file system. Needed unless it must be absent."),
    Attr::new("options", Shape::Text, "Options with commas.").default("\"defaults\""),
    Attr::new("dump", Shape::Integer(0, 1), "Whether dump(8) is to save it.").default("0"),
    Attr::new("pass", Shape::Integer(0, 2), "When fsck(8) checks it at boot; 0 for never.").default("0"),
    Attr::new("remounts", Shape::Bool, "Mount it anew when something about it changes, or on a refresh.").default("true"),
    Attr::new("target", Shape::Path, "The file.").default("\"/etc/fstab\""),
];

/// The wanted state of a mount.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Mount {
    /// Where it is mounted.
    pub name: String,
    /// Whether it is mounted and in the file.
    #[serde(default)]
    pub ensure: MountEnsure,
    /// What is mounted.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub device: String,
    /// The type of the file system.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub fstype: String,
    /// Options with commas.
    #[serde(default = "defaults")]
    pub options: String,
    /// Whether dump(8) is to save it.
    #[serde(default)]
    pub dump: u8,
    /// When fsck(8) checks it at boot.
    #[serde(default)]
    pub pass: u8,
    /// Mount it anew when something about it changes.
    #[serde(default = "yes", skip_serializing_if = "is_true")]
    pub remounts: bool,
    /// The file.
    #[serde(default = "fstab", skip_serializing_if = "is_fstab")]
    pub target: String,
}

/// Whether something is mounted and in `/etc/fstab`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum MountEnsure {
    /// Both.
    #[default]
    Mounted,
    /// In the file; mounted or not.
    Present,
    /// In the file and not mounted.
    Unmounted,
    /// Neither.
    Absent,
}

impl Nature for Mount {
    const NAME: &'static str = "mount";
    const DOC: &'static str = "a file system in its place, now and at boot";
    const ATTRS: &'static [Attr] = ATTRS;
    const TITLE: Option<&'static str> = Some("name");
    const TOLD: &'static [&'static str] = &["ensure", "device", "fstype", "options", "dump", "pass"];
    const EXAMPLE: (&'static str, &'static str) =
        ("/srv/data", "device = 'LABEL=data'\nfstype = 'ext4'\noptions = 'noatime'\npass = 2\n");
    const ANSWERS: bool = true;

    fn thing(&self) -> Option<(&'static str, String)> {
        Some(("mount point", self.name.clone()))
    }

    fn names(&self) -> Vec<String> {
        vec![self.name.clone(), self.device.clone()]
    }

    fn paths(&self) -> Vec<String> {
        vec![self.target.clone()]
    }

    fn needs(&self) -> Vec<Need<'_>> {
        vec![Need::Path(&self.name), Need::Within(&self.name), Need::Path(&self.target)]
    }

    fn provides(&self) -> Option<&str> {
        Some(&self.name)
    }

    fn deeds(&self) -> Vec<Deed<'_>> {
        let hold = || {
            let line = format!(
                "{} {} {} {} {} {}\n",
                self.device, self.name, self.fstype, self.options, self.dump, self.pass
            );
            Deed::hold("device", &self.target, line)
        };
        // What is in the file is mounted at the next boot.
        let mount = || {
            Deed::like(
                "device",
                &["mount", "-t", &self.fstype, "-o", &self.options, &self.device, &self.name],
            )
        };
        let unmount = || Deed::like("ensure", &["umount", &self.name]);
        match self.ensure {
            MountEnsure::Mounted | MountEnsure::Present => vec![mount(), hold()],
            MountEnsure::Unmounted => vec![unmount(), hold()],
            MountEnsure::Absent => vec![unmount()],
        }
    }

    fn faults(&self) -> Vec<Fault> {
        let mut faults = Vec::new();
        let words = [("device", &self.device), ("fstype", &self.fstype), ("options", &self.options)];
        for (attr, word) in words {
            if word.is_empty() && self.ensure != MountEnsure::Absent {
                faults.push(Fault::new(attr, format!("a mount needs `{attr}`"), ""));
            }
            if word.starts_with(['-', '#']) || (attr != "device" && word.contains(char::is_whitespace)) {
                faults.push(Fault::new(
                    attr,
                    format!("`{}` is no `{attr}` of a mount", word.escape_default()),
                    "",
                ));
            }
        }
        faults
    }
}

fn defaults() -> String {
    "defaults".into()
}

fn fstab() -> String {
    FSTAB.into()
}

fn is_fstab(path: &str) -> bool {
    path == FSTAB
}
