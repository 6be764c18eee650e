//! `key_setting`: one value of a TOML, JSON or YAML file, everything else in the file left as it is.

use super::{Attr, Deed, Fault, Nature, Need, Presence, Shape, is_false, is_true, yes};
use serde::{Deserialize, Serialize};

/// The attributes of `key_setting` in a module.
const ATTRS: &[Attr] = &[
    Attr::new("path", Shape::Path, "The file; made where there is none.").required(),
    Attr::new("key", Shape::Texts, "The names that lead to the value, from the outermost table in.")
        .required(),
    Attr::new(
        "value",
        Shape::Text,
        "The value: text, or with `literal` what stands in the file. Needed unless it must be absent.",
    ),
    Attr::new(
        "literal",
        Shape::Bool,
        "`value` is written in the words of the format (of JSON for YAML): `5`, `true`, `[\"a\", \"b\"]`.",
    )
    .default("false"),
    Presence::ATTR,
    Attr::new(
        "format",
        Shape::OneOf(&["toml", "json", "yaml"]),
        "The format; by the ending of the path unless set.",
    ),
    Attr::new("show_diff", Shape::Bool, "Show what changes in logs and reports.").default("true"),
];

/// The wanted state of a value.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct KeySetting {
    /// The file.
    pub path: String,
    /// The names that lead to the value.
    pub key: Vec<String>,
    /// The value.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub value: String,
    /// Whether the value is in the words of the format.
    #[serde(default, skip_serializing_if = "is_false")]
    pub literal: bool,
    /// Whether it must be there.
    #[serde(default, skip_serializing_if = "Presence::is_present")]
    pub ensure: Presence,
    /// The format; by the ending of the path when `None`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub format: Option<Format>,
    /// Show what changes in logs and reports.
    #[serde(default = "yes", skip_serializing_if = "is_true")]
    pub show_diff: bool,
}

/// A format of files with tables in tables.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Format {
    /// TOML.
    Toml,
    /// JSON (RFC 8259), without comments.
    Json,
    /// YAML, as far as it is names and values on lines of their own.
    Yaml,
}

impl KeySetting {
    /// The format, if it is said or known by the path.
    #[must_use]
    pub fn format(&self) -> Option<Format> {
        self.format.or_else(|| match self.path.rsplit_once('.')?.1 {
            "toml" => Some(Format::Toml),
            "json" => Some(Format::Json),
            "yaml" | "yml" => Some(Format::Yaml),
            _ => None,
        })
    }

    /// The key as one text.
    #[must_use]
    pub fn shown_key(&self) -> String {
        self.key.join(".")
    }
}

impl Nature for KeySetting {
    const NAME: &'static str = "key_setting";
    const DOC: &'static str = "one value of a TOML, JSON or YAML file";
    const ATTRS: &'static [Attr] = ATTRS;
    const TITLE: Option<&'static str> = None;
    const EXAMPLE: (&'static str, &'static str) = (
        "container log size",
        "path = '/etc/docker/daemon.json'\nkey = ['log-opts', 'max-size']\nvalue = '10m'\n",
    );

    fn thing(&self) -> Option<(&'static str, String)> {
        Some(("value", format!("{}: {}", self.path, self.shown_key())))
    }

    fn names(&self) -> Vec<String> {
        vec![self.path.clone(), self.shown_key()]
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
        let name = self.key.last().map_or("", String::as_str);
        let value = if self.literal { self.value.clone() } else { serde_json::json!(self.value).to_string() };
        let text = match self.format() {
            Some(Format::Yaml) => format!("{name}: {value}\n"),
            Some(Format::Json) => format!("{}: {value}\n", serde_json::json!(name)),
            Some(Format::Toml) | None => format!("{name} = {value}\n"),
        };
        vec![Deed::hold("value", &self.path, text)]
    }

    fn faults(&self) -> Vec<Fault> {
        let mut faults = Vec::new();
        if self.format().is_none() {
            faults.push(Fault::new(
                "format",
                "the ending of the path tells no format",
                "`toml`, `json` or `yaml`",
            ));
        }
        if self.key.is_empty() || self.key.iter().any(String::is_empty) {
            faults.push(Fault::new("key", "a key is one name or more, none of them empty", ""));
        }
        faults
    }
}
