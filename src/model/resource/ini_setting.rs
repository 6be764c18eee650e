//! `ini_setting`: one setting of a file with `[sections]` and `name = value` lines.

use super::{Attr, Deed, Fault, Nature, Need, Presence, Shape, is_false, is_true, yes};
use serde::{Deserialize, Serialize};

/// The attributes of `ini_setting` in a module.
const ATTRS: &[Attr] = &[
    Attr::new("path", Shape::Path, "The file; made where there is none.").required(),
    Attr::new("section", Shape::Text, "The name of the section; empty for what stands before the first one.")
        .default("\"\""),
    Attr::new("setting", Shape::Text, "The name of the setting.").required(),
    Attr::new("value", Shape::Text, "Its value. Needed unless it must be absent."),
    Presence::ATTR,
    Attr::new("section_prefix", Shape::Text, "What stands before the name of a section.").default("\"[\""),
    Attr::new("section_suffix", Shape::Text, "What stands behind it.").default("\"]\""),
    Attr::new("key_val_separator", Shape::Text, "What stands between name and value of a new line.")
        .default("\" = \""),
    Attr::new("indent_char", Shape::OneOf(&[" ", "tab"]), "What a new line is indented with.")
        .default("\" \""),
    Attr::new("indent_width", Shape::Integer(0, 16), "How far; as far as its neighbours unless set."),
    Attr::new("show_diff", Shape::Bool, "Show what changes in logs and reports.").default("true"),
    Attr::new("refreshonly", Shape::Bool, "Change it only on a refresh.").default("false"),
    Attr::new("force_new_section_creation", Shape::Bool, "Make the section where there is none.")
        .default("true"),
];

/// The wanted state of a setting.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct IniSetting {
    /// The file.
    pub path: String,
    /// The name of the section; empty for what stands before the first one.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub section: String,
    /// The name of the setting.
    pub setting: String,
    /// Its value.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub value: String,
    /// Whether it must be there.
    #[serde(default, skip_serializing_if = "Presence::is_present")]
    pub ensure: Presence,
    /// What stands before the name of a section.
    #[serde(default = "open", skip_serializing_if = "is_open")]
    pub section_prefix: String,
    /// What stands behind it.
    #[serde(default = "close", skip_serializing_if = "is_close")]
    pub section_suffix: String,
    /// What stands between name and value of a new line.
    #[serde(default = "equals", skip_serializing_if = "is_equals")]
    pub key_val_separator: String,
    /// ` ` or `tab`.
    #[serde(default = "blank", skip_serializing_if = "is_blank")]
    pub indent_char: String,
    /// How far a new line is indented; as far as its neighbours when `None`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub indent_width: Option<u8>,
    /// Show what changes in logs and reports.
    #[serde(default = "yes", skip_serializing_if = "is_true")]
    pub show_diff: bool,
    /// Change it only on a refresh.
    #[serde(default, skip_serializing_if = "is_false")]
    pub refreshonly: bool,
    /// Make the section where there is none.
    #[serde(default = "yes", skip_serializing_if = "is_true")]
    pub force_new_section_creation: bool,
}

impl Nature for IniSetting {
    const NAME: &'static str = "ini_setting";
    const DOC: &'static str = "one setting of a file with `[sections]`";
    const ATTRS: &'static [Attr] = ATTRS;
    const TITLE: Option<&'static str> = None;
    const EXAMPLE: (&'static str, &'static str) = (
        "journal size",
        "path = '/etc/systemd/journald.conf'\nsection = 'Journal'\nsetting = 'SystemMaxUse'\nvalue = '1G'\n",
    );
    const ANSWERS: bool = true;

    fn thing(&self) -> Option<(&'static str, String)> {
        Some(("setting", format!("{}: {}/{}", self.path, self.section, self.setting)))
    }

    fn names(&self) -> Vec<String> {
        vec![self.path.clone(), self.setting.clone()]
    }

    fn paths(&self) -> Vec<String> {
        vec![self.path.clone()]
    }

    fn needs(&self) -> Vec<Need<'_>> {
        vec![Need::Path(&self.path), Need::Within(&self.path)]
    }

    fn deeds(&self) -> Vec<Deed<'_>> {
        if !self.ensure.is_present() {
            return Vec::new();
        }
        let line = format!("{}{}{}\n", self.setting, self.key_val_separator, self.value);
        let header = match self.section.as_str() {
            "" => String::new(),
            name => format!("{}{name}{}\n", self.section_prefix, self.section_suffix),
        };
        vec![Deed::hold("value", &self.path, header + &line)]
    }

    fn faults(&self) -> Vec<Fault> {
        let mut faults = Vec::new();
        let separator = self.key_val_separator.trim();
        if self.key_val_separator.is_empty() {
            faults.push(Fault::new("key_val_separator", "name and value need something between them", ""));
        }
        if self.setting.trim() != self.setting || self.setting.is_empty() {
            faults.push(Fault::new("setting", "this name is empty or begins or ends with a blank", ""));
        } else if !separator.is_empty() && self.setting.contains(separator) {
            faults.push(Fault::new("setting", format!("this name contains the separator `{separator}`"), ""));
        } else if self.setting.starts_with(['#', ';']) {
            faults.push(Fault::new("setting", "this name would be read as a comment", ""));
        }
        if self.ensure.is_present() && self.value.trim() != self.value {
            faults.push(Fault::new(
                "value",
                "this value begins or ends with a blank, which readers drop",
                "",
            ));
        }
        if self.section_prefix.is_empty() && !self.section.is_empty() {
            faults.push(Fault::new(
                "section_prefix",
                "without a prefix, sections cannot be told from settings",
                "",
            ));
        }
        faults
    }
}

fn open() -> String {
    "[".into()
}

fn is_open(text: &str) -> bool {
    text == "["
}

fn close() -> String {
    "]".into()
}

fn is_close(text: &str) -> bool {
    text == "]"
}

fn equals() -> String {
    " = ".into()
}

fn is_equals(text: &str) -> bool {
    text == " = "
}

fn blank() -> String {
    " ".into()
}

fn is_blank(text: &str) -> bool {
    text == " "
}
