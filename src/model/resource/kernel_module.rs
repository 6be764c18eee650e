//! `kernel_module`: a module of the kernel, loaded now and at boot.

use super::{Attr, Deed, Fault, Nature, Presence, Shape, is_true, yes};
use serde::{Deserialize, Serialize};

/// The attributes of `kernel_module` in a module.
const ATTRS: &[Attr] = &[
    Attr::new("name", Shape::Text, "The name of the module; the title by default."),
    Attr::new("ensure", Shape::OneOf(&["present", "absent"]), "Whether it must be loaded.")
        .default("\"present\""),
    Attr::new("apply", Shape::Bool, "Load or unload it now.").default("true"),
    Attr::new("persist", Shape::Bool, "Load it at boot, by a file in `/etc/modules-load.d`.").default("true"),
];

/// The wanted state of a module of the kernel.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct KernelModule {
    /// The name of the module.
    pub name: String,
    /// Whether it must be loaded.
    #[serde(default, skip_serializing_if = "Presence::is_present")]
    pub ensure: Presence,
    /// Load or unload it now.
    #[serde(default = "yes", skip_serializing_if = "is_true")]
    pub apply: bool,
    /// Load it at boot.
    #[serde(default = "yes", skip_serializing_if = "is_true")]
    pub persist: bool,
}

impl KernelModule {
    /// The file that loads it at boot.
    #[must_use]
    pub fn file(&self) -> String {
        format!("/etc/modules-load.d/countersign-{}.conf", self.name)
    }
}

impl Nature for KernelModule {
    const NAME: &'static str = "kernel_module";
    const DOC: &'static str = "a module of the kernel, loaded now and at boot";
    const ATTRS: &'static [Attr] = ATTRS;
    const TITLE: Option<&'static str> = Some("name");
    const TOLD: &'static [&'static str] = &["ensure"];
    const EXAMPLE: (&'static str, &'static str) = ("br_netfilter", "ensure = 'present'\n");

    fn thing(&self) -> Option<(&'static str, String)> {
        Some(("kernel module", self.name.replace('-', "_")))
    }

    fn names(&self) -> Vec<String> {
        vec![self.name.clone()]
    }

    fn paths(&self) -> Vec<String> {
        if self.persist { vec![self.file()] } else { Vec::new() }
    }

    fn deeds(&self) -> Vec<Deed<'_>> {
        let argv: &[&str] = match self.ensure {
            Presence::Present => &["modprobe", &self.name],
            Presence::Absent => &["modprobe", "-r", &self.name],
        };
        vec![Deed::like("ensure", argv)]
    }

    fn faults(&self) -> Vec<Fault> {
        let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_');
        let good = self.name.starts_with(|c: char| c.is_ascii_alphanumeric()) && self.name.chars().all(plain);
        let fault = || {
            Fault::new("name", format!("`{}` is no name of a kernel module", self.name.escape_default()), "")
        };
        if good { Vec::new() } else { vec![fault()] }
    }
}
